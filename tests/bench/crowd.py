"""Many open clocks, written by COPY: the crowd that is due in years, and those that come due in the run."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from typing import Any

import orjson

from shared import clock
from shared.catalog import Catalog
from shared.events import TicketSummary

_TARGET_US = 7_200_000_000
_LINES_AT_ONCE = 5_000
_TICKET = ["ticket_id", "sequence", "service", "title", "priority", "summary", "catalog"]
_CLOCK = ["ticket_id", "metric", "cycle", "version", "state", "verdict", "due_at", "fire_at", "basis", "judged_by"]
_INDEXES = ("clock_ahead",)


async def seed_crowd(pool: Any, catalog: Catalog, judged_by: int, count: int, prefix: str = "C") -> None:
    """Write ``count`` open clocks that come due one a second, ten years from now; indexes are built at the end."""
    if count:
        begin = clock.now() + timedelta(days=3650)
        instants = (begin + timedelta(seconds=n) for n in range(count))
        definitions = [await pool.fetchval("SELECT pg_get_indexdef($1::regclass)", name) for name in _INDEXES]
        owner_only = await _may_index(pool)
        if owner_only:
            for name in _INDEXES:
                await pool.execute(f"DROP INDEX {name}")
        await _copy(pool, catalog, judged_by, prefix, instants)
        if owner_only:
            for definition in definitions:
                await pool.execute(definition, timeout=900)
    await pool.execute("VACUUM (ANALYZE) ticket, clock", timeout=900)


async def _may_index(pool: Any) -> bool:
    return bool(await pool.fetchval("SELECT pg_has_role(current_user, 'sla_owner', 'member')"))


async def seed_due(pool: Any, catalog: Catalog, judged_by: int, prefix: str, instants: Iterator[datetime]) -> None:
    """Write clocks that come due at ``instants``; each breaches."""
    await _copy(pool, catalog, judged_by, prefix, instants)


async def _copy(pool: Any, catalog: Catalog, judged_by: int, prefix: str, instants: Iterator[datetime]) -> None:
    due = list(instants)
    tickets, clocks = _tickets(catalog, prefix, len(due)), _clocks(catalog, judged_by, prefix, due)
    async with pool.acquire() as connection:
        await connection.execute("SET statement_timeout = 0")
        for table, columns, lines in (("ticket", _TICKET, tickets), ("clock", _CLOCK, clocks)):
            await connection.copy_to_table(table, columns=columns, source=_chunks(lines), timeout=1800)


async def _chunks(lines: Iterator[str]) -> AsyncIterator[bytes]:
    chunk: list[str] = []
    for line in lines:
        chunk.append(line)
        if len(chunk) == _LINES_AT_ONCE:
            yield "".join(chunk).encode()
            chunk.clear()
    yield "".join(chunk).encode()


def _tickets(catalog: Catalog, prefix: str, count: int) -> Iterator[str]:
    summary = TicketSummary(
        title="NF-e rejeitada",
        service="triage",
        priority="medium",
        emergency=False,
        channel="email",
        assignee=None,
        coverage="covered",
        chargeable="no",
        opened_at=clock.now(),
    )
    rest = f"1\ttriage\tNF-e rejeitada\tmedium\t\\\\x{summary.model_dump_json().encode().hex()}\t{catalog.version}\n"
    return (f"{prefix}{n}\t{rest}" for n in range(count))


def _clocks(catalog: Catalog, judged_by: int, prefix: str, due: list[datetime]) -> Iterator[str]:
    for n, at in enumerate(due):
        text = at.isoformat()
        basis = _basis(catalog, clock.to_us(at)).hex()
        yield f"{prefix}{n}\tresponse\t1\t1\trunning\topen\t{text}\t{text}\t\\\\x{basis}\t{judged_by}\n"


def _basis(catalog: Catalog, due_us: int) -> bytes:
    begin_us = due_us - _TARGET_US
    basis = {"catalog": catalog.version, "calendar": "always", "us": _TARGET_US, "start": begin_us, "from": begin_us}
    basis |= {"pending": False, "service": "triage", "priority": "medium", "pauses": [], "due": due_us}
    return orjson.dumps({**basis, "ahead": [["breached", 1, due_us, ""]]})
