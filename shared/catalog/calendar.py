"""Open time of a calendar in O(log n): a cumulative table of open microseconds and bisect.

Instants are whole microseconds since 1970-01-01T00:00:00Z; intervals are half-open. A window belongs to the local day
on which it starts; tails over midnight are united with the next day's windows. Computed in the calendar's zone: real
elapsed time over DST changes, a wall time that occurs twice is the first, one that is skipped is read with the offset
before the change.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from shared.clock import to_us
from shared.errors import Permanent

MINUTE_US = 60_000_000
DAY_MINUTES = 1_440
_YEAR_US = 31_556_952_000_000
_LAST_YEAR = 2100
_YEARS_AT_ONCE = 4

Windows = Sequence[tuple[int, int]]
"""Windows of one local day, in minutes from its midnight; an end above 1440 crosses midnight."""


class OutOfRange(Permanent):
    """An instant lies outside the years that a calendar covers, or no open time is left in them."""


class Calendar:
    """Open time of one calendar. ``windows_of`` gives the windows that start on a local day."""

    def __init__(self, name: str, zone: str, day_us: int, windows_of: Callable[[date], Windows]) -> None:
        self.name = name
        self.zone = zone
        self.day_us = day_us
        self._tz = ZoneInfo(zone)
        self._windows_of = windows_of
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._before: list[int] = []  # open time before window i
        self._after: list[int] = []  # open time up to the end of window i
        self._from_year = self._to_year = 0
        self._low_us = self._high_us = 0  # instants in [low, high) are covered with a year to spare on both sides

    def open_between(self, start_us: int, end_us: int) -> int:
        """Return microseconds of open time in [start, end); 0 when end <= start."""
        if end_us <= start_us:
            return 0
        self._cover(start_us, end_us)
        return self._open_until(end_us) - self._open_until(start_us)

    def add(self, start_us: int, open_us: int) -> int:
        """Return the earliest t with ``open_between(start, t) >= open_us``: Friday 17:00 + 2 h is Friday 19:00."""
        if open_us <= 0:
            return start_us
        self._cover(start_us, start_us)
        wanted = self._open_until(start_us) + open_us
        while wanted > self._after[-1]:
            self._extend(self._from_year, self._to_year + _YEARS_AT_ONCE)
            wanted = self._open_until(start_us) + open_us
        i = bisect_left(self._after, wanted)
        return self._starts[i] + wanted - self._before[i]

    def add_each(self, start_us: int, open_us: Sequence[int]) -> list[int]:
        """Return ``add(start, us)`` of each, for less than their sum; every ``us`` is positive."""
        self._cover(start_us, start_us)
        until = self._open_until(start_us)
        if until + max(open_us) > self._after[-1]:
            return [self.add(start_us, us) for us in open_us]
        found, starts, before, after = [], self._starts, self._before, self._after
        for us in open_us:
            i = bisect_left(after, until + us)
            found.append(starts[i] + until + us - before[i])
        return found

    def next_open(self, start_us: int) -> int:
        """Return the first open instant at or after ``start_us``."""
        self._cover(start_us, start_us)
        while (i := bisect_right(self._ends, start_us)) == len(self._ends):
            self._extend(self._from_year, self._to_year + _YEARS_AT_ONCE)
        return max(start_us, self._starts[i])

    def is_open(self, at_us: int) -> bool:
        """Tell whether time counts at ``at_us``."""
        return self.next_open(at_us) == at_us

    def windows(self, start_us: int, end_us: int, at_most: int | None = None) -> Sequence[tuple[int, int]]:
        """Return the first ``at_most`` open intervals clipped to [start, end), in order, adjacent ones merged."""
        if end_us <= start_us:
            return ()
        self._cover(start_us, end_us)
        first, last = bisect_right(self._ends, start_us), bisect_left(self._starts, end_us)
        if at_most is not None:
            last = min(last, first + at_most)
        starts, ends = self._starts[first:last], self._ends[first:last]
        if starts:
            starts[0], ends[-1] = max(starts[0], start_us), min(ends[-1], end_us)
        return list(zip(starts, ends, strict=True))

    def _open_until(self, at_us: int) -> int:
        i = bisect_right(self._starts, at_us) - 1
        if i < 0:
            return 0
        end_us = self._ends[i]
        return self._after[i] if at_us >= end_us else self._before[i] + at_us - self._starts[i]

    def _cover(self, start_us: int, end_us: int) -> None:
        if start_us >= self._low_us and end_us < self._high_us:
            return
        first, last = _year(start_us) - 1, _year(end_us) + 1
        if not self._to_year:
            self._extend(first, last + _YEARS_AT_ONCE)
        elif first < self._from_year or last > self._to_year:
            self._extend(min(first, self._from_year), max(last, self._to_year))

    def _extend(self, from_year: int, to_year: int) -> None:
        """Rebuild the table for the whole years from_year..to_year (local); bounded by the year 2100."""
        if not 1900 <= from_year <= _LAST_YEAR or (to_year > _LAST_YEAR and self._to_year >= _LAST_YEAR):
            raise OutOfRange(f"calendar {self.name}: no open time between {from_year} and {_LAST_YEAR}")
        self._from_year, self._to_year = from_year, min(max(to_year, from_year), _LAST_YEAR)
        self._low_us, self._high_us = _begin_of(self._from_year + 1), _begin_of(self._to_year)
        self._starts, self._ends, self._before, self._after = [], [], [], []
        total = 0
        for start, end in _merged(self._intervals()):
            self._starts.append(start)
            self._ends.append(end)
            self._before.append(total)
            total += end - start
            self._after.append(total)

    def _intervals(self) -> Iterator[tuple[int, int]]:
        day, last = date(self._from_year, 1, 1), date(self._to_year, 12, 31)
        while day <= last:
            for opens, closes in self._windows_of(day):
                start, end = self._instant(day, opens), self._instant(day, closes)
                if start < end:
                    yield start, end
            day += timedelta(days=1)

    def _instant(self, day: date, minutes: int) -> int:
        days, minutes = divmod(minutes, DAY_MINUTES)
        local = datetime(day.year, day.month, day.day) + timedelta(days=days, minutes=minutes)  # noqa: DTZ001  # wall time
        return to_us(local.replace(tzinfo=self._tz))


def _merged(intervals: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    current: tuple[int, int] | None = None
    for start, end in sorted(intervals):
        if current is not None and start <= current[1]:
            current = current[0], max(current[1], end)
            continue
        if current is not None:
            yield current
        current = start, end
    if current is not None:
        yield current


def _year(at_us: int) -> int:
    """Return the year of an instant, near enough for a table that has a year to spare on both sides."""
    return 1970 + int(at_us // _YEAR_US)


def _begin_of(year: int) -> int:
    """Return the first instant of which ``_year`` says ``year``."""
    return (year - 1970) * _YEAR_US
