"""Nothing fires on knowledge that is known to be stale: the ingest hold, as a pure function of observations.

An observation is made only where broker and database both answered; where one did not, that is noted.
An observation at T saw end offset E of a partition; once the committed offset has reached E, everything up to T is
read. Source: the semantics' row "Firing and ingest", edge case 43. Instants are monotonic seconds unless they say ``at``.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

_AWAY_SECONDS = 10.0  # without an answer: what was known may be spoken no more, and an outage has begun
_OBSERVATIONS = 4096  # per partition; of a longer backlog the oldest observations are forgotten


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: tolerated lag, the longest hold while everything answers, and the rest for publishers after an outage."""

    lag: float
    limit: float
    settle: float


@dataclass(slots=True)
class Hold:
    """Feeds on observations; answers whether clocks may fire.

    One failed observation is no outage, and a slow one is none either: then the limit of the hold goes on.
    """

    limits: Limits
    outage_before_start: bool = False
    _seen: dict[int, deque[tuple[float, int]]] = field(default_factory=dict)
    _caught_up: dict[int, float] = field(default_factory=dict)
    _last_ok: float | None = None
    _failed: bool = False
    _held_since: float | None = None
    _outage: bool = False
    _free_from: float | None = None
    _settled_at: float = float("-inf")

    def observe(
        self, begun_at: float, committed: Mapping[int, int], ends: Mapping[int, int], answered_at: float | None = None
    ) -> None:
        """Take the end offsets of every partition, and the committed ones, all read between the two instants."""
        now = begun_at if answered_at is None else answered_at
        gap = 0.0 if self._last_ok is None else now - self._last_ok
        away = gap > _AWAY_SECONDS or self.returning(now)
        if self._last_ok is None or away:
            self._outage = away or self.outage_before_start
            self._held_since, self._free_from = None, None
        self._last_ok, self._failed = now, False
        for partition, end in ends.items():
            self._note(begun_at, partition, end, committed.get(partition, 0))
        if self.lag(now) > self.limits.lag:
            self._free_from = None
        elif self._free_from is None:
            self._free_from = now + (self.limits.settle if self._outage else 0.0)
            self._outage = False
        if self._fresh(now):
            self._held_since = None
        elif self._held_since is None:
            self._held_since = now

    def returning(self, now: float) -> bool:
        """Tell whether an answer at ``now`` would be the first after an outage that was noticed."""
        return self._failed and (self._last_ok is None or now - self._last_ok > self.limits.lag)

    def heard_of(self, ended_at: float) -> None:
        """Take note that somebody saw an outage end at ``ended_at``: publishers get their time from then on."""
        self._settled_at = max(self._settled_at, ended_at + self.limits.settle)

    def failed(self) -> None:
        """Take note that broker or database did not answer."""
        self._failed = True

    def _note(self, now: float, partition: int, end: int, read_upto: int) -> None:
        seen = self._seen.setdefault(partition, deque(maxlen=_OBSERVATIONS))
        seen.append((now, end))
        while seen and seen[0][1] <= read_upto:
            self._caught_up[partition] = seen.popleft()[0]

    def lag(self, now: float) -> float:
        """Return the age in seconds of the oldest record that may be unread; infinite before the first catch-up."""
        if not self._seen or len(self._caught_up) < len(self._seen):
            return float("inf")
        return now - min(self._caught_up.values())

    def caught_up(self) -> Mapping[int, float]:
        """Return until when each partition is known to have been read."""
        return dict(self._caught_up)

    def may_fire(self, now: float) -> bool:
        """Tell whether clocks may fire at ``now``: all answers, and ingest has caught up or was held up to the limit."""
        if self._last_ok is None or now - self._last_ok > _AWAY_SECONDS:
            return False
        return self._fresh(now) or (self._held_since is not None and now - self._held_since >= self.limits.limit)

    def stale_by(self, now: float) -> float | None:
        """Return the lag in seconds that a fire at ``now`` has to admit to; None when its knowledge is fresh."""
        lag = self.lag(now)
        return lag if lag > self.limits.lag else None

    def _fresh(self, now: float) -> bool:
        free = self._free_from is not None and now >= max(self._free_from, self._settled_at)
        return free and self.lag(now) <= self.limits.lag
