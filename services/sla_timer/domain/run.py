"""All transitions of a clock. It runs through the acts of one cycle under one version of the catalog.

                 the cycle begins, or a change brings the clock into being
                      │
                      ▼        paused for a reason of the service's table
                 ┌─────────┐ ───────────────────────────────► ┌────────┐
    appointment  │ running │                                  │ paused │
    ┌──────────► └─────────┘ ◄─────────────────────────────── └────────┘
    │                 │            resumed: budget left            │
    │                 │                                            │ no due date while paused
    │    due ≤ now, before the pauses of its instant:              │
    │         breached, once, dated at it; the clock goes on       │
    │                 │                                            │
    │                 ▼  responded / resolved / started: fulfilled ▼
    │  ┌─────────┐  exempted · cancelled, merged, out of scope  ┌──────┐
    └─ │ pending │ ───────────────────────────────────────────► │ done │ ── reopened in time: the action that the
       └─────────┘                                              └──────┘    resolution ended goes on; back in scope:
                                                                            the clock that was withdrawn

A reclassification leaves the past alone: an upgrade is due at min(old due, max(new target, change + grace)), any other
change at the new target; a breached clock keeps target, calendar and due date. Source: the semantics' fine print.
"""

from collections.abc import Iterable, Iterator

from services.sla_timer.domain.clock import Clock, End, How, Pause, Step
from services.sla_timer.domain.countdown import Countdown, Due, upgraded
from services.sla_timer.domain.journal import AFTER_BREACH, History
from services.sla_timer.domain.plan import Plan, may_schedule, plan
from services.sla_timer.domain.ticket import Act, Cycle, NewCycle, Status, Ticket
from shared.catalog import Catalog
from shared.events import (
    TicketActionStarted,
    TicketCancelled,
    TicketExempted,
    TicketMerged,
    TicketReclassified,
    TicketReopened,
    TicketResolved,
    TicketResponded,
    TicketScheduled,
)

_WITHDRAWN, _CLOSED = "withdrawn", "closed"


def run(
    history: History, cycle: Cycle, metric: str, catalog: Catalog, until_us: int | None, end: End | None = None
) -> Clock | None:
    """Return the clock after every act up to ``until_us`` (None: all, and time breaches nothing), ended by ``end`` at last."""
    if metric == "scheduling" and not may_schedule(cycle, catalog):
        return None
    clock = _Run(history, cycle, metric, catalog)
    for act in cycle.acts:
        if until_us is not None and act.at_us > until_us:
            break
        clock.breach(act.at_us, act.rank >= AFTER_BREACH)
        clock.take(act)
    if until_us is not None:
        clock.breach(until_us, True)
    if end is not None:
        clock.finish(end)
    return clock.result()


def steps(history: History, cycle: Cycle, metric: str, catalog: Catalog, until_us: int) -> Iterator[Step]:
    """Yield what ``run`` goes through up to ``until_us``."""
    clock = _Run(history, cycle, metric, catalog)
    yield Step(None, None, clock.seen())
    for act in cycle.acts:
        if act.at_us > until_us:
            return
        clock.breach(act.at_us, act.rank >= AFTER_BREACH)
        before = clock.seen()
        clock.take(act)
        yield Step(act, before, clock.seen())


class _Run:
    """A clock that is being run; ``plan`` None: it never began."""

    def __init__(self, history: History, cycle: Cycle, metric: str, catalog: Catalog) -> None:
        self._history, self._cycle, self._metric, self._catalog = history, cycle, metric, catalog
        self._pauses: list[Pause] = []
        self._end: End | None = None
        self._due: Due | None = None
        self._breached_us: int | None = None
        self._exempt = self._exempted = False
        self._due_at_end_us: int | None = None
        self._appointment = cycle.ticket.appointment
        self._plan = self._planned(cycle.ticket)
        if self._plan is not None and not self._plan.pending:
            self._due = Due([[self._countdown(self._plan)]])
        self._pausing(cycle.start_us, cycle.ticket)
        if metric == "response" and cycle.number == 1 and history.opened.responded:
            self.finish(End(cycle.start_us, How.FULFILLED, "opened_responded"))

    @property
    def _open(self) -> bool:
        return self._plan is not None and self._end is None

    @property
    def _paused(self) -> bool:
        return bool(self._pauses) and self._pauses[-1].end_us is None

    def _planned(self, ticket: Ticket) -> Plan | None:
        return plan(self._metric, self._catalog, self._history, ticket, self._cycle.start_us)

    def _countdown(self, new: Plan) -> Countdown:
        return Countdown.of(new.span, new.from_us, ((p.start_us, p.end_us) for p in self._pauses))

    def breach(self, at_us: int, inclusive: bool) -> None:
        """Note the breach of a due date before ``at_us``, or at it."""
        if self._open and self._due is not None and self._breached_us is None:
            due_us = self._due.hit() if self._paused else self._due.reach()
            if due_us is not None and (due_us < at_us or (inclusive and due_us == at_us)):
                self._breached_us = due_us

    def take(self, act: Act) -> None:
        """Let one event act."""
        match act.data:
            case TicketReclassified():
                self._reclassified(act.at_us, act.ticket)
                self._pausing(act.at_us, act.ticket)
            case TicketScheduled():
                self._scheduled(act.at_us, act.ticket)
            case TicketExempted(metric=metric) if metric == self._metric:
                self._exempt = True
                self._exempt_now(act.at_us)
            case TicketReopened():
                self._reopened(act.at_us, act.ticket)
                self._pausing(act.at_us, act.ticket)
            case _:
                self._pausing(act.at_us, act.ticket)
                end = self._ended(act) if self._open else None
                if end is not None:
                    self.finish(end)

    def _ended(self, act: Act) -> End | None:
        match self._metric, act.data:
            case _, TicketCancelled():
                return End(act.at_us, How.CANCELLED, "cancelled")
            case _, TicketMerged():
                return End(act.at_us, How.CANCELLED, "merged")
            case _, NewCycle():
                return End(act.at_us, How.CANCELLED, "new_cycle")
            case "response", TicketResponded(automatic=False):
                return End(act.at_us, How.FULFILLED, "responded")
            case "response", TicketResolved(automatic=True):
                system = self._history.opened.channel.strip().lower() == "system"
                return End(act.at_us, How.CANCELLED, "recovered") if system else None
            case _, TicketResolved():
                return End(act.at_us, How.FULFILLED, "resolved")
            case "action", TicketActionStarted():
                meets = self._catalog.service(act.ticket.service).action_met_by == "action_started"
                return End(act.at_us, How.FULFILLED, "action_started") if meets else None
            case _:
                return None

    def _scheduled(self, at_us: int, ticket: Ticket) -> None:
        if self._metric == "scheduling" and self._open:
            self.finish(End(at_us, How.FULFILLED, "scheduled"))
        if self._metric != "action" or (self._end is not None and self._end.cause == "resolved"):
            return  # what is agreed while the ticket is closed counts from its reopening
        moved, self._appointment = ticket.appointment != self._appointment, ticket.appointment
        if moved and self._open and self._breached_us is None and self._counts_from_appointment(ticket):
            new = self._planned(ticket)
            if new is not None:
                self._plan, self._due = new, Due([[self._countdown(new)]])

    def _counts_from_appointment(self, ticket: Ticket) -> bool:
        """Tell whether it did and does so; where only one is true a reclassification has yet to say how."""
        planned = ticket.service if self._plan is None else self._plan.service
        return all(self._catalog.service(name).scheduled for name in (ticket.service, planned))

    def _reclassified(self, at_us: int, ticket: Ticket) -> None:
        new = self._planned(ticket)
        if self._plan is None or self._end is not None:
            withdrawn = self._end is None or self._end.cause == _WITHDRAWN
            if new is not None and withdrawn and ticket.status is Status.OPEN:
                self._begin_late(at_us, new)
        elif new is None:
            self.finish(End(at_us, How.CANCELLED, _WITHDRAWN))
        elif self._breached_us is None:
            if new.counts_like(self._plan):
                self._plan = new
            else:
                self._change(at_us, new, self._due)

    def _begin_late(self, at_us: int, new: Plan) -> None:
        """A change brings the clock (back) into being: an upgrade from no due date."""
        self._end = None
        if self._breached_us is None:
            self._change(at_us, new, None)
        if self._exempt:
            self._exempt_now(at_us)

    def _change(self, at_us: int, new: Plan, old: Due | None) -> None:
        self._plan = new
        if new.pending:
            self._due = None
            return
        fresh = self._countdown(new)
        if self._paused:  # the due dates are compared as if the pause ended at the change
            fresh.go_on(at_us)
            if old is not None:
                old.go_on(at_us)
        if old is not None and fresh.reach() >= old.reach():
            self._due = Due([[fresh]])
        else:
            grace = new.target.grace
            self._due = upgraded(old, fresh, Countdown(grace.calendar, at_us, grace.us), at_us)

    def _exempt_now(self, at_us: int) -> None:
        """An open clock ends; a breached one changes its verdict; one met in time, or cancelled, stays what it is."""
        if self._breached_us is not None:
            self._exempted = True
        elif self._open:
            self._exempted = True
            self.finish(End(at_us, How.EXEMPTED, "exempted"))

    def finish(self, end: End) -> None:
        """The clock ends; its due date stays as it stood, a pause taken as ending there."""
        self._end = end
        if self._due is not None:
            self._due_at_end_us = self._due.if_resumed(end.at_us) if self._paused else self._due.reach()

    def _reopened(self, at_us: int, ticket: Ticket) -> None:
        """Only an action that the resolution ended goes on; the closed span is a pause.

        What was changed while the ticket was closed counts from now: also a scope that is ours again.
        """
        if self._metric != "action" or (self._end is not None and self._end.cause not in ("resolved", _WITHDRAWN)):
            return
        if self._end is not None and self._end.cause == "resolved":
            self._end = None
        self._stop(ticket.closed_us, (_CLOSED,))
        self._go_on(at_us)
        self._scheduled(at_us, ticket)
        self._reclassified(at_us, ticket)
        if self._exempt:
            self._exempt_now(at_us)

    def _pausing(self, at_us: int, ticket: Ticket) -> None:
        """Each second is paused or not by the table in force at that second."""
        table = self._catalog.service(ticket.service).pauses.get(self._metric, frozenset())
        reasons = ticket.paused_for & table
        if reasons:
            self._stop(at_us, tuple(sorted(reasons)))
        elif self._paused:
            self._go_on(at_us)

    def _stop(self, at_us: int, reasons: Iterable[str]) -> None:
        """A pause begins, or goes on with more reasons; one that begins where the last one ended is the same."""
        last, lasting = self._pauses[-1] if self._pauses else None, self._paused
        if last is not None and (last.end_us is None or last.end_us >= at_us):
            self._pauses[-1] = Pause(last.start_us, None, tuple(sorted({*last.reasons, *reasons})))
        else:
            self._pauses.append(Pause(at_us, None, tuple(sorted(reasons))))
        if self._due is not None and self._end is None and not lasting:
            self._due.stop(at_us)

    def _go_on(self, at_us: int) -> None:
        last = self._pauses.pop()
        if at_us > last.start_us:
            self._pauses.append(Pause(last.start_us, at_us, last.reasons))
        if self._due is not None and self._end is None:
            self._due.go_on(at_us)

    def result(self) -> Clock | None:
        """Return the clock, None if it never began."""
        if self._plan is None:
            return None
        end = self._end
        pauses = self._pauses if end is None else [p.until(end.at_us) for p in self._pauses if p.start_us < end.at_us]
        return Clock(
            metric=self._metric,
            cycle=self._cycle.number,
            start_us=self._cycle.start_us,
            catalog=self._catalog.version,
            plan=self._plan,
            pauses=tuple(pauses),
            end=end,
            breached_us=self._breached_us,
            exempted=self._exempted,
            due_us=self._due_us(),
            due=self._due,
        )

    def seen(self) -> Clock | None:
        """Return the clock as it is now, which what follows does not change."""
        clock = self.result()
        return clock if clock is None or clock.due is None else clock._replace(due=clock.due.copy())

    def _due_us(self) -> int | None:
        if self._breached_us is not None or self._due is None:
            return self._breached_us
        if self._end is not None:
            return self._due_at_end_us
        return self._due.hit() if self._paused else self._due.reach()
