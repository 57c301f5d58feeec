"""A ticket's journal: its events in the one total order that every verdict is computed from.

Order: (effective time, type rank, source, id); effective time = min(time, received). Source: the semantics' row
"Order of events". Instants are microseconds since the epoch.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from shared.clock import to_us
from shared.events import Event, TicketAssigned, TicketOpened

_ORDER = (
    "ticket.opened",
    "ticket.assigned",
    "ticket.reclassified",
    "ticket.scheduled",
    "ticket.resumed",
    "ticket.responded",
    "ticket.action_started",
    "ticket.resolved",
    "ticket.exempted",
    "ticket.cancelled",
    "ticket.merged",
    "ticket.paused",
    "ticket.reopened",
)
RANK = {name: rank for rank, name in enumerate(_ORDER)}


@dataclass(frozen=True, slots=True, order=True)
class Fact:
    """One journal entry; ``at_us`` is its effective time."""

    at_us: int
    rank: int
    source: str
    id: str
    data: BaseModel = None  # type: ignore[assignment]  # compared last and never reached: source and id are unique

    @classmethod
    def of(cls, event: Event[Any], received_at: datetime) -> "Fact":
        """Return the fact of ``event``: a producer's clock that is ahead never costs anybody a verdict."""
        at_us = min(to_us(event.time), to_us(received_at))
        return cls(at_us, RANK[event.type], event.source, event.id, event.data)


@dataclass(frozen=True, slots=True)
class History:
    """The facts of one opened ticket, in order, none before its opening.

    ``groups`` are the facts of one and the same instant, with the instant they act at: those dated before the opening
    act at the opening, after it, in their own order.
    """

    opened: TicketOpened
    opened_us: int
    facts: tuple[tuple[int, Fact], ...]
    assignee: str | None


def history(facts: Iterable[Fact]) -> History | None:
    """Return the history, or None while no opening has arrived (edge case 48). Two openings: the earliest wins."""
    ordered = sorted(facts, key=lambda fact: (fact.at_us, fact.rank, fact.source, fact.id))
    opening = next((fact for fact in ordered if isinstance(fact.data, TicketOpened)), None)
    if opening is None or not isinstance(opening.data, TicketOpened):
        return None
    rest = tuple((max(f.at_us, opening.at_us), f) for f in ordered if not isinstance(f.data, TicketOpened))
    assignee = next((f.data.assignee for _, f in reversed(rest) if isinstance(f.data, TicketAssigned)), None)
    return History(opening.data, opening.at_us, rest, assignee)
