"""``oncall.yaml`` is read again on SIGHUP: a valid one counts, of a wrong one every error is said and the old one stays."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from services.notifier.configuration import read_oncall
from services.notifier.handlers.duty import Duty
from services.notifier.reloading import Configured
from services.notifier.settings import Settings
from shared import clock
from tests.notifier_line import ONCALL


def write(folder: Path, oncall: dict[str, Any]) -> None:
    """Write the file."""
    (folder / "oncall.yaml").write_text(yaml.safe_dump(oncall), encoding="utf-8")


@pytest.mark.parametrize(
    ("changed", "members"),
    [
        ({"teams": {"primary": ["bob"], "secondary": ["bob"]}}, ("bob",)),
        ({"teams": {"primary": ["nobody"], "secondary": ["bob"]}}, ("ana",)),
        ({"teams": {"primary": ["bob"], "secondary": ["bob"]}, "channels": {"mail": {"kind": "email"}}}, ("ana",)),
    ],
    ids=["valid", "wrong", "channels"],
)
async def test_a_valid_file_counts_and_no_other(
    tmp_path: Path, changed: dict[str, Any], members: tuple[str, ...]
) -> None:
    write(tmp_path, ONCALL)
    duty: Any = Duty(None, read_oncall(tmp_path, clock.now()), "notices.v1")  # type: ignore[arg-type]  # no database here
    configured = Configured(Settings(database_url="postgresql://x@127.0.0.1:1/x", config_dir=tmp_path), duty)
    write(tmp_path, {**ONCALL, **changed})
    configured.reload()
    assert duty.oncall.teams["primary"] == members


async def test_a_file_that_is_gone_leaves_the_old_one(tmp_path: Path) -> None:
    write(tmp_path, ONCALL)
    duty: Any = Duty(None, read_oncall(tmp_path, clock.now()), "notices.v1")  # type: ignore[arg-type]  # no database here
    (tmp_path / "oncall.yaml").unlink()
    Configured(Settings(database_url="postgresql://x@127.0.0.1:1/x", config_dir=tmp_path), duty).reload()
    assert duty.oncall.teams["primary"] == ("ana",)
