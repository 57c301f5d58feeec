"""A ticket's journal: its events in the one total order that every verdict is computed from.

Order: (effective time, type rank, source, id); effective time = min(time, received). Source: the semantics' row
"Order of events". Instants are microseconds since the epoch.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from pydantic import BaseModel

from shared.clock import to_us
from shared.events import Event, TicketAssigned, TicketOpened, TicketPaused, TicketResumed

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
AFTER_BREACH = RANK["ticket.paused"]  # from this rank on an event acts after a breach of the same instant


class Fact(NamedTuple):
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


class History(NamedTuple):
    """The facts of one opened ticket after its opening, in order, each with the instant it acts at.

    Those dated before the opening act at the opening, after it, in their own order. Pauses of no length are gone.
    """

    opened: TicketOpened
    opened_us: int
    facts: tuple[tuple[int, Fact], ...]
    assignee: str | None
    openings: int


def history(facts: Iterable[Fact]) -> History | None:
    """Return the history, or None while no opening has arrived (edge case 48). Two openings: the earliest wins."""
    ordered = sorted(facts, key=lambda fact: (fact.at_us, fact.rank, fact.source, fact.id))
    openings = [fact for fact in ordered if isinstance(fact.data, TicketOpened)]
    if not openings or not isinstance(openings[0].data, TicketOpened):
        return None
    opened_us = openings[0].at_us
    rest = [fact for fact in ordered if not isinstance(fact.data, TicketOpened)]
    acting = tuple((max(fact.at_us, opened_us), fact) for fact in _without_empty_pauses(rest))
    assignee = next((f.data.assignee for f in reversed(rest) if isinstance(f.data, TicketAssigned)), None)
    return History(openings[0].data, opened_us, acting, assignee, len(openings))


def _without_empty_pauses(facts: Sequence[Fact]) -> Iterator[Fact]:
    """A pause and a resume of one reason at one instant leave the state as it was; a resume of all ends both."""
    for _, group in groupby(facts, key=lambda fact: fact.at_us):
        same = list(group)
        paused = {fact.data.reason for fact in same if isinstance(fact.data, TicketPaused)}
        resumed = {fact.data.reason for fact in same if isinstance(fact.data, TicketResumed)}
        if not paused or not resumed:
            yield from same
            continue
        void = paused if None in resumed else paused & resumed
        for fact in same:
            if not (isinstance(fact.data, TicketPaused | TicketResumed) and fact.data.reason in void):
                yield fact
