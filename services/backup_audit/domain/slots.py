"""Planned starts of a routine: a cron expression in a zone. Slots are judged, not "time since the last backup"."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim

from shared.clients import Routine


def next_slot(routine: Routine, after: datetime) -> datetime:
    """Return the first planned start after ``after`` (UTC); over DST changes as cron does."""
    return next(CronSim(routine.cron, after.astimezone(ZoneInfo(routine.zone)))).astimezone(UTC)


def last_slot(routine: Routine, now: datetime) -> datetime:
    """Return the last planned start at or before ``now`` (UTC)."""
    local = now.astimezone(ZoneInfo(routine.zone))
    exact = next(CronSim(routine.cron, local, reverse=True))
    following = next(CronSim(routine.cron, exact))
    return (following if following <= local else exact).astimezone(UTC)


def expected_by(routine: Routine, slot: datetime) -> datetime:
    """Return until when the backup of ``slot`` must have landed."""
    return slot + routine.duration + routine.grace
