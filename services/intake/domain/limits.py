"""What an event may hold besides the contract, so that what was taken can also be stored."""

from typing import Any

from shared.events import Event


def broken_limit(event: Event[Any]) -> tuple[str, str] | None:
    """Return (field, rule) of the first limit that ``event`` breaks, or None: PostgreSQL's text cannot hold U+0000."""
    for name in ("id", "source", "subject", "traceparent"):
        if "\0" in (getattr(event, name) or ""):
            return name, "must not contain U+0000"
    return None
