"""What can happen to one clock, each with its reason: the words of its story."""

from dataclasses import dataclass
from enum import StrEnum

from services.sla_timer.domain.clock import How


@dataclass(frozen=True, slots=True)
class Opened:
    """The cycle began with this target and due date; both None where the ticket had no such clock yet.

    ``emergency``: why emergency targets apply (window, always, agent), ``ignored`` where only the opening asked for them.
    """

    at_us: int
    channel: str
    service: str
    priority: str
    target_us: int | None
    due_us: int | None
    emergency: str = ""


@dataclass(frozen=True, slots=True)
class TakenOver:
    """A version of the catalog for open clocks came into force: everything is judged by it from the start."""

    at_us: int
    version: str


class Rule(StrEnum):
    """Why the due date after a change is what it is."""

    UPGRADE = "upgrade"  # min(old due, max(new target, change + grace))
    NEW_TARGET = "new_target"  # not earlier than the old one: the new target holds
    BEGINS = "begins"  # no due date before: max(new target, change + grace)
    SAME = "same"  # counts like before
    PENDING = "pending"  # waits for an appointment
    WITHDRAWN = "withdrawn"  # the ticket has no such clock any more
    BREACHED = "breached"  # a breached clock keeps what it was breached under


@dataclass(frozen=True, slots=True)
class Changed:
    """A reclassification. ``what``: (field, old, new). The three dates of the formula are as if a pause ended at the change."""

    at_us: int
    what: tuple[tuple[str, str, str], ...]
    rule: Rule
    old_due_us: int | None
    new_due_us: int | None
    target_due_us: int | None
    grace_due_us: int | None
    target_us: int | None
    grace_us: int | None
    calendar: str | None  # the new one, None: the same
    paused: bool
    why: str | None
    by: str | None


@dataclass(frozen=True, slots=True)
class Appointed:
    """An appointment for a clock that waits for it; not ``taken``: moved by the vendor, the earlier one stays."""

    at_us: int
    starts_us: int
    ends_us: int | None
    taken: bool
    old_due_us: int | None
    new_due_us: int | None


@dataclass(frozen=True, slots=True)
class Breached:
    """The deadline passed; dated at it."""

    at_us: int


@dataclass(frozen=True, slots=True)
class Exempted:
    """An authorised person exempted the clock."""

    at_us: int
    reason_code: str
    approved_by: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The clock ended; ``late``: after its breach."""

    at_us: int
    how: How
    cause: str
    by: str | None
    late: bool
    into: str | None = None  # the ticket that it was merged into


@dataclass(frozen=True, slots=True)
class Reopened:
    """The clock goes on; the span while the ticket was closed counts as a pause."""

    at_us: int
    due_us: int | None
    late: bool


@dataclass(frozen=True, slots=True)
class Ignored:
    """Something that does not move this clock though one may expect it; ``detail``: the reason of a pause."""

    at_us: int
    word: str
    detail: str


Happening = Opened | TakenOver | Changed | Appointed | Breached | Exempted | Ended | Reopened | Ignored
