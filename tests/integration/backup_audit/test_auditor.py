"""The auditor on a real PostgreSQL and real directories: overdue → ticket → recovered, once, whatever is restarted."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from services.backup_audit.domain.verdict import Listing
from services.backup_audit.handlers import Auditor
from services.backup_audit.probes.listing import look
from services.backup_audit.probes.mounted import Mounted
from services.backup_audit.store import save_configuration
from shared import clock
from shared.clients import Clients
from shared.postgres import create_pool
from tests.conftest import dsn_for


def auditor(pool: Any, directory: Path, duration: str = "1s") -> Auditor:
    """Return an auditor of one routine with a slot every day, twelve hours ago, and a grace of a second."""
    cron = f"0 {(clock.now().hour + 12) % 24} * * *"  # far from the next slot's early window at any time of day
    routine = {"id": "n", "directory": str(directory), "pattern": "*.dump", "cron": cron, "zone": "UTC"}
    routine |= {"duration": duration, "grace": "1s", "early": "1h"}
    client = {"id": "acme", "name": "Acme", "modality": "in_house", "database": "postgresql", "routines": [routine]}
    clients = Clients.model_validate({"clients": [client]})
    return Auditor(pool, clients, timedelta(0), 10, "backups.v1", "tickets.v1")


@pytest.fixture
async def pool(postgres: str, database: str) -> AsyncIterator[Any]:
    made = create_pool(dsn_for(postgres, "backup_app", database), "backup")
    await made
    yield made
    await made.close()


async def published(pool: Any) -> list[str]:
    """Return the types recorded so far, in order."""
    rows = await pool.fetch("SELECT topic, body FROM outbox ORDER BY id")
    return [orjson.loads(row["body"])["type"] for row in rows]


async def configured(pool: Any, directory: Path, duration: str = "1s") -> Auditor:
    """Return an auditor whose configuration is saved."""
    made = auditor(pool, directory, duration)
    await save_configuration(pool, made.clients)
    return made


async def test_a_failing_routine_opens_a_ticket_once_and_a_backup_resolves_it(pool: Any, tmp_path: Path) -> None:
    (tmp_path / "receipt.json").write_text(json.dumps({"exit_codes": {"pg_dump": 1}}))
    first = await configured(pool, tmp_path)
    for _ in range(3):
        await first.turn()
    again = await configured(pool, tmp_path)
    await asyncio.gather(again.turn(), first.turn(), again.turn())
    assert await published(pool) == ["backup.overdue", "ticket.opened"]
    body = orjson.loads(await pool.fetchval("SELECT body FROM outbox ORDER BY id LIMIT 1"))
    assert (body["data"]["responsible"], body["data"]["reason"]) == ("vendor", "routine_failed")
    (tmp_path / "acme.dump").write_bytes(b"PGDMP")
    await first.turn()
    assert (await published(pool))[2:] == ["backup.verified", "backup.recovered", "ticket.resolved"]
    tickets = await pool.fetch("SELECT DISTINCT convert_from(key, 'UTF8') AS id FROM outbox WHERE topic = 'tickets.v1'")
    assert [row["id"][:4] for row in tickets] == ["bkp-"]


async def test_a_routine_that_fails_after_its_file_was_verified_is_seen_when_the_backup_is_expected(
    pool: Any, tmp_path: Path
) -> None:
    (tmp_path / "acme.dump").write_bytes(b"PGDMP")
    await (await configured(pool, tmp_path, "20h")).turn()
    waits = await pool.fetchval("SELECT next_check_at - slot FROM routine")
    assert (await published(pool), waits) == (["backup.verified"], timedelta(hours=20, seconds=1))
    (tmp_path / "receipt.json").write_text(json.dumps({"exit_codes": {"pg_dump": 1}}))
    await pool.execute("UPDATE routine SET next_check_at = '-infinity'")
    await (await configured(pool, tmp_path)).turn()
    assert await published(pool) == ["backup.verified", "backup.incomplete"]
    body = orjson.loads(await pool.fetchval("SELECT body FROM outbox ORDER BY id DESC LIMIT 1"))
    assert (body["data"]["responsible"], body["data"]["reason"]) == ("vendor", "routine_failed")


async def test_what_is_said_again_in_one_slot_is_another_event(pool: Any, tmp_path: Path) -> None:
    there, away = tmp_path / "there", tmp_path / "away"
    there.mkdir()
    made = await configured(pool, there)
    for old, new in ((there, away), (away, there), (there, there)):
        await made.turn()
        old.rename(new)
    await made.turn()
    rows = [orjson.loads(row["body"]) for row in await pool.fetch("SELECT body FROM outbox ORDER BY id")]
    said = [(row["type"], row["id"]) for row in rows if row["type"].startswith("backup.")]
    assert [kind for kind, _ in said] == ["backup.overdue", "backup.directory_unreachable", "backup.overdue"]
    assert len({id_ for _, id_ in said}) == 3


async def test_a_missing_directory_is_the_clients_and_pauses_its_ticket(pool: Any, tmp_path: Path) -> None:
    made = await configured(pool, tmp_path / "gone")
    await made.turn()
    await asyncio.sleep(1.1)
    await made.turn()
    assert await published(pool) == ["backup.directory_unreachable", "ticket.opened", "ticket.paused"]


async def test_every_client_stands_on_the_board(pool: Any, tmp_path: Path) -> None:
    clients = [{"id": "s", "name": "S", "modality": "saas", "database": "postgresql"}]
    clients.append({"id": "o", "name": "O", "modality": "in_house", "database": "oracle"})
    await save_configuration(pool, Clients.model_validate({"clients": clients}))
    rows = await pool.fetch("SELECT client_id, responsibility FROM report_routines ORDER BY client_id")
    assert [tuple(row) for row in rows] == [("o", "client_responsibility"), ("s", "vendor_managed")]


def test_the_probe_follows_no_link_and_opens_no_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "receipt.json")
    (tmp_path / "secret").write_text("x")
    (tmp_path / "link.dump").symlink_to(tmp_path / "secret")
    (tmp_path / "real.dump").write_text("x")
    seen = look(str(tmp_path), "*")
    assert (sorted(f[0] for f in seen["files"]), seen["receipt"]) == (["real.dump", "secret"], None)
    assert look(str(tmp_path / "secret"), "*") == {"unreachable": "not_a_directory"}


def test_the_newest_backup_of_a_big_directory_is_seen_whatever_else_is_there(tmp_path: Path) -> None:
    for day in range(8):
        for name in (f"other-{day}.log", f"acme-{day}.dump"):
            (tmp_path / name).write_text("x")
            os.utime(tmp_path / name, (day, day))
    (tmp_path / "acme-9.dump.partial").write_text("x")
    seen = look(str(tmp_path), "acme-*.dump", most=3)
    assert [name for name, _, _ in seen["files"]] == ["acme-9.dump.partial", "acme-7.dump", "acme-6.dump"]


async def test_the_child_is_told_the_pattern(tmp_path: Path) -> None:
    for name in ("acme.dump", "other.log", "-x.dump"):
        (tmp_path / name).write_text("x")
    seen = await Mounted().observe(str(tmp_path), "*.dump", 10)
    assert isinstance(seen, Listing)
    assert sorted(file.name for file in seen.files) == ["-x.dump", "acme.dump"]
