"""A stored message opens its ticket, or joins the one that it belongs to."""

from collections.abc import Sequence
from typing import Any

import structlog

from services.intake import metrics
from services.intake.domain.bounces import Bounced
from services.intake.domain.clients import belonging
from services.intake.domain.contact import Contact, owned, unread
from services.intake.domain.desk_time import desk_day
from services.intake.handlers.answering import plan_reply
from services.intake.handlers.desk import Desk
from services.intake.handlers.joining import copy_of, happened, ticket_of
from services.intake.handlers.opening import SOURCE, Opening, open_ticket
from services.intake.store import queries
from services.intake.store.mail import Unread, begin_attempt, claim_unread
from services.intake.store.mail import unread as unread_messages
from shared import outbox
from shared.events import Event, NoticeBounced, event_id, new_event
from shared.postgres import is_transient

log = structlog.get_logger(__name__)

READ_AT_ONCE = 50
_LAST_ATTEMPTS = 10


async def open_tickets(desk: Desk) -> bool:
    """Read the oldest unread messages and decide of each; True when there may be more.

    One transaction for all of them, but one each as soon as one has been tried in vain. Raises what went wrong when
    none could be settled; a message that fails beside others is counted and tried again later.
    """
    waiting = await unread_messages(desk.pool, READ_AT_ONCE)
    groups = [[one] for one in waiting] if any(waiting.values()) else [list(waiting)] if waiting else []
    failures = [failure for ids in groups if (failure := await _failure_of(desk, ids))]
    if failures and len(failures) == len(groups):
        raise failures[0]
    return len(waiting) == READ_AT_ONCE


async def _failure_of(desk: Desk, ids: Sequence[int]) -> Exception | None:
    """Settle ``ids``, or return why not; raises when the database is away, which is no message's fault."""
    messages = await begin_attempt(desk.pool, ids)
    try:
        await _settle_all(desk, messages)
    except Exception as error:  # the edge of one message: counted, logged, tried again
        if is_transient(error):
            await _give_back(desk, ids)
            raise
        metrics.failed.inc()
        log.warning("message_failed", first_id=ids[0], messages=len(ids), error=type(error).__name__)
        return error
    return None


async def _give_back(desk: Desk, ids: Sequence[int]) -> None:
    """Take back the attempt that an outage cost: after some of them a mail counts as one that cannot be read."""
    try:
        await queries.give_back_attempt(desk.pool, ids=list(ids))
    except Exception as error:  # it is still away; one attempt more is no harm
        if not is_transient(error):
            raise


async def _settle_all(desk: Desk, messages: Sequence[Unread]) -> None:
    """Read without holding anything, then decide in one transaction of what nobody else has decided meanwhile."""
    found = [(message, await _read(desk, message)) for message in messages]
    async with desk.pool.acquire() as connection, connection.transaction():
        await queries.lock_decisions(connection)
        events: list[tuple[str, Event[Any]]] = []
        undecided = await claim_unread(connection, [message.id for message in messages])
        for message, contact in found:
            if message.id in undecided:
                events += await _settle(connection, desk, message, contact)
        for topic in dict.fromkeys(topic for topic, _ in events):
            await outbox.record(connection, topic, [event for to, event in events if to == topic])


async def _read(desk: Desk, message: Unread) -> Contact:
    raw = await queries.raw_of(desk.pool, id=message.id)
    if message.attempts > _LAST_ATTEMPTS:
        return unread(raw, desk.known.triage, "too_many_attempts")
    return await desk.read(raw, message.received_at, null_sender=message.envelope_from == "", mailbox=message.mailbox)


async def _settle(connection: Any, desk: Desk, message: Unread, found: Contact) -> list[tuple[str, Event[Any]]]:
    """Decide of one message; returns the events to publish, each with its topic."""
    copy = await copy_of(connection, message, found)
    if copy is not None and copy[0] is not None:
        await _assign(connection, message, found, copy[0], "copy")
        return []
    if found.discarded is not None and not message.opened_by_hand:
        await queries.discard(
            connection,
            reason=found.discarded,
            fingerprint=found.fingerprint,
            sender=found.sender,
            id=message.id,
        )
        metrics.discarded.labels(found.discarded).inc()
        bounced = found.bounced if copy is None else None
        return [] if bounced is None else [(desk.notices_topic, _bounced(message, bounced))]
    contact_ref, found = await _known(connection, desk, message, found)
    standing = await ticket_of(connection, message, found, contact_ref, desk.known.identity)
    if standing is not None:
        became, events = happened(message, found, standing.ticket_id)
        await _assign(connection, message, found, standing.ticket_id, became)
        return [(desk.tickets_topic, event) for event in events]
    event = await open_ticket(connection, desk, _opening(message, contact_ref, found))
    await _assign(connection, message, found, event.subject, "opened")
    metrics.opened.labels("no" if found.unreadable else "yes").inc()
    metrics.contacts.labels("yes" if found.registered else "no").inc()
    await plan_reply(connection, desk, message, found, contact_ref, event.subject)
    return [(desk.tickets_topic, event)]


async def _known(connection: Any, desk: Desk, message: Unread, found: Contact) -> tuple[str | None, Contact]:
    """Return the contact's opaque id, and what is found with the client that its address is registered for."""
    if not found.sender:
        return None, found
    row = await queries.contact_of(connection, address=found.sender, seen_at=message.received_at)
    if row["client_id"] is None or found.client_by == "cnpj":
        return row["contact_ref"], found
    day = desk_day(message.received_at)
    owner = belonging(desk.known.clients, (), found.sender, day, found.product, row["client_id"])
    return row["contact_ref"], found._replace(**owned(owner))


async def _assign(connection: Any, message: Unread, found: Contact, ticket_id: str, became: str) -> None:
    await queries.assign_ticket(
        connection,
        ticket_id=ticket_id,
        became=became,
        fingerprint=found.fingerprint,
        sender=found.sender,
        id=message.id,
    )
    metrics.read.labels(became).inc()


def _bounced(message: Unread, page: Bounced) -> Event[NoticeBounced]:
    """Return the word that a page of notifier's did not arrive: escalation goes on."""
    return new_event(
        NoticeBounced(notice_id=page.notice_id, status=page.status),
        id=event_id("notice.bounced", message.id),
        source=SOURCE,
        subject=page.notice_id,
        time=message.received_at,
        traceparent=message.traceparent,
    )


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
        "sender_verified": found.relation.verified,
    }
    return Opening(event_id("ticket.opened", message.id), message.received_at, data, message.traceparent)
