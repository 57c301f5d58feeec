"""What a decided call does to tickets: opens one, joins one, makes one an emergency, answers one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from services.intake.domain.agents import Agents
from services.intake.domain.callers import OpenTicket, about, ticket_named, to_join, waiting_for_us
from services.intake.domain.calls import Answered, Call, CalledBack, CallId, Missed
from services.intake.domain.phone import Phone, Suggested
from services.intake.domain.window import Window
from services.intake.handlers.desk import Desk
from services.intake.handlers.opening import SOURCE, Opening, open_ticket
from services.intake.store import queries
from services.intake.store.calls import tickets_of_caller
from shared.events import (
    Event,
    TicketAssigned,
    TicketData,
    TicketReclassified,
    TicketResponded,
    event_id,
    new_event,
    type_name,
)

_SUGGESTED = "o cliente é sugerido pelo número de quem ligou, não confirmado (caller ID)"


@dataclass(slots=True)
class CallDesk:
    """What calls are judged by."""

    desk: Desk
    phone: Phone
    agents: Agents
    suggested: Suggested
    window: Window

    def has_client(self, client_id: str | None) -> bool:
        """Tell whether a client is in ``clients.yaml``."""
        return any(client.id == client_id for client in self.desk.known.clients.clients)


class Caller(NamedTuple):
    """Who calls, as far as the number tells, and the open tickets that it may be about."""

    call: CallId
    number: str | None
    contact_ref: str | None
    client_id: str | None
    tickets: Sequence[OpenTicket]
    registered: bool = False


class Outcome(NamedTuple):
    """The ticket that the call belongs to now, if any; ``how``: opened, joined, reclassified, responded or none."""

    how: str
    ticket_id: str | None
    events: Sequence[Event[Any]]


async def caller_of(connection: Any, desk: CallDesk, call_id: CallId, call: Call) -> Caller:
    """Return who calls; the number gets its opaque id. The client is the one that it is registered for, else that of
    ``clients.yaml``: both only suggest."""
    ref, registered = None, None
    if call.number is not None:
        known = await queries.contact_of_number(
            connection, number=call.number, seen_at=call.entered_at or call.first_at
        )
        ref, registered = known["contact_ref"], known["client_id"]
    client_id = registered if desk.has_client(registered) else desk.suggested.client(call.number)
    tickets = await tickets_of_caller(
        connection, protocol=ticket_named(call.protocol), contact_ref=ref, client_id=client_id
    )
    return Caller(call_id, call.number, ref, client_id, tickets, registered is not None and registered == client_id)


async def missed(connection: Any, desk: CallDesk, caller: Caller, call: Missed) -> Outcome:
    """Open a ticket for a call that nobody answered, or join one that waits for an answer anyway."""
    services = desk.phone.services
    service = services.emergency if call.emergency else services.business
    subject = about(caller.tickets, call.entered_at, desk.window, services) if call.emergency else None
    events = [] if subject is None else [_emergency(desk, caller.call, subject, call.entered_at)]
    if subject is not None and not subject.responded:
        return Outcome("reclassified", subject.ticket_id, events)
    joined = to_join(caller.tickets, service, call.entered_at, timedelta(minutes=desk.phone.join_minutes))
    if joined is not None:
        return Outcome("joined", joined.ticket_id, events)
    title = "Ligação perdida no plantão" if call.emergency else "Ligação perdida"
    opened = await open_ticket(connection, desk.desk, _opening(caller, service, title, call.entered_at, "phone-missed"))
    return Outcome("opened", opened.subject, [opened, *events])


async def answered(connection: Any, desk: CallDesk, caller: Caller, call: Answered) -> Outcome:
    """Answer the tickets of the caller's missed calls; in the window a ticket tells of the call, to be completed by the form."""
    agent = desk.phone.agent(call.agent, desk.agents)
    named = [t for t in caller.tickets if t.named]
    waiting = [*waiting_for_us(caller.tickets, call.answered_at)]
    waiting += [t for t in named if not t.responded and t not in waiting and t.opened_at <= call.answered_at]
    events = [responded(caller.call, t.ticket_id, call.answered_at, agent) for t in waiting]
    if not call.emergency:
        known = [t.ticket_id for t in named or waiting]
        return Outcome("responded" if waiting else "none", known[-1] if known else None, events)
    subject = about(caller.tickets, call.entered_at, desk.window, desk.phone.services)
    if subject is not None:
        events.insert(0, _emergency(desk, caller.call, subject, call.entered_at))
        if subject.named or subject.same_number:  # else it is the client's, and the matter may be another one
            if not subject.responded and subject not in waiting:
                events.append(responded(caller.call, subject.ticket_id, call.answered_at, agent))
            return Outcome("reclassified", subject.ticket_id, events)
    if waiting:
        return Outcome("responded", waiting[-1].ticket_id, events)
    opening = _opening(
        caller,
        desk.phone.services.emergency,
        "Ligação atendida no plantão",
        call.entered_at,
        "phone-answered",
        responded=True,
    )
    opened = await open_ticket(connection, desk.desk, opening)
    taken = [assigned(caller.call, opened.subject, call.answered_at, agent)] if agent else []
    return Outcome("opened", opened.subject, [opened, *taken, *events])


def called_back(desk: CallDesk, caller: Caller, call: CalledBack) -> Outcome:
    """Answer the tickets of the missed calls of whom we called back."""
    waiting = waiting_for_us(caller.tickets, call.answered_at)
    agent = desk.phone.agent(call.agent, desk.agents)
    events = [responded(caller.call, t.ticket_id, call.answered_at, agent) for t in waiting]
    return Outcome("responded" if waiting else "none", waiting[-1].ticket_id if waiting else None, events)


def responded(call: CallId, ticket_id: str, at: datetime, agent: str | None) -> Event[Any]:
    """Return that an agent spoke with the customer; one event of each call and ticket."""
    return of_call(call, TicketResponded(ticket_id=ticket_id, **({"by": agent} if agent else {})), at)


def assigned(call: CallId, ticket_id: str, at: datetime, agent: str) -> Event[Any]:
    """Return that an agent has the ticket."""
    return of_call(call, TicketAssigned(ticket_id=ticket_id, assignee=agent), at)


def of_call(call: CallId, data: TicketData, at: datetime) -> Event[Any]:
    """Return an event of a call: its id comes of exchange, call, type and ticket, so that a repetition is the same event."""
    name = type_name(data)
    id_ = event_id(name, "call", call.pbx, call.call_id, data.ticket_id)
    return new_event(data, id=id_, source=SOURCE, subject=data.ticket_id, time=at)


def opening_id(call: CallId) -> str:
    """Return the id of the event that opens a ticket for a call."""
    return event_id("ticket.opened", "call", call.pbx, call.call_id)


def _emergency(desk: CallDesk, call: CallId, ticket: OpenTicket, at: datetime) -> Event[Any]:
    services = desk.phone.services
    why = "ligação no plantão sobre este chamado (regra 2)"
    service = {"service": services.emergency} if ticket.service == services.business else {}
    return of_call(call, TicketReclassified(ticket_id=ticket.ticket_id, emergency=True, why=why, **service), at)


def _opening(caller: Caller, service: str, title: str, at: datetime, rule: str, *, responded: bool = False) -> Opening:
    data = {
        "service": service,
        "channel": "phone",
        "title": title,
        "client_id": caller.client_id,
        "contact_ref": caller.contact_ref,
        "contact_registered": caller.registered or None,
        "coverage_reason": _SUGGESTED if caller.client_id else None,
        "routing_rule": rule,
        "sender_verified": False,
        "responded": responded or None,
    }
    return Opening(opening_id(caller.call), at, data)
