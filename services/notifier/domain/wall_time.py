"""Hours of a week in a zone → intervals of instants, half-open, in UTC.

The rule for daylight saving time is that of the catalog's calendars: a wall time that occurs twice is the first, one that
is skipped is read with the offset before the change; an interval that is empty then does not exist.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field

from shared.catalog.model import Day, Days, HolidaysPart, week_days, window_minutes
from shared.catalog.public_holidays import public_holidays
from shared.config import Part

SUNDAY = 6
_HOUR = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_DAY = timedelta(days=1)

Interval = tuple[datetime, datetime]
"""[start, end), aware, UTC."""

WallTime = Annotated[str, Field(pattern=rf"^{_HOUR}$", examples=["09:00"])]
EndTime = Annotated[str, Field(pattern=rf"^(?:{_HOUR}|24:00)$", examples=["18:00"])]


class Hours(Part):
    """Hours of a week. A ``to`` at or before ``from`` is the next day's; they belong to the day on which they begin."""

    days: Days | Annotated[tuple[Days, ...], Field(min_length=1, max_length=7)]
    from_: WallTime = Field(alias="from")
    to: EndTime

    @property
    def weekdays(self) -> frozenset[int]:
        """Return the numbers of the days, Monday 0."""
        said = (self.days,) if isinstance(self.days, str) else self.days
        return frozenset(number for days in said for number in week_days(days))

    @property
    def minutes(self) -> tuple[int, int]:
        """Return (opens, closes) in minutes from the day's midnight."""
        return window_minutes(f"{self.from_}-{self.to}")


class Holidays(HolidaysPart):
    """Days that count as a Sunday: those of a country and state, and own ones."""

    days: tuple[Day, ...] = Field((), max_length=400)
    """Own holidays by date."""

    def has(self, day: date) -> bool:
        """Tell whether ``day`` is a holiday."""
        return day in self.days or day in public_holidays(self, day.year)


def never(_: date) -> bool:
    """Tell of any day that it is no holiday."""
    return False


def minutes_of(time: str) -> int:
    """Return the minutes from midnight of ``HH:MM``."""
    return int(time[:2]) * 60 + int(time[3:])


def instant(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    """Return the instant of the wall time so many ``minutes`` after the midnight of ``day`` (1440: the next midnight)."""
    local = datetime(day.year, day.month, day.day) + timedelta(minutes=minutes)  # noqa: DTZ001  # wall time
    return local.replace(tzinfo=zone).astimezone(UTC)


def open_intervals(
    hours: Iterable[Hours], holiday: Callable[[date], bool], zone: ZoneInfo, start: datetime, end: datetime
) -> Sequence[Interval]:
    """Return the intervals of ``hours`` within [start, end), in order, adjacent ones united; a holiday is a Sunday."""
    week: dict[int, list[tuple[int, int]]] = {}
    for one in hours:
        for number in one.weekdays:
            week.setdefault(number, []).append(one.minutes)
    clipped = ((max(a, start), min(b, end)) for a, b in _intervals(week, holiday, zone, start, end))
    return list(united((a, b) for a, b in clipped if a < b))


def _intervals(
    week: dict[int, list[tuple[int, int]]],
    holiday: Callable[[date], bool],
    zone: ZoneInfo,
    start: datetime,
    end: datetime,
) -> Iterator[Interval]:
    day, last = start.astimezone(zone).date() - 2 * _DAY, end.astimezone(zone).date()
    while day <= last:
        for opens, closes in week.get(SUNDAY if holiday(day) else day.weekday(), ()):
            yield instant(day, opens, zone), instant(day, closes, zone)
        day += _DAY


def united(intervals: Iterable[Interval]) -> Iterator[Interval]:
    """Yield the same time in order, with what overlaps or touches as one."""
    current: Interval | None = None
    for start, end in sorted(intervals):
        if current is not None and start <= current[1]:
            current = current[0], max(current[1], end)
            continue
        if current is not None:
            yield current
        current = start, end
    if current is not None:
        yield current
