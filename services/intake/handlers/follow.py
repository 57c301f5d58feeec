"""The desk follows ``tickets.v1`` and ``sla.v1``: every ticket, its own and those of other systems, in tables of its own.

What is no event of the contract is passed over and counted, never a dead letter here: sla_timer reads the same records
and puts them aside, and one bad record must not page operations twice.
"""

from collections.abc import Collection, Sequence
from typing import Any

import orjson

from services.intake import metrics
from services.intake.domain.following import RANK, ClockWord, Ticket, fold, hear
from services.intake.domain.limits import broken_limit
from services.intake.handlers.desk import Desk
from services.intake.store import desk as store
from services.intake.store.desk import Happening
from shared import outbox
from shared.events import Event, Undecodable, check_arrival, decode_json, encode, parse_json
from shared.events.policy import RULE_8, by_messenger
from shared.kafka import DeadLetter, Record


async def follow_tickets(desk: Desk, records: Sequence[Record]) -> Sequence[DeadLetter]:
    """Take in a batch of ticket events; idempotent, and in whatever order they come."""
    happenings = [one for record in records if (one := _happening(record)) is not None]
    if happenings:
        async with desk.pool.acquire() as connection, connection.transaction():
            await take_in(connection, happenings)
    return ()


async def take_in(connection: Any, happenings: Sequence[Happening]) -> Collection[store.Key]:
    """Keep events and fold their tickets anew in the caller's transaction; return the keys of those that are new."""
    once = {one.key: one for one in reversed(happenings)}  # of two with one identity the first
    await store.lock_tickets(connection, (one.ticket_id for one in once.values()))
    new = await store.add_happenings(connection, once.values())
    touched = {key[0] for key in new}
    if touched:
        known = await store.tickets_of(connection, touched)
        happened = await store.happened_to(connection, touched)
        folded = [fold(happened[ticket_id], known.get(ticket_id)) for ticket_id in sorted(touched)]
        await store.save_tickets(connection, [ticket for ticket in folded if ticket is not None])
    return new


async def record(connection: Any, desk: Desk, events: Sequence[Event[Any]]) -> None:
    """Record events of our own in the caller's transaction: for the topic by the outbox, and for the desk at once."""
    if events:
        await take_in(connection, [happening_of(event) for event in events])
        await outbox.record(connection, desk.tickets_topic, events)


def happening_of(event: Event[Any]) -> Happening:
    """Return an event of our own as it will come back by the topic."""
    return Happening(event.subject, event.source, event.id, event.type, event.time, encode(event))


def _happening(record: Record) -> Happening | None:
    try:
        raw = parse_json(record.value, record.headers)
        event = decode_json(raw)
        check_arrival(raw, event)
        _check(event, "ticket.")
        if by_messenger(event):
            raise Undecodable("policy_rule_8", "data.channel", RULE_8)
    except Undecodable as wrong:
        metrics.skipped.labels("tickets", wrong.reason).inc()
        return None
    if event.type not in RANK:  # intake's own record of a refusal: no part of a journal
        return None
    at = min(event.time, record.appended_at)
    return Happening(event.subject, event.source, event.id, event.type, at, orjson.dumps(raw))


async def follow_clocks(desk: Desk, records: Sequence[Record]) -> Sequence[DeadLetter]:
    """Take in a batch of clock events; idempotent: of a clock, what is not newer by ``sequence`` is dropped."""
    events = [event for record in records if (event := _clock_event(record)) is not None]
    if not events:
        return ()
    async with desk.pool.acquire() as connection, connection.transaction():
        ticket_ids = {event.subject for event in events}
        await store.lock_tickets(connection, ticket_ids)
        known = {_key(word): word for word in await store.clocks_of(connection, ticket_ids)}
        heard: dict[tuple[str, str, int], ClockWord] = {}
        for event in sorted(events, key=lambda event: event.data.sequence):
            key = event.subject, event.data.metric, event.data.cycle
            known[key] = heard[key] = hear(known.get(key), event.type.removeprefix("sla."), event.data)
        await store.save_clocks(connection, heard.values())
    return ()


def _key(word: ClockWord) -> tuple[str, str, int]:
    return word.ticket_id, word.metric, word.cycle


def _clock_event(record: Record) -> Event[Any] | None:
    try:
        event = decode_json(parse_json(record.value, record.headers))
        _check(event, "sla.")
    except Undecodable as wrong:
        metrics.skipped.labels("sla", wrong.reason).inc()
        return None
    return event


def _check(event: Event[Any], family: str) -> None:
    if not event.type.startswith(family):
        raise Undecodable("unknown_type", "type", f"not of the family {family}*")
    broken = broken_limit(event)
    if broken is not None:
        raise Undecodable("invalid", *broken)


async def ticket_of(connection: Any, ticket_id: str) -> Ticket | None:
    """Return a ticket as the desk knows it."""
    return (await store.tickets_of(connection, [ticket_id])).get(ticket_id)
