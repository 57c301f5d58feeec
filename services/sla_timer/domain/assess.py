"""Journal and catalog in, clocks out: the whole verdict is a function of these two."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.sla_timer.domain.clock import Clock, End, How
from services.sla_timer.domain.journal import Fact, History
from services.sla_timer.domain.pauses import pauses_of
from shared.catalog import Catalog, Catalogs, Target
from shared.events import (
    TicketActionStarted,
    TicketCancelled,
    TicketMerged,
    TicketResolved,
    TicketResponded,
)

ENGINE = "1"


@dataclass(frozen=True, slots=True)
class Assessment:
    """The clocks of one ticket under one catalog version; a clock that never began has no line."""

    history: History
    catalog: Catalog
    clocks: tuple[Clock, ...]


def assess(history: History, catalogs: Catalogs) -> Assessment:
    """Return every clock of the ticket. The cycle gets the catalog in force at its start."""
    catalog = catalogs.for_start(history.opened_us)
    return Assessment(history, catalog, tuple(_clocks(history, catalog)))


def _clocks(history: History, catalog: Catalog) -> Iterator[Clock]:
    opened = history.opened
    response = catalog.target(opened.service, opened.priority, "response")
    yield _clock(history, "response", response, _response_end(history))
    if opened.coverage != "none" and opened.scope != "out_of_scope":
        action = catalog.target(opened.service, opened.priority, "action")
        yield _clock(history, "action", action, _action_end(history, action))


def _clock(history: History, metric: str, target: Target, end: End | None) -> Clock:
    pauses = pauses_of(history, target.pauses)
    if end is not None:
        pauses = tuple(pause for pause in pauses if pause.start_us < end.at_us)
    return Clock(metric, 1, history.opened_us, target, pauses, end)


def _response_end(history: History) -> End | None:
    """Met by the first answer of a person, or a person's resolution; an auto-reply is not a response."""
    if history.opened.responded:
        return End(history.opened_us, How.FULFILLED, "opened_responded")
    return next(filter(None, (_ends_response(at, fact, history) for at, fact in history.facts)), None)


def _ends_response(at_us: int, fact: Fact, history: History) -> End | None:
    match fact.data:
        case TicketResponded(automatic=False):
            return End(at_us, How.FULFILLED, "responded")
        case TicketResolved(automatic=False):
            return End(at_us, How.FULFILLED, "resolved")
        case TicketResolved() if history.opened.channel == "system":
            return End(at_us, How.CANCELLED, "recovered")
        case _:
            return _cancels(at_us, fact)


def _action_end(history: History, target: Target) -> End | None:
    return next(filter(None, (_ends_action(at, fact, target) for at, fact in history.facts)), None)


def _ends_action(at_us: int, fact: Fact, target: Target) -> End | None:
    match fact.data:
        case TicketResolved():
            return End(at_us, How.FULFILLED, "resolved")
        case TicketActionStarted() if target.action_met_by == "action_started":
            return End(at_us, How.FULFILLED, "action_started")
        case _:
            return _cancels(at_us, fact)


def _cancels(at_us: int, fact: Fact) -> End | None:
    match fact.data:
        case TicketCancelled():
            return End(at_us, How.CANCELLED, "cancelled")
        case TicketMerged():
            return End(at_us, How.CANCELLED, "merged")
        case _:
            return None
