"""All SQL of sla_timer; speaks domain objects, never rows."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from services.sla_timer.basis import basis_of, clock_of, milestone_of
from services.sla_timer.domain.announce import Kind, Milestone, Told
from services.sla_timer.domain.clock import Clock
from shared.catalog import Catalogs
from shared.clock import from_us, to_us
from shared.errors import Transient
from shared.sql import load_queries

queries = load_queries(Path(__file__).parent / "queries.sql")

_KINDS = {kind.value: kind for kind in Kind}

Key = tuple[str, str, int]
"""(ticket_id, metric, cycle)"""


_JOURNAL = ("ticket_id", "source", "event_id", "type", "received_at", "body")
_CLOCK = ("ticket_id", "metric", "cycle", "state", "verdict", "due_at", "fire_at", "basis", "judged_by")
_MILESTONE = (
    *("ticket_id", "metric", "cycle", "kind", "threshold", "n"),
    *("occurred_at", "recorded_at", "announced", "outcome"),
)


class Entry(NamedTuple):
    """One event as the journal keeps it; ``body`` is the original JSON."""

    ticket_id: str
    source: str
    event_id: str
    type: str
    received_at: datetime
    body: bytes


class Planned(NamedTuple):
    """A clock with its verdict as told, and what time will say of it."""

    ticket_id: str
    clock: Clock
    verdict: str
    ahead: tuple[Milestone, ...]

    @property
    def key(self) -> Key:
        """Return what names the clock."""
        return self.ticket_id, self.clock.metric, self.clock.cycle


class Shown(NamedTuple):
    """What reports show of a ticket; ``summary`` is what its events show: the JSON of a ``TicketSummary``."""

    title: str
    service: str
    priority: str
    summary: bytes


class TicketRow(NamedTuple):
    """What is kept of a ticket beside its journal."""

    ticket_id: str
    sequence: int
    client_id: str | None = None
    shown: Shown | None = None
    catalog: str | None = None
    traceparent: str | None = None


@dataclass(slots=True)
class Before:
    """What the database knew of the tickets of a batch."""

    tickets: dict[str, TicketRow] = field(default_factory=dict)
    entries: dict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    told: dict[Key, Told] = field(default_factory=dict)


Place = tuple[int, int]
"""Where a locked row stands until it is written (PostgreSQL's ctid)."""


class RowMoved(Transient):
    """A locked row was not where it had been claimed: the claim is tried again."""


class Moved(NamedTuple):
    """A fired clock: its verdict, and when it is to be fired next."""

    place: Place
    verdict: str
    fire_us: int | None


class Due(NamedTuple):
    """A claimed clock, what its ticket's events show, and the database's clock at the claim."""

    place: Place
    ticket_place: Place
    ticket_id: str
    clock: Clock
    ahead: Sequence[Milestone]
    sequence: int
    client_id: str | None
    summary: bytes
    traceparent: str | None
    now: datetime


async def load_and_lock(connection: Any, ticket_ids: Sequence[str]) -> Before:
    """Lock the tickets (in order, against deadlocks) and return everything known of them."""
    ids = sorted(set(ticket_ids))
    before = Before()
    async for row in queries.lock_new_tickets(connection, ticket_ids=ids):
        before.tickets[row["ticket_id"]] = TicketRow(row["ticket_id"], 0)
    ids = [one for one in ids if one not in before.tickets]
    if not ids:
        return before
    async for row in queries.hold_tickets(connection, ticket_ids=ids):
        before.tickets[row["ticket_id"]] = TicketRow(row["ticket_id"], row["sequence"], traceparent=row["traceparent"])
    async for row in queries.known_events(connection, ticket_ids=ids):
        before.entries[row["ticket_id"]].append(_entry(row))
    milestones: dict[Key, list[Milestone]] = defaultdict(list)
    async for row in queries.known_milestones(connection, ticket_ids=ids):
        milestones[row["ticket_id"], row["metric"], row["cycle"]].append(milestone_of(row))
    async for row in queries.known_clocks(connection, ticket_ids=ids):
        key = row["ticket_id"], row["metric"], row["cycle"]
        due_us = None if row["due_at"] is None else to_us(row["due_at"])
        before.told[key] = Told(tuple(milestones[key]), due_us)
    return before


def _entry(row: Any) -> Entry:
    return Entry(row["ticket_id"], row["source"], row["event_id"], row["type"], row["received_at"], row["body"])


async def append_journal(connection: Any, entries: Sequence[Entry]) -> None:
    """Append events that are not known; their tickets are locked, so nobody else appends them meanwhile."""
    rows = [(e.ticket_id, e.source, e.event_id, e.type, e.received_at, e.body) for e in entries]
    await connection.copy_records_to_table("journal", records=rows, columns=_JOURNAL)


async def save_tickets(connection: Any, tickets: Sequence[TicketRow]) -> None:
    """Save what events and reports show of each ticket."""
    shown = [t.shown for t in tickets]
    await queries.update_tickets(
        connection,
        ticket_ids=[t.ticket_id for t in tickets],
        sequences=[t.sequence for t in tickets],
        client_ids=[_text(t.client_id) for t in tickets],
        services=[_text(None if s is None else s.service) for s in shown],
        titles=[_text(None if s is None else s.title) for s in shown],
        priorities=[_text(None if s is None else s.priority) for s in shown],
        summaries=[None if s is None else s.summary for s in shown],
        catalogs=[t.catalog for t in tickets],
        traceparents=[t.traceparent for t in tickets],
    )


def _text(value: str | None) -> str | None:
    """PostgreSQL's text cannot hold NUL; reports show U+FFFD for it, the journal keeps the original."""
    return None if value is None else value.replace("\0", "\ufffd")


async def save_clocks(connection: Any, clocks: Sequence[Planned], before: Before, judged_by: int) -> None:
    """Save clocks as the journal has them now, and by which judgement; those not known ``before`` are copied in."""
    new = [_clock_row(p, judged_by) for p in clocks if p.key not in before.told]
    if new:
        await connection.copy_records_to_table("clock", records=new, columns=_CLOCK)
    clocks = [p for p in clocks if p.key in before.told]
    if not clocks:
        return
    await queries.upsert_clocks(
        connection,
        judged_by=judged_by,
        **_keys([p.key for p in clocks]),
        states=[p.clock.state for p in clocks],
        verdicts=[p.verdict for p in clocks],
        due=[_instant(p.clock.due_us) for p in clocks],
        fire=[_fire_at(p) for p in clocks],
        bases=[basis_of(p.clock, p.ahead) for p in clocks],
    )


def _clock_row(p: Planned, judged_by: int) -> tuple[Any, ...]:
    return (
        *p.key,
        p.clock.state,
        p.verdict,
        _instant(p.clock.due_us),
        _fire_at(p),
        basis_of(p.clock, p.ahead),
        judged_by,
    )


async def record_milestones(connection: Any, now: datetime, rows: Sequence[tuple[Key, Milestone]]) -> None:
    """Record milestones in this order; exactly once by the primary key: a conflict is a defect, nothing is recorded."""
    records = [(*key, m.kind.value, m.threshold, m.n, from_us(m.at_us), now, m.announced, m.after) for key, m in rows]
    await connection.copy_records_to_table("milestone", records=records, columns=_MILESTONE)


async def claim_due(
    connection: Any, catalogs: Catalogs, watermark: datetime, judged_by: int, at_most: int
) -> list[Due]:
    """Claim clocks of one judgement that are due after ``watermark``, oldest first, without waiting for anybody."""
    rows = queries.claim_due(connection, watermark=watermark, judged_by=judged_by, at_most=at_most)
    return [_due(row, catalogs) async for row in rows]


async def load_clocks(connection: Any, catalogs: Catalogs, ticket_ids: Sequence[str]) -> dict[Key, Clock]:
    """Return every clock of these tickets as it was last judged, without its end."""
    rows = queries.clocks_as_judged(connection, ticket_ids=list(ticket_ids))
    return {
        (r["ticket_id"], r["metric"], r["cycle"]): clock_of(r["metric"], r["cycle"], orjson.loads(r["basis"]), catalogs)
        async for r in rows
    }


async def move_clocks(connection: Any, clocks: Sequence[Moved], sequences: Mapping[Place, int]) -> None:
    """Move fired clocks along their schedule; raises ``RowMoved``, and nothing is kept, if one is not in its place."""
    done = await queries.move_clocks(
        connection,
        places=[clock.place for clock in clocks],
        verdicts=[clock.verdict for clock in clocks],
        fire=[_instant(clock.fire_us) for clock in clocks],
    )
    done += await queries.move_sequences(connection, places=list(sequences), sequences=list(sequences.values()))
    if done != f"UPDATE {len(clocks)}UPDATE {len(sequences)}":
        raise RowMoved(done)


def _keys(keys: Sequence[Key]) -> dict[str, list[Any]]:
    return {
        "ticket_ids": [k[0] for k in keys],
        "metrics": [k[1] for k in keys],
        "cycles": [k[2] for k in keys],
    }


def _instant(at_us: int | None) -> datetime | None:
    return None if at_us is None else from_us(at_us)


def _fire_at(planned: Planned) -> datetime | None:
    return from_us(planned.ahead[0].at_us) if planned.ahead else None


def _due(row: Any, catalogs: Catalogs) -> Due:
    place, ticket_id, metric, cycle, kept, fire_at, ticket_place, sequence, client_id, summary, traceparent, now = row
    basis, from_us = orjson.loads(kept), to_us(fire_at)  # what lies before it has been fired
    ahead = [Milestone(_KINDS[kind], n, at_us, label) for kind, n, at_us, label in basis["ahead"] if at_us >= from_us]
    clock = clock_of(metric, cycle, basis, catalogs)
    return Due(place, ticket_place, ticket_id, clock, ahead, sequence, client_id, summary, traceparent, now)
