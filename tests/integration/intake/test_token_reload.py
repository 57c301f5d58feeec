"""tokens.yaml and SIGHUP, on the process that operations run."""

import asyncio
import json
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.process import Child, Command, free_port
from services.intake.commands import command
from services.intake.sources.openapi_examples import example
from tests.conftest import dsn_for


def new_token(capsys: pytest.CaptureFixture[str]) -> tuple[str, dict[str, Any]]:
    """Return a token and its entry, as the command makes them."""
    assert command(["token", "crm", "--source", "crm/", "--type", "ticket.opened", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    return made["token"], made["entry"]


async def status(url: str, token: str) -> int:
    """Post an event with a token, once the server listens; return the answer's status."""
    event = example("ticket.opened")
    headers = {"authorization": f"Bearer {token}", "content-type": "application/cloudevents+json"}
    async with httpx.AsyncClient() as client:
        for _ in range(300):
            try:
                return (await client.post(f"{url}/v1/events", json=event, headers=headers)).status_code
            except httpx.TransportError:
                await asyncio.sleep(0.1)
    raise AssertionError("the service never listened")


async def becomes(url: str, token: str, wanted: int) -> bool:
    """Tell whether a token is answered with a status within 10 seconds."""
    for _ in range(100):
        if await status(url, token) == wanted:
            return True
        await asyncio.sleep(0.1)
    return False


async def test_sighup_takes_new_tokens_in_drops_old_ones_and_keeps_them_when_the_file_is_wrong(
    postgres: str, database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, port = tmp_path / "config", free_port()
    shutil.copytree("deploy/config", config)
    (old, old_entry), (new, new_entry) = new_token(capsys), new_token(capsys)
    tokens = config / "tokens.yaml"
    tokens.write_text(json.dumps({"tokens": [old_entry]}), encoding="utf-8")
    environment = {
        "PRAZO_KAFKA": "127.0.0.1:1",
        "PRAZO_DATABASE_URL": dsn_for(postgres, "intake_app", database),
        "PRAZO_HTTP_PORT": str(port),
        "PRAZO_SMTP_PORT": str(free_port()),
        "PRAZO_CONFIG_DIR": str(config),
        "PRAZO_SECRETS_DIR": str(tmp_path),
    }
    child = await Child.start(Command([sys.executable, "-m", "services.intake"], tmp_path / "log", environment))
    try:
        url = f"http://127.0.0.1:{port}"
        assert [await status(url, one) for one in (old, new)] == [202, 401]
        tokens.write_text("tokens: nonsense", encoding="utf-8")
        child.send(signal.SIGHUP)
        while "tokens_refused" not in (tmp_path / "log").read_text(encoding="utf-8"):
            await asyncio.sleep(0.05)
        assert [await status(url, one) for one in (old, new)] == [202, 401]
        tokens.write_text(json.dumps({"tokens": [new_entry]}), encoding="utf-8")
        child.send(signal.SIGHUP)
        assert await becomes(url, new, 202)
        assert await status(url, old) == 401
    finally:
        await child.stop()
    said = (tmp_path / "log").read_text(encoding="utf-8")
    assert "tokens_loaded" in said
    assert [word for word in (old, new, example("ticket.opened")["data"]["title"]) if word in said] == []
