"""The desk's own time: Brasília (policy rule 2)."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

DESK_ZONE = ZoneInfo("America/Sao_Paulo")


def desk_day(at: datetime) -> date:
    """Return the day at the desk, by which contracts begin and end."""
    return at.astimezone(DESK_ZONE).date()
