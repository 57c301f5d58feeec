"""The loaded catalog: every target reduced to (calendar, microseconds)."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from shared.catalog.calendar import Calendar


@dataclass(frozen=True, slots=True)
class Warning:  # noqa: A001  # the field's own word
    """A warning threshold: ``label`` as written, ``consumed_us`` of counted time when it is due."""

    label: str
    consumed_us: int


@dataclass(frozen=True, slots=True)
class Target:
    """What one clock is measured against. ``service`` and ``priority`` are the effective ones."""

    service: str
    priority: str
    calendar: Calendar
    calendar_name: str
    target_us: int
    warnings: tuple[Warning, ...]
    pauses: frozenset[str]
    action_met_by: str
    chargeable: str
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Catalog:
    """One version. Targets hang on the service, never on a client (policy rule 3)."""

    version: str
    effective_from_us: int
    tzdata: str
    triage: str
    priority: str
    targets: Mapping[tuple[str, str, str], Target]
    services: frozenset[str]
    priorities: frozenset[str]

    def target(self, service: str | None, priority: str | None, metric: str) -> Target:
        """Return the target; an unknown service is timed as triage, an unknown priority as the default, flagged."""
        known = self.targets.get((service or "", priority or "", metric))
        if known is not None:
            return known
        flags: tuple[str, ...] = () if service in self.services else ("unknown_service",)
        if priority is not None and priority not in self.priorities:
            flags = (*flags, "unknown_priority")
        effective = service if service is not None and service in self.services else self.triage
        asked = priority if priority is not None and priority in self.priorities else self.priority
        found = self.targets[effective, asked, metric]
        return found if not flags else _with_flags(found, flags)


def _with_flags(target: Target, flags: tuple[str, ...]) -> Target:
    return replace(target, flags=flags)


class Catalogs:
    """Every version, by the instant from which it holds."""

    def __init__(self, versions: Sequence[Catalog]) -> None:
        self._versions = sorted(versions, key=lambda catalog: catalog.effective_from_us)
        self._from = [catalog.effective_from_us for catalog in self._versions]

    def for_start(self, start_us: int) -> Catalog:
        """Return the version with the greatest ``effective_from`` <= start; older than all: the oldest."""
        return self._versions[max(bisect_right(self._from, start_us) - 1, 0)]

    def version(self, name: str) -> Catalog | None:
        """Return the version called ``name``, if it is loaded."""
        return next((catalog for catalog in self._versions if catalog.version == name), None)
