"""Why a clock stands where it stands: every counted interval, pause and change in order of time, and sums that add up.

The story of a clock is told in the calendar that it is counted in now: a reclassification counts the time since the
opening anew (semantics, "Changes"). Instants and durations are whole microseconds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import assert_never

from services.sla_timer.domain.assess import Assessment
from services.sla_timer.domain.changes import happenings
from services.sla_timer.domain.clock import Clock, Pause
from services.sla_timer.domain.happening import (
    Appointed,
    Breached,
    Changed,
    Ended,
    Exempted,
    Happening,
    Ignored,
    Opened,
    Reopened,
    TakenOver,
)
from shared.catalog import Catalogs


@dataclass(frozen=True, slots=True)
class Counted:
    """An interval of open time that counts; ``late``: after the deadline. ``total_us``: counted up to its end."""

    at_us: int
    until_us: int
    open_us: int
    total_us: int
    late: bool


@dataclass(frozen=True, slots=True)
class Subtracted:
    """A pause; ``open_us`` of open time do not count for it. ``lasting``: it had not ended by ``until_us``.

    ``nothing``: why there is nothing to subtract: pending, before (the appointment), closed; else "".
    """

    at_us: int
    until_us: int
    open_us: int
    reasons: tuple[str, ...]
    lasting: bool
    nothing: str = ""


Line = Happening | Counted | Subtracted


@dataclass(frozen=True, slots=True)
class Totals:
    """target + adjustment = allowed; allowed − counted = remaining, negative when late. ``paused``: what was subtracted.

    ``adjustment``: what a reclassification gave beyond the target (or took), because its due date is another one.
    """

    target_us: int
    counted_us: int
    remaining_us: int
    paused_us: int

    @property
    def allowed_us(self) -> int:
        """Return the counted time up to the due date."""
        return self.counted_us + self.remaining_us

    @property
    def adjustment_us(self) -> int:
        """Return what the due date allows beyond the target."""
        return self.allowed_us - self.target_us


@dataclass(frozen=True, slots=True)
class Story:
    """One clock up to ``upto_us``: its end, or the instant asked for. ``zone`` is the one it is told in."""

    clock: Clock
    zone: str
    upto_us: int
    lines: tuple[Line, ...]
    totals: Totals


def stories(assessment: Assessment, catalogs: Catalogs, at_us: int) -> Iterator[Story]:
    """Yield the story of every clock of an assessment made with ``breaching`` at ``at_us``."""
    for clock in assessment.clocks:
        catalog = catalogs.version(clock.catalog) or assessment.catalog
        cycle = assessment.cycles[clock.cycle - 1]
        taken_over = catalog is not catalogs.for_start(cycle.start_us)
        happened = happenings(assessment.history, cycle, clock, catalog, at_us, taken_over=taken_over)
        around_the_clock = clock.plan.span.calendar is catalog.always  # it has no local time of its own
        zone = catalog.business.zone if around_the_clock else clock.plan.span.calendar.zone
        yield _story(clock, zone, happened, at_us)


def _story(clock: Clock, zone: str, happened: Sequence[Happening], at_us: int) -> Story:
    upto_us = clock.upto(at_us)
    counted = () if clock.plan.pending else tuple(_counted(clock, upto_us, {h.at_us for h in happened if _cuts(h)}))
    subtracted = tuple(_subtracted(clock, upto_us))
    lines: list[Line] = [*happened, *subtracted, *counted]
    totals = Totals(
        clock.plan.span.us,
        clock.elapsed_us(upto_us),
        clock.remaining_us(upto_us),
        sum(line.open_us for line in subtracted),
    )
    return Story(clock, zone, upto_us, tuple(sorted(lines, key=lambda line: line.at_us)), totals)


def _cuts(happening: Happening) -> bool:
    """Tell whether a counted interval is better told in two, before and after it."""
    match happening:
        case Opened() | Ignored():
            return False
        case TakenOver() | Changed() | Appointed() | Breached() | Exempted() | Ended() | Reopened():
            return True
        case _:
            assert_never(happening)


def _counted(clock: Clock, upto_us: int, cuts: set[int]) -> Iterator[Counted]:
    total_us = 0
    for start_us, end_us in _unpaused(clock, upto_us):
        for window in clock.plan.span.calendar.windows(start_us, end_us):
            edges = [window[0], *sorted(at_us for at_us in cuts if window[0] < at_us < window[1]), window[1]]
            for a, b in pairwise(edges):
                total_us += b - a
                yield Counted(a, b, b - a, total_us, clock.breached_us is not None and a >= clock.breached_us)


def _unpaused(clock: Clock, upto_us: int) -> Iterator[tuple[int, int]]:
    at_us = clock.plan.from_us
    for pause in clock.pauses:
        if pause.start_us >= upto_us:
            break
        yield at_us, pause.start_us
        at_us = max(at_us, _end_of(pause, upto_us))
    yield at_us, upto_us


def _subtracted(clock: Clock, upto_us: int) -> Iterator[Subtracted]:
    calendar, from_us = clock.plan.span.calendar, clock.plan.from_us
    for pause in clock.pauses:
        if pause.start_us < upto_us:
            end_us = _end_of(pause, upto_us)
            open_us = 0 if clock.plan.pending else calendar.open_between(max(pause.start_us, from_us), end_us)
            nothing = (
                "pending" if clock.plan.pending else "before" if end_us <= from_us else "" if open_us else "closed"
            )
            yield Subtracted(pause.start_us, end_us, open_us, pause.reasons, pause.end_us is None, nothing)


def _end_of(pause: Pause, upto_us: int) -> int:
    return upto_us if pause.end_us is None else min(pause.end_us, upto_us)
