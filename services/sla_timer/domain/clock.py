"""One clock of one ticket: its plan, its end, and every question about it.

                    opened
                      │
                      ▼        paused (reason pauses this metric)
                 ┌─────────┐ ───────────────────────────────► ┌────────┐
                 │ Running │                                  │ Paused │
                 └─────────┘ ◄─────────────────────────────── └────────┘
                      │            resumed (budget left)           │
          deadline ≤ now, no end: breached (once, dated at it)     │ no deadline while paused
                      │                                            │
                      ▼    responded / resolved / started          ▼
                 ┌──────────────────────────────────────────────────────┐
                 │ Done: met (end ≤ deadline) · closed late · cancelled │
                 └──────────────────────────────────────────────────────┘

Deadline: the earliest instant t with elapsed(start, t) ≥ target; an act exactly at t is in time. Pauses subtract
intervals and never shift the start. A pause that begins at or after the deadline does not prevent the breach.
Instants and durations are whole microseconds.
"""

from dataclasses import dataclass
from enum import StrEnum

from services.sla_timer.domain.pauses import Pause
from shared.catalog import Target


class How(StrEnum):
    """How a clock ended."""

    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class End:
    """The act that ended a clock; ``cause`` is the reason in one word."""

    at_us: int
    how: How
    cause: str


@dataclass(frozen=True, slots=True)
class Running:
    """Time counts; the deadline is known."""

    due_us: int


@dataclass(frozen=True, slots=True)
class Paused:
    """Time stands still since ``since_us``; there is no deadline."""

    since_us: int


@dataclass(frozen=True, slots=True)
class Done:
    """The clock has ended."""

    end: End


State = Running | Paused | Done


@dataclass(frozen=True, slots=True)
class Clock:
    """What the journal says of one metric of one cycle, for every instant."""

    metric: str
    cycle: int
    start_us: int
    target: Target
    pauses: tuple[Pause, ...]
    end: End | None

    @property
    def counts_from_us(self) -> int:
        """Return the first open instant at or after the start."""
        return self.target.calendar.next_open(self.start_us)

    def reaches(self, consumed_us: int) -> int | None:
        """Return the earliest instant at which ``consumed_us`` of counted time have passed; None while a pause lasts."""
        calendar, at_us, left_us = self.target.calendar, self.start_us, consumed_us
        for pause in self.pauses:
            counted = calendar.open_between(at_us, pause.start_us)
            if counted >= left_us:
                break
            left_us -= counted
            if pause.end_us is None:
                return None
            at_us = max(pause.end_us, at_us)
        return calendar.add(at_us, left_us)

    @property
    def deadline_us(self) -> int | None:
        """Return the deadline as if nothing more happened; None while the clock is paused with budget left."""
        return self.reaches(self.target.target_us)

    @property
    def breached_us(self) -> int | None:
        """Return the deadline if the clock ended after it, whatever ended it; None when it ended in time or is open."""
        deadline = self.deadline_us
        late = self.end is not None and deadline is not None and deadline < self.end.at_us
        return deadline if late else None

    def elapsed(self, until_us: int) -> int:
        """Return counted time from the start to ``until_us``, pauses subtracted."""
        calendar = self.target.calendar
        total = calendar.open_between(self.start_us, until_us)
        for pause in self.pauses:
            upto = until_us if pause.end_us is None else min(pause.end_us, until_us)
            total -= calendar.open_between(max(pause.start_us, self.start_us), upto)
        return total

    def state(self) -> State:
        """Return the state after the whole journal."""
        if self.end is not None:
            return Done(self.end)
        deadline = self.deadline_us
        return Paused(self.pauses[-1].start_us) if deadline is None else Running(deadline)
