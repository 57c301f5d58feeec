"""A button of the desk page is exactly one event: shown at once, published by the outbox, the same when pressed twice."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import structlog

from services.intake import metrics
from services.intake.domain.acts import Choices, Wrong, act_of
from services.intake.handlers.desk import Desk
from services.intake.handlers.follow import record, ticket_of
from services.intake.handlers.opening import SOURCE
from services.intake.store import desk as store
from services.intake.store import queries
from shared.events import TicketMerged, event_id, new_event, type_name

log = structlog.get_logger(__name__)


class Press(NamedTuple):
    """A pressed button. ``nonce``: one of the page's own, so that the same form sent twice is one event."""

    ticket_id: str
    act: str
    form: Mapping[str, str]
    agent: str
    nonce: str
    at: datetime


async def press(desk: Desk, pressed: Press, choices: Choices) -> bool:
    """Record what a person did to a ticket, for the desk and for the topic; False when it was recorded already.

    Raises ``Wrong`` that names the field, and then nothing is recorded.
    """
    said = sorted((name, value) for name, value in pressed.form.items() if value)
    id_ = event_id("desk", pressed.ticket_id, pressed.act, pressed.nonce, *(part for pair in said for part in pair))
    async with desk.pool.acquire() as connection, connection.transaction():
        await store.lock_tickets(connection, [pressed.ticket_id])
        ticket = await ticket_of(connection, pressed.ticket_id)
        if ticket is None:
            raise Wrong("act", "unknown_ticket")
        if await queries.is_known(connection, ticket_id=pressed.ticket_id, source=SOURCE, event_id=id_):
            return False
        data = act_of(pressed.act, ticket, pressed.form, pressed.agent, choices)
        if isinstance(data, TicketMerged):
            into = await ticket_of(connection, data.into)
            if into is None or into.state == "merged":
                raise Wrong("into", "unknown_ticket" if into is None else "merged_away")
        event = new_event(data, id=id_, source=SOURCE, subject=pressed.ticket_id, time=pressed.at)
        await record(connection, desk, [event])
    name = type_name(data)
    metrics.acts.labels(name).inc()
    log.info("desk_act", type=name, ticket_id=pressed.ticket_id, by=pressed.agent)
    return True


async def open_discarded(desk: Desk, message_id: int) -> bool:
    """Let the reader open a ticket for a discarded message; False when it is not discarded any more."""
    return await queries.open_discarded(desk.pool, id=message_id) is not None
