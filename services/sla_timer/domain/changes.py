"""What happened to one clock, in order, each with its reason: read off the clock before and after every act."""

from collections.abc import Iterator, Sequence

from services.sla_timer.domain.clock import Clock, How, Step
from services.sla_timer.domain.countdown import Countdown
from services.sla_timer.domain.happening import (
    Appointed,
    Breached,
    Changed,
    Ended,
    Exempted,
    Happening,
    Ignored,
    Opened,
    Reopened,
    Rule,
    TakenOver,
)
from services.sla_timer.domain.journal import History
from services.sla_timer.domain.plan import is_emergency
from services.sla_timer.domain.run import steps
from services.sla_timer.domain.ticket import Act, Cycle, NewCycle, Ticket
from shared.catalog import Catalog
from shared.events import (
    TicketExempted,
    TicketMerged,
    TicketPaused,
    TicketReclassified,
    TicketReopened,
    TicketResolved,
    TicketResponded,
    TicketScheduled,
)


def happenings(
    history: History, cycle: Cycle, clock: Clock, catalog: Catalog, at_us: int, *, taken_over: bool = False
) -> Sequence[Happening]:
    """Return what happened to ``clock`` up to ``at_us``; ``catalog`` is the version that judges it.

    ``taken_over``: it is not the one under which the cycle began.
    """
    dropped = clock.end if clock.end is not None and clock.end.cause == "catalog" else None
    until_us = at_us if dropped is None else dropped.at_us
    found = list(_told(history, cycle, clock, catalog, until_us))
    if taken_over:
        found.append(TakenOver(catalog.effective_from_us, catalog.version))
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
            yield _opened(history, cycle, step.after, catalog)
            if step.after is not None and step.after.end is not None:
                yield Ended(cycle.start_us, step.after.end.how, step.after.end.cause, None, False)
            continue
        yield from _of(step, step.act, ticket, catalog)
        ticket = step.act.ticket
    if breached_us is not None:
        yield Breached(breached_us)


def _opened(history: History, cycle: Cycle, clock: Clock | None, catalog: Catalog) -> Opened:
    due = None if clock is None else clock.due
    return Opened(
        at_us=cycle.start_us,
        channel=history.opened.channel if cycle.number == 1 else "",
        service=_service(cycle.ticket, catalog),
        priority=_priority(cycle.ticket, catalog),
        target_us=None if clock is None else clock.plan.span.us,
        due_us=None if due is None else due.reach(),
        emergency=_emergency(history, cycle.ticket, catalog),
    )


def _emergency(history: History, ticket: Ticket, catalog: Catalog) -> str:
    service = catalog.service(ticket.service)
    if is_emergency(service, catalog, history, ticket):
        return "agent" if ticket.emergency else "always" if service.emergency_always else "window"
    return "ignored" if history.opened.emergency and ticket.emergency is None else ""


def _of(step: Step, act: Act, ticket: Ticket, catalog: Catalog) -> Iterator[Happening]:
    """Yield what one act did to the clock; where the clock neither was nor is open only an exemption changes it."""
    before, after = step.before, step.after
    was_open, is_open = before is not None and before.end is None, after is not None and after.end is None
    if not was_open and not is_open:
        now_exempted = after is not None and after.exempted and not (before is not None and before.exempted)
        if now_exempted and isinstance(act.data, TicketExempted):
            yield Exempted(act.at_us, act.data.reason_code, act.data.approved_by)
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
        into = act.data.into if isinstance(act.data, TicketMerged) else None
        yield Ended(act.at_us, after.end.how, after.end.cause, by, after.breached_us is not None, into)


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
    rule, why = _simple_rule(old, before, after), data.why or data.scope_reason
    old_us, new_us = _due_at(old, at_us), _due_at(after, at_us)
    if rule is not None:
        return Changed(at_us, what, rule, old_us, new_us, None, None, None, None, None, paused, why, data.by)
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
        calendar=None if before is None or plan.span.calendar is before.plan.span.calendar else plan.span.calendar.name,
        paused=paused,
        why=why,
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
    return "undecided" if emergency is None else "yes" if emergency else "no"
