"""A rotation that another program keeps: the shifts of an iCalendar file (RFC 5545).

Who: an ATTENDEE whose address is one of a person's e-mail methods, else the SUMMARY, which is such an address, a person's
id or a person's name. Where shifts overlap, the one that began last is on duty (of two at once: the greater UID), so a
replacement drawn over a week's shift wins. All-day events and floating times are in the rotation's zone. A cancelled event
and one without length are no shift.
"""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events

from services.notifier.domain.wall_time import instant
from shared.errors import Permanent

MOST_BYTES = 1_000_000
MOST_EVENTS = 2_000
_MOST_SHIFTS = 20_000
_MOST_SAID = 80
_CHECKED = timedelta(days=400)
_SLICE = timedelta(days=91)
_SLICES_KEPT = 8
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MARGIN = timedelta(days=2)  # more than any zone is away from UTC
_BY_DAYS = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY"})
_BY_MONTHS = _BY_DAYS | {"BYMONTHDAY", "BYMONTH", "BYSETPOS"}
_RULE_PARTS = {"DAILY": _BY_DAYS, "WEEKLY": _BY_DAYS, "MONTHLY": _BY_MONTHS, "YEARLY": _BY_MONTHS}
"""By FREQ. A rule that more could make impossible is searched for day by day up to the year 9999."""
_MOST_INTERVAL = 1000
_NEEDED = frozenset(
    {"DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID", "ATTENDEE", "SUMMARY"}
)


class UnusableCalendar(Permanent):
    """An iCalendar file cannot be used; each of its arguments is one reason."""


@dataclass(frozen=True, slots=True, order=True)
class Shift:
    """An event: [start, end), aware, UTC. ``person`` is None where it names nobody that we know; ``said`` is its SUMMARY."""

    start: datetime
    uid: str
    end: datetime
    person: str | None = field(compare=False)
    said: str = field(compare=False)


class Shifts:
    """The shifts of one file; asked by slices of 91 days, the last few of which are kept."""

    def __init__(self, calendar: icalendar.Calendar, zone: str, names: Mapping[str, str]) -> None:
        self._query = recurring_ical_events.of(calendar, components=["VEVENT"])
        self._zone = ZoneInfo(zone)
        self._names = names
        self._slices: dict[int, Sequence[Shift]] = {}

    def between(self, start: datetime, end: datetime) -> Sequence[Shift]:
        """Return the shifts that overlap [start, end), in the order of their beginning."""
        first, last = (start - _EPOCH) // _SLICE, (end - _EPOCH) // _SLICE
        found = {shift for number in range(first, last + 1) for shift in self._slice(number)}
        return sorted(shift for shift in found if shift.start < end and shift.end > start)

    def on_duty(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime, str | None]]:
        """Yield [from, to) and who is on duty, in order; what is between has no shift."""
        waiting = self.between(start, end)
        edges = sorted({min(max(edge, start), end) for shift in waiting for edge in (shift.start, shift.end)})
        heap: list[tuple[int, datetime, str | None]] = []
        begun = 0
        for begin, finish in pairwise(edges):
            while begun < len(waiting) and waiting[begun].start <= begin:
                heapq.heappush(heap, (-begun, waiting[begun].end, waiting[begun].person))
                begun += 1
            while heap and heap[0][1] <= begin:
                heapq.heappop(heap)
            if heap:
                yield begin, finish, heap[0][2]

    def _slice(self, number: int) -> Sequence[Shift]:
        if number not in self._slices:
            if len(self._slices) >= _SLICES_KEPT:
                del self._slices[next(iter(self._slices))]
            self._slices[number] = list(self._read(_EPOCH + number * _SLICE, _EPOCH + (number + 1) * _SLICE))
        return self._slices[number]

    def _read(self, start: datetime, end: datetime) -> Iterator[Shift]:
        for event in self._query.between(start - _MARGIN, end + _MARGIN):
            begins, ends = self._instant(event.start), self._instant(event.end)
            if begins < ends and str(event.get("STATUS", "")).upper() != "CANCELLED":
                said = str(event.get("SUMMARY", "")).strip()
                yield Shift(begins, str(event.get("UID", "")), ends, self._person(event, said), said)

    def _instant(self, at: date) -> datetime:
        if isinstance(at, datetime):
            return (at if at.tzinfo is not None else at.replace(tzinfo=self._zone)).astimezone(UTC)
        return instant(at, 0, self._zone)

    def _person(self, event: Any, said: str) -> str | None:
        attendees = event.get("ATTENDEE", ())
        attendees = attendees if isinstance(attendees, list) else [attendees] if attendees else []
        named = [str(one).lower().removeprefix("mailto:") for one in attendees]
        return next((self._names[name] for name in [*named, said.casefold()] if name in self._names), None)


def read_shifts(content: bytes, zone: str, names: Mapping[str, str], at: datetime) -> Shifts:
    """Return the shifts of a file, or raise ``UnusableCalendar`` with every reason.

    ``names``: address, id or name, case folded → person. Each shift of the 400 days from ``at`` must name one of them.
    """
    calendar = _parsed(content)
    wrong = [f"event {i} ({said})" for i, event in enumerate(calendar.walk("VEVENT"), 1) for said in _problems(event)]
    if wrong:
        raise UnusableCalendar(*wrong)
    try:
        made = Shifts(calendar, zone, names)
        coming = made.between(at, at + _CHECKED)
    except Exception as error:  # noqa: BLE001  # the edge: a library that reads what other programs wrote
        raise UnusableCalendar(f"its events cannot be laid out ({type(error).__name__})") from None
    if len(coming) > _MOST_SHIFTS:
        raise UnusableCalendar(f"more than {_MOST_SHIFTS} shifts in 400 days")
    unknown: dict[str, str] = {}
    for shift in coming:
        if shift.person is None:
            unknown.setdefault(shift.said[:_MOST_SAID], f"{shift.start:%Y-%m-%d}")
    if unknown:
        raise UnusableCalendar(*(f"{said!r} on {day} is nobody of people" for said, day in sorted(unknown.items())))
    return made


def _parsed(content: bytes) -> icalendar.Calendar:
    if len(content) > MOST_BYTES:
        raise UnusableCalendar(f"more than {MOST_BYTES} bytes")
    try:
        calendar = icalendar.Calendar.from_ical(content)
    except Exception as error:  # noqa: BLE001  # the edge: a library that reads what other programs wrote
        raise UnusableCalendar(f"not one iCalendar object ({type(error).__name__})") from None
    count = len(calendar.walk("VEVENT"))
    if not 0 < count <= MOST_EVENTS:
        raise UnusableCalendar(f"1 to {MOST_EVENTS} events are needed, it has {count}")
    return calendar


def _problems(event: Any) -> Iterator[str]:
    """Yield what keeps an event from being laid out in bounded time."""
    broken = {name for name, _ in event.errors} & _NEEDED
    if broken:
        yield f"cannot be read: {', '.join(sorted(broken))}"
        return
    begins = getattr(event.get("DTSTART"), "dt", None)
    if not isinstance(begins, date) or not 2000 <= begins.year <= 2099:
        yield "DTSTART must be one day or instant, 2000 to 2099"
    rules = event.get("RRULE", [])
    for rule in rules if isinstance(rules, list) else [rules]:
        yield from _rule_problems(rule)


def _rule_problems(rule: Mapping[str, Sequence[Any]]) -> Iterator[str]:
    frequency = str(next(iter(rule.get("FREQ", [])), ""))
    if frequency not in _RULE_PARTS:
        yield f"RRULE: FREQ is one of {', '.join(_RULE_PARTS)}"
    elif {part.upper() for part in rule} - _RULE_PARTS[frequency]:
        yield f"RRULE: with {frequency} only {', '.join(sorted(_RULE_PARTS[frequency]))}"
    if not all(1 <= interval <= _MOST_INTERVAL for interval in rule.get("INTERVAL", [])):
        yield f"RRULE: INTERVAL is 1 to {_MOST_INTERVAL}"  # of 0 the library makes an endless loop
