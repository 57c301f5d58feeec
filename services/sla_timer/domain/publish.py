"""A milestone of a clock as an event of ``sla.v1``, with every counted interval that explains it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from services.sla_timer.domain.announce import Kind, Milestone
from services.sla_timer.domain.assess import ENGINE
from services.sla_timer.domain.clock import Clock
from shared.clock import from_us
from shared.events import (
    Event,
    Interval,
    Plan,
    SlaBreached,
    SlaCancelled,
    SlaClosedLate,
    SlaExempted,
    SlaMet,
    SlaPaused,
    SlaRescheduled,
    SlaResumed,
    SlaRevised,
    SlaStarted,
    SlaWarning,
    TicketSummary,
    event_id,
    new_event,
)

SOURCE = "prazo/sla_timer"
_SECOND = 1_000_000
_EXPLAINED = 100
_WITH_EXPLANATION = frozenset({Kind.WARNING, Kind.BREACHED, Kind.MET, Kind.CLOSED_LATE, Kind.REVISED})


@dataclass(frozen=True, slots=True)
class Telling:
    """Everything an event says beside its milestone."""

    ticket_id: str
    client_id: str | None
    clock: Clock
    summary: TicketSummary
    plan: Plan
    traceparent: str | None
    now_us: int
    sequence: int
    previous_due_us: int | None = None
    ingest_lag_seconds: float | None = None


def milestone_id(ticket_id: str, clock: Clock, milestone: Milestone) -> str:
    """Return the deterministic event id of a milestone: a crash repeats it, two real pauses differ."""
    threshold = milestone.threshold or None
    return event_id(ticket_id, clock.metric, clock.cycle, milestone.kind.value, threshold, milestone.n)


def publish(telling: Telling, milestone: Milestone) -> Event[Any]:
    """Return the event. It is dated when the milestone happened; ``detected_at`` is when we said so."""
    return new_event(
        _data(telling, milestone),
        id=milestone_id(telling.ticket_id, telling.clock, milestone),
        source=SOURCE,
        subject=telling.ticket_id,
        time=from_us(milestone.at_us),
        traceparent=telling.traceparent,
    )


def plan_of(catalog: str, calendar: str, tzdata: str) -> Plan:
    """Return the versions that a verdict depends on."""
    return Plan(catalog=catalog, calendar=calendar, tzdata=tzdata, engine=ENGINE)


def _data(telling: Telling, milestone: Milestone) -> Any:
    clock, at_us = telling.clock, milestone.at_us
    body = _measures(telling, milestone)
    match milestone.kind:
        case Kind.STARTED:
            counts_from = clock.counts_from_us
            return SlaStarted(
                **body,
                counts_from=None if counts_from is None else from_us(counts_from),
                calendar=clock.plan.span.calendar.name,
            )
        case Kind.WARNING:
            return SlaWarning(**body, threshold=milestone.threshold)
        case Kind.CLOSED_LATE:
            return SlaClosedLate(**body, late_seconds=clock.late_us(at_us) // _SECOND)
        case Kind.RESCHEDULED:
            previous = telling.previous_due_us
            return SlaRescheduled(
                **body, previous_due_at=None if previous is None else from_us(previous), cause=milestone.cause
            )
        case Kind.CANCELLED:
            return SlaCancelled(**body, cause=milestone.cause)
        case Kind.EXEMPTED:
            return SlaExempted(**body)
        case Kind.REVISED:
            kind, n = milestone.replaces
            replaced = event_id(telling.ticket_id, clock.metric, clock.cycle, kind, None, n)
            words = {"from": milestone.before, "to": milestone.after, "replaces": replaced, "cause": milestone.cause}
            return SlaRevised(**body, **words)
        case Kind.BREACHED:
            return SlaBreached(**body)
        case Kind.MET:
            return SlaMet(**body)
        case Kind.PAUSED:
            return SlaPaused(**body)
        case Kind.RESUMED:
            return SlaResumed(**body)


def _measures(telling: Telling, milestone: Milestone) -> dict[str, Any]:
    clock, at_us = telling.clock, milestone.at_us
    due_us = None if milestone.kind is Kind.PAUSED else clock.due_us
    explained = list(_explanation(clock, at_us)) if milestone.kind in _WITH_EXPLANATION else []
    return {
        "ticket_id": telling.ticket_id,
        "client_id": telling.client_id,
        "metric": clock.metric,
        "cycle": clock.cycle,
        "sequence": telling.sequence,
        "due_at": None if due_us is None else from_us(due_us),
        "target_seconds": clock.plan.span.us // _SECOND,
        "elapsed_seconds": clock.elapsed_us(at_us) // _SECOND,
        "remaining_seconds": clock.remaining_us(at_us) // _SECOND,
        "occurred_at": from_us(at_us),
        "detected_at": from_us(telling.now_us),
        "detected_late": telling.now_us - at_us > _SECOND,
        "ingest_lag_seconds": telling.ingest_lag_seconds,
        "plan": telling.plan,
        "ticket": telling.summary,
        "explanation": tuple(explained[:_EXPLAINED]),
        "truncated": len(explained) > _EXPLAINED,
    }


def _explanation(clock: Clock, until_us: int) -> Iterator[Interval]:
    """Yield counted intervals and subtracted pauses in order of time, one more than fits so that truncation shows."""
    calendar, at_us, yielded = clock.plan.span.calendar, clock.plan.from_us, 0
    for pause in [*clock.pauses, None]:
        stop_us = until_us if pause is None else min(pause.start_us, until_us)
        for start, end in calendar.windows(at_us, stop_us):
            yield _interval(clock, "counted", start, end, ())
            yielded += 1
            if yielded > _EXPLAINED:
                return
        if pause is None or pause.start_us >= until_us:
            return
        end_us = until_us if pause.end_us is None else min(pause.end_us, until_us)
        yield _interval(clock, "paused", pause.start_us, end_us, pause.reasons)
        at_us = max(at_us, end_us)


def _interval(clock: Clock, kind: Any, start_us: int, end_us: int, reasons: tuple[str, ...]) -> Interval:
    seconds = clock.plan.span.calendar.open_between(start_us, end_us) // _SECOND
    return Interval(kind=kind, start=from_us(start_us), end=from_us(end_us), seconds=seconds, reasons=reasons)
