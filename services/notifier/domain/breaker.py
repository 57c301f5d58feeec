"""A breaker: a channel that failed again and again is only probed, until it answers."""

from dataclasses import dataclass, replace

FAILURES = 5
"""So many failures in a row, without a success between them, open it."""

_FIRST_SECONDS, _LONGEST_SECONDS = 5.0, 60.0


@dataclass(frozen=True, slots=True)
class Breaker:
    """``probe_at``: when the next attempt may be made, in seconds of a clock that never goes back; None: closed."""

    failures: int = 0
    probe_at: float | None = None

    def after(self, failed: bool, now: float) -> "Breaker":
        """Return it after an attempt."""
        if not failed:
            return Breaker()
        failures = self.failures + 1
        if failures < FAILURES:
            return replace(self, failures=failures)
        wait = min(_FIRST_SECONDS * 2 ** min(failures - FAILURES, 10), _LONGEST_SECONDS)
        return Breaker(failures, now + wait)

    def room(self, free: int, now: float) -> int:
        """Return how many attempts may begin: all that are free, or of a broken channel one when its time has come."""
        if self.probe_at is None:
            return free
        return min(free, 1) if now >= self.probe_at else 0

    def probing(self, now: float) -> "Breaker":
        """Return it after a probe began: no other one begins meanwhile."""
        return self if self.probe_at is None else replace(self, probe_at=now + _LONGEST_SECONDS)
