"""Time left of a clock: counted targets from which every pause is subtracted, and the due date they make together.

A countdown is one counted target: so much open time of one calendar from one instant on. A due date is the earliest of
several ``max``-groups of countdowns: a reclassification that is an upgrade is ``min(old due, max(new target, change +
grace))``, and every one of the three goes on being paused and resumed (semantics, "Changes"). Instants in microseconds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shared.catalog import Calendar, Span

Interval = tuple[int, int | None]


@dataclass(slots=True)
class Countdown:
    """``left_us`` of ``calendar``'s open time from ``from_us`` on; ``hit_us`` once a pause found it already reached."""

    calendar: Calendar
    from_us: int
    left_us: int
    hit_us: int | None = None

    @classmethod
    def of(cls, span: Span, from_us: int, pauses: Iterable[Interval]) -> "Countdown":
        """Return the countdown of ``span`` from ``from_us`` with what has been paused since; the last pause may last."""
        made = cls(span.calendar, from_us, span.us)
        for start_us, end_us in pauses:
            made.stop(start_us)
            if end_us is not None:
                made.go_on(end_us)
        return made

    def copy(self) -> "Countdown":
        """Return one of its own."""
        return Countdown(self.calendar, self.from_us, self.left_us, self.hit_us)

    def stop(self, at_us: int) -> None:
        """A pause begins: what has been counted until then is taken off."""
        if self.hit_us is None and at_us > self.from_us:
            counted = self.calendar.open_between(self.from_us, at_us)
            if counted >= self.left_us:
                self.hit_us = self.calendar.add(self.from_us, self.left_us)
            else:
                self.left_us -= counted
                self.from_us = at_us

    def go_on(self, at_us: int) -> None:
        """A pause ends: what is left is counted from here on."""
        if self.hit_us is None and at_us > self.from_us:
            self.from_us = at_us

    def reach(self) -> int:
        """Return when it is over as if nothing more happened, and a pause that lasts ended where it began."""
        return self.calendar.add(self.from_us, self.left_us) if self.hit_us is None else self.hit_us

    def hit(self) -> int | None:
        """Return when it was over, if that was before the last pause began, else None."""
        return self.hit_us


@dataclass(slots=True)
class Due:
    """A due date that pauses move. ``groups``: the earliest group counts, and of a group the latest countdown."""

    groups: list[list[Countdown]]

    @property
    def plain(self) -> Countdown | None:
        """Return the one countdown of a due date that no reclassification made, before a pause found it reached."""
        if len(self.groups) == 1 and len(self.groups[0]) == 1 and self.groups[0][0].hit_us is None:
            return self.groups[0][0]
        return None

    def _all(self) -> Iterable[Countdown]:
        return (countdown for group in self.groups for countdown in group)

    def stop(self, at_us: int) -> None:
        """A pause begins."""
        for countdown in self._all():
            countdown.stop(at_us)

    def go_on(self, at_us: int) -> None:
        """A pause ends."""
        for countdown in self._all():
            countdown.go_on(at_us)

    def reach(self) -> int:
        """Return the due date as if nothing more happened, and a pause that lasts ended where it began."""
        if len(self.groups) == 1 and len(self.groups[0]) == 1:  # nothing was ever reclassified
            return self.groups[0][0].reach()
        return min(max(countdown.reach() for countdown in group) for group in self.groups)

    def hit(self) -> int | None:
        """Return the due date if it had been reached before the last pause began, else None."""
        hits = [
            max(countdown.hit_us or 0 for countdown in group)
            for group in self.groups
            if all(countdown.hit_us is not None for countdown in group)
        ]
        return min(hits) if hits else None

    def if_resumed(self, at_us: int) -> int:
        """Return the due date as if a pause that lasts ended at ``at_us``."""
        resumed = self.copy()
        resumed.go_on(at_us)
        return resumed.reach()

    def copy(self) -> "Due":
        """Return one of its own."""
        return Due([[countdown.copy() for countdown in group] for group in self.groups])

    def less(self, us: int) -> "Due":
        """Return the instant at which ``us`` of counted time are left."""
        made = self.copy()
        for countdown in made._all():
            countdown.left_us -= us
        return made


def upgraded(old: "Due | None", new: Countdown, grace: Countdown, at_us: int) -> Due:
    """Return ``min(old, max(new, grace))``; what can never decide again is left out, so that it stays small."""
    later = [new, grace]
    if new.hit_us is not None:
        later = [grace]
    elif new.calendar is grace.calendar and new.from_us <= at_us:
        counted = new.calendar.open_between(new.from_us, at_us)
        later = [grace] if new.left_us - counted <= grace.left_us else [new]
    groups = [] if old is None else old.groups
    return Due([*(group for group in groups if not _needless(group, later, at_us)), later])


def _needless(group: Sequence[Countdown], other: Sequence[Countdown], at_us: int) -> bool:
    """Tell whether ``other`` is never later than ``group``: both one countdown of one calendar, running since ``at``."""
    if len(group) != 1 or len(other) != 1:
        return False
    a, b = group[0], other[0]
    if (
        a.calendar is not b.calendar
        or a.hit_us is not None
        or b.hit_us is not None
        or max(a.from_us, b.from_us) > at_us
    ):
        return False
    left = [one.left_us - one.calendar.open_between(one.from_us, at_us) for one in (a, b)]
    return left[1] <= left[0]
