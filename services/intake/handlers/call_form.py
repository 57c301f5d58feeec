"""The form that a person fills in while speaking: it completes the ticket of the answered call, or opens one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from services.intake.domain.calls import CallId
from services.intake.domain.message import title_of
from services.intake.domain.phone import FORM
from services.intake.handlers.call_tickets import CallDesk, Outcome, assigned, of_call, opening_id, responded
from services.intake.handlers.follow import record
from services.intake.handlers.opening import Opening, open_ticket
from services.intake.store import queries
from shared.events import TicketReclassified, event_id

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FormCall:
    """What a person fills in while speaking. ``form_id``: one of the page's own, so that a form sent twice is one ticket.

    ``agent``: an id of ``agents.yaml``. ``call``: the answered call that it tells of, if the exchange reported it.
    """

    form_id: str
    number: str
    client_id: str | None
    service: str
    title: str
    agent: str
    at: datetime
    call: CallId | None = None

    @property
    def this(self) -> CallId:
        """Return the form's own identity: sent twice it is one, filled in otherwise (after "back") another."""
        said = (self.number, self.client_id, self.service, self.title, self.agent, *(self.call or ()))
        return CallId(FORM, event_id("form", self.form_id, *said))


async def record_form_call(desk: CallDesk, form: FormCall) -> str:
    """Complete the ticket of the answered call, or open one that is already responded; return its id, the protocol number.

    Numbers and addresses of people are masked in the title. The same form again changes nothing.
    """
    this = form.this
    async with desk.desk.pool.acquire() as connection, connection.transaction():
        if not await queries.call_of_form(connection, **this._asdict(), at=form.at):
            return str((await queries.ticket_of_call(connection, **this._asdict()))["ticket_id"])
        call = None if form.call is None else await queries.ticket_of_call(connection, **form.call._asdict())
        number = desk.phone.number(form.number, "") or (None if call is None else call["number"])
        if call is not None and call["ticket_id"] is not None:
            outcome = _completed(form, call["ticket_id"], answered_before=call["responded"])
        else:
            entered_at = form.at if call is None else call["entered_at"]
            outcome = await _opened(
                connection, desk, form, number, this if call is None else form.call or this, entered_at
            )
        await _complete(connection, form, outcome, number, alone=call is None)
        await record(connection, desk.desk, outcome.events)
    log.info("form_recorded", how=outcome.how, ticket_id=outcome.ticket_id)
    return str(outcome.ticket_id)


async def _complete(connection: Any, form: FormCall, outcome: Outcome, number: str | None, *, alone: bool) -> None:
    """Record what the form says with its call; a form ``alone`` is the only one that knows of the call."""
    said = {"ticket_id": outcome.ticket_id, "client_id": form.client_id, "agent": form.agent, "number": number}
    call = {"entered_at": form.at, "decision": "answered"} if alone else {"entered_at": None, "decision": None}
    await queries.complete_call(connection, **form.this._asdict(), **said, **call)
    if form.call is not None and not alone:
        await queries.complete_call(connection, **form.call._asdict(), **said, **call)


def _completed(form: FormCall, ticket_id: str, *, answered_before: bool) -> Outcome:
    """Say what the call was about; the title stays, so what the form calls it stands in the reason."""
    client = {"client_id": form.client_id} if form.client_id else {}
    why = f"formulário do telefone: {title_of(form.title)}"
    change = TicketReclassified(ticket_id=ticket_id, service=form.service, why=why, by=form.agent, **client)
    events = [of_call(form.this, change, form.at), assigned(form.this, ticket_id, form.at, form.agent)]
    if not answered_before:
        events.append(responded(form.this, ticket_id, form.at, form.agent))
    return Outcome("joined", ticket_id, events)


async def _opened(
    connection: Any, desk: CallDesk, form: FormCall, number: str | None, call: CallId, entered_at: datetime
) -> Outcome:
    known = await queries.contact_of_number(connection, number=number, seen_at=form.at) if number else None
    data = {
        "service": form.service,
        "channel": "phone",
        "title": title_of(form.title),
        "client_id": form.client_id,
        "contact_ref": known["contact_ref"] if known is not None else None,
        "contact_registered": (known is not None and known["client_id"] is not None) or None,
        "responded": True,
    }
    opened = await open_ticket(connection, desk.desk, Opening(opening_id(call), entered_at, data))
    return Outcome("opened", opened.subject, [opened, assigned(form.this, opened.subject, form.at, form.agent)])
