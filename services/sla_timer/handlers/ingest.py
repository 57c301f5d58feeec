"""Ticket events in: journaled, judged, told."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from services.sla_timer import store
from services.sla_timer.domain.journal import Fact
from services.sla_timer.handlers.judge import Judged, Timer, judge
from services.sla_timer.store import Before, Entry
from shared.events import Event, Undecodable, content_hash, decode_json, parse_json
from shared.events.policy import RULE_8, by_messenger
from shared.kafka import DeadLetter, Record


@dataclass(frozen=True, slots=True)
class _Arrived:
    record: Record
    event: Event[Any]
    entry: Entry


async def ingest(timer: Timer, records: Sequence[Record]) -> Sequence[DeadLetter]:
    """Judge a batch of ticket events; idempotent. Returns the records that are no event of a ticket's journal."""
    arrived: list[_Arrived] = []
    letters: list[DeadLetter] = []
    for record in records:
        try:
            arrived.append(_arrive(record))
        except Undecodable as wrong:
            letters.append(DeadLetter(record, wrong.reason, f"{wrong.field}: {wrong.detail}"))
    arrived = [a for a in arrived if a.event.type != "ticket.refused"]  # no part of any journal
    if arrived:
        async with timer.pool.acquire() as connection, connection.transaction():
            before = await store.load_and_lock(connection, [a.entry.ticket_id for a in arrived])
            new, conflicts = _new_of(arrived, before)
            if new:
                await store.append_journal(connection, [a.entry for a in new])
                now = await store.queries.database_now(connection)
                await judge(connection, timer, before, _by_ticket(new), now)
        letters += conflicts
    return letters


def _arrive(record: Record) -> _Arrived:
    raw = parse_json(record.value, record.headers)
    event = decode_json(raw)
    if not event.type.startswith("ticket."):
        raise Undecodable("unknown_type", "type", "not a ticket event")
    if by_messenger(event):
        raise Undecodable("policy_rule_8", "data.channel", RULE_8)
    entry = Entry(
        event.subject,
        event.source,
        event.id,
        event.type,
        record.appended_at,
        content_hash(raw),
        orjson.dumps(raw),
    )
    return _Arrived(record, event, entry)


def _new_of(arrived: Sequence[_Arrived], before: Before) -> tuple[list[_Arrived], list[DeadLetter]]:
    """Part what is new from what is known; the same identity with other content is a conflict."""
    hashes = {(e.ticket_id, e.source, e.event_id): e.content_hash for es in before.entries.values() for e in es}
    new, conflicts = [], []
    for a in arrived:
        key = a.entry.ticket_id, a.entry.source, a.entry.event_id
        known = hashes.setdefault(key, b"")
        if not known:
            hashes[key] = a.entry.content_hash
            new.append(a)
        elif known != a.entry.content_hash:
            conflicts.append(DeadLetter(a.record, "conflict", "id: this source and id exist with other content"))
    return new, conflicts


def _by_ticket(new: Sequence[_Arrived]) -> dict[str, Judged]:
    found: dict[str, Judged] = {}
    for a in new:
        judged = found.setdefault(a.event.subject, Judged([], a.event.traceparent))
        judged.fresh.append(Fact.of(a.event, a.record.appended_at))
    return found
