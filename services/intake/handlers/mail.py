"""A stored message opens its ticket."""

from collections.abc import Sequence
from typing import Any

import structlog

from services.intake import metrics
from services.intake.domain.contact import Contact, unread
from services.intake.handlers.desk import Desk
from services.intake.handlers.opening import Opening, open_ticket
from services.intake.store import queries
from services.intake.store.mail import Unread, begin_attempt, claim_unread
from services.intake.store.mail import unread as unread_messages
from shared import outbox
from shared.events import Event, event_id
from shared.postgres import is_transient

log = structlog.get_logger(__name__)

READ_AT_ONCE = 50
_LAST_ATTEMPTS = 10


async def open_tickets(desk: Desk) -> bool:
    """Open a ticket for each of the oldest unread messages; True when there may be more.

    One transaction for all of them, but one each as soon as one has been tried in vain. Raises what went wrong when
    none could be opened; a message that fails beside others is counted and tried again later.
    """
    waiting = await unread_messages(desk.pool, READ_AT_ONCE)
    groups = [[one] for one in waiting] if any(waiting.values()) else [list(waiting)] if waiting else []
    failures = [failure for ids in groups if (failure := await _failure_of(desk, ids))]
    if failures and len(failures) == len(groups):
        raise failures[0]
    return len(waiting) == READ_AT_ONCE


async def _failure_of(desk: Desk, ids: Sequence[int]) -> Exception | None:
    """Open the tickets of ``ids``, or return why not; raises when the database is away, which is no message's fault."""
    await begin_attempt(desk.pool, ids)
    try:
        await _open_all(desk, ids)
    except Exception as error:  # the edge of one message: counted, logged, tried again
        if is_transient(error):
            raise
        metrics.failed.inc()
        log.warning("message_failed", first_id=ids[0], messages=len(ids), error=type(error).__name__)
        return error
    return None


async def _open_all(desk: Desk, ids: Sequence[int]) -> None:
    async with desk.pool.acquire() as connection, connection.transaction():
        messages = await claim_unread(connection, ids)
        events = [event for message in messages if (event := await _open(connection, desk, message)) is not None]
        if events:
            await outbox.record(connection, desk.tickets_topic, events)


async def _open(connection: Any, desk: Desk, message: Unread) -> Event[Any] | None:
    found = await _read(connection, desk, message)
    if found.discarded is not None:
        await queries.discard(connection, reason=found.discarded, id=message.id)
        metrics.discarded.labels(found.discarded).inc()
        return None
    contact = await queries.contact_ref(connection, address=found.sender) if found.sender else None
    event = await open_ticket(connection, _opening(message, contact, found))
    await queries.assign_ticket(connection, ticket_id=event.subject, id=message.id)
    metrics.opened.labels("no" if found.unreadable else "yes").inc()
    return event


def _opening(message: Unread, contact: str | None, found: Contact) -> Opening:
    data = {
        "service": found.service,
        "channel": "email",
        "title": found.title,
        "client_id": found.client_id,
        "priority": found.priority,
        "contact_ref": contact,
        "scope_hint": found.scope_hint,
        "coverage": found.coverage,
        "coverage_reason": found.coverage_reason,
        "contact_registered": found.registered,
        "routing_rule": found.routing_rule,
        "documents": found.documents,
        "rejection_codes": found.rejection_codes,
        "articles": found.articles,
    }
    return Opening(event_id("ticket.opened", message.id), message.received_at, data, message.traceparent)


async def _read(connection: Any, desk: Desk, message: Unread) -> Contact:
    raw = await queries.raw_of(connection, id=message.id)
    if message.attempts > _LAST_ATTEMPTS:
        return unread(raw, desk.triage_service, "too_many_attempts")
    return await desk.read(raw, message.received_at, null_sender=message.envelope_from == "")
