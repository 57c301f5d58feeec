"""The desk follows tickets.v1 and sla.v1 on a real PostgreSQL: each event once, in any order, whoever reads with it."""

import asyncio
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from services.intake import metrics
from services.intake.handlers.desk import Desk
from services.intake.handlers.follow import follow_clocks, follow_tickets
from services.intake.store import queries
from services.intake.store.desk import tickets_of
from shared.kafka import Record
from tests.reading import NOTHING_KNOWN, read

START = datetime(2026, 3, 5, 11, tzinfo=UTC)


@pytest.fixture
def desk(pool: Any) -> Desk:
    """Return a desk over the fresh database."""
    return Desk(pool, "tickets.v1", "notices.v1", NOTHING_KNOWN, read)


def record(body: Any, minutes: int = 60) -> Record:
    """Return a record that the broker appended some minutes after the start."""
    value = body if isinstance(body, bytes) else orjson.dumps(body)
    return Record("tickets.v1", 0, 0, START + timedelta(minutes=minutes), b"k", value, ())


def event(type_: str, minutes: int = 0, ticket: str = "T1", **data: Any) -> dict[str, Any]:
    """Return a ticket event of another system."""
    if type_ == "opened":
        data = {"service": "triage", "channel": "portal", "title": "NF-e", **data}
    head = {"specversion": "1.0", "id": f"{type_}-{minutes}", "source": "crm", "type": f"ticket.{type_}"}
    at = (START + timedelta(minutes=minutes)).isoformat()
    return {**head, "subject": ticket, "time": at, "data": {"ticket_id": ticket, **data}}


def clock_event(kind: str, sequence: int, **data: Any) -> dict[str, Any]:
    """Return an event of a clock of T1."""
    shown = {"title": "t", "service": "s", "priority": "p", "emergency": False, "channel": "email", "assignee": None}
    common = {"ticket_id": "T1", "client_id": None, "metric": "response", "cycle": 1, "sequence": sequence}
    instants = dict.fromkeys(("due_at", "occurred_at", "detected_at"), START.isoformat())
    more = {"counts_from": START.isoformat(), "calendar": "c"} if kind == "started" else {}
    whole = {
        **common,
        **instants,
        **more,
        "detected_late": False,
        "target_seconds": 60,
        "elapsed_seconds": 0,
        "remaining_seconds": 60,
        **data,
        "plan": dict.fromkeys(("catalog", "calendar", "tzdata", "engine"), "x"),
        "ticket": {**shown, "coverage": "unknown", "chargeable": "no", "opened_at": START.isoformat()},
    }
    head = {"specversion": "1.0", "id": f"{kind}-{sequence}", "source": "prazo/sla_timer", "type": f"sla.{kind}"}
    return {**head, "subject": "T1", "time": START.isoformat(), "data": whole}


LIFE = [
    event("opened", 0, client_id="acme"),
    event("assigned", 1, assignee="ana"),
    event("responded", 2, by="ana"),
    event("paused", 3, reason="waiting_customer"),
    event("resumed", 4),
    event("resolved", 5, by="ana"),
]


async def shown(desk: Desk) -> tuple[str, str | None, str | None, bool]:
    """Return what the desk shows of T1."""
    ticket = (await tickets_of(desk.pool, ["T1"]))["T1"]
    return ticket.state, ticket.assignee, ticket.client_id, ticket.responded_at == START + timedelta(minutes=2)


@pytest.mark.parametrize("seed", range(5))
async def test_a_ticket_of_another_system_is_shown_whatever_order_and_however_often_its_events_come(
    desk: Desk, seed: int
) -> None:
    chance = random.Random(seed)
    records = [record(one) for one in LIFE * 3]
    chance.shuffle(records)
    while records:
        some = chance.randint(1, 5)
        assert await follow_tickets(desk, records[:some]) == ()
        records = records[some:]
    assert await shown(desk) == ("resolved", "ana", "acme", True)
    assert await desk.pool.fetchval("SELECT count(*) FROM happening") == len(LIFE)


async def test_two_replicas_that_read_at_once_leave_one_truth(desk: Desk) -> None:
    await asyncio.gather(*(follow_tickets(desk, [record(one)]) for one in LIFE * 4))
    assert await shown(desk) == ("resolved", "ana", "acme", True)


async def test_a_clock_ahead_of_ours_is_read_as_the_broker_received_it(desk: Desk) -> None:
    await follow_tickets(desk, [record(event("opened", 500), minutes=7)])
    assert (await tickets_of(desk.pool, ["T1"]))["T1"].opened_at == START + timedelta(minutes=7)


def skipped() -> float:
    """Return how many records were passed over so far."""
    families = list(metrics.skipped.collect())
    return sum(sample.value for sample in families[0].samples if sample.name.endswith("_total"))


async def test_what_is_no_event_is_counted_and_passed_over_and_the_rest_goes_on(desk: Desk) -> None:
    strange: Sequence[Any] = [
        b"",
        b"{",
        {**event("opened"), "type": "ticket.exploded"},
        {**event("opened"), "time": "1969-01-01T00:00:00Z"},
        {**event("opened"), "id": "a\0"},
        event("opened", channel="WhatsApp"),
        clock_event("started", 1),
    ]
    before = skipped()
    letters = await follow_tickets(desk, [*map(record, strange), record(event("opened"))])
    assert (letters, skipped() - before) == ((), len(strange))
    assert await desk.pool.fetchval("SELECT count(*) FROM ticket") == 1


async def test_a_refusal_is_no_part_of_a_ticket(desk: Desk) -> None:
    await follow_tickets(desk, [record(event("refused", rule=8, reason="x"))])
    assert await desk.pool.fetchval("SELECT count(*) FROM happening") == 0


async def test_a_clock_moves_forward_only(desk: Desk) -> None:
    words = [clock_event("started", 1), clock_event("warning", 2, threshold="50%"), clock_event("breached", 3)]
    for order in ([2], [0, 1], [1, 2, 0], [0]):
        await follow_clocks(desk, [record(words[n]) for n in order])
        rows = await desk.pool.fetch("SELECT state, sequence FROM clock")
        assert [tuple(row) for row in rows] == [("breached", 3)]


async def test_what_was_closed_long_ago_is_forgotten_in_steps_and_goes_on_when_it_is_reopened(desk: Desk) -> None:
    for n in range(3):
        for one in LIFE:
            named = {**one, "subject": f"T{n}", "data": {**one["data"], "ticket_id": f"T{n}"}}
            await follow_tickets(desk, [record(named)])
    await follow_tickets(desk, [record(event("opened", ticket="open"))])
    await follow_clocks(desk, [record(clock_event("started", 1))])
    late = START + timedelta(days=1)
    assert [await queries.forget_closed(desk.pool, before=late, at_most=2) for _ in range(2)] == [2, 1]
    assert await desk.pool.fetchval("SELECT count(*) FROM happening") == 1
    assert await desk.pool.fetchval("SELECT count(*) FROM clock") == 0
    await follow_tickets(desk, [record(event("reopened", 30))])
    assert await shown(desk) == ("open", "ana", "acme", True)
