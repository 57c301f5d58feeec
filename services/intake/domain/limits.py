"""What an event may hold besides the contract, so that what was taken can also be stored; and how often one may ask."""

from typing import Any, NamedTuple

from pydantic import Field

from shared.config import Part
from shared.events import Event

TRACEPARENT_LENGTH = 256  # characters; W3C's version 00 has 55


def broken_limit(event: Event[Any]) -> tuple[str, str] | None:
    """Return (field, rule) of the first limit that ``event`` breaks, or None: PostgreSQL's text cannot hold U+0000."""
    for name in ("id", "source", "subject", "traceparent"):
        if "\0" in (getattr(event, name) or ""):
            return name, "must not contain U+0000"
    if len(event.traceparent or "") > TRACEPARENT_LENGTH:
        return "traceparent", f"must have at most {TRACEPARENT_LENGTH} characters"
    return None


class Rate(Part):
    """A token bucket: ``burst`` requests at once, and ``per_second`` of them for ever. Requests, never tickets (policy rule 6)."""

    per_second: float = Field(50, gt=0, le=10_000)
    burst: int = Field(200, ge=1, le=100_000)


class Bucket(NamedTuple):
    """How many requests were left at an instant of a clock that never goes back."""

    left: float
    at_seconds: float


def take(bucket: Bucket | None, rate: Rate, now_seconds: float) -> tuple[Bucket, float]:
    """Return the bucket after one request, and after how many seconds it may be sent again: 0 when it is within ``rate``.

    A request that has to wait takes nothing. None is a bucket that nobody took from yet.
    """
    left = float(rate.burst)
    if bucket is not None:
        left = min(left, bucket.left + max(0.0, now_seconds - bucket.at_seconds) * rate.per_second)
    if left >= 1:
        return Bucket(left - 1, now_seconds), 0.0
    return Bucket(left, now_seconds), (1 - left) / rate.per_second
