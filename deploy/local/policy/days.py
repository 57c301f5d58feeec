"""Days and hours at the desk, as the policy's text has them (rule 2): so that a story can be told on any day."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

BRASILIA = ZoneInfo("America/Sao_Paulo")
DAY = timedelta(days=1)
OPENS, CLOSES = time(7), time(19)


def at_desk(day: date, of_day: time) -> datetime:
    """Return an instant of a day in Brasília."""
    return datetime.combine(day, of_day, BRASILIA)


def day_before(day: date, *weekdays: int) -> date:
    """Return the last day before ``day`` that is one of ``weekdays`` (0: Monday)."""
    return next(one for n in range(1, 8) if (one := day - n * DAY).weekday() in weekdays)


def next_opening(closed_on: date) -> datetime:
    """Return when the desk opens after a day that is closed: at 07:00 of the next working day."""
    return at_desk(next(one for n in range(1, 8) if (one := closed_on + n * DAY).weekday() < 5), OPENS)


def is_business(at: datetime) -> bool:
    """Tell whether the text counts ``at``, in Brasília, as business hours: Monday to Friday, 07:00 to 19:00."""
    return at.weekday() < 5 and OPENS <= at.time() < CLOSES


def local(at: datetime) -> str:
    """Return date and time in Brasília as the automatic answer says them."""
    return f"{at.astimezone(BRASILIA):%d/%m/%Y %H:%M}"
