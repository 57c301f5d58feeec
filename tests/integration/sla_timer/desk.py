"""A desk with a database for the tests of commands: tickets go in as they do in the service, commands run as typed."""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from services.sla_timer.commands import command
from services.sla_timer.handlers import Timer, fire_due, ingest, reassess
from services.sla_timer.versions import Versions
from shared import clock
from shared.catalog import load_directory
from shared.kafka import Record
from tests.integration.sla_timer.test_crash_points import LONG_AGO, OPENED, open_hold
from tests.unit.sla_timer.desk import catalog

SHORT: dict[str, Any] = {
    "services__triage__targets__medium": {"response": "1m", "action": "2h"},
    "defaults__calendar": "always",
}


@dataclass
class Desk:
    """What a command sees: a database and a folder of configuration."""

    pool: Any
    folder: Path
    timer: Timer
    capsys: pytest.CaptureFixture[str]

    async def say(self, ticket: str, *said: tuple[str, float, dict[str, Any]]) -> None:
        """Ingest events (type, seconds ago, data) of a ticket, each received when it happened."""
        assert list(await ingest(self.timer, [_record(ticket, *one) for one in said])) == []

    async def open(self, ticket: str, ago: float, *said: tuple[str, float, dict[str, Any]]) -> None:
        """Open a ticket some seconds ago, and let more happen to it."""
        await self.say(ticket, ("opened", ago, OPENED), *said)

    async def fire(self) -> int:
        """Let time speak; return how many clocks it spoke of."""
        return await fire_due(self.timer, open_hold(), LONG_AGO)

    async def judge_anew(self) -> None:
        """Judge anew until nothing is left to."""
        while await reassess(self.timer):
            pass

    async def run(self, *arguments: str) -> tuple[int, str, str]:
        """Return exit code, what was printed, and what was said on stderr by a command."""
        self.capsys.readouterr()
        code = await asyncio.to_thread(command, list(arguments))
        printed = self.capsys.readouterr()
        return code, printed.out, printed.err

    async def json(self, *arguments: str) -> tuple[int, list[Any]]:
        """Return exit code and the JSON lines of a command."""
        code, out, _ = await self.run(*arguments, "--json")
        return code, [orjson.loads(line) for line in out.splitlines()]


def write_catalog(folder: Path, **changes: Any) -> Path:
    """Write the desk's catalog where the service looks for it."""
    made = catalog(folder, **(SHORT | changes))
    (folder / "catalog").mkdir(exist_ok=True)
    return made.rename(folder / "catalog" / "t1.yaml")


async def timer_of(pool: Any, folder: Path) -> Timer:
    """Return a registered timer with the catalog of a folder."""
    versions = Versions(load_directory(folder / "catalog"))
    await versions.register(pool, clock.now())
    return Timer(pool, versions, "sla.v1", frozenset({"s"}))


def _record(ticket: str, type_: str, ago: float, data: dict[str, Any]) -> Record:
    at = clock.now() - timedelta(seconds=ago)
    body: dict[str, Any] = {"specversion": "1.0", "id": uuid.uuid4().hex, "source": "s", "type": f"ticket.{type_}"}
    body |= {"subject": ticket, "time": at.isoformat(), "data": {"ticket_id": ticket, **data}}
    return Record("tickets.v1", 0, 0, at, ticket.encode(), orjson.dumps(body), ())


async def contents(pool: Any) -> Sequence[Any]:
    """Return a digest of every row of every table that a command must leave alone, and the names of all relations."""
    tables = ("journal", "ticket", "clock", "milestone", "outbox", "judgement", "catalog_version")
    found = [await pool.fetchval(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {t} t") for t in tables]
    return [*found, await pool.fetchval("SELECT count(*) FROM pg_class WHERE relname NOT LIKE 'pg_%'")]
