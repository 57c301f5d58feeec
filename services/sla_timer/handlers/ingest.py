"""Ticket events in: journaled, judged, told."""

import asyncio
import zlib
from collections.abc import Container, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import orjson

from services.sla_timer import metrics, store
from services.sla_timer.domain.journal import Fact
from services.sla_timer.handlers.judge import Judged, Timer, judge
from services.sla_timer.store import Before, Entry
from shared.events import Event, Undecodable, check_arrival, content_of, decode_json, parse_json
from shared.events.policy import RULE_8, by_messenger
from shared.kafka import DeadLetter, Record

SHARDS = 3
_BACKDATED, _SKEWED = timedelta(minutes=15), timedelta(seconds=1)
_MAY_NOT_EXEMPT = "exemptions are taken from the sources in PRAZO_EXEMPTION_SOURCES only (public contract)"
_SHARDED_FROM = 64  # records; fewer are not worth a second transaction


class _Arrived(NamedTuple):
    record: Record
    event: Event[Any]
    entry: Entry


async def ingest(timer: Timer, records: Sequence[Record]) -> Sequence[DeadLetter]:
    """Judge a batch of ticket events; idempotent. Returns the records that are no event of a ticket's journal.

    A large batch is parted by key into transactions of their own: while the database works for one, the next is judged.
    """
    if len(records) < _SHARDED_FROM:
        return await _take(timer, records)
    shards: list[list[Record]] = [[] for _ in range(SHARDS)]
    for record in records:
        shards[zlib.crc32(record.key or b"") % SHARDS].append(record)
    results = await asyncio.gather(*(_take(timer, shard) for shard in shards), return_exceptions=True)
    letters: list[DeadLetter] = []
    for result in results:
        if isinstance(result, BaseException):
            raise result
        letters += result
    return letters


async def _take(timer: Timer, records: Sequence[Record]) -> Sequence[DeadLetter]:
    arrived: list[_Arrived] = []
    letters: list[DeadLetter] = []
    for record in records:
        try:
            one = _arrive(record, timer.exemption_sources)
        except Undecodable as wrong:
            letters.append(DeadLetter(record, wrong.reason, f"{wrong.field}: {wrong.detail}"))
            continue
        if one.event.type != "ticket.refused":  # no part of any journal
            arrived.append(one)
    if arrived:
        async with timer.pool.acquire() as connection, connection.transaction():
            before = await store.load_and_lock(connection, [a.entry.ticket_id for a in arrived])
            new, conflicts = _new_of(arrived, before)
            if new:
                await store.append_journal(connection, [a.entry for a in new])
                now = await store.queries.database_now(connection)
                await judge(connection, timer, before, _by_ticket(new), now)
        timer.recorded.set()
        _count_dates(new)
        letters += conflicts
    return letters


def _arrive(record: Record, exemption_sources: Container[str]) -> _Arrived:
    raw = parse_json(record.value, record.headers)
    event = decode_json(raw)
    check_arrival(raw, event)
    if not event.type.startswith("ticket."):
        raise Undecodable("unknown_type", "type", "not a ticket event")
    if by_messenger(event):
        raise Undecodable("policy_rule_8", "data.channel", RULE_8)
    if event.type == "ticket.exempted" and event.source not in exemption_sources:
        raise Undecodable("exemption_source", "source", _MAY_NOT_EXEMPT)
    body = orjson.dumps(raw)
    entry = Entry(event.subject, event.source, event.id, event.type, record.appended_at, body)
    return _Arrived(record, event, entry)


def _new_of(arrived: Sequence[_Arrived], before: Before) -> tuple[list[_Arrived], list[DeadLetter]]:
    """Part what is new from what is known; the same identity with other content is a conflict."""
    bodies = {(e.ticket_id, e.source, e.event_id): e.body for es in before.entries.values() for e in es}
    new, conflicts = [], []
    for a in arrived:
        key = a.entry.ticket_id, a.entry.source, a.entry.event_id
        known = bodies.get(key)
        if known is None:
            bodies[key] = a.entry.body
            new.append(a)
        elif known != a.entry.body and content_of(orjson.loads(known)) != content_of(orjson.loads(a.entry.body)):
            conflicts.append(DeadLetter(a.record, "conflict", "id: this source and id exist with other content"))
    return new, conflicts


def _count_dates(new: Sequence[_Arrived]) -> None:
    """Count by source what came dated oddly: a clock ahead of ours, or news of long ago (public contract)."""
    for a in new:
        early = a.record.appended_at - a.event.time
        if early > _BACKDATED:
            metrics.backdated.labels(metrics.source_of(a.event.source)).inc()
        elif early < -_SKEWED:
            metrics.skewed.labels(metrics.source_of(a.event.source)).inc()


def _by_ticket(new: Sequence[_Arrived]) -> dict[str, Judged]:
    found: dict[str, Judged] = {}
    for a in new:
        judged = found.get(a.event.subject)
        if judged is None:
            judged = found[a.event.subject] = Judged([], a.event.traceparent)
        judged.fresh.append(Fact.of(a.event, a.record.appended_at))
    return found
