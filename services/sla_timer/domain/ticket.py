"""A ticket through its journal: what it is at every instant, when it is open, and where its cycles begin.

             resolved                    reopened within reopen_within: the same cycle
    ┌──────┐ ────────► ┌────────┐ ─────────────────────────────────────► open
    │ open │           │ closed │
    └──────┘           └────────┘ ── reopened later ──┐
        │ cancelled, merged                           ├────────────────► open, in a new cycle
        ▼                                             │
    ┌───────────┐ ────── reopened ────────────────────┘
    │ cancelled │
    └───────────┘

``resolved`` ends all pauses; a pause that begins while the ticket is not open counts from its reopening.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

from services.sla_timer.domain.journal import RANK, History
from shared.clock import to_us
from shared.events import (
    TicketCancelled,
    TicketMerged,
    TicketOpened,
    TicketPaused,
    TicketReclassified,
    TicketReopened,
    TicketResolved,
    TicketResumed,
    TicketScheduled,
)


class Status(Enum):
    """Whether somebody still works on the ticket."""

    OPEN = "open"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class Appointment(NamedTuple):
    """What was agreed; ``ends_us`` None: no end was given."""

    starts_us: int
    ends_us: int | None


class Ticket(NamedTuple):
    """What the ticket is at one instant. ``paused_for``: reasons that pause now, by the ticket's side."""

    service: str
    priority: str | None
    client_id: str | None
    in_scope: bool
    coverage: str
    emergency: bool | None = None
    status: Status = Status.OPEN
    closed_us: int = 0
    appointment: Appointment | None = None
    reasons: frozenset[str] = frozenset()

    @property
    def covered(self) -> bool:
        """Tell whether the contract covers more than an answer; ``unknown`` is the customer's benefit."""
        return self.coverage != "none"

    @property
    def paused_for(self) -> frozenset[str]:
        """Return the reasons that are in force: none while the ticket is not open."""
        return self.reasons if self.status is Status.OPEN else frozenset()


@dataclass(frozen=True, slots=True)
class NewCycle:
    """The act that ends a cycle because the next one begins."""


class Act(NamedTuple):
    """One event at the instant it acts; ``ticket`` is what the ticket is after it."""

    at_us: int
    rank: int
    data: Any
    ticket: Ticket


@dataclass(slots=True)
class Cycle:
    """From an opening, or a reopening that begins anew, to the next such reopening."""

    number: int
    start_us: int
    ticket: Ticket
    acts: list[Act] = field(default_factory=list)

    def open_at(self, at_us: int) -> bool:
        """Tell whether the ticket is open, and still in this cycle, after every act up to ``at_us``."""
        done = [act for act in self.acts if act.at_us <= at_us]
        if any(isinstance(act.data, NewCycle) for act in done):
            return False
        return (done[-1].ticket if done else self.ticket).status is Status.OPEN


ReopenWithin = Callable[[Cycle, Ticket, int], int]


def cycles_of(history: History, reopen_within: ReopenWithin) -> Sequence[Cycle]:
    """Return the cycles; ``reopen_within(cycle, ticket, at)`` is asked in microseconds when a closed ticket is reopened."""
    ticket = opened_ticket(history.opened)
    cycle = Cycle(1, history.opened_us, ticket)
    cycles = [cycle]
    for at_us, fact in history.facts:
        if not isinstance(fact.data, TicketReopened):
            ticket = after(ticket, at_us, fact.data)
            cycle.acts.append(Act(at_us, fact.rank, fact.data, ticket))
        elif ticket.status is not Status.OPEN:
            closed = ticket.status is Status.CLOSED
            same = closed and at_us - ticket.closed_us <= reopen_within(cycle, ticket, at_us)
            ticket = ticket._replace(status=Status.OPEN, appointment=ticket.appointment if same else None)
            if same:
                cycle.acts.append(Act(at_us, fact.rank, fact.data, ticket))
            else:
                cycle.acts.append(Act(at_us, RANK["ticket.reopened"], NewCycle(), ticket))
                cycle = Cycle(len(cycles) + 1, at_us, ticket)
                cycles.append(cycle)
    return cycles


def opened_ticket(opened: TicketOpened) -> Ticket:
    """Return the ticket as it was opened; ``emergency`` of an opening is a wish and decides nothing."""
    return Ticket(
        service=opened.service,
        priority=opened.priority,
        client_id=opened.client_id,
        in_scope=opened.scope == "in_scope",
        coverage=opened.coverage,
    )


def after(ticket: Ticket, at_us: int, data: Any) -> Ticket:
    """Return the ticket after one event; reopening is a matter of cycles."""
    match data:
        case TicketReclassified():
            return _reclassified(ticket, data)
        case TicketScheduled():
            return ticket._replace(appointment=_appointed(ticket.appointment, data))
        case TicketPaused():
            return ticket._replace(reasons=ticket.reasons | {data.reason})
        case TicketResumed():
            ended = ticket.reasons if data.reason is None else {data.reason}
            return ticket._replace(reasons=ticket.reasons - ended)
        case TicketResolved():
            if ticket.status is Status.OPEN:
                return ticket._replace(reasons=frozenset(), status=Status.CLOSED, closed_us=at_us)
            return ticket._replace(reasons=frozenset())
        case TicketCancelled() | TicketMerged():
            return ticket._replace(status=Status.CANCELLED)
        case _:
            return ticket


def _reclassified(ticket: Ticket, data: TicketReclassified) -> Ticket:
    return ticket._replace(
        service=ticket.service if data.service is None else data.service,
        priority=ticket.priority if data.priority is None else data.priority,
        client_id=ticket.client_id if data.client_id is None else data.client_id,
        in_scope=ticket.in_scope if data.scope is None else data.scope == "in_scope",
        coverage=ticket.coverage if data.coverage is None else data.coverage,
        emergency=ticket.emergency if data.emergency is None else data.emergency,
    )


def _appointed(known: Appointment | None, data: TicketScheduled) -> Appointment:
    """The client may move an appointment; moved by the vendor (or nobody knows by whom) it stays."""
    if known is not None and data.moved_by != "client":
        return known
    return Appointment(to_us(data.starts_at), None if data.ends_at is None else to_us(data.ends_at))
