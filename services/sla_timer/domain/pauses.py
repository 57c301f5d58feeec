"""When a clock stands still: pauses of different reasons overlap and are united; intervals are half-open."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from services.sla_timer.domain.journal import History
from shared.events import TicketPaused, TicketResolved, TicketResumed


@dataclass(frozen=True, slots=True)
class Pause:
    """[start_us, end_us) with its reasons; ``end_us`` None: it lasts."""

    start_us: int
    end_us: int | None
    reasons: tuple[str, ...]


def pauses_of(history: History, pausing: frozenset[str]) -> tuple[Pause, ...]:
    """Return the united pauses whose reasons are in ``pausing``, in order; empty ones cost nothing and are left out."""
    intervals: list[tuple[int, int | None, str]] = []
    open_since: dict[str, int] = {}
    for _, group in groupby(history.facts, key=lambda pair: pair[1].at_us):
        acting = list(group)
        at_us = acting[0][0]
        data = [fact.data for _, fact in acting]
        begun: set[str] = {d.reason for d in data if isinstance(d, TicketPaused) and d.reason in pausing}
        ended = _ended(data, open_since, begun)
        for reason in ended - begun if not _ends_all(data) else ended:
            if reason in open_since:
                intervals.append((open_since.pop(reason), at_us, reason))
        for reason in begun - ended:
            open_since.setdefault(reason, at_us)
    intervals += [(since, None, reason) for reason, since in open_since.items()]
    return tuple(_united([i for i in intervals if i[1] is None or i[1] > i[0]]))


def _ends_all(data: Iterable[object]) -> bool:
    """A resume without a reason ends every pause, also one that begins at its instant; so does a resolution."""
    return any(isinstance(d, TicketResolved) or (isinstance(d, TicketResumed) and d.reason is None) for d in data)


def _ended(data: Sequence[object], open_since: Mapping[str, int], begun: set[str]) -> set[str]:
    if _ends_all(data):
        return set(open_since) | begun
    return {d.reason for d in data if isinstance(d, TicketResumed) and d.reason is not None}


def _united(intervals: list[tuple[int, int | None, str]]) -> Iterable[Pause]:
    """Sweep the reasons' intervals into disjoint pauses; touching ones become one, with every reason in it."""
    current: Pause | None = None
    for start, end, reason in sorted(intervals, key=lambda i: i[0]):
        if current is not None and (current.end_us is None or start <= current.end_us):
            until = None if current.end_us is None or end is None else max(current.end_us, end)
            current = Pause(current.start_us, until, tuple(sorted({*current.reasons, reason})))
            continue
        if current is not None:
            yield current
        current = Pause(start, end, (reason,))
    if current is not None:
        yield current
