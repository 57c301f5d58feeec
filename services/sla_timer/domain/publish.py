"""A milestone of a clock as an event of ``sla.v1``, with every counted interval that explains it.

Rendered to JSON directly: at thousands of events a second building validated models is what dominates. A contract test
proves for every kind that what is rendered is what the model says.
"""

from typing import Any, NamedTuple

import orjson

from services.sla_timer.domain.announce import Kind, Milestone
from services.sla_timer.domain.assess import ENGINE
from services.sla_timer.domain.clock import Clock
from shared.catalog import Calendar
from shared.clock import from_us
from shared.events import Outgoing, event_id

SOURCE = "prazo/sla_timer"
_SECOND = 1_000_000
_EXPLAINED = 100
_WORDS = {kind: kind.value for kind in Kind}
_TYPES = {kind: f"sla.{kind.value}" for kind in Kind}
_WITH_EXPLANATION = frozenset({Kind.WARNING, Kind.BREACHED, Kind.MET, Kind.CLOSED_LATE, Kind.REVISED})


class Telling(NamedTuple):
    """Everything an event says beside its milestone. ``summary``: the JSON of a ``TicketSummary``."""

    ticket_id: str
    client_id: str | None
    clock: Clock
    summary: bytes
    tzdata: str
    traceparent: str | None
    now_us: int
    previous_due_us: int | None = None
    ingest_lag_seconds: float | None = None


def milestone_id(ticket_id: str, clock: Clock, kind: Kind, threshold: str, n: int) -> str:
    """Return the deterministic event id of a milestone: a crash repeats it, two real pauses differ."""
    return event_id(ticket_id, clock.metric, clock.cycle, _WORDS[kind], threshold or None, n)


def publish(telling: Telling, milestone: Milestone, sequence: int) -> Outgoing:
    """Return the event. It is dated when the milestone happened; ``detected_at`` is when we said so."""
    kind, ticket_id, traceparent = milestone.kind, telling.ticket_id, telling.traceparent
    data = {**_measures(telling, milestone, sequence), **_particulars(telling, milestone)}
    event = {
        "specversion": "1.0",
        "id": milestone_id(ticket_id, telling.clock, kind, milestone.threshold, milestone.n),
        "source": SOURCE,
        "type": _TYPES[kind],
        "subject": ticket_id,
        "time": data["occurred_at"],
        "datacontenttype": "application/json",
        "data": data,
    }
    if traceparent is not None:
        event["traceparent"] = traceparent
    return Outgoing(ticket_id, orjson.dumps(event, option=orjson.OPT_UTC_Z), traceparent)


def _particulars(telling: Telling, milestone: Milestone) -> dict[str, Any]:
    """Return what only events of this kind say."""
    clock = telling.clock
    match milestone.kind:
        case Kind.STARTED:
            counts_from = clock.counts_from_us
            return {
                "counts_from": None if counts_from is None else from_us(counts_from),
                "calendar": clock.plan.span.calendar.name,
            }
        case Kind.WARNING:
            return {"threshold": milestone.threshold}
        case Kind.CLOSED_LATE:
            return {"late_seconds": clock.late_us(milestone.at_us) // _SECOND}
        case Kind.RESCHEDULED:
            previous = telling.previous_due_us
            return {"previous_due_at": None if previous is None else from_us(previous), "cause": milestone.cause}
        case Kind.CANCELLED:
            return {"cause": milestone.cause}
        case Kind.REVISED:
            kind, n = milestone.replaces
            return {
                "from": milestone.before,
                "to": milestone.after,
                "replaces": milestone_id(telling.ticket_id, clock, Kind(kind), "", n),
                "cause": milestone.cause,
            }
        case _:
            return {}


def _measures(telling: Telling, milestone: Milestone, sequence: int) -> dict[str, Any]:
    clock, at_us, now_us = telling.clock, milestone.at_us, telling.now_us
    due_us = None if milestone.kind is Kind.PAUSED else clock.due_us
    explained = _explanation(clock, at_us) if milestone.kind in _WITH_EXPLANATION else []
    span = clock.plan.span
    return {
        "ticket_id": telling.ticket_id,
        "client_id": telling.client_id,
        "metric": clock.metric,
        "cycle": clock.cycle,
        "sequence": sequence,
        "due_at": None if due_us is None else from_us(due_us),
        "target_seconds": span.us // _SECOND,
        "elapsed_seconds": clock.elapsed_us(at_us) // _SECOND,
        "remaining_seconds": clock.remaining_us(at_us) // _SECOND,
        "occurred_at": from_us(at_us),
        "detected_at": from_us(now_us),
        "detected_late": now_us - at_us > _SECOND,
        "ingest_lag_seconds": telling.ingest_lag_seconds,
        "plan": {
            "catalog": clock.catalog,
            "calendar": span.calendar.name,
            "tzdata": telling.tzdata,
            "engine": ENGINE,
        },
        "ticket": orjson.Fragment(telling.summary),
        "explanation": explained[:_EXPLAINED],
        "truncated": len(explained) > _EXPLAINED,
    }


def _explanation(clock: Clock, until_us: int) -> list[dict[str, Any]]:
    """Return counted intervals and subtracted pauses in order of time; more than fit show that it is truncated."""
    found: list[dict[str, Any]] = []
    calendar, at_us = clock.plan.span.calendar, clock.plan.from_us
    for pause in clock.pauses:
        if pause.start_us >= until_us:
            break
        found += _counted(calendar, at_us, pause.start_us, _EXPLAINED + 1 - len(found))
        end_us = until_us if pause.end_us is None else min(pause.end_us, until_us)
        open_us = calendar.open_between(pause.start_us, end_us)
        found.append(_interval("paused", pause.start_us, end_us, open_us, pause.reasons))
        at_us = max(at_us, end_us)
        if len(found) > _EXPLAINED:
            return found
    found += _counted(calendar, at_us, until_us, _EXPLAINED + 1 - len(found))
    return found


def _counted(calendar: Calendar, start_us: int, end_us: int, at_most: int) -> list[dict[str, Any]]:
    return [
        _interval("counted", start, end, end - start, ()) for start, end in calendar.windows(start_us, end_us, at_most)
    ]


def _interval(kind: str, start_us: int, end_us: int, open_us: int, reasons: tuple[str, ...]) -> dict[str, Any]:
    return {
        "kind": kind,
        "start": from_us(start_us),
        "end": from_us(end_us),
        "seconds": open_us // _SECOND,
        "reasons": reasons,
    }
