"""A ticket as the desk shows it: the fold of its events, in the one order of the semantics ("Order of events"). Pure.

What time means for a clock is sla_timer's affair; here stands what people see: service, state, pauses, who answered.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from shared.events import (
    SlaData,
    SlaRevised,
    SlaStarted,
    TicketAssigned,
    TicketCancelled,
    TicketMerged,
    TicketOpened,
    TicketPaused,
    TicketReclassified,
    TicketReopened,
    TicketResolved,
    TicketResponded,
    TicketResumed,
    TicketScheduled,
)

_ORDER = (
    *("opened", "assigned", "reclassified", "scheduled", "resumed", "responded", "action_started", "resolved"),
    *("exempted", "cancelled", "merged", "paused", "reopened"),
)
RANK = {f"ticket.{name}": rank for rank, name in enumerate(_ORDER)}
"""The types that are part of a ticket's journal; ``ticket.refused`` is none."""


class Happened(NamedTuple):
    """One event; sorts in the order of the semantics. ``at`` is its effective time: min(time, received)."""

    at: datetime
    rank: int
    source: str
    id: str
    data: Any = None  # compared last and never reached: source and id are unique


@dataclass(frozen=True, slots=True)
class Ticket:
    """The row of table ``ticket``. ``emergency``: what a person said, None while nobody has."""

    ticket_id: str
    opened_at: datetime
    channel: str
    service: str
    title: str
    priority: str | None = None
    client_id: str | None = None
    contact_ref: str | None = None
    coverage: str = "unknown"
    scope: str = "in_scope"
    emergency: bool | None = None
    assignee: str | None = None
    state: str = "open"
    merged_into: str | None = None
    pauses: tuple[str, ...] = ()
    responded_at: datetime | None = None
    scheduled_at: datetime | None = None
    closed_at: datetime | None = None


def fold(happened: Iterable[Happened], known: Ticket | None = None) -> Ticket | None:
    """Return the ticket after all that happened, whatever order it came in; None while its opening is not known.

    Of two openings the earliest counts. Without one (it is on its way, or forgotten) the events act on ``known``.
    """
    ordered = sorted(happened)
    opening = next((one for one in ordered if isinstance(one.data, TicketOpened)), None)
    ticket = known if opening is None else _opened(opening.data, opening.at)
    if ticket is None:
        return None
    for one in _without_empty_pauses([one for one in ordered if not isinstance(one.data, TicketOpened)]):
        ticket = _after(ticket, one.data, max(one.at, ticket.opened_at))
    return ticket


def _opened(data: TicketOpened, at: datetime) -> Ticket:
    return Ticket(
        ticket_id=data.ticket_id,
        opened_at=at,
        channel=_plain(data.channel),
        service=_plain(data.service),
        title=_plain(data.title),
        priority=_plain(data.priority),
        client_id=_plain(data.client_id),
        contact_ref=_plain(data.contact_ref),
        coverage=data.coverage,
        scope=data.scope,
        responded_at=at if data.responded else None,
    )


def _after(ticket: Ticket, data: Any, at: datetime) -> Ticket:
    match data:
        case TicketAssigned():
            return replace(ticket, assignee=_plain(data.assignee))
        case TicketReclassified():
            return _reclassified(ticket, data)
        case TicketScheduled():
            return replace(ticket, scheduled_at=data.starts_at)
        case TicketResponded(automatic=False):
            return replace(ticket, responded_at=ticket.responded_at or at)
        case TicketPaused():
            return replace(ticket, pauses=tuple(sorted({*ticket.pauses, data.reason})))
        case TicketResumed():
            left = () if data.reason is None else tuple(p for p in ticket.pauses if p != data.reason)
            return replace(ticket, pauses=left)
        case TicketResolved() if ticket.state == "open":
            responded = ticket.responded_at if data.automatic else ticket.responded_at or at
            return replace(ticket, state="resolved", closed_at=at, pauses=(), responded_at=responded)
        case TicketCancelled():
            return replace(ticket, state="cancelled", closed_at=at, pauses=())
        case TicketMerged():
            return replace(ticket, state="merged", closed_at=at, pauses=(), merged_into=_plain(data.into))
        case TicketReopened():
            return replace(ticket, state="open", closed_at=None, merged_into=None)
        case _:  # an automatic answer, an action begun, an exemption: nothing that the row shows
            return ticket


def _reclassified(ticket: Ticket, data: TicketReclassified) -> Ticket:
    named = ("service", "priority", "scope", "emergency", "client_id", "coverage")
    said = {name: _plain(value) for name in named if (value := getattr(data, name)) is not None}
    return replace(ticket, **said)


def _plain(value: Any) -> Any:
    """Return a text as PostgreSQL can hold it: a foreign event may carry U+0000."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value


def _without_empty_pauses(ordered: Sequence[Happened]) -> Iterator[Happened]:
    """A pause and a resume of one reason at one instant leave the state as it was; a resume of all ends both."""
    for _, group in groupby(ordered, key=lambda one: one.at):
        same = list(group)
        paused = {one.data.reason for one in same if isinstance(one.data, TicketPaused)}
        resumed = {one.data.reason for one in same if isinstance(one.data, TicketResumed)}
        void = paused if None in resumed else paused & resumed
        for one in same:
            if not (isinstance(one.data, TicketPaused | TicketResumed) and one.data.reason in void):
                yield one


@dataclass(frozen=True, slots=True)
class ClockWord:
    """The row of table ``clock``: the last word of ``sla.v1`` on one clock. ``remaining_seconds`` are counted ones."""

    ticket_id: str
    metric: str
    cycle: int
    state: str
    counts_from: datetime | None
    due_at: datetime | None
    target_seconds: int
    remaining_seconds: int
    sequence: int


_ENDED = frozenset({"breached", "met", "closed_late", "cancelled", "exempted"})


def hear(known: ClockWord | None, kind: str, data: SlaData) -> ClockWord:
    """Return the clock after an event of type ``sla.<kind>``; what is not newer by ``sequence`` changes nothing."""
    if known is not None and data.sequence <= known.sequence:
        return known
    counts_from = None if known is None else known.counts_from
    if isinstance(data, SlaStarted):
        counts_from = data.counts_from
    return ClockWord(
        ticket_id=data.ticket_id,
        metric=data.metric,
        cycle=data.cycle,
        state=_state("" if known is None else known.state, kind, data),
        counts_from=counts_from,
        due_at=data.due_at,
        target_seconds=data.target_seconds,
        remaining_seconds=data.remaining_seconds,
        sequence=data.sequence,
    )


def _state(before: str, kind: str, data: SlaData) -> str:
    said = data.to if isinstance(data, SlaRevised) else kind
    if said in _ENDED:
        return said
    if said == "paused" or (said == "open" and data.due_at is None):
        return "breached" if before == "breached" and data.due_at is not None else "paused"
    return "breached" if before == "breached" and said != "open" else "running"
