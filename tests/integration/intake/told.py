"""intake's command line on a test's database."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from services.intake.commands import command
from tests.conftest import dsn_for

Tell = Callable[..., Coroutine[Any, Any, tuple[int, str, str]]]
CLIENTS = [
    {"id": name, "name": name, "modality": "saas", "database": "postgresql", "domains": [f"{name}.example"]}
    for name in ("acme", "nuvem")
]


@pytest.fixture
async def tell(
    pool: Any,
    postgres: str,
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Tell:
    """Return what runs a command: exit code, standard output, standard error."""
    (tmp_path / "clients.yaml").write_text(yaml.safe_dump({"clients": CLIENTS}), encoding="utf-8")
    agents = {"agents": {"ana": {"name": "Ana", "addresses": ["ana@desk.example"]}}}
    (tmp_path / "agents.yaml").write_text(yaml.safe_dump(agents), encoding="utf-8")
    (tmp_path / "phone.yaml").write_text("ddd: '62'\n", encoding="utf-8")
    monkeypatch.setenv("PRAZO_DATABASE_URL", dsn_for(postgres, "intake_app", database))
    monkeypatch.setenv("PRAZO_CONFIG_DIR", str(tmp_path))

    async def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = await asyncio.to_thread(command, arguments)
        out, err = capsys.readouterr()
        return code, out, err

    return run


async def answer(tell: Tell, *arguments: str) -> tuple[int, Any]:
    """Run a command with ``--json``; return exit code and answer."""
    code, out, _ = await tell(*arguments, "--json")
    return code, orjson.loads(out) if out else None
