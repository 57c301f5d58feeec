"""What was kept long enough is forgotten, oldest first and in bounded steps; what is undecided or needed stays."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.intake import metrics
from services.intake.handlers.retention import AT_ONCE, SUBMITTED_KEPT, Kept, forget_old, kept
from services.intake.store import queries
from shared.postgres import create_pool

NOW = datetime(2026, 3, 5, 11, tzinfo=UTC)
DAY = timedelta(days=1)
TABLE = kept(180 * DAY, 400 * DAY, 30 * DAY)


async def a_mail(pool: Any, n: int, age: timedelta, **columns: Any) -> None:
    """Store a mail that is ``age`` old."""
    values = {
        "mailbox": "suporte@desk.example",
        "message_id": f"<{n}@x>",
        "sha256": hashlib.sha256(bytes([n])).digest(),
        "raw": b"raw",
        "received_at": NOW - age,
        "traceparent": "",
        "envelope_from": "ana@cliente.example",
        **columns,
    }
    names, places = ", ".join(values), ", ".join(f"${n}" for n in range(1, len(values) + 1))
    await pool.execute(f"INSERT INTO message ({names}) VALUES ({places})", *values.values())


async def a_ticket(pool: Any, ticket_id: str, state: str, closed: timedelta | None, into: str | None = None) -> None:
    """Save a ticket that was closed a while ago."""
    await pool.execute(
        "INSERT INTO ticket (ticket_id, opened_at, channel, service, title, state, closed_at, merged_into)"
        " VALUES ($1, $2, 'email', 's', 't', $3, $4, $5)",
        *(ticket_id, NOW - 500 * DAY, state, None if closed is None else NOW - closed, into),
    )


async def left(pool: Any) -> list[tuple[str, bytes]]:
    """Return Message-ID and raw bytes of the messages that are left."""
    return [tuple(row) for row in await pool.fetch("SELECT message_id, raw FROM message ORDER BY id")]


async def test_a_mail_is_erased_after_180_days_and_its_message_id_stays_while_its_thread_takes_mail(pool: Any) -> None:
    await a_ticket(pool, "open", "open", None)
    await a_ticket(pool, "late", "resolved", 29 * DAY)
    await a_ticket(pool, "done", "resolved", 31 * DAY)
    await a_ticket(pool, "into_open", "merged", 300 * DAY, "open")
    await a_ticket(pool, "into_done", "merged", 300 * DAY, "done")
    old, young = 181 * DAY, 180 * DAY
    for n, ticket in enumerate(["open", "late", "done", "into_open", "into_done", "of nobody"]):
        await a_mail(pool, n, old, ticket_id=ticket, became="opened")
    await a_mail(pool, 6, old, discarded="away")
    await a_mail(pool, 7, old)  # still to be read
    await a_mail(pool, 8, young, ticket_id="done", became="reply")
    assert not await forget_old(pool, TABLE, NOW)
    assert await left(pool) == [("<0@x>", b""), ("<1@x>", b""), ("<3@x>", b""), ("<7@x>", b"raw"), ("<8@x>", b"raw")]
    assert await pool.fetchval("SELECT count(*) FROM message WHERE envelope_from IS NULL") == 3


async def test_a_mail_whose_answer_still_waits_is_kept_with_the_address_that_it_goes_to(pool: Any) -> None:
    await a_ticket(pool, "T", "resolved", 500 * DAY)
    await a_mail(pool, 1, 500 * DAY, ticket_id="T", became="opened")
    ref = await pool.fetchval(
        "INSERT INTO contact (address, seen_at) VALUES ('a@x', $1) RETURNING contact_ref", NOW - 500 * DAY
    )
    await pool.execute(
        "INSERT INTO reply (ticket_id, contact_ref, message, facts, created_at, ready_at, next_at)"
        " SELECT 'T', $1, id, '{}', $2, $2, $2 FROM message",
        *(ref, NOW - 500 * DAY),
    )
    await forget_old(pool, TABLE, NOW)
    assert await left(pool) == [("<1@x>", b"raw")]
    assert await pool.fetchval("SELECT count(*) FROM contact") == 1
    await pool.execute("UPDATE reply SET state = 'sent', settled_at = $1", NOW - 181 * DAY)
    await forget_old(pool, TABLE, NOW)
    counts = [await pool.fetchval(f"SELECT count(*) FROM {table}") for table in ("reply", "contact", "message")]
    assert counts == [0, 0, 0]


async def test_calls_are_forgotten_with_what_was_heard_of_them_unless_something_is_to_be_decided(pool: Any) -> None:
    for name, age, look_at in (("old", 181, None), ("due", 181, NOW), ("young", 180, None)):
        await pool.execute(
            "INSERT INTO call (pbx, call_id, heard_at, look_at, number) VALUES ('p', $1, $2, $3, '+556230865750')",
            *(name, NOW - age * DAY, look_at),
        )
        await pool.execute(
            "INSERT INTO call_event (pbx, call_id, kind, at, received_at, number) VALUES ('p', $1, 'started', $2, $2, '62')",
            *(name, NOW),
        )
    await forget_old(pool, TABLE, NOW)
    for table in ("call", "call_event"):
        rows = await pool.fetch(f"SELECT call_id FROM {table} ORDER BY 1")
        assert [row["call_id"] for row in rows] == ["due", "young"]


async def test_a_contact_is_forgotten_when_it_is_not_registered_and_has_nothing_open(pool: Any) -> None:
    for name, age, client in (("old", 401, None), ("registered", 401, "acme"), ("busy", 401, None), ("new", 400, None)):
        await pool.execute(
            "INSERT INTO contact (address, seen_at, client_id) VALUES ($1, $2, $3)", name, NOW - age * DAY, client
        )
    for number, age, client in (("+551", 401, None), ("+552", 401, "acme"), ("+553", 400, None)):
        await pool.execute(
            "INSERT INTO contact_number (number, seen_at, client_id) VALUES ($1, $2, $3)",
            number,
            NOW - age * DAY,
            client,
        )
    await a_ticket(pool, "T", "open", None)
    await pool.execute("UPDATE ticket SET contact_ref = (SELECT contact_ref::text FROM contact WHERE address = 'busy')")
    await forget_old(pool, TABLE, NOW)
    addresses = await pool.fetch("SELECT address FROM contact ORDER BY 1")
    assert [row["address"] for row in addresses] == ["busy", "new", "registered"]
    numbers = await pool.fetch("SELECT number FROM contact_number ORDER BY 1")
    assert [row["number"] for row in numbers] == ["+552", "+553"]


async def test_the_place_of_a_mail_is_kept_as_long_as_the_mail_was_seen_there(pool: Any) -> None:
    for uid, age in ((1, 401), (2, 400)):
        await pool.execute(
            "INSERT INTO imap_message (source, uidvalidity, uid, mailbox, sha256, internal_at, size_bytes, there_at)"
            " VALUES ('s', 1, $1, 'm', $2, $3, 1, $4)",
            *(uid, bytes(32), NOW - 900 * DAY, NOW - age * DAY),
        )
    await queries.still_there(pool, source="s", uidvalidity=1, uids=[2], at=NOW)
    await forget_old(pool, TABLE, NOW + 300 * DAY)
    assert await pool.fetchval("SELECT array_agg(uid) FROM imap_message") == [2]


async def test_what_came_over_http_is_forgotten_step_by_step_and_counted(pool: Any) -> None:
    ages = [SUBMITTED_KEPT + timedelta(seconds=1)] * (AT_ONCE + 1) + [SUBMITTED_KEPT, timedelta(0)]
    rows = [("crm", str(n), bytes(32), NOW - age) for n, age in enumerate(ages)]
    await pool.executemany("INSERT INTO submitted VALUES ($1, $2, $3, $4)", rows)
    counted = metrics.forgotten.labels("submitted")._value.get()
    assert [await forget_old(pool, TABLE, NOW) for _ in range(3)] == [True, False, False]
    assert metrics.forgotten.labels("submitted")._value.get() - counted == AT_ONCE + 1
    assert await pool.fetchval("SELECT count(*) FROM submitted") == 2


async def test_one_kind_that_cannot_be_forgotten_keeps_none_of_the_others(pool: Any) -> None:
    async def broken(*_: Any, **__: Any) -> int:
        raise ValueError("a defect of ours")

    await pool.execute("INSERT INTO submitted VALUES ('crm', '1', $1, $2)", bytes(32), NOW - 31 * DAY)
    with pytest.raises(ValueError, match="a defect"):
        await forget_old(pool, [Kept("mails", broken, DAY), *TABLE], NOW)
    assert await pool.fetchval("SELECT count(*) FROM submitted") == 0
    away = create_pool("postgresql://x@127.0.0.1:1/x", "intake")
    await away
    with pytest.raises(OSError, match="Connect"):
        await forget_old(away, TABLE, NOW)


def test_every_kind_has_its_metric() -> None:
    assert sorted(one.what for one in TABLE) == sorted(metrics.FORGOTTEN)
