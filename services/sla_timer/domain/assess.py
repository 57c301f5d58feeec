"""Journal and catalog versions in, clocks out: the whole verdict is a function of these."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.sla_timer.domain.clock import Clock, End, How
from services.sla_timer.domain.journal import History
from services.sla_timer.domain.plan import METRICS
from services.sla_timer.domain.run import run
from services.sla_timer.domain.ticket import Cycle, Ticket, cycles_of
from shared.catalog import Catalog, Catalogs

ENGINE = "3"


class Assessment(NamedTuple):
    """The clocks of one ticket by cycle and metric; a clock that never began has no line. ``ticket`` is what it is now.

    ``flags``: what is odd and was decided all the same: unknown_service, unknown_priority, before_every_version, opened_twice.
    """

    history: History
    ticket: Ticket
    catalog: Catalog
    clocks: tuple[Clock, ...]
    cycles: tuple[Cycle, ...]
    flags: tuple[str, ...]


def assess(history: History, catalogs: Catalogs, now_us: int, *, breaching: bool = False) -> Assessment:
    """Return every clock of the ticket, judged by the catalog versions in force up to ``now_us``.

    With ``breaching`` a deadline up to ``now_us`` is breached. Without it time alone breaches nothing: that is the
    ticker's word, which knows whether the journal is fresh.
    """
    judge = _Judge(history, catalogs, now_us, breaching)
    cycles = cycles_of(history, judge.reopen_within)
    clocks = tuple(judge.clocks(cycles))
    last = cycles[-1]
    ticket = last.acts[-1].ticket if last.acts else last.ticket
    catalog = catalogs.version(clocks[-1].catalog) or catalogs.for_start(last.start_us)
    return Assessment(
        history, ticket, catalog, clocks, tuple(cycles), tuple(_flags(history, catalogs, catalog, ticket))
    )


def _flags(history: History, catalogs: Catalogs, catalog: Catalog, ticket: Ticket) -> Iterator[str]:
    yield from catalog.flags(ticket.service, ticket.priority)
    if catalogs.older_than_all(history.opened_us):
        yield "before_every_version"
    if history.openings > 1:
        yield "opened_twice"


@dataclass(frozen=True, slots=True)
class _Judge:
    history: History
    catalogs: Catalogs
    now_us: int
    breaching: bool

    def clocks(self, cycles: Sequence[Cycle]) -> Iterator[Clock]:
        """Yield every clock that ever began, by cycle and metric."""
        for cycle in cycles:
            for metric in METRICS:
                clock = self._clock(cycle, metric)
                if clock is not None:
                    yield clock

    def reopen_within(self, cycle: Cycle, ticket: Ticket, at_us: int) -> int:
        """Return the service's limit in the version that the action clock has: at its instant an event acts first."""
        version, _ = self._version(cycle, "action", at_us - 1)
        return version.service(ticket.service).reopen_within_us

    def _clock(self, cycle: Cycle, metric: str) -> Clock | None:
        version, dropped_by = self._version(cycle, metric, self.now_us)
        if dropped_by is None:
            return run(self.history, cycle, metric, version, self.now_us if self.breaching else None)
        from_us = dropped_by.effective_from_us
        return run(self.history, cycle, metric, version, from_us, End(from_us, How.CANCELLED, "catalog"))

    def _version(self, cycle: Cycle, metric: str, until_us: int) -> tuple[Catalog, Catalog | None]:
        """Return the version that judges a clock, and the one that knows it no more and so cancels it.

        A version with ``applies_to: open`` takes over each clock that has neither ended nor breached by then: one that
        has ended and is reopened later is left to the next version. It brings a clock into being only while somebody
        still works on the cycle.
        """
        version = self.catalogs.for_start(cycle.start_us)
        for next_version in self.catalogs.reassessing(cycle.start_us, until_us):
            from_us = next_version.effective_from_us
            clock = run(self.history, cycle, metric, version, from_us)
            if clock is not None and (clock.end is not None or clock.breached_us is not None):
                continue
            if clock is None and metric == "scheduling" and not cycle.open_at(from_us):
                continue
            if clock is not None and run(self.history, cycle, metric, next_version, from_us) is None:
                return version, next_version
            version = next_version
        return version, None
