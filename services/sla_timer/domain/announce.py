"""What to tell the world about a clock, given what it has been told before.

Everything ever announced is a milestone row; the difference between the rows and the truth is what is announced now.
A verdict that is no longer true is revised, never silently flipped. Warnings and the breach of a clock that still runs
are not announced here but planned: only the ticker, which honours the ingest hold, lets time speak.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from services.sla_timer.domain.clock import Clock, How


class Kind(StrEnum):
    """The kinds of milestones, named after the types on ``sla.v1``."""

    STARTED = "started"
    WARNING = "warning"
    BREACHED = "breached"
    MET = "met"
    CLOSED_LATE = "closed_late"
    PAUSED = "paused"
    RESUMED = "resumed"
    RESCHEDULED = "rescheduled"
    CANCELLED = "cancelled"
    EXEMPTED = "exempted"
    REVISED = "revised"


_VERDICTS = frozenset({Kind.BREACHED, Kind.MET, Kind.CLOSED_LATE, Kind.CANCELLED, Kind.EXEMPTED, Kind.REVISED})


class Milestone(NamedTuple):
    """One entry of a clock's story. ``n`` counts within (kind, threshold); unannounced ones are only recorded."""

    kind: Kind
    n: int
    at_us: int
    threshold: str = ""
    announced: bool = True
    cause: str = ""
    before: str = ""
    after: str = ""
    replaces: tuple[str, int] = ("", 0)  # of a revision: kind and n of the milestone that is no longer true


@dataclass(frozen=True, slots=True)
class Told:
    """What has been recorded of a clock: its milestones in order, and the deadline last told."""

    milestones: Sequence[Milestone] = field(default=())
    due_us: int | None = None

    def count(self, kind: Kind, threshold: str = "") -> int:
        """Return how many milestones of one kind and threshold there are."""
        return sum(m.kind is kind and m.threshold == threshold for m in self.milestones)

    @property
    def judgement(self) -> Milestone | None:
        """Return the last milestone that said a verdict."""
        return next((m for m in reversed(self.milestones) if m.kind in _VERDICTS), None)

    @property
    def verdict(self) -> str:
        """Return the verdict last announced: open, breached, met, closed_late or cancelled."""
        last = self.judgement
        if last is None:
            return "open"
        return last.after if last.kind is Kind.REVISED else last.kind.value

    @property
    def breach(self) -> Milestone | None:
        """Return the milestone that last told a breach, if it still stands: a cancellation does not take it back."""
        told: Milestone | None = None
        for milestone in self.milestones:
            if milestone.kind is Kind.BREACHED or milestone.after == "breached":
                told = milestone
            elif milestone.kind is Kind.REVISED and milestone.after not in ("closed_late", "exempted"):
                told = None
        return told


def truth(clock: Clock, told: Told, now_us: int) -> str:
    """Return the verdict that the journal supports; for a clock that runs past its deadline, what the ticker has said."""
    if clock.exempted:
        return "exempted"
    if clock.end is not None:
        if clock.breached_us is None:
            return "met" if clock.end.how is How.FULFILLED else "cancelled"
        return "closed_late" if clock.end.how is How.FULFILLED else "cancelled"
    return "breached" if told.breach is not None and clock.due_us is not None and clock.due_us <= now_us else "open"


def announce(clock: Clock, told: Told, now_us: int, cause: str = "late_event") -> tuple[Milestone, ...]:
    """Return the milestones that are new, in the order in which they happened; ``cause`` of what is changed."""
    new: list[Milestone] = []
    if not told.count(Kind.STARTED):
        new.append(Milestone(Kind.STARTED, 1, clock.start_us))
    new += _pauses(clock, told)
    new += _verdict(clock, told, now_us, cause)
    moved = clock.due_us
    if not new and clock.end is None and told.due_us != moved and moved is not None and told.verdict != "exempted":
        n = told.count(Kind.RESCHEDULED) + 1
        new.append(Milestone(Kind.RESCHEDULED, n, now_us, cause=cause))
    return tuple(new)


def _pauses(clock: Clock, told: Told) -> Iterator[Milestone]:
    """Each pause that began while the clock was open and unbreached, and each end of one that gave the deadline back."""
    due_us = clock.due_us
    effective = [p for p in clock.pauses if due_us is None or p.start_us < due_us]
    for n, pause in enumerate(effective, start=1):
        if n > told.count(Kind.PAUSED):
            yield Milestone(Kind.PAUSED, n, pause.start_us, cause=",".join(pause.reasons))
        ended = pause.end_us is not None and (clock.end is None or pause.end_us < clock.end.at_us)
        if ended and pause.end_us is not None and n > told.count(Kind.RESUMED):
            yield Milestone(Kind.RESUMED, n, pause.end_us)


def _verdict(clock: Clock, told: Told, now_us: int, cause: str) -> Iterator[Milestone]:
    before, last, true = told.verdict, told.judgement, truth(clock, told, now_us)
    if before == true:
        yield from _breach_before_cancellation(clock, told, now_us, cause)
        return
    undone = before not in ("open", "breached") or (before == "breached" and clock.breached_us is None)
    if last is not None and undone and true != "exempted":
        yield from _revised(clock, told, last, (before, true), now_us, cause)
        return
    yield from _overtaken(clock, told)
    if clock.breached_us is not None and before == "open":
        yield Milestone(Kind.BREACHED, told.count(Kind.BREACHED) + 1, clock.breached_us)
    kind, end = Kind(true), clock.end
    if end is None or (clock.exempted and end.how is not How.EXEMPTED):
        yield Milestone(kind, told.count(kind) + 1, now_us, cause="exempted")
    else:
        yield Milestone(kind, told.count(kind) + 1, end.at_us, cause=end.cause)


def _breach_before_cancellation(clock: Clock, told: Told, now_us: int, cause: str) -> Iterator[Milestone]:
    """A cancelled clock says nothing of the breach before it: that one is told, or taken back, by a word of its own."""
    last, breach = told.judgement, told.breach
    if told.verdict == "cancelled" and last is not None and (breach is None) is not (clock.breached_us is None):
        before = "cancelled" if breach is None else "breached"
        yield from _revised(clock, told, breach or last, (before, "cancelled"), now_us, cause)


def _revised(
    clock: Clock, told: Told, last: Milestone, change: tuple[str, str], now_us: int, cause: str
) -> Iterator[Milestone]:
    """Take ``last`` back. Of a clock that breached before it was cancelled both are said."""
    before, after = change
    n, replaced = told.count(Kind.REVISED) + 1, (last.kind.value, last.n)
    both = after == "cancelled" and clock.breached_us is not None and clock.end is not None
    after = "breached" if both else after
    yield Milestone(Kind.REVISED, n, now_us, cause=cause, before=before, after=after, replaces=replaced)
    if both and clock.end is not None:
        yield Milestone(Kind.CANCELLED, told.count(Kind.CANCELLED) + 1, clock.end.at_us, cause=clock.end.cause)


def _overtaken(clock: Clock, told: Told) -> Iterator[Milestone]:
    """Warnings that came due before the end and were never told: recorded, since a later word overtook them."""
    for label, at_us in clock.warnings():
        if clock.end is not None and at_us < clock.end.at_us and not told.count(Kind.WARNING, label):
            yield Milestone(Kind.WARNING, 1, at_us, label, announced=False)


def schedule(clock: Clock, told: Told, new: Sequence[Milestone]) -> tuple[Milestone, ...]:
    """Return the warnings and the breach still to come of a clock that runs, as if nothing more happened, in order.

    Instants may lie in the past: then they are overdue, and the ticker fires them once it may.
    """
    known = Told((*told.milestones, *new))
    if clock.end is not None or known.verdict in ("breached", "exempted"):
        return ()
    ahead = [
        Milestone(Kind.WARNING, 1, at_us, label)
        for label, at_us in clock.warnings()
        if not known.count(Kind.WARNING, label) and (clock.due_us is None or at_us < clock.due_us)
    ]
    if clock.due_us is not None:
        ahead.append(Milestone(Kind.BREACHED, known.count(Kind.BREACHED) + 1, clock.due_us))
    return tuple(sorted(ahead, key=lambda m: (m.at_us, m.kind is Kind.BREACHED)))


def fire(ahead: Sequence[Milestone], now_us: int) -> tuple[tuple[Milestone, ...], tuple[Milestone, ...]]:
    """Split a schedule at ``now_us`` into (due, still ahead). A warning overtaken by a later one or the breach is silent."""
    if len(ahead) == 1 and ahead[0].at_us <= now_us:  # by far the most
        return (ahead[0],), ()
    due = [m for m in ahead if m.at_us <= now_us]
    told = (*(m._replace(announced=False) for m in due[:-1]), *due[-1:])
    return told, tuple(m for m in ahead if m.at_us > now_us)
