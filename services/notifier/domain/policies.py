"""Who is told of which alert, in which order: escalation policies, the rules that choose one, maintenance windows."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from shared.catalog.model import Instant
from shared.clients import Identifier
from shared.config import Duration, Part

ASSIGNEE, ACCOUNT_MANAGER, MANAGER = "assignee", "account_manager", "manager"
OF_THE_TICKET = frozenset({ASSIGNEE, ACCOUNT_MANAGER})
RESERVED = OF_THE_TICKET | {MANAGER}
LONGEST_MAINTENANCE = timedelta(days=31)
_MOST_AFTER = timedelta(days=7)
_N = "[0-9]{1,9}"
_LENGTH = rf"{_N}h({_N}m)?({_N}s)?|{_N}m({_N}s)?|{_N}s|{_N}(bd|d)"
"""A threshold of the catalog (``warnings``), as sla_timer says it."""


def _soon(value: timedelta) -> timedelta:
    if value > _MOST_AFTER:
        raise ValueError("at most 7d")
    return value


Wait = Annotated[Duration, AfterValidator(_soon)]
Word = Annotated[str, Field(min_length=1, max_length=200)]
Words = Annotated[tuple[Word, ...], Field(max_length=200)]
Targets = Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=20)]
On = Annotated[
    str,
    Field(
        pattern=rf"^(breached|started|warning( ([1-9][0-9]?%|{_LENGTH}))?)$",
        examples=["breached", "warning", "warning 80%", "warning 30m", "started"],
    ),
]


class Step(Part):
    """One rung: on which event of ``sla.v1``, how long after it, who (all at once), and by which channels or kinds.

    ``warning`` without a threshold is every warning. Without ``by``: each person by their methods in their order.
    """

    on: On
    after: Wait = timedelta(0)
    to: Identifier | Targets
    by: tuple[Identifier, ...] = Field((), max_length=20)

    @property
    def targets(self) -> tuple[str, ...]:
        """Return whom it names: people, rotations, teams, ``assignee``, ``account_manager``, ``manager``."""
        return (self.to,) if isinstance(self.to, str) else self.to


class Policy(Part):
    """The steps of an alert; those of a breach are gone through ``repeats`` times more until somebody acknowledges."""

    steps: tuple[Step, ...] = Field(min_length=1, max_length=50)
    repeat_every: Wait = timedelta(minutes=10)
    repeats: int = Field(6, ge=0, le=100)


class Choice(Part):
    """A rule: all of its conditions hold → its policy. The first that fits counts; a condition that is absent holds."""

    emergency: bool | None = None
    services: Words = ()
    priorities: Words = ()
    clients: Words = ()
    metrics: Annotated[tuple[Literal["response", "action", "scheduling"], ...], Field(max_length=3)] = ()
    channels: Words = ()
    """By which the ticket came: email, phone, portal, …"""
    policy: Identifier

    @property
    def is_catch_all(self) -> bool:
        """Tell whether it has no condition."""
        lists = (self.services, self.priorities, self.clients, self.metrics, self.channels)
        return self.emergency is None and not any(lists)


class Window(Part):
    """Maintenance from ``from`` to ``to`` (not included), with somebody who answers for it.

    Of the ``services`` and ``clients`` named; a list that is absent is all of them, and both lists must fit.
    """

    from_: Instant = Field(alias="from")
    to: Instant
    owner: Identifier
    reason: Annotated[str, Field(min_length=1, max_length=200)]
    services: Words = ()
    clients: Words = ()
