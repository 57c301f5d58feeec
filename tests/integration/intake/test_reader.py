"""The reader on a real PostgreSQL: every stored message gets its ticket, whatever one of them does to the reader."""

import asyncio
import hashlib
import time
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from typing import Any

import orjson
import pytest

from services.intake.domain.message import HEAD_BYTES, UNREADABLE, Reading, read
from services.intake.handlers import Desk, open_tickets
from services.intake.store import Received, store_message

AT = datetime(2026, 3, 5, 11, tzinfo=UTC)
_numbers = count(1)


async def store(pool: Any, raw: bytes) -> None:
    """Store one mail as the SMTP server would."""
    sha256 = hashlib.sha256(raw).digest()
    await store_message(pool, Received("suporte@desk.example", f"<m{next(_numbers)}@x>", raw, sha256, AT, ""))


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


def poisoned(head: bytes) -> Reading:
    """Read like the real reader, but never get over one mail."""
    if b"poison" in head:
        raise MemoryError
    return read(head)


async def test_one_poison_mail_takes_no_other_one_down(pool: Any) -> None:
    for n in range(25):
        await store(pool, b"Subject: %d\r\n\r\n" % n)
    await store(pool, b"Subject: poison\r\n\r\n")
    for n in range(25, 49):
        await store(pool, b"Subject: %d\r\n\r\n" % n)
    desk = Desk(pool, "tickets.v1", "triage", poisoned)
    with pytest.raises(MemoryError):
        await open_tickets(desk)  # all at once
    assert await open_tickets(desk)  # one by one
    assert await titles(pool) == [str(n) for n in range(49)]
    for _ in range(20):
        with suppress(MemoryError):
            await open_tickets(desk)
    assert await titles(pool) == [*(str(n) for n in range(49)), UNREADABLE]


async def test_a_new_mail_is_read_beside_a_poison_one(pool: Any) -> None:
    desk = Desk(pool, "tickets.v1", "triage", poisoned)
    await store(pool, b"Subject: poison\r\n\r\n")
    with pytest.raises(MemoryError):
        await open_tickets(desk)
    await store(pool, b"Subject: a\r\n\r\n")
    await open_tickets(desk)
    assert await titles(pool) == ["a"]
    assert await pool.fetchval("SELECT max(attempts) FROM message WHERE ticket_id IS NOT NULL") == 1
