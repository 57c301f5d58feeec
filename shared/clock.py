"""The only module that reads the clock; everywhere else time is an argument."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def now() -> datetime:
    """Return the present instant, aware, in UTC."""
    return datetime.now(UTC)


def to_us(at: datetime) -> int:
    """Return whole microseconds from 1970-01-01T00:00:00Z to ``at`` (aware); exact."""
    return (at - _EPOCH) // _MICROSECOND


@lru_cache(maxsize=8192)  # one batch says the same few instants again and again
def from_us(us: int) -> datetime:
    """Return the instant ``us`` microseconds after 1970-01-01T00:00:00Z, in UTC; the inverse of ``to_us``."""
    return _EPOCH + timedelta(microseconds=us)
