"""What a clock is measured against: the catalog's target for what the ticket is at one instant."""

from typing import NamedTuple

from services.sla_timer.domain.journal import History
from services.sla_timer.domain.ticket import Cycle, Ticket
from shared.catalog import Catalog, Service, Span, Target
from shared.events import TicketReclassified

METRICS = ("response", "action", "scheduling")


class Plan(NamedTuple):
    """``span`` of open time from ``from_us`` on; ``pending``: nothing is counted before an appointment is made."""

    span: Span
    from_us: int
    pending: bool
    target: Target
    service: str
    priority: str

    def counts_like(self, other: "Plan") -> bool:
        """Tell whether both give the same due date whatever happens."""
        mine = self.span.calendar, self.span.us, self.from_us, self.pending
        return mine == (other.span.calendar, other.span.us, other.from_us, other.pending)


def plan(metric: str, catalog: Catalog, history: History, ticket: Ticket, start_us: int) -> Plan | None:
    """Return the plan of ``metric`` in the cycle that began at ``start_us``, or None where the ticket has no such clock.

    Out of scope, or without coverage, only the response is watched. ``scheduling`` ends with the first appointment.
    """
    service = catalog.service(ticket.service)
    priority = catalog.priority(service, ticket.priority)
    if metric != "response" and not (ticket.in_scope and ticket.covered):
        return None
    if metric == "scheduling":
        if service.scheduling is None or ticket.appointment is not None:
            return None
        return Plan(service.scheduling.span, start_us, False, service.scheduling, service.id, priority)
    urgent = is_emergency(service, catalog, history, ticket)
    target = service.emergency[metric] if urgent else service.targets[priority, metric]
    if metric == "response" or not service.scheduled:
        return Plan(target.span, start_us, False, target, service.id, priority)
    agreed = ticket.appointment
    if agreed is None:
        return Plan(target.span, start_us, True, target, service.id, priority)
    if agreed.ends_us is not None:
        target = target.over(Span(catalog.always, agreed.ends_us - agreed.starts_us))
    return Plan(target.span, agreed.starts_us, False, target, service.id, priority)


def is_emergency(service: Service, catalog: Catalog, history: History, ticket: Ticket) -> bool:
    """Tell whether emergency targets apply (semantics, "Which calendar"; policy rule 2)."""
    if not service.emergency:
        return False
    if ticket.emergency is not None:
        return ticket.emergency
    by_phone = history.opened.channel.strip().lower() == "phone"
    return service.emergency_always or (by_phone and not catalog.business.is_open(history.opened_us))


def may_schedule(cycle: Cycle, catalog: Catalog) -> bool:
    """Tell whether the ticket ever was of a service with a scheduling clock: most never are."""
    if catalog.service(cycle.ticket.service).scheduling is not None:
        return True
    changes = (act for act in cycle.acts if isinstance(act.data, TicketReclassified))
    return any(catalog.service(act.ticket.service).scheduling is not None for act in changes)
