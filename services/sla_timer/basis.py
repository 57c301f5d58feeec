"""Clocks and milestones as their rows keep them: of a clock JSON of what a fire says of it, and of what time will say."""

from collections.abc import Sequence
from typing import Any

import orjson

from services.sla_timer.domain.announce import Kind, Milestone
from services.sla_timer.domain.clock import Clock, Pause
from services.sla_timer.domain.plan import Plan
from shared.catalog import Catalogs, Span, Target
from shared.clock import to_us


def basis_of(clock: Clock, ahead: Sequence[Milestone]) -> bytes:
    """Return all that a fire needs to say of a clock: between two events of its ticket nothing of it changes."""
    plan = clock.plan
    return orjson.dumps(
        {
            "catalog": clock.catalog,
            "calendar": plan.span.calendar.name,
            "us": plan.span.us,
            "start": clock.start_us,
            "from": plan.from_us,
            "pending": plan.pending,
            "service": plan.service,
            "priority": plan.priority,
            "pauses": [[p.start_us, p.end_us, p.reasons] for p in clock.pauses],
            "due": clock.due_us,
            "ahead": [[m.kind.value, m.n, m.at_us, m.threshold] for m in ahead],
        }
    )


def clock_of(metric: str, cycle: int, basis: Any, catalogs: Catalogs) -> Clock:
    """Return the clock of a basis; one that an older engine wrote is read as far as it goes."""
    version, start_us = basis.get("catalog", ""), basis["start"]
    catalog = catalogs.version(version) or catalogs.for_start(start_us)
    span = Span(catalog.calendars.get(basis.get("calendar"), catalog.business), basis.get("us", 0))
    target = Target(span, span, None, ())
    from_us, pending = basis.get("from", start_us), basis.get("pending", False)
    return Clock(
        metric=metric,
        cycle=cycle,
        start_us=start_us,
        catalog=version,
        plan=Plan(span, from_us, pending, target, basis["service"], basis["priority"]),
        pauses=tuple([Pause(start, end, tuple(reasons)) for start, end, reasons in basis["pauses"]]),
        end=None,
        breached_us=None,
        exempted=False,
        due_us=basis.get("due"),
        due=None,
    )


def milestone_of(row: Any) -> Milestone:
    """Return the milestone of a row."""
    return Milestone(
        Kind(row["kind"]),
        row["n"],
        to_us(row["occurred_at"]),
        row["threshold"],
        announced=row["announced"],
        after=row["outcome"],
    )
