"""The identities of events that were taken over HTTP are forgotten after a while."""

from datetime import datetime, timedelta

from services.intake.handlers.desk import Desk
from services.intake.store import queries

FORGET_AT_ONCE = 1000
_SUBMITTED_KEPT = timedelta(days=30)  # no sender repeats an event that it heard nothing about for longer


async def forget_submitted(desk: Desk, now: datetime) -> bool:
    """Forget up to ``FORGET_AT_ONCE`` identities of events that are older than 30 days; True when there may be more."""
    gone = await queries.forget_submitted(desk.pool, before=now - _SUBMITTED_KEPT, at_most=FORGET_AT_ONCE)
    return bool(gone == FORGET_AT_ONCE)
