"""The ways in: a message is stored before it is read; a stored message opens its ticket."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import structlog

from services.intake import metrics, store
from services.intake.domain.message import HEAD_BYTES, UNREADABLE, Reading, read
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


@dataclass(frozen=True, slots=True)
class Desk:
    """What the ways in need."""

    pool: "asyncpg.Pool[asyncpg.Record]"
    tickets_topic: str
    triage_service: str
    read: Callable[[bytes], Reading] = read
    read_seconds: float = 2.0


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
        messages = await store.claim_unread(connection, ids, HEAD_BYTES)
        events = [await _open(connection, desk, message) for message in messages]
        if events:
            await outbox.record(connection, desk.tickets_topic, events)


async def _open(connection: Any, desk: Desk, message: Unread) -> Event[Any]:
    reading = await _read(desk, message)
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


async def _read(desk: Desk, message: Unread) -> Reading:
    """Return the reading of ``message``, made in a thread so that no mail stands in the way of the others."""
    if message.attempts > _LAST_ATTEMPTS:
        return Reading(UNREADABLE, "", "too_many_attempts")
    try:
        return await asyncio.wait_for(asyncio.to_thread(desk.read, message.head), desk.read_seconds)
    except TimeoutError:
        return Reading(UNREADABLE, "", "timeout")
