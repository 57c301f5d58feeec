"""intake's configuration on SIGHUP: all files are valid and count from now on, or none does; nothing ends the service."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from structlog.testing import capture_logs

from services.intake import metrics
from services.intake.app import build
from services.intake.reloading import Configured
from services.intake.settings import Settings
from shared.catalog import load_directory
from tests.builders import catalog_file
from tests.wiring.test_apps import kit

CLIENT = {"id": "acme", "name": "Acme", "modality": "saas", "database": "postgresql", "phones": ["6230865750"]}
TOKEN = {"name": "crm", "sha256": "ab" * 32, "source_prefix": "crm/", "types": ["ticket.opened"]}
FILES: dict[str, Any] = {
    "clients.yaml": {"clients": [CLIENT]},
    "agents.yaml": {"agents": {"ana": {"name": "Ana"}}},
    "desk.yaml": {"auto_reply": {"sender": "suporte@desk.example"}, "thread_open_for": "10d"},
    "phone.yaml": {"ddd": "62", "exchanges": [{"name": "pbx", "key_file": "key"}]},
    "routing.yaml": {"rules": [{"name": "one", "when": {"text": ["x"]}, "service": "x"}]},
    "tokens.yaml": {"tokens": [TOKEN]},
}


def write(folder: Path, **files: Any) -> None:
    """Write configuration files."""
    for name, content in files.items():
        (folder / name.replace("_yaml", ".yaml")).write_text(yaml.safe_dump(content), encoding="utf-8")


@pytest.fixture
async def running(tmp_path: Path) -> Configured:
    """Return what a service without any file of its own is configured by."""
    (tmp_path / "catalog").mkdir()
    catalog_file(tmp_path / "catalog")
    assert load_directory(tmp_path / "catalog").versions
    (tmp_path / "key").write_text("k" * 32)
    made = Settings(
        database_url="postgresql://x@127.0.0.1:1/x", topic_prefix="p.", config_dir=tmp_path, secrets_dir=tmp_path
    )
    app = build(made, await kit("intake", made))
    configured = getattr(app.reload, "__self__", None)
    assert isinstance(configured, Configured)
    return configured


def outcomes() -> list[float]:
    """Return how many reloads were taken and refused so far."""
    return [metrics.reloads.labels(one)._value.get() for one in ("loaded", "refused")]


def state(c: Configured) -> list[Any]:
    """Return what counts now, wherever it is looked at."""
    known = c.calls.desk.known
    return [
        [client.id for client in known.clients.clients],
        [sorted(agents.agents) for agents in (known.agents, c.gate.agents, c.calls.agents)],
        c.sender.settings.sender,
        c.calls.phone.ddd,
        c.calls.suggested.client("+556230865750"),
        [rule.name for rule in known.routing.rules],
        [token.name for token in c.publishers.tokens],
        sorted(c.posted.keys),
        c.reader.known is known,
    ]


NOTHING: list[Any] = [[], [[], [], []], None, None, None, [], [], [], True]
EVERYTHING: list[Any] = [
    *(["acme"], [["ana"]] * 3, "suporte@desk.example", "62", "acme", ["one"], ["crm"], ["pbx"], True),
]


async def test_every_file_counts_from_the_reload_on_and_none_may_go_missing(
    running: Configured, tmp_path: Path
) -> None:
    before = outcomes()
    assert state(running) == NOTHING
    write(tmp_path, **FILES)
    assert state(running) == NOTHING
    running.reload()
    assert state(running) == EVERYTHING
    for name in FILES:
        (tmp_path / name).unlink()
        running.reload()
        assert state(running) == EVERYTHING
        write(tmp_path, **{name: FILES[name]})
    assert outcomes() == [before[0] + 2, before[1] + len(FILES) - 1]  # tokens.yaml counts by itself


BROKEN = [
    ("agents.yaml", "agents: {zelda@canario.example: [}"),
    ("agents.yaml", "agents: {a: {name: A, addresses: [zelda@canario.example, zelda@canario.example]}}"),
    ("phone.yaml", "exchanges: [{name: pbx, key_file: missing}]"),
    ("mailboxes.yaml", "mailboxes: {a: {address: zelda@canario.example}}"),
    ("desk.yaml", b"\xff\xfe\x00"),
    ("routing.yaml", "rules: 5"),
]


@pytest.mark.parametrize(("name", "content"), BROKEN)
async def test_of_a_broken_file_nothing_is_taken_not_even_from_the_others(
    name: str, content: str | bytes, running: Configured, tmp_path: Path
) -> None:
    write(tmp_path, **FILES)
    running.reload()
    before = outcomes()
    write(tmp_path, **{"clients.yaml": {"clients": []}})
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with capture_logs() as logs:
        running.reload()
    assert state(running) == EVERYTHING
    assert outcomes() == [before[0], before[1] + 1]
    [said] = [entry for entry in logs if entry["event"] == "configuration_refused"]
    assert "zelda" not in str(said)
    assert name.partition(".")[0] in str(said) or "missing" in str(said)


async def test_what_needs_a_restart_is_said_each_time(running: Configured, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    mailbox = {"address": "a@x.example", "host": "127.0.0.1", "user": "a", "password_file": "secret"}
    write(tmp_path, **{"mailboxes.yaml": {"mailboxes": {"a": mailbox}}})
    for _ in range(2):
        with capture_logs() as logs:
            running.reload()
        assert logs[-1]["needs_restart"] == ["mailboxes.yaml"]
