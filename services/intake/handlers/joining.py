"""A mail joins the ticket whose thread it belongs to."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from services.intake.domain.contact import Contact
from services.intake.domain.identity import Identity
from services.intake.domain.joining import Became, Standing, is_known_to, joins_as, moves_clocks, takes
from services.intake.handlers.opening import SOURCE
from services.intake.store import queries
from services.intake.store.mail import Unread
from shared.events import Event, TicketReopened, TicketResponded, TicketResumed, event_id, new_event

_COPIES_WITHIN = timedelta(minutes=10)


async def ticket_of(
    connection: Any, message: Unread, found: Contact, contact_ref: str | None, identity: Identity
) -> Standing | None:
    """Return the ticket that a mail belongs to and that still takes mail, or None.

    In this order: a signed Message-ID of ours that it answers, any stored Message-ID, a ticket that it names (only where
    the sender is known to that ticket: a subject alone attaches no stranger).
    """
    relation = found.relation
    answered = relation.token_ticket
    if answered is None and relation.references:
        answered = await queries.ticket_of_messages(connection, message_ids=list(relation.references))
    for ticket_id, proved in ((answered, True), (relation.named_ticket, False)):
        standing = None if ticket_id is None else await _standing(connection, ticket_id)
        if (
            standing is not None
            and takes(standing, message.received_at, identity.thread_open_for)
            and (proved or is_known_to(found, contact_ref, standing))
        ):
            return standing
    return None


async def _standing(connection: Any, ticket_id: str) -> Standing | None:
    row = await queries.standing(connection, ticket_id=ticket_id)
    return None if row is None else Standing(**row)


async def copy_of(connection: Any, message: Unread, found: Contact) -> tuple[str | None, str | None] | None:
    """Return ticket and reason of discarding of another copy of the same mail, or None when it is the first."""
    row = await queries.copy_of(
        connection,
        id=message.id,
        fingerprint=found.fingerprint,
        message_id=found.message_id,
        mailbox=message.mailbox,
        since=message.received_at - _COPIES_WITHIN,
    )
    return None if row is None else (row["ticket_id"], row["discarded"])


def happened(message: Unread, found: Contact, ticket_id: str) -> tuple[Became, Sequence[Event[Any]]]:
    """Return what the mail is to its ticket, and the events that it means."""
    became = joins_as(found)
    if became == "answer":
        data: list[Any] = [TicketResponded(ticket_id=ticket_id, by=found.relation.agent)]
    elif became == "reply" and moves_clocks(found):
        data = [
            TicketResumed(ticket_id=ticket_id, reason="waiting_customer"),
            TicketReopened(ticket_id=ticket_id, automatic=True),
        ]
    else:
        data = []
    return became, [
        new_event(
            one,
            id=event_id(type(one).__name__, message.id),
            source=SOURCE,
            subject=ticket_id,
            time=message.received_at,
            traceparent=message.traceparent,
        )
        for one in data
    ]
