"""What happened to one clock, in order, each with its reason: read off the clock before and after every act."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.sla_timer.domain.clock import Clock, How, Step
from services.sla_timer.domain.countdown import Countdown
from services.sla_timer.domain.journal import History
from services.sla_timer.domain.run import steps
from services.sla_timer.domain.ticket import Act, Cycle, NewCycle, Ticket
from shared.catalog import Catalog
from shared.events import (
    TicketExempted,
    TicketPaused,
    TicketReclassified,
    TicketReopened,
    TicketResolved,
    TicketResponded,
    TicketScheduled,
)


@dataclass(frozen=True, slots=True)
class Opened:
    """The cycle began with this target and due date; both None where the ticket had no such clock yet."""

    at_us: int
    channel: str
    service: str
    priority: str
    target_us: int | None
    due_us: int | None


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


Happening = Opened | Changed | Appointed | Breached | Exempted | Ended | Reopened | Ignored


def happenings(history: History, cycle: Cycle, clock: Clock, catalog: Catalog, at_us: int) -> Sequence[Happening]:
    """Return what happened to ``clock`` up to ``at_us``, in order; ``catalog`` is the version that judges it."""
    dropped = clock.end if clock.end is not None and clock.end.cause == "catalog" else None
    until_us = at_us if dropped is None else dropped.at_us
    found = list(_told(history, cycle, clock, catalog, until_us))
    if dropped is not None:
        found.append(Ended(dropped.at_us, dropped.how, dropped.cause, None, clock.breached_us is not None))
    return found


def _told(history: History, cycle: Cycle, clock: Clock, catalog: Catalog, until_us: int) -> Iterator[Happening]:
    ticket, breached_us = cycle.ticket, clock.breached_us
    for step in steps(history, cycle, clock.metric, catalog, until_us):
        if breached_us is not None and step.before is not None and step.before.breached_us is not None:
            yield Breached(breached_us)
            breached_us = None
        if step.act is None:
            channel = history.opened.channel if cycle.number == 1 else ""
            yield _opened(cycle, channel, step.after, catalog)
            if step.after is not None and step.after.end is not None:
                yield Ended(cycle.start_us, step.after.end.how, step.after.end.cause, None, False)
            continue
        yield from _of(step, step.act, ticket, catalog)
        ticket = step.act.ticket
    if breached_us is not None:
        yield Breached(breached_us)


def _opened(cycle: Cycle, channel: str, clock: Clock | None, catalog: Catalog) -> Opened:
    service, priority = _service(cycle.ticket, catalog), _priority(cycle.ticket, catalog)
    if clock is None:
        return Opened(cycle.start_us, channel, service, priority, None, None)
    return Opened(
        cycle.start_us, channel, service, priority, clock.plan.span.us, None if clock.due is None else clock.due.reach()
    )


def _of(step: Step, act: Act, ticket: Ticket, catalog: Catalog) -> Iterator[Happening]:
    """Yield what one act did to the clock; nothing where the clock neither was nor is open."""
    before, after = step.before, step.after
    was_open, is_open = before is not None and before.end is None, after is not None and after.end is None
    if not was_open and not is_open:
        return
    match act.data:
        case TicketReclassified():
            yield _changed(act, act.data, ticket, before, after, catalog)
        case TicketScheduled() if after is not None and after.metric == "action" and is_open:
            if catalog.service(act.ticket.service).scheduled:
                yield _appointed(act, ticket, before, after)
        case TicketExempted() if after is not None and act.data.metric == after.metric:
            yield Exempted(act.at_us, act.data.reason_code, act.data.approved_by)
        case TicketReopened() if not was_open:
            yield Reopened(act.at_us, _due_at(after, act.at_us), after is not None and after.breached_us is not None)
        case TicketResponded() | TicketResolved() | TicketPaused() if is_open and after is not None:
            yield from _ignored(act, after)
        case _:
            pass
    if was_open and after is not None and after.end is not None and after.end.how is not How.EXEMPTED:
        by = None if isinstance(act.data, NewCycle) else getattr(act.data, "by", None)
        yield Ended(act.at_us, after.end.how, after.end.cause, by, after.breached_us is not None)


def _ignored(act: Act, clock: Clock) -> Iterator[Ignored]:
    match act.data:
        case TicketResponded(automatic=True) if clock.metric == "response":
            yield Ignored(act.at_us, "automatic_answer", "")
        case TicketResolved(automatic=True) if clock.metric == "response":
            yield Ignored(act.at_us, "automatic_resolution", "")
        case TicketPaused(reason=reason) if not clock.paused and reason in act.ticket.paused_for:
            yield Ignored(act.at_us, "pause_not_counted", reason)
        case _:
            pass


def _appointed(act: Act, ticket: Ticket, before: Clock | None, after: Clock) -> Appointed:
    agreed = act.ticket.appointment
    if agreed is None:
        raise ValueError("a scheduled ticket has an appointment")
    old, new = _due_at(before, act.at_us), _due_at(after, act.at_us)
    taken = agreed != ticket.appointment and after.breached_us is None
    return Appointed(act.at_us, agreed.starts_us, agreed.ends_us, taken, old, new)


def _changed(
    act: Act, data: TicketReclassified, ticket: Ticket, before: Clock | None, after: Clock | None, catalog: Catalog
) -> Changed:
    if after is None:
        raise ValueError("a clock that was has not gone")
    at_us, what = act.at_us, tuple(_differences(ticket, act.ticket, catalog))
    old = before if before is not None and before.end is None else None
    paused = after.paused or (before is not None and before.paused)
    rule = _simple_rule(old, before, after)
    old_us, new_us = _due_at(old, at_us), _due_at(after, at_us)
    if rule is not None:
        return Changed(at_us, what, rule, old_us, new_us, None, None, None, None, None, paused, data.why, data.by)
    plan, grace = after.plan, after.plan.target.grace
    fresh = Countdown.of(plan.span, plan.from_us, [(p.start_us, p.end_us) for p in after.pauses])
    if paused:
        fresh.go_on(at_us)
    fresh_us = fresh.reach()
    rule = Rule.BEGINS if old_us is None else Rule.NEW_TARGET if fresh_us >= old_us else Rule.UPGRADE
    return Changed(
        at_us=at_us,
        what=what,
        rule=rule,
        old_due_us=old_us,
        new_due_us=new_us,
        target_due_us=fresh_us,
        grace_due_us=grace.calendar.add(at_us, grace.us),
        target_us=plan.span.us,
        grace_us=grace.us,
        calendar=plan.span.calendar.name if old is None or plan.span.calendar is not old.plan.span.calendar else None,
        paused=paused,
        why=data.why,
        by=data.by,
    )


def _simple_rule(old: Clock | None, before: Clock | None, after: Clock) -> Rule | None:
    """Return the rule of a change that moves no date by the formula, else None."""
    if before is not None and before.breached_us is not None:
        return Rule.BREACHED
    if after.end is not None:
        return Rule.WITHDRAWN
    if after.plan.pending:
        return Rule.PENDING
    return Rule.SAME if old is not None and after.plan.counts_like(old.plan) else None


def _due_at(clock: Clock | None, at_us: int) -> int | None:
    """Return the due date as if a pause that lasts ended at ``at_us``; of a breached clock the one missed."""
    if clock is None or clock.due is None or clock.breached_us is not None:
        return None if clock is None else clock.breached_us
    return clock.due.if_resumed(at_us) if clock.paused else clock.due.reach()


def _differences(old: Ticket, new: Ticket, catalog: Catalog) -> Iterator[tuple[str, str, str]]:
    pairs = [
        ("service", _service(old, catalog), _service(new, catalog)),
        ("priority", _priority(old, catalog), _priority(new, catalog)),
        ("scope", _scope(old), _scope(new)),
        ("coverage", old.coverage, new.coverage),
        ("emergency", _flag(old.emergency), _flag(new.emergency)),
        ("client_id", old.client_id or "", new.client_id or ""),
    ]
    return (pair for pair in pairs if pair[1] != pair[2])


def _service(ticket: Ticket, catalog: Catalog) -> str:
    return catalog.service(ticket.service).id


def _priority(ticket: Ticket, catalog: Catalog) -> str:
    known = ticket.priority if ticket.priority in catalog.priorities else None
    return known or catalog.service(ticket.service).priority


def _scope(ticket: Ticket) -> str:
    return "in_scope" if ticket.in_scope else "out_of_scope"


def _flag(emergency: bool | None) -> str:
    return "" if emergency is None else "yes" if emergency else "no"
