"""The reader on a real PostgreSQL: every stored message gets its ticket, whatever one of them does to the reader."""

import asyncio
import hashlib
import os
import signal
import time
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest

from services.intake.domain.contact import Contact, Known, understand, unread
from services.intake.domain.message import message_id_of
from services.intake.handlers.desk import Desk
from services.intake.handlers.mail import open_tickets
from services.intake.reader import Reader
from services.intake.store.mail import Received, store_message
from tests.reading import NOTHING_KNOWN, read

AT = datetime(2026, 3, 5, 11, tzinfo=UTC)
_numbers = count(1)


async def store(pool: Any, raw: bytes, envelope_from: str = "ana@cliente.example") -> None:
    """Store one mail as the SMTP server would."""
    sha256, message_id = hashlib.sha256(raw).digest(), message_id_of(raw) or f"<m{next(_numbers)}@x>"
    await store_message(pool, Received("suporte@desk.example", message_id, raw, sha256, AT, "", envelope_from))


async def titles(pool: Any) -> list[str]:
    """Return the titles of the tickets that were opened, in order."""
    rows = await pool.fetch("SELECT body FROM outbox ORDER BY id")
    return [orjson.loads(row["body"])["data"]["title"] for row in rows]


def slow(raw: bytes, desk: Known, received_at: datetime, *, null_sender: bool, mailbox: str = "") -> Contact:
    """Read, but one kind of mail for ever, and let another kind take the process down."""
    while b"slow" in raw:
        time.sleep(0.01)
    if b"deadly" in raw:
        os.kill(os.getpid(), signal.SIGKILL)
    return understand(raw, desk, received_at, null_sender=null_sender, mailbox=mailbox)


def stumbling(raw: bytes, desk: Known, received_at: datetime, *, null_sender: bool, mailbox: str = "") -> Contact:
    """Read, but take the process down the first time."""
    marker = Path(os.environ["STUMBLED"])
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return understand(raw, desk, received_at, null_sender=null_sender, mailbox=mailbox)


async def test_a_mail_that_is_read_too_slowly_or_kills_the_reader_is_unreadable_and_stops_nobody(
    pool: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.intake.reader.understand", slow)
    for raw in (b"Subject: a\r\n\r\n", b"Subject: slow\r\n\r\n", b"Subject: deadly\r\n\r\n", b"Subject: b\r\n\r\n"):
        await store(pool, raw)
    async with Reader(NOTHING_KNOWN, seconds=2.0) as reader:
        turn = asyncio.create_task(open_tickets(Desk(pool, "tickets.v1", "notices.v1", NOTHING_KNOWN, reader.read)))
        ticks = 0
        while not turn.done():
            await asyncio.sleep(0.01)
            ticks += 1
        await turn
    assert await titles(pool) == ["a", "slow", "deadly", "b"]
    assert ticks > 50


async def test_a_mail_whose_reading_stumbled_once_is_read(
    pool: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("services.intake.reader.understand", stumbling)
    monkeypatch.setenv("STUMBLED", str(tmp_path / "stumbled"))
    await store(pool, b"Subject: a\r\n\r\n")
    async with Reader(NOTHING_KNOWN) as reader:
        await open_tickets(Desk(pool, "tickets.v1", "notices.v1", NOTHING_KNOWN, reader.read))
    (row,) = await pool.fetch("SELECT body FROM outbox")
    assert (tmp_path / "stumbled").exists()
    assert orjson.loads(row["body"])["data"]["title"] == "a"
    assert "unreadable" not in str(orjson.loads(row["body"])["data"])


async def test_a_copy_of_which_nothing_could_be_read_is_the_same_mail(pool: Any) -> None:
    for message_id in ("", "<a@x>"):
        raw = f"From: a@x.example\r\nMessage-ID: {message_id}\r\nSubject: a\r\n\r\nb\r\n".encode()
        for mailbox in ("um@desk.example", "dois@desk.example"):
            copy = Received(mailbox, message_id, raw, hashlib.sha256(raw).digest(), AT, "", "a@x.example")
            async with pool.acquire() as connection:
                await store_message(connection, copy)
    turns = iter([False, True, True, False])

    async def reading(raw: bytes, received_at: datetime, *, null_sender: bool, mailbox: str = "") -> Contact:
        if next(turns):
            return unread(raw, "triage", "timeout")
        return understand(raw, NOTHING_KNOWN, received_at, null_sender=null_sender, mailbox=mailbox)

    await open_tickets(Desk(pool, "tickets.v1", "notices.v1", NOTHING_KNOWN, reading))
    rows = await pool.fetch("SELECT ticket_id, became FROM message ORDER BY id")
    assert [row["became"] for row in rows] == ["opened", "copy", "opened", "copy"]
    assert len({row["ticket_id"] for row in rows}) == 2


async def test_a_large_mail_is_read_whole(pool: Any) -> None:
    key = b"52060433009911002506550120000007800267301615"
    await store(pool, b"Subject: a\r\n\r\n" + b"x " * 500_000 + key + b"\r\n")
    async with Reader(NOTHING_KNOWN) as reader:
        await open_tickets(Desk(pool, "tickets.v1", "notices.v1", NOTHING_KNOWN, reader.read))
    (row,) = await pool.fetch("SELECT body FROM outbox")
    assert orjson.loads(row["body"])["data"].get("documents") is None  # beyond what is looked at
    await store(pool, b"Subject: b\r\n\r\n" + b"x " * 50_000 + key + b"\r\n")
    async with Reader(NOTHING_KNOWN) as reader:
        await open_tickets(Desk(pool, "tickets.v1", "notices.v1", NOTHING_KNOWN, reader.read))
    row = await pool.fetchrow("SELECT body FROM outbox ORDER BY id DESC LIMIT 1")
    assert orjson.loads(row["body"])["data"]["documents"] == [key.decode()]


async def test_mail_of_machines_opens_no_ticket_and_stays_with_its_reason(pool: Any) -> None:
    await store(pool, b"Subject: Undelivered\r\n\r\n", envelope_from="")
    await store(pool, b"Auto-Submitted: auto-replied\r\nSubject: a\r\n\r\n")
    await store(pool, b"Precedence: list\r\nSubject: NF-e\r\n\r\n")
    desk = Desk(pool, "tickets.v1", "notices.v1", NOTHING_KNOWN, read)
    await open_tickets(desk)
    assert await titles(pool) == ["NF-e"]
    rows = await pool.fetch("SELECT discarded FROM message ORDER BY id")
    assert [row["discarded"] for row in rows] == ["null_sender", "auto_replied", None]
    assert not await open_tickets(desk)


async def poisoned(raw: bytes, received_at: datetime, *, null_sender: bool, mailbox: str = "") -> Contact:
    """Read like the real reader, but never get over one mail."""
    if b"poison" in raw:
        raise MemoryError
    return await read(raw, received_at, null_sender=null_sender, mailbox=mailbox)


async def test_one_poison_mail_takes_no_other_one_down(pool: Any) -> None:
    for n in range(25):
        await store(pool, b"Subject: %d\r\n\r\n" % n)
    await store(pool, b"Subject: poison\r\n\r\n")
    for n in range(25, 49):
        await store(pool, b"Subject: %d\r\n\r\n" % n)
    desk = Desk(pool, "tickets.v1", "notices.v1", NOTHING_KNOWN, poisoned)
    with pytest.raises(MemoryError):
        await open_tickets(desk)  # all at once
    assert await open_tickets(desk)  # one by one
    assert await titles(pool) == [str(n) for n in range(49)]
    for _ in range(20):
        with suppress(MemoryError):
            await open_tickets(desk)
    assert await titles(pool) == [*(str(n) for n in range(49)), "poison"]


async def test_a_database_that_is_busy_for_long_makes_no_mail_unreadable(pool: Any) -> None:
    await store(pool, b"Subject: NF-e\r\n\r\noi")
    busy = 15

    async def interrupted(raw: bytes, received_at: datetime, *, null_sender: bool, mailbox: str = "") -> Contact:
        nonlocal busy
        busy -= 1
        if busy >= 0:
            raise asyncpg.LockNotAvailableError
        return await read(raw, received_at, null_sender=null_sender, mailbox=mailbox)

    desk = Desk(pool, "tickets.v1", "notices.v1", NOTHING_KNOWN, interrupted)
    for _ in range(15):
        with pytest.raises(asyncpg.LockNotAvailableError):
            await open_tickets(desk)
    await open_tickets(desk)
    assert await pool.fetchval("SELECT attempts FROM message") == 1
    assert await titles(pool) == ["NF-e"]


async def test_replicas_that_read_at_once_open_one_ticket_each(pool: Any) -> None:
    for n in range(60):
        head = b"From: ana@x.example\r\nDate: Thu, 5 Mar 2026 08:00:00 -0300\r\nMessage-ID: <%d@x.example>" % (n // 2)
        await store(pool, b"X: %d\r\n%s\r\nSubject: %d\r\n\r\noi" % (n, head, n // 2))
    desks = [Desk(pool, "tickets.v1", "notices.v1", NOTHING_KNOWN, read) for _ in range(3)]
    for _ in range(4):
        await asyncio.gather(*(open_tickets(desk) for desk in desks))
    rows = await pool.fetch("SELECT became, count(*) AS n, count(DISTINCT ticket_id) AS t FROM message GROUP BY became")
    assert {row["became"]: (row["n"], row["t"]) for row in rows} == {"opened": (30, 30), "copy": (30, 30)}
    assert sorted(map(int, await titles(pool))) == list(range(30))


async def test_a_new_mail_is_read_beside_a_poison_one(pool: Any) -> None:
    desk = Desk(pool, "tickets.v1", "notices.v1", NOTHING_KNOWN, poisoned)
    await store(pool, b"Subject: poison\r\n\r\n")
    with pytest.raises(MemoryError):
        await open_tickets(desk)
    await store(pool, b"Subject: a\r\n\r\n")
    await open_tickets(desk)
    assert await titles(pool) == ["a"]
    assert await pool.fetchval("SELECT max(attempts) FROM message WHERE ticket_id IS NOT NULL") == 1
