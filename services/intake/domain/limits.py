"""What an event may hold besides the contract, so that what was taken can also be stored and counted on a calendar."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from shared.events import Event, TicketScheduled

_FIRST, _END = datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_NUL = "must not contain U+0000"
_YEARS = "must lie in the years 1970 to 2099 (UTC)"


def broken_limit(event: Event[Any]) -> tuple[str, str] | None:
    """Return (field, rule) of the first limit that ``event`` breaks, or None.

    PostgreSQL's text cannot hold U+0000; calendars know the years 1970 to 2099.
    """
    for name in ("id", "source", "subject", "traceparent"):
        if "\0" in (getattr(event, name) or ""):
            return name, _NUL
    for name, at in _instants(event):
        if not _FIRST <= at < _END:
            return name, _YEARS
    return None


def _instants(event: Event[Any]) -> Iterator[tuple[str, datetime]]:
    yield "time", event.time
    if isinstance(event.data, TicketScheduled):
        yield "data.starts_at", event.data.starts_at
        if event.data.ends_at is not None:
            yield "data.ends_at", event.data.ends_at
