"""The ways in: a message is stored before it is read; a stored message opens its ticket."""

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg

from services.intake import metrics, store
from services.intake.domain.message import UNREADABLE, Reading, read
from services.intake.store import Unread
from shared import outbox
from shared.events import Event, TicketOpened, event_id, new_event

SOURCE = "prazo/intake"
READ_AT_ONCE = 50
_ATTEMPTS = 3
_DESK_ZONE = ZoneInfo("America/Sao_Paulo")  # policy rule 2: Brasília time


@dataclass(frozen=True, slots=True)
class Desk:
    """What the ways in need."""

    pool: "asyncpg.Pool[asyncpg.Record]"
    tickets_topic: str
    triage_service: str


async def open_tickets(desk: Desk) -> bool:
    """Open a ticket for each of the oldest unread messages, all in one transaction; True when there may be more."""
    ids = await store.begin_attempts(desk.pool, READ_AT_ONCE)
    if not ids:
        return False
    async with desk.pool.acquire() as connection, connection.transaction():
        messages = await store.claim_unread(connection, ids)
        events = [await _open(connection, desk, message) for message in messages]
        if events:
            await outbox.record(connection, desk.tickets_topic, events)
    return len(ids) == READ_AT_ONCE


async def _open(connection: Any, desk: Desk, message: Unread) -> Event[Any]:
    gave_up = message.attempts > _ATTEMPTS
    reading = Reading(UNREADABLE, "", "", "too_many_attempts") if gave_up else read(message.raw)
    number = await store.queries.next_protocol(connection)
    ticket_id = f"{message.received_at.astimezone(_DESK_ZONE):%Y%m%d}-{number:06d}"
    contact = await store.queries.contact_ref(connection, address=reading.sender) if reading.sender else None
    await store.queries.assign_ticket(connection, ticket_id=ticket_id, id=message.id)
    metrics.opened.labels("no" if reading.unreadable else "yes").inc()
    return new_event(
        TicketOpened(
            ticket_id=ticket_id,
            service=desk.triage_service,
            channel="email",
            title=reading.title,
            contact_ref=contact,
            protocol=ticket_id,
        ),
        id=event_id("ticket.opened", message.id),
        source=SOURCE,
        subject=ticket_id,
        time=message.received_at,
        traceparent=message.traceparent,
    )
