"""A contact becomes a ticket with a protocol number, whatever way it came in."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from services.intake.domain.desk_time import DESK_ZONE
from services.intake.handlers.desk import Desk
from services.intake.store import queries
from shared.events import Event, TicketOpened, new_event

SOURCE = "prazo/intake"
_FLOOD_WITHIN = timedelta(hours=1)


class Opening(NamedTuple):
    """A ticket to be opened.

    ``event_id`` is derived from the contact, so that a repetition is the same event. ``data``: fields of
    ``TicketOpened`` without ``ticket_id``, ``protocol`` and ``remote_access``; what is None or empty stays absent (public
    contract).
    """

    event_id: str
    opened_at: datetime
    data: Mapping[str, Any]
    traceparent: str | None = None


async def open_ticket(connection: Any, desk: Desk, opening: Opening) -> Event[TicketOpened]:
    """Give the contact its protocol number and record its ticket in the caller's transaction; the caller publishes.

    From the configured ``flood_from`` tickets of one contact within an hour on they are shown as one group; each is
    timed by itself (policy rule 6). ``remote_access`` is said where the service usually needs it (policy rule 4).
    """
    number = await queries.next_protocol(connection)
    ticket_id = f"{opening.opened_at.astimezone(DESK_ZONE):%Y%m%d}-{number:06d}"
    given = {name: value for name, value in opening.data.items() if value not in (None, "", ())}
    if desk.needs_remote(opening.data["service"], opening.opened_at):
        given["remote_access"] = True
    data = TicketOpened(ticket_id=ticket_id, protocol=ticket_id, **given)
    await queries.save_opened(
        connection,
        ticket_id=ticket_id,
        opened_at=opening.opened_at,
        channel=data.channel,
        service=data.service,
        priority=data.priority,
        title=data.title,
        client_id=data.client_id,
        contact_ref=data.contact_ref,
        coverage=data.coverage,
        flood_of=await _flood_of(connection, opening, data.contact_ref, desk.known.identity.flood_from),
    )
    return new_event(
        data,
        id=opening.event_id,
        source=SOURCE,
        subject=ticket_id,
        time=opening.opened_at,
        traceparent=opening.traceparent,
    )


async def _flood_of(connection: Any, opening: Opening, contact_ref: str | None, flood_from: int) -> str | None:
    if contact_ref is None:
        return None
    since = opening.opened_at - _FLOOD_WITHIN
    recent = await queries.flood_of(connection, contact_ref=contact_ref, since=since, at_most=flood_from)
    return str(recent["first"]) if recent["tickets"] + 1 >= flood_from else None
