"""The reader on a real PostgreSQL: every stored message gets its ticket, whatever one of them does to the reader."""

import asyncio
import time
from datetime import UTC, datetime
from itertools import count
from typing import Any

import orjson

from services.intake.domain.message import HEAD_BYTES, UNREADABLE, Reading, read
from services.intake.handlers import Desk, open_tickets
from services.intake.store import Received, store_message

AT = datetime(2026, 3, 5, 11, tzinfo=UTC)
_numbers = count(1)


async def store(pool: Any, raw: bytes) -> None:
    """Store one mail as the SMTP server would."""
    await store_message(pool, Received("suporte@desk.example", f"<m{next(_numbers)}@x>", raw, AT, ""))


async def titles(pool: Any) -> list[str]:
    """Return the titles of the tickets that were opened, in order."""
    rows = await pool.fetch("SELECT body FROM outbox ORDER BY id")
    return [orjson.loads(row["body"])["data"]["title"] for row in rows]


async def test_a_mail_that_is_read_too_slowly_is_unreadable_and_stops_nobody(pool: Any) -> None:
    def slow(head: bytes) -> Reading:
        if b"slow" in head:
            time.sleep(0.5)
        return read(head)

    for raw in (b"Subject: slow\r\n\r\n", b"Subject: b\r\n\r\n"):
        await store(pool, raw)
    turn = asyncio.create_task(open_tickets(Desk(pool, "tickets.v1", "triage", slow, read_seconds=0.1)))
    ticks = 0
    while not turn.done():
        await asyncio.sleep(0.01)
        ticks += 1
    await turn
    assert await titles(pool) == [UNREADABLE, "b"]
    assert ticks > 5


async def test_of_a_large_mail_only_its_head_is_read(pool: Any) -> None:
    seen: list[int] = []

    def measured(head: bytes) -> Reading:
        seen.append(len(head))
        return read(head)

    await store(pool, b"Subject: a\r\n\r\n" + b"x" * 1_000_000)
    await open_tickets(Desk(pool, "tickets.v1", "triage", measured))
    assert (seen, await titles(pool)) == ([HEAD_BYTES], ["a"])
