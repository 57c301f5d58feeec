"""Every configuration file that we ship can be read, and words stay words."""

from pathlib import Path

import pytest
from pydantic import BaseModel

from services.intake.domain.tokens import TokenFile
from services.notifier.domain.oncall import OnCall
from shared.catalog import load
from shared.clients import Clients
from shared.config import Misconfigured, parse_yaml, read_config

FILES = [("oncall.yaml", OnCall), ("clients.yaml", Clients), ("tokens.yaml", TokenFile)]


@pytest.mark.parametrize(("name", "model"), FILES)
def test_the_shipped_examples_are_valid(name: str, model: type[BaseModel]) -> None:
    assert read_config(Path("deploy/config") / name, model)


@pytest.mark.parametrize(("name", "model"), FILES[:2])
def test_the_demos_files_are_valid(name: str, model: type[BaseModel], tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text((Path("deploy/local/demo") / name).read_text(encoding="utf-8").replace("@VAR@", "/x"))
    assert read_config(path, model)
    assert load(Path("deploy/local/demo/catalog/demo.yaml")).version == "demo-1"


def test_on_no_and_yes_are_words_and_true_is_not() -> None:
    assert parse_yaml("{on: no, off: yes, a: true}") == {"on": "no", "off": "yes", "a": True}


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"nowhere\.yaml"):
        read_config(tmp_path / "nowhere.yaml", Clients)
