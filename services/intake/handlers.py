"""The ways in: a message is stored before it is read; a stored message opens its ticket."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import asyncpg
import structlog

from services.intake import metrics, store
from services.intake.domain.contact import Contact, unread
from services.intake.store import Unread
from shared import outbox
from shared.events import Event, TicketOpened, event_id, new_event
from shared.postgres import is_transient

log = structlog.get_logger(__name__)

SOURCE = "prazo/intake"
READ_AT_ONCE = 50
FORGET_AT_ONCE = 1000
_SUBMITTED_KEPT = timedelta(days=30)  # no sender repeats an event that it heard nothing about for longer
_LAST_ATTEMPTS = 10
_DESK_ZONE = ZoneInfo("America/Sao_Paulo")  # policy rule 2: Brasília time


class Read(Protocol):
    """Reads one mail; never raises for what the mail is."""

    async def __call__(self, raw: bytes, received_at: datetime, *, null_sender: bool) -> Contact:
        """Return what it says."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What the ways in need."""

    pool: "asyncpg.Pool[asyncpg.Record]"
    tickets_topic: str
    triage_service: str
    read: Read


async def open_tickets(desk: Desk) -> bool:
    """Open a ticket for each of the oldest unread messages; True when there may be more.

    One transaction for all of them, but one each as soon as one has been tried in vain. Raises what went wrong when
    none could be opened; a message that fails beside others is counted and tried again later.
    """
    unread = await store.unread(desk.pool, READ_AT_ONCE)
    groups = [[one] for one in unread] if any(unread.values()) else [list(unread)] if unread else []
    failures = [failure for ids in groups if (failure := await _failure_of(desk, ids))]
    if failures and len(failures) == len(groups):
        raise failures[0]
    return len(unread) == READ_AT_ONCE


async def forget_submitted(desk: Desk, now: datetime) -> bool:
    """Forget up to ``FORGET_AT_ONCE`` identities of events that are older than 30 days; True when there may be more."""
    before = now - _SUBMITTED_KEPT
    gone = await store.queries.forget_submitted(desk.pool, before=before, at_most=FORGET_AT_ONCE)
    return bool(gone == FORGET_AT_ONCE)


async def _failure_of(desk: Desk, ids: Sequence[int]) -> Exception | None:
    """Open the tickets of ``ids``, or return why not; raises when the database is away, which is no message's fault."""
    await store.begin_attempt(desk.pool, ids)
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
        messages = await store.claim_unread(connection, ids)
        events = [event for message in messages if (event := await _open(connection, desk, message)) is not None]
        if events:
            await outbox.record(connection, desk.tickets_topic, events)


async def _open(connection: Any, desk: Desk, message: Unread) -> Event[Any] | None:
    found = await _read(connection, desk, message)
    if found.discarded is not None:
        await store.queries.discard(connection, reason=found.discarded, id=message.id)
        metrics.discarded.labels(found.discarded).inc()
        return None
    number = await store.queries.next_protocol(connection)
    ticket_id = f"{message.received_at.astimezone(_DESK_ZONE):%Y%m%d}-{number:06d}"
    contact = await store.queries.contact_ref(connection, address=found.sender) if found.sender else None
    await store.queries.assign_ticket(connection, ticket_id=ticket_id, id=message.id)
    metrics.opened.labels("no" if found.unreadable else "yes").inc()
    return new_event(
        _opening(ticket_id, contact, found),
        id=event_id("ticket.opened", message.id),
        source=SOURCE,
        subject=ticket_id,
        time=message.received_at,
        traceparent=message.traceparent,
    )


def _opening(ticket_id: str, contact: str | None, found: Contact) -> TicketOpened:
    """Return the opening; what is not known stays absent (public contract)."""
    known = {
        "client_id": found.client_id,
        "priority": found.priority,
        "contact_ref": contact,
        "scope_hint": found.scope_hint,
        "coverage_reason": found.coverage_reason,
        "routing_rule": found.routing_rule,
        "documents": found.documents,
        "rejection_codes": found.rejection_codes,
        "articles": found.articles,
    }
    return TicketOpened(
        ticket_id=ticket_id,
        service=found.service,
        channel="email",
        title=found.title,
        coverage=found.coverage,
        contact_registered=found.registered,
        protocol=ticket_id,
        **{name: value for name, value in known.items() if value},
    )


async def _read(connection: Any, desk: Desk, message: Unread) -> Contact:
    raw = await store.queries.raw_of(connection, id=message.id)
    if message.attempts > _LAST_ATTEMPTS:
        return unread(raw, desk.triage_service, "too_many_attempts")
    return await desk.read(raw, message.received_at, null_sender=message.envelope_from == "")
