"""A story in whole seconds that add up exactly: each line is the growth of a sum that is rounded down.

So a line may differ by one second from its own length, and what remains from the second that ``assess`` prints.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from services.sla_timer.commands.report import instant
from services.sla_timer.domain.story import Counted, Line, Story, Subtracted

_SECOND = 1_000_000
_DURATIONS = frozenset({"open_us", "total_us", "target_us", "grace_us"})


@dataclass(frozen=True, slots=True)
class Sums:
    """In seconds: target + adjustment = allowed; allowed − counted = remaining, negative when late."""

    target: int
    adjustment: int
    allowed: int
    counted: int
    remaining: int
    paused: int


def sums(story: Story) -> Sums:
    """Return the totals of a story."""
    totals = story.totals
    target, allowed = totals.target_us // _SECOND, totals.allowed_us // _SECOND
    counted, paused = totals.counted_us // _SECOND, totals.paused_us // _SECOND
    return Sums(target, allowed - target, allowed, counted, allowed - counted, paused)


def amounts(story: Story) -> Iterator[tuple[Line, int]]:
    """Yield each line with its seconds, 0 for what has no length; counted ones add up to counted, pauses to paused."""
    paused_us = 0
    for line in story.lines:
        match line:
            case Counted():
                yield line, line.total_us // _SECOND - (line.total_us - line.open_us) // _SECOND
            case Subtracted():
                yield line, (paused_us + line.open_us) // _SECOND - paused_us // _SECOND
                paused_us += line.open_us
            case _:
                yield line, 0


def structured(story: Story) -> dict[str, Any]:
    """Return lines and totals as JSON values: instants RFC 3339 in UTC, durations in whole seconds."""
    found = sums(story)
    return {
        "zone": story.zone,
        "story": [_line(line, seconds) for line, seconds in amounts(story)],
        "totals": {f"{field.name}_seconds": getattr(found, field.name) for field in fields(found)},
    }


def _line(line: Line, seconds: int) -> dict[str, Any]:
    made: dict[str, Any] = {"line": type(line).__name__.lower()}
    for field in fields(line):
        value = getattr(line, field.name)
        if field.name == "open_us":
            made["seconds"] = seconds
        elif field.name in _DURATIONS:
            made[field.name.replace("_us", "_seconds")] = None if value is None else value // _SECOND
        elif field.name.endswith("_us"):
            made["at" if field.name == "at_us" else field.name.replace("_us", "_at")] = instant(value)
        else:
            made[field.name] = value
    return made
