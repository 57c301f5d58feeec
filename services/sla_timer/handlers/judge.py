"""What all ways in share: tickets judged from their journals, and what is new of every clock told in order."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg
import orjson

from services.sla_timer import metrics, store
from services.sla_timer.domain.announce import Kind, Milestone, Told, announce, schedule
from services.sla_timer.domain.assess import Assessment, assess
from services.sla_timer.domain.clock import Clock, End, How
from services.sla_timer.domain.journal import Fact, history
from services.sla_timer.domain.plan import is_emergency
from services.sla_timer.domain.publish import Telling, publish
from services.sla_timer.store import Before, Key, Planned, Shown, TicketRow
from services.sla_timer.versions import Versions
from shared import outbox
from shared.catalog import Catalogs
from shared.clock import from_us, to_us
from shared.events import Outgoing, decode_json


@dataclass(frozen=True, slots=True)
class Timer:
    """What every way in needs."""

    pool: "asyncpg.Pool[asyncpg.Record]"
    versions: Versions
    sla_topic: str
    exemption_sources: frozenset[str] = frozenset()
    recorded: asyncio.Event = field(default_factory=asyncio.Event)  # set when there is something to publish

    @property
    def catalogs(self) -> Catalogs:
        """Return the versions that judge now."""
        return self.versions.catalogs


class Judged(NamedTuple):
    """What is new of one ticket; ``cause`` of what changes without a new event."""

    fresh: list[Fact]
    traceparent: str | None = None
    cause: str = ""


@dataclass(slots=True)
class _Told:
    ticket: TicketRow
    clocks: list[Planned]
    rows: list[tuple[Key, Milestone]]
    events: list[Outgoing]


async def judge(connection: Any, timer: Timer, before: Before, tickets: Mapping[str, Judged], now: datetime) -> None:
    """Judge tickets whose rows are locked, and record what is new; a ticket without an opening waits for it."""
    catalogs, judged_by, now_us = timer.catalogs, timer.versions.judged_by, to_us(now)
    assessed: list[tuple[str, Assessment]] = []
    for ticket_id, judged in tickets.items():
        known = [Fact.of(decode_json(orjson.loads(e.body)), e.received_at) for e in before.entries[ticket_id]]
        found = history([*known, *judged.fresh])
        if found is not None:
            assessed.append((ticket_id, assess(found, catalogs, now_us)))
    gone = await _gone(connection, catalogs, before, assessed, now_us)
    told = [_tell(_row(before, i, tickets[i]), a, gone.get(i, ()), before, tickets[i], now_us) for i, a in assessed]
    if told:
        await store.save_tickets(connection, [t.ticket for t in told])
        await store.save_clocks(connection, [clock for t in told for clock in t.clocks], before, judged_by)
        rows = [row for t in told for row in t.rows]
        await record(connection, timer, now, rows, [event for t in told for event in t.events])


def _row(before: Before, ticket_id: str, judged: Judged) -> TicketRow:
    ticket = before.tickets[ticket_id]
    return ticket._replace(traceparent=ticket.traceparent or judged.traceparent)


async def _gone(
    connection: Any,
    catalogs: Catalogs,
    before: Before,
    assessed: Sequence[tuple[str, Assessment]],
    now_us: int,
) -> Mapping[str, Sequence[Clock]]:
    """Return, cancelled, the clocks that were told of and that the journal, or the catalog, no longer knows."""
    alive = {(i, clock.metric, clock.cycle) for i, assessment in assessed for clock in assessment.clocks}
    judged = {i for i, _ in assessed}
    missing = [key for key in before.told if key[0] in judged and key not in alive]
    if not missing:
        return {}
    known = await store.load_clocks(connection, catalogs, sorted({key[0] for key in missing}))
    found: dict[str, list[Clock]] = {}
    for key in missing:
        found.setdefault(key[0], []).append(known[key]._replace(end=End(now_us, How.CANCELLED, "withdrawn")))
    return found


def _tell(
    ticket: TicketRow,
    assessment: Assessment,
    gone: Sequence[Clock],
    before: Before,
    judged: Judged,
    now_us: int,
) -> _Told:
    """Decide what is new of every clock of one ticket, in order of time, each with the next sequence."""
    shown, client_id, sequence = _shown(assessment), assessment.ticket.client_id, ticket.sequence
    told, cause = _Told(ticket, [], [], []), judged.cause or _cause(assessment, judged.fresh)
    pending: list[tuple[Planned, Milestone, int | None]] = []
    for clock in [*assessment.clocks, *gone]:
        past = before.told.get((ticket.ticket_id, clock.metric, clock.cycle), Told())
        fresh = announce(clock, past, now_us, cause)
        verdict = Told((*past.milestones, *fresh)).verdict
        if verdict == "cancelled" and clock.breached_us is not None:
            verdict = "breached"  # a cancellation ends the clock, an earlier breach stands
        planned = Planned(ticket.ticket_id, clock, verdict, schedule(clock, past, fresh))
        told.clocks.append(planned)
        pending += [(planned, milestone, past.due_us) for milestone in fresh]
    for planned, milestone, previous_due_us in sorted(pending, key=lambda p: p[1].at_us):
        told.rows.append((planned.key, milestone))
        if milestone.announced:
            sequence += 1
            telling = Telling(
                ticket_id=ticket.ticket_id,
                client_id=client_id,
                clock=planned.clock,
                summary=shown.summary,
                tzdata=assessment.catalog.tzdata,
                traceparent=ticket.traceparent,
                now_us=now_us,
                previous_due_us=previous_due_us,
            )
            told.events.append(publish(telling, milestone, sequence))
    told.ticket = ticket._replace(
        sequence=sequence, client_id=client_id, shown=shown, catalog=assessment.catalog.version
    )
    return told


def _cause(assessment: Assessment, fresh: Sequence[Fact]) -> str:
    """Return the word for what changed: the newest event, unless something happened after it."""
    last = max(fresh, key=lambda fact: (fact.at_us, fact.rank))
    facts = assessment.history.facts
    if facts and facts[-1][0] > last.at_us:
        return "late_event"
    return type(last.data).__name__.removeprefix("Ticket").lower()


def _shown(assessment: Assessment) -> Shown:
    opened, ticket, catalog = assessment.history.opened, assessment.ticket, assessment.catalog
    service = catalog.service(ticket.service)
    priority = catalog.priority(service, ticket.priority)
    summary = {
        "title": opened.title,
        "service": service.id,
        "priority": priority,
        "emergency": is_emergency(service, catalog, assessment.history, ticket),
        "channel": opened.channel,
        "assignee": assessment.history.assignee,
        "coverage": ticket.coverage,
        "chargeable": opened.chargeable or service.chargeable,
        "opened_at": from_us(assessment.history.opened_us),
    }
    return Shown(opened.title, service.id, priority, orjson.dumps(summary, option=orjson.OPT_UTC_Z))


async def record(
    connection: Any, timer: Timer, now: datetime, rows: Sequence[tuple[Key, Milestone]], events: Sequence[Outgoing]
) -> None:
    """Record milestones, and their events in the outbox, in the caller's transaction."""
    if rows:
        await store.record_milestones(connection, now, rows)
    if events:
        await outbox.enqueue(connection, timer.sla_topic, events)
    for kind, count in Counter(milestone.kind for _, milestone in rows).items():
        metrics.milestones.labels(kind.value).inc(count)
    for _, milestone in rows:
        if milestone.kind is Kind.REVISED:
            metrics.revisions.labels(metrics.cause_of(milestone.cause)).inc()
