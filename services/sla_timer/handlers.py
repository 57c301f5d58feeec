"""The two ways in: events (``ingest``) and time (``fire_due``). Each: lock → decide → record, in one transaction."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import orjson

from services.sla_timer import metrics, store
from services.sla_timer.domain.announce import Kind, Milestone, Told, announce, fire, schedule
from services.sla_timer.domain.assess import Assessment, assess
from services.sla_timer.domain.hold import Hold
from services.sla_timer.domain.journal import Fact, history
from services.sla_timer.domain.plan import is_emergency
from services.sla_timer.domain.publish import Telling, plan_of, publish
from services.sla_timer.store import Before, Due, Entry, Key, Planned, TicketRow
from shared import outbox
from shared.catalog import Catalogs
from shared.clock import to_us
from shared.events import Event, TicketSummary, Undecodable, content_hash, decode_json, parse_json
from shared.events.policy import RULE_8, by_messenger
from shared.kafka import DeadLetter, Record

FIRED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Timer:
    """What both ways need."""

    pool: "asyncpg.Pool[asyncpg.Record]"
    catalogs: Catalogs
    sla_topic: str


@dataclass(frozen=True, slots=True)
class _Arrived:
    record: Record
    event: Event[Any]
    entry: Entry


async def ingest(timer: Timer, records: Sequence[Record]) -> Sequence[DeadLetter]:
    """Judge a batch of ticket events; idempotent. Returns the records that are no event of a ticket's journal."""
    arrived: list[_Arrived] = []
    letters: list[DeadLetter] = []
    for record in records:
        try:
            arrived.append(_arrive(record))
        except Undecodable as wrong:
            letters.append(DeadLetter(record, wrong.reason, f"{wrong.field}: {wrong.detail}"))
    arrived = [a for a in arrived if a.event.type != "ticket.refused"]  # no part of any journal
    if arrived:
        async with timer.pool.acquire() as connection, connection.transaction():
            before = await store.load_and_lock(connection, [a.entry.ticket_id for a in arrived])
            new, conflicts = _new_of(arrived, before)
            if new:
                await store.append_journal(connection, [a.entry for a in new])
                now = await store.queries.database_now(connection)
                await _judge(connection, timer, before, new, now)
        letters += conflicts
    return letters


def _arrive(record: Record) -> _Arrived:
    raw = parse_json(record.value, record.headers)
    event = decode_json(raw)
    if not event.type.startswith("ticket."):
        raise Undecodable("unknown_type", "type", "not a ticket event")
    if by_messenger(event):
        raise Undecodable("policy_rule_8", "data.channel", RULE_8)
    entry = Entry(
        event.subject,
        event.source,
        event.id,
        event.type,
        record.appended_at,
        content_hash(raw),
        orjson.dumps(raw),
    )
    return _Arrived(record, event, entry)


def _new_of(arrived: Sequence[_Arrived], before: Before) -> tuple[list[_Arrived], list[DeadLetter]]:
    """Part what is new from what is known; the same identity with other content is a conflict."""
    hashes = {(e.ticket_id, e.source, e.event_id): e.content_hash for es in before.entries.values() for e in es}
    new, conflicts = [], []
    for a in arrived:
        key = a.entry.ticket_id, a.entry.source, a.entry.event_id
        known = hashes.setdefault(key, b"")
        if not known:
            hashes[key] = a.entry.content_hash
            new.append(a)
        elif known != a.entry.content_hash:
            conflicts.append(DeadLetter(a.record, "conflict", "id: this source and id exist with other content"))
    return new, conflicts


async def _judge(connection: Any, timer: Timer, before: Before, new: Sequence[_Arrived], now: datetime) -> None:
    facts: dict[str, list[Fact]] = {}
    traces: dict[str, str | None] = {}
    for a in new:
        facts.setdefault(a.event.subject, []).append(Fact.of(a.event, a.record.appended_at))
        traces.setdefault(a.event.subject, a.event.traceparent)
    tickets, clocks, rows, events = [], [], [], []
    for ticket_id, fresh in facts.items():
        known = [Fact.of(decode_json(orjson.loads(e.body)), e.received_at) for e in before.entries[ticket_id]]
        found = history([*known, *fresh])
        if found is None:
            continue
        ticket = before.tickets[ticket_id]
        ticket = replace(ticket, traceparent=ticket.traceparent or traces[ticket_id])
        told = _tell(ticket, assess(found, timer.catalogs, to_us(now)), before, to_us(now))
        tickets.append(told.ticket)
        clocks += told.clocks
        rows += told.rows
        events += told.events
    if tickets:
        await store.save_tickets(connection, tickets)
        await store.save_clocks(connection, clocks)
        await _record(connection, timer, now, rows, events)


@dataclass(slots=True)
class _Told:
    ticket: TicketRow
    clocks: list[Planned]
    rows: list[tuple[Key, Milestone]]
    events: list[Event[Any]]


def _tell(ticket: TicketRow, assessment: Assessment, before: Before, now_us: int) -> _Told:
    """Decide what is new of every clock of one ticket, in order of time, each with the next sequence."""
    ticket = replace(
        ticket,
        client_id=assessment.ticket.client_id,
        summary=_summary(assessment),
        catalog=assessment.catalog.version,
    )
    told = _Told(ticket, [], [], [])
    pending: list[tuple[Planned, Milestone, int | None]] = []
    for clock in assessment.clocks:
        past = before.told.get((ticket.ticket_id, clock.metric, clock.cycle), Told())
        fresh = announce(clock, past, now_us)
        verdict = Told((*past.milestones, *fresh)).verdict
        if verdict == "cancelled" and clock.breached_us is not None:
            verdict = "breached"  # a cancellation ends the clock, an earlier breach stands
        planned = Planned(ticket.ticket_id, clock, verdict, schedule(clock, past, fresh))
        told.clocks.append(planned)
        pending += [(planned, milestone, past.due_us) for milestone in fresh]
    for planned, milestone, previous_due_us in sorted(pending, key=lambda p: p[1].at_us):
        told.rows.append((planned.key, milestone))
        if milestone.announced:
            told.ticket = replace(told.ticket, sequence=told.ticket.sequence + 1)
            telling = replace(_telling(told.ticket, planned, assessment, now_us), previous_due_us=previous_due_us)
            told.events.append(publish(telling, milestone))
    return told


def _summary(assessment: Assessment) -> TicketSummary:
    opened, ticket, catalog = assessment.history.opened, assessment.ticket, assessment.catalog
    service = catalog.service(ticket.service)
    return TicketSummary(
        title=opened.title,
        service=service.id,
        priority=ticket.priority if ticket.priority in catalog.priorities else service.priority,
        emergency=is_emergency(service, catalog, assessment.history, ticket),
        channel=opened.channel,
        assignee=assessment.history.assignee,
        coverage=ticket.coverage,
        chargeable=opened.chargeable or service.chargeable,
        opened_at=_aware(assessment.history.opened_us),
    )


def _aware(at_us: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us)


def _telling(ticket: TicketRow, planned: Planned, assessment: Assessment, now_us: int) -> Telling:
    plan = plan_of(planned.clock.catalog, planned.clock.plan.span.calendar.name, assessment.catalog.tzdata)
    return _telling_of(ticket, planned, plan, now_us)


def _telling_of(ticket: TicketRow, planned: Planned, plan: Any, now_us: int) -> Telling:
    if ticket.summary is None:
        raise ValueError("a clock belongs to an opened ticket")
    return Telling(
        ticket_id=ticket.ticket_id,
        client_id=ticket.client_id,
        clock=planned.clock,
        summary=ticket.summary,
        plan=plan,
        traceparent=ticket.traceparent,
        now_us=now_us,
        sequence=ticket.sequence,
    )


async def fire_due(timer: Timer, hold: Hold, watermark: datetime) -> int:
    """Fire what is due after ``watermark`` by the database's clock, oldest first; return how many clocks were fired.

    The hold is asked after the claim: however long the claim took, what is fired was known to be due on fresh knowledge.
    """
    async with timer.pool.acquire() as connection, connection.transaction():
        due = await store.claim_due(connection, timer.catalogs, watermark, FIRED_AT_ONCE)
        claimed_at = asyncio.get_running_loop().time()
        if not due or not hold.may_fire(claimed_at):
            return 0
        lag = hold.stale_by(claimed_at)
        sequences = {d.ticket.ticket_id: d.ticket.sequence for d in due}
        moved, rows, events = [], [], []
        for d in due:
            spoken, ahead = fire(d.planned.ahead, to_us(d.now))
            breached = any(m.kind is Kind.BREACHED for m in spoken)
            moved.append(replace(d.planned, verdict="breached" if breached else "open", ahead=ahead))
            for milestone in spoken:
                rows.append((d.planned.key, milestone))
                metrics.lateness.observe(max(0.0, (to_us(d.now) - milestone.at_us) / 1e6))
                if milestone.announced:
                    sequences[d.ticket.ticket_id] += 1
                    events.append(_fired(timer, d, milestone, sequences[d.ticket.ticket_id], lag))
        await store.move_clocks(connection, moved, sequences)
        await _record(connection, timer, due[0].now, rows, events)
    return len(due)


def _fired(timer: Timer, due: Due, milestone: Milestone, sequence: int, lag: float | None) -> Event[Any]:
    clock = due.planned.clock
    catalog = timer.catalogs.version(clock.catalog) or timer.catalogs.for_start(clock.start_us)
    plan = plan_of(catalog.version, clock.plan.span.calendar.name, catalog.tzdata)
    telling = _telling_of(replace(due.ticket, sequence=sequence), due.planned, plan, to_us(due.now))
    return publish(replace(telling, ingest_lag_seconds=lag), milestone)


async def _record(
    connection: Any, timer: Timer, now: datetime, rows: Sequence[tuple[Key, Milestone]], events: Sequence[Event[Any]]
) -> None:
    if rows:
        await store.record_milestones(connection, now, rows)
    if events:
        await outbox.record(connection, timer.sla_topic, events)
    for _, milestone in rows:
        metrics.milestones.labels(milestone.kind.value).inc()
