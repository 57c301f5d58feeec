"""The loaded catalog: every target reduced to (calendar, microseconds of its open time)."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from shared.catalog.calendar import Calendar


@dataclass(frozen=True, slots=True)
class Warning:  # noqa: A001  # the field's own word
    """A warning threshold: ``label`` as written; a share of the target consumed, or counted time left."""

    label: str
    percent: int | None
    left_us: int = 0

    def consumed_us(self, target_us: int) -> int:
        """Return the counted time at which it is due; out of (0, target) it is never due."""
        return target_us - self.left_us if self.percent is None else -(-target_us * self.percent // 100)


class Span(NamedTuple):
    """``us`` of open time of ``calendar``."""

    calendar: Calendar
    us: int


class Target(NamedTuple):
    """What one clock is measured against. ``grace``: of a reclassification to this target, counted from the change.

    ``grace_percent``: the share of the target that the grace is, None where the catalog gives a duration.
    """

    span: Span
    grace: Span
    grace_percent: int | None
    warnings: tuple[Warning, ...]

    def over(self, span: Span) -> "Target":
        """Return the same target over another span; a share of it follows."""
        share = self.grace_percent
        grace = self.grace if share is None else Span(span.calendar, span.us * share // 100)
        return Target(span, grace, share, self.warnings)


@dataclass(frozen=True, slots=True)
class Service:
    """One service. ``targets`` by (priority, metric), ``emergency`` by metric (empty: not capable)."""

    id: str
    names: Mapping[str, str]
    chargeable: str
    remote_access: bool
    priority: str
    targets: Mapping[tuple[str, str], Target]
    emergency: Mapping[str, Target]
    emergency_always: bool
    scheduled: bool
    scheduling: Target | None
    pauses: Mapping[str, frozenset[str]]
    action_met_by: str
    reopen_within_us: int


@dataclass(frozen=True, slots=True)
class Catalog:
    """One version; ``content`` is the SHA-256 of what it says. Targets hang on the service (policy rule 3)."""

    version: str
    content: str
    effective_from_us: int
    applies_to_open: bool
    tzdata: str
    triage: str
    business: Calendar
    always: Calendar
    calendars: Mapping[str, Calendar]
    services: Mapping[str, Service]
    priorities: frozenset[str]

    def service(self, name: str) -> Service:
        """Return the service; an unknown one is timed as triage."""
        return self.services.get(name) or self.services[self.triage]

    def priority(self, service: Service, asked: str | None) -> str:
        """Return the priority that counts: an unknown one, or none, is the service's own."""
        return asked if asked in self.priorities else service.priority

    def flags(self, service: str, priority: str | None) -> tuple[str, ...]:
        """Return what of a ticket the catalog does not know: unknown_service, unknown_priority."""
        unknown = ("unknown_service",) if service not in self.services else ()
        return unknown if priority is None or priority in self.priorities else (*unknown, "unknown_priority")


class Catalogs:
    """Every version, by the instant from which it holds."""

    def __init__(self, versions: Sequence[Catalog]) -> None:
        self._versions = sorted(versions, key=lambda catalog: catalog.effective_from_us)
        self._from = [catalog.effective_from_us for catalog in self._versions]
        self._by_name = {catalog.version: catalog for catalog in self._versions}
        self._open = [catalog for catalog in self._versions if catalog.applies_to_open]

    def for_start(self, start_us: int) -> Catalog:
        """Return the version with the greatest ``effective_from`` <= start; older than all: the oldest."""
        return self._versions[max(bisect_right(self._from, start_us) - 1, 0)]

    def older_than_all(self, start_us: int) -> bool:
        """Tell whether no version was in force yet."""
        return start_us < self._from[0]

    def reassessing(self, after_us: int, until_us: int) -> Sequence[Catalog]:
        """Return the versions with ``applies_to: open`` that came into force in (after, until], in order."""
        return [c for c in self._open if after_us < c.effective_from_us <= until_us]

    @property
    def versions(self) -> Sequence[Catalog]:
        """Return every version, by the instant from which it holds."""
        return self._versions

    def next_reassessing(self, after_us: int) -> int | None:
        """Return when the next version with ``applies_to: open`` comes into force."""
        return next((c.effective_from_us for c in self._open if c.effective_from_us > after_us), None)

    def version(self, name: str) -> Catalog | None:
        """Return the version called ``name``, if it is loaded."""
        return self._by_name.get(name)
