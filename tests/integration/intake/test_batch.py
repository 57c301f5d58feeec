"""Group commit on a real PostgreSQL: what waits together is stored together, what is bad defers itself only."""

import asyncio
import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest

from services.intake import metrics
from services.intake.sources.batch import GroupCommit
from services.intake.store.mail import Received, store_messages

AT = datetime(2026, 3, 5, 11, tzinfo=UTC)
LONG = "".join(hashlib.sha256(b"%d" % n).hexdigest() for n in range(80))
"""No index of PostgreSQL holds a row of so many bytes that do not shrink."""


def mail(n: int, *mailboxes: str, message_id: str | None = None, raw: bytes | None = None) -> list[Received]:
    """Return the copies of a message."""
    raw = b"Subject: %d\r\n" % n if raw is None else raw
    known = f"<{n}@x>" if message_id is None else message_id
    sha256 = hashlib.sha256(raw).digest()
    return [Received(to, known, raw, sha256, AT, "", "a@b") for to in mailboxes or ("suporte@desk.example",)]


async def transactions(pool: Any) -> int:
    """Return how many transactions have stored a message that is there."""
    return int(await pool.fetchval("SELECT count(DISTINCT xmin::text) FROM message"))


async def test_one_that_comes_alone_is_stored_at_once_and_those_that_wait_together(pool: Any) -> None:
    commit = GroupCommit(pool)
    await asyncio.gather(*(commit.store(mail(n)) for n in range(40)))
    assert await pool.fetchval("SELECT count(*) FROM message") == 40
    assert await transactions(pool) <= 3
    await commit.store(mail(41))
    assert await pool.fetchval("SELECT count(*) FROM message") == 41


async def test_a_message_that_cannot_be_stored_defers_itself_only(pool: Any) -> None:
    commit, before = GroupCommit(pool), metrics.groups_divided._value.get()
    every = [mail(0), mail(1), mail(2, LONG), mail(3, "x\0y@desk.example"), mail(4, message_id="")]
    stored = await asyncio.gather(*(commit.store(copies) for copies in every), return_exceptions=True)
    assert [outcome is None for outcome in stored] == [True, True, False, False, True]
    assert await pool.fetchval("SELECT count(*) FROM message") == 3
    assert metrics.groups_divided._value.get() == before + 1


async def test_a_sender_that_goes_away_takes_nobody_with_it(pool: Any) -> None:
    commit = GroupCommit(pool)
    storing = [asyncio.create_task(commit.store(mail(n))) for n in range(9)]
    await asyncio.sleep(0)
    storing[0].cancel()
    storing[5].cancel()
    await asyncio.wait(storing)
    assert [task.cancelled() for task in storing] == [n in (0, 5) for n in range(9)]
    assert await pool.fetchval("SELECT count(*) FROM message") >= 7


async def test_a_database_that_is_away_defers_all_of_them_and_later_ones_are_stored(pool: Any) -> None:
    commit, connections = GroupCommit(pool), [await pool.acquire() for _ in range(10)]
    commit_seconds = asyncio.get_running_loop().time()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("services.intake.sources.batch._SECONDS", 0.3)
        outcomes = await asyncio.gather(*(commit.store(mail(n)) for n in range(30)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {TimeoutError}
    assert asyncio.get_running_loop().time() - commit_seconds < 3
    for connection in connections:
        await pool.release(connection)
    await commit.store(mail(1))
    assert await pool.fetchval("SELECT count(*) FROM message") == 1


async def test_copies_and_repetitions_in_one_group_are_stored_once_per_mailbox(pool: Any) -> None:
    both = ("a@desk.example", "b@desk.example")
    every = [
        *mail(1, *both),
        *mail(1, *both),
        *mail(2, *both, message_id=""),
        *mail(2, "a@desk.example", message_id=""),
    ]
    await store_messages(pool_connection := await pool.acquire(), every)
    await pool.release(pool_connection)
    rows = await pool.fetch("SELECT mailbox, message_id, raw FROM message ORDER BY message_id, mailbox")
    assert [tuple(row) for row in rows] == [
        ("a@desk.example", "", b"Subject: 2\r\n"),
        ("b@desk.example", "", b"Subject: 2\r\n"),
        ("a@desk.example", "<1@x>", b"Subject: 1\r\n"),
        ("b@desk.example", "<1@x>", b"Subject: 1\r\n"),
    ]


async def test_two_replicas_that_store_the_same_messages_at_once_neither_wait_in_a_circle_nor_store_twice(
    pool: Any,
) -> None:
    replicas = [GroupCommit(pool) for _ in range(4)]
    every = [mail(n, "a@desk.example", "b@desk.example", message_id="" if n % 2 else None) for n in range(60)]
    await asyncio.gather(
        *(replica.store(copies) for turn, replica in enumerate(replicas) for copies in every[:: 1 if turn % 2 else -1])
    )
    assert await pool.fetchval("SELECT count(*) FROM message") == 120


async def test_a_large_mail_to_many_mailboxes_is_stored_whole(pool: Any) -> None:
    raw = b"x" * (9 * 1024 * 1024)
    await GroupCommit(pool).store(mail(1, *(f"{n}@desk.example" for n in range(8)), raw=raw))
    assert await pool.fetchval("SELECT count(*) FILTER (WHERE length(raw) = $1) FROM message", len(raw)) == 8
    assert await transactions(pool) == 1
