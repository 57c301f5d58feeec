"""Who is on duty when. Spans are half-open, in UTC, exact to the hand-over: nothing is stepped through minute by minute."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from services.notifier.domain.oncall import OnCall
from services.notifier.domain.rotations import Imported, Layers, Turns
from services.notifier.domain.wall_time import instant, minutes_of, never, open_intervals

AHEAD = timedelta(days=35)
_INSTANT = timedelta(microseconds=1)


class Why(StrEnum):
    """Why somebody is on duty, or nobody."""

    TURN = "turn"
    CALENDAR = "calendar"
    OVERRIDE = "override"
    NOT_STARTED = "not_started"
    OUTSIDE_WINDOWS = "outside_windows"
    NO_SHIFT = "no_shift"


@dataclass(frozen=True, slots=True)
class Span:
    """[start, end) with one person on duty, or nobody; ``rotation`` is the layer that says so."""

    start: datetime
    end: datetime
    person: str | None
    why: Why
    rotation: str


@dataclass(frozen=True, slots=True)
class OnDuty:
    """Who is on duty at an instant, until when that is so (at most ``AHEAD`` is looked), and why."""

    person: str | None
    until: datetime
    why: Why
    rotation: str


def on_call(oncall: OnCall, rotation: str, at: datetime) -> OnDuty:
    """Return who is on duty at ``at`` (aware)."""
    span = duty(oncall, rotation, at, at + AHEAD)[0]
    return OnDuty(span.person, span.end, span.why, span.rotation)


def person_on(oncall: OnCall, rotation: str, at: datetime) -> str | None:
    """Return the person of ``on_call``, faster."""
    return duty(oncall, rotation, at, at + _INSTANT)[0].person


def duty(oncall: OnCall, rotation: str, start: datetime, end: datetime) -> Sequence[Span]:
    """Return the spans that cover [start, end) without a gap, in order, joined where nothing changes; none if it is empty."""
    return _duty(oncall, rotation, start, end, {}) if start < end else ()


def _duty(
    oncall: OnCall, name: str, start: datetime, end: datetime, known: dict[str, Sequence[Span]]
) -> Sequence[Span]:
    """``known``: what was computed before, for a rotation may be a layer of several."""
    if name in known:
        return known[name]
    match oncall.rotations[name]:
        case Turns() as turns:
            spans = _joined(_turns(oncall, name, turns, start, end))
        case Imported():
            spans = _imported(oncall, name, start, end)
        case Layers() as over:
            spans = _duty(oncall, over.layers[-1], start, end, known)
            for layer in reversed(over.layers[:-1]):
                spans = _joined(_overlaid(_duty(oncall, layer, start, end, known), spans))
    for override in oncall.overrides:
        a, b = max(override.from_, start), min(override.to, end)
        if override.rotation == name and a < b:
            one = Span(a.astimezone(start.tzinfo), b.astimezone(start.tzinfo), override.person, Why.OVERRIDE, name)
            spans = _joined(_overlaid(list(_covering([one], start, end, Why.NO_SHIFT, name)), spans))
    known[name] = spans
    return spans


def _turns(oncall: OnCall, name: str, turns: Turns, start: datetime, end: datetime) -> Iterable[Span]:
    spans = list(_covering(_in_turn(turns, name, start, end), start, end, Why.NOT_STARTED, name))
    if not turns.windows:
        return spans
    holiday = oncall.holidays[turns.holidays].has if turns.holidays else never
    windows = open_intervals(turns.windows, holiday, ZoneInfo(turns.zone), start, end)
    return _covering(_clipped(spans, windows), start, end, Why.OUTSIDE_WINDOWS, name)


def _in_turn(turns: Turns, name: str, start: datetime, end: datetime) -> Iterator[Span]:
    """Yield the turns within [start, end): the number of the turn at ``start`` is known to within one by its local day."""
    zone, minutes = ZoneInfo(turns.zone), minutes_of(turns.hand_over)

    def hand_over(number: int) -> datetime:
        return instant(turns.starts + timedelta(days=number * turns.turn_days), minutes, zone)

    number = max(0, (start.astimezone(zone).date() - turns.starts).days // turns.turn_days - 1)
    while (begin := hand_over(number)) < end:
        a, b = max(begin, start), min(hand_over(number + 1), end)
        if a < b:
            yield Span(a, b, turns.members[number % len(turns.members)], Why.TURN, name)
        number += 1


def _imported(oncall: OnCall, name: str, start: datetime, end: datetime) -> Sequence[Span]:
    shifts = oncall.shifts(name).on_duty(start, end)
    return _joined(
        _covering((Span(a, b, person, Why.CALENDAR, name) for a, b, person in shifts), start, end, Why.NO_SHIFT, name)
    )


def _clipped(spans: Sequence[Span], windows: Sequence[tuple[datetime, datetime]]) -> Iterator[Span]:
    i = 0
    for start, end in windows:
        while spans[i].end <= start:
            i += 1
        j = i
        while j < len(spans) and spans[j].start < end:
            yield replace(spans[j], start=max(spans[j].start, start), end=min(spans[j].end, end))
            j += 1


def _covering(spans: Iterable[Span], start: datetime, end: datetime, why: Why, rotation: str) -> Iterator[Span]:
    """Yield the same spans with nobody on duty between them, for the reason given."""
    at = start
    for span in spans:
        if at < span.start:
            yield Span(at, span.start, None, why, rotation)
        yield span
        at = span.end
    if at < end:
        yield Span(at, end, None, why, rotation)


def _overlaid(top: Sequence[Span], below: Sequence[Span]) -> Iterator[Span]:
    """Yield, of two lists that cover the same time, the upper one where it names somebody and the lower one elsewhere."""
    i = j = 0
    while i < len(top) and j < len(below):
        start, end = max(top[i].start, below[j].start), min(top[i].end, below[j].end)
        chosen = below[j] if top[i].person is None else top[i]
        yield replace(chosen, start=start, end=end)
        i, j = i + (top[i].end == end), j + (below[j].end == end)


def _joined(spans: Iterable[Span]) -> Sequence[Span]:
    found: list[Span] = []
    for span in spans:
        if found and replace(found[-1], start=span.start, end=span.end) == span:
            found[-1] = replace(found[-1], end=span.end)
        else:
            found.append(span)
    return found
