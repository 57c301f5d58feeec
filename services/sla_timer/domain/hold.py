"""Nothing fires on knowledge that is known to be stale: the ingest hold, as a pure function of observations.

An observation at T saw end offset E of a partition; once the committed offset has reached E, everything up to T is
read. Source: the semantics' row "Firing and ingest", edge case 43. Instants are monotonic seconds unless they say ``at``.
"""

from collections import deque
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: tolerated lag, the longest hold after everything answers again, and the rest for publishers after an outage."""

    lag: float
    limit: float
    settle: float


@dataclass(slots=True)
class Hold:
    """Feeds on observations; ``lag_when_free`` answers whether clocks may fire."""

    limits: Limits
    outage_before_start: bool = False
    _seen: dict[int, deque[tuple[float, int]]] = field(default_factory=dict)
    _caught_up: dict[int, float] = field(default_factory=dict)
    _answering_since: float | None = None
    _free_from: float | None = None

    def observe(self, now: float, committed: dict[int, int], ends: dict[int, int]) -> None:
        """Take the committed and end offsets of every partition, both read after ``now``."""
        was_behind = self._answering_since is None or self.lag(now) > self.limits.lag
        first = not self._caught_up
        if self._answering_since is None:
            self._answering_since = now
        for partition, end in ends.items():
            seen = self._seen.setdefault(partition, deque())
            if not seen or seen[-1][1] != end:
                seen.append((now, end))
            elif len(seen) == 1:
                seen[0] = (seen[0][0], end)
            read_upto = committed.get(partition, 0)
            while seen and seen[0][1] <= read_upto:
                self._caught_up[partition] = seen.popleft()[0]
            if not seen or read_upto >= end:
                self._caught_up[partition] = now
        if was_behind and self.lag(now) <= self.limits.lag:
            outage = self.outage_before_start if first or self._free_from is None else True
            self._free_from = now + (self.limits.settle if outage else 0.0)

    def failed(self) -> None:
        """Note that broker or database did not answer: the limit counts from when both answer again."""
        self._answering_since = None

    def lag(self, now: float) -> float:
        """Return the age in seconds of the oldest record that may be unread; infinite before the first catch-up."""
        if not self._caught_up or len(self._caught_up) < len(self._seen):
            return float("inf")
        return now - min(self._caught_up.values())

    def caught_up(self) -> dict[int, float]:
        """Return until when each partition is known to have been read."""
        return dict(self._caught_up)

    def may_fire(self, now: float) -> bool:
        """Tell whether clocks may fire at ``now``."""
        if self._answering_since is None:
            return False
        if now - self._answering_since >= self.limits.limit:
            return True
        return self.lag(now) <= self.limits.lag and self._free_from is not None and now >= self._free_from
