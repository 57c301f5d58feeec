"""How a rotation is written: people in turn, an iCalendar file, or rotations over each other; and what overrides one."""

from functools import partial
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from services.notifier.domain.wall_time import Hours, WallTime
from shared.catalog.model import Day, Instant
from shared.clients import Identifier
from shared.config import Part, Zone

_BRASILIA = "America/Sao_Paulo"
_MOST_MEMBERS = 100

Days = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,2}d$", examples=["7d"])]


class Turns(Part):
    """Members one after the other, for ``turn`` whole local days each; on duty in ``windows`` only, where there are any.

    The first member's turn begins on ``starts`` at ``hand_over``, and every hand-over is at that wall time of ``zone``,
    whatever the offset: a wall time that occurs twice is the first, one that is skipped is read with the offset before the
    change. Before ``starts`` nobody is on duty. A day of ``holidays`` counts as a Sunday in ``windows``.
    """

    members: tuple[Identifier, ...] = Field(min_length=1, max_length=_MOST_MEMBERS)
    zone: Zone = _BRASILIA
    starts: Day
    turn: Days = "7d"
    hand_over: WallTime
    windows: tuple[Hours, ...] = Field((), max_length=21)
    holidays: Identifier | None = None

    @property
    def turn_days(self) -> int:
        """Return how many local days a turn has."""
        return int(self.turn[:-1])


class Imported(Part):
    """Shifts of an iCalendar file in the folder of the configuration; ``zone`` is that of its floating times and days."""

    icalendar: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,100}\.ics$")]
    zone: Zone = _BRASILIA


class Layers(Part):
    """Rotations over each other: on duty is whom the first one names that names somebody."""

    layers: tuple[Identifier, ...] = Field(min_length=1, max_length=10)
    zone: Zone = _BRASILIA
    """In which it is shown."""


def _shape(value: Any) -> str:
    """Return which of the three it is, in brackets: in the path of an error it is no key of the file."""
    has = value.__contains__ if isinstance(value, dict) else partial(hasattr, value)
    return next((f"({key})" for key in ("icalendar", "layers") if has(key)), "(members)")


Rotation = Annotated[
    Annotated[Turns, Tag("(members)")] | Annotated[Imported, Tag("(icalendar)")] | Annotated[Layers, Tag("(layers)")],
    Discriminator(_shape),
]


class Override(Part):
    """Somebody else is on duty from ``from`` to ``to`` (not included). Where two of one rotation overlap, the later one in
    the file wins."""

    rotation: Identifier
    person: Identifier
    from_: Instant = Field(alias="from")
    to: Instant
