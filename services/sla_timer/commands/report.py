"""A clock as one JSON line of ``assess``: the public contract's fields, instants in RFC 3339 UTC, whole seconds."""

from typing import Any

from services.sla_timer.domain.clock import Clock
from shared.clock import from_us

_SECOND = 1_000_000


def line_of(ticket_id: str, clock: Clock, at_us: int) -> dict[str, Any]:
    """Return the line of a clock at ``at_us``; seconds are rounded towards minus infinity."""
    upto_us = clock.upto(at_us)
    hidden = clock.breached_us is None and clock.state == "paused"
    return {
        "ticket_id": ticket_id,
        "metric": clock.metric,
        "cycle": clock.cycle,
        "state": clock.state,
        "verdict": clock.verdict,
        "counts_from": instant(clock.counts_from_us),
        "due_at": None if hidden else instant(clock.due_us),
        "target_seconds": clock.plan.span.us // _SECOND,
        "elapsed_seconds": clock.elapsed_us(upto_us) // _SECOND,
        "remaining_seconds": clock.remaining_us(upto_us) // _SECOND,
        "breached_at": instant(clock.breached_us),
        "met_at": instant(clock.met_us),
        "late_seconds": None if clock.breached_us is None else clock.late_us(upto_us) // _SECOND,
        "catalog": clock.catalog,
        "calendar": clock.plan.span.calendar.name,
    }


def instant(at_us: int | None) -> str | None:
    """Return RFC 3339 in UTC with ``Z``."""
    return None if at_us is None else from_us(at_us).isoformat().replace("+00:00", "Z")
