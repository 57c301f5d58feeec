"""One clock of one cycle as a verdict: what the journal says of it, and every question about it.

Instants and durations are whole microseconds; what is printed is rounded down at the very end.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from services.sla_timer.domain.countdown import Countdown, Due
from services.sla_timer.domain.plan import Plan
from services.sla_timer.domain.ticket import Act
from shared.catalog import Calendar, Span


class How(StrEnum):
    """How a clock ended."""

    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"
    EXEMPTED = "exempted"


class End(NamedTuple):
    """The act that ended a clock; ``cause`` is the reason in one word."""

    at_us: int
    how: How
    cause: str


class Pause(NamedTuple):
    """[start_us, end_us) with its reasons; ``end_us`` None: it lasts."""

    start_us: int
    end_us: int | None
    reasons: tuple[str, ...]

    def until(self, at_us: int) -> "Pause":
        """Return what of it lies before ``at_us``."""
        return Pause(self.start_us, at_us if self.end_us is None else min(self.end_us, at_us), self.reasons)


class Clock(NamedTuple):
    """``due_us``: the deadline missed; else as it stood at the end; else as if nothing more happened, None while paused."""

    metric: str
    cycle: int
    start_us: int
    catalog: str
    plan: Plan
    pauses: tuple[Pause, ...]
    end: End | None
    breached_us: int | None
    exempted: bool
    due_us: int | None
    due: Due | None

    @property
    def state(self) -> str:
        """Return pending, running, paused or done."""
        if self.end is not None:
            return "done"
        if self.plan.pending:
            return "pending"
        return "paused" if self.paused else "running"

    @property
    def paused(self) -> bool:
        """Tell whether a pause lasts."""
        return bool(self.pauses) and self.pauses[-1].end_us is None

    @property
    def verdict(self) -> str:
        """Return open, met, breached, cancelled or exempted."""
        if self.exempted:
            return "exempted"
        if self.breached_us is not None:
            return "breached"
        if self.end is None:
            return "open"
        return "met" if self.end.how is How.FULFILLED else "cancelled"

    @property
    def met_us(self) -> int | None:
        """Return when the clock was fulfilled, also when late."""
        return self.end.at_us if self.end is not None and self.end.how is How.FULFILLED else None

    @property
    def counts_from_us(self) -> int | None:
        """Return the first open instant at or after the start or the appointment; None while pending."""
        return None if self.plan.pending else self.plan.span.calendar.next_open(self.plan.from_us)

    def upto(self, at_us: int) -> int:
        """Return the instant up to which time is counted: the end, or ``at_us``."""
        return at_us if self.end is None else self.end.at_us

    def elapsed_us(self, at_us: int) -> int:
        """Return counted time from the start or the appointment to ``at_us``, pauses subtracted; 0 while pending."""
        return 0 if self.plan.pending else self._counted(self.plan.from_us, at_us)

    def late_us(self, at_us: int) -> int:
        """Return counted time since the deadline, pauses subtracted; 0 without one."""
        return 0 if self.due_us is None else self._counted(self.due_us, at_us)

    def remaining_us(self, at_us: int) -> int:
        """Return counted time from ``at_us`` to the due date as if a pause ended there; negative after it."""
        if self.plan.pending:
            return self.plan.span.us
        due_us = self.due_us
        if due_us is None and self.due is not None:
            due_us = self.due.if_resumed(at_us)
        if due_us is None:
            return self.plan.span.us
        if due_us <= at_us:
            return -self._counted(due_us, at_us)
        ended = [pause for pause in self.pauses if pause.end_us is not None]
        return _counted(self.plan.span.calendar, ended, max(at_us, self.plan.from_us), due_us)

    def warnings(self) -> Iterator[tuple[str, int]]:
        """Yield each warning's label and instant, as if nothing more happened; none while no instant is known."""
        plain = None if self.due is None else self.due.plain
        whole = plain is not None and (plain.from_us, plain.left_us) == (self.plan.from_us, self.plan.span.us)
        if plain is not None and whole and not self.paused:
            yield from self._plain_warnings(plain)
            return
        span, pauses = self.plan.span, [(p.start_us, p.end_us) for p in self.pauses]
        for warning in () if self.due is None else self.plan.target.warnings:
            consumed_us = warning.consumed_us(span.us)
            if self.due is None or not 0 < consumed_us < span.us:
                continue
            if warning.percent is None:
                counting: Countdown | Due = self.due.less(warning.left_us)
            else:
                counting = Countdown.of(Span(span.calendar, consumed_us), self.plan.from_us, pauses)
            at_us = counting.hit() if self.paused else counting.reach()
            if at_us is not None:
                yield warning.label, at_us

    def _plain_warnings(self, plain: Countdown) -> Iterator[tuple[str, int]]:
        """Yield the warnings of a clock whose whole target lies ahead: by far the most clocks."""
        target_us = self.plan.span.us
        asked = [(w.label, w.consumed_us(target_us)) for w in self.plan.target.warnings]
        asked = [(label, us) for label, us in asked if 0 < us < target_us]
        if asked:
            instants = plain.calendar.add_each(plain.from_us, [us for _, us in asked])
            yield from zip((label for label, _ in asked), instants, strict=True)

    def _counted(self, start_us: int, until_us: int) -> int:
        return _counted(self.plan.span.calendar, self.pauses, start_us, until_us)


class Step(NamedTuple):
    """What one act did to a clock; ``act`` None: the cycle began. ``before`` has the breach of a due date missed by then."""

    act: Act | None
    before: Clock | None
    after: Clock | None


def _counted(calendar: Calendar, pauses: Iterable[Pause], start_us: int, until_us: int) -> int:
    """Return open time in [start, until) without the pauses."""
    total = calendar.open_between(start_us, until_us)
    for pause in pauses:
        upto = until_us if pause.end_us is None else min(pause.end_us, until_us)
        total -= calendar.open_between(max(pause.start_us, start_us), upto)
    return total
