"""The ways in: events of ``sla.v1`` and an acknowledgement. Each: lock → decide → record, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import asyncpg

from services.notifier import metrics, store
from services.notifier.domain.alert import Effect, Loudness, hear
from services.notifier.domain.escalation import Planned, Word, plan_breach, plan_warning
from services.notifier.domain.oncall import OnCall
from services.notifier.notices import notice_of
from services.notifier.store import AlertKey
from shared import clock, outbox
from shared.events import Event, NoticeAcknowledged, NoticePlanned, Undecodable, decode, encode
from shared.kafka import DeadLetter, Record


@dataclass(frozen=True, slots=True)
class Notifier:
    """What the ways in need."""

    pool: "asyncpg.Pool[asyncpg.Record]"
    oncall: OnCall
    notices_topic: str


async def ingest(notifier: Notifier, records: Sequence[Record]) -> Sequence[DeadLetter]:
    """Hear a batch of clock events; idempotent: of one ticket, what is not newer by ``sequence`` is dropped."""
    letters: list[DeadLetter] = []
    events: list[tuple[Event[Any], bytes]] = []
    for record in records:
        try:
            event = decode(record.value, record.headers)
            if not event.type.startswith("sla."):
                raise Undecodable("unknown_type", "type", "not a clock event")
            events.append((event, encode(event)))  # structured, whatever mode it came in
        except Undecodable as wrong:
            letters.append(DeadLetter(record, wrong.reason, f"{wrong.field}: {wrong.detail}"))
    if events:
        async with notifier.pool.acquire() as connection, connection.transaction():
            await _hear_all(connection, notifier, events)
    return letters


async def _hear_all(connection: Any, notifier: Notifier, events: Sequence[tuple[Event[Any], bytes]]) -> None:
    read = await store.lock_tickets(connection, [event.subject for event, _ in events])
    now = clock.now()
    notices: list[Event[Any]] = []
    for event, body in events:
        if event.data.sequence > read[event.subject]:
            read[event.subject] = event.data.sequence
            notices += await _hear(connection, notifier, event, body, now)
    await store.queries.save_sequences(connection, ticket_ids=list(read), sequences=list(read.values()))
    if notices:
        await outbox.record(connection, notifier.notices_topic, notices)


async def _hear(
    connection: Any, notifier: Notifier, event: Event[Any], body: bytes, now: datetime
) -> Sequence[Event[Any]]:
    key: AlertKey = (event.subject, event.data.metric, event.data.cycle)
    known = await store.known_alert(connection, key)
    alert, effect = hear(known.alert, event.data)
    if alert == known.alert and effect is Effect.NOTHING:
        return ()
    anew = known.alert.loudness is Loudness.ENDED and effect in (Effect.TELL_WARNING, Effect.TELL_BREACH)
    known = replace(known, alert=alert, telling=known.telling + anew)
    alert_id = await store.save_alert(connection, key, known, body)
    threshold = getattr(event.data, "threshold", "")
    planned = await _plan(connection, notifier, effect, alert_id, known.telling, threshold, now)
    new = await store.plan(connection, alert_id, known.telling, planned, threshold) if planned else ()
    return [
        notice_of(NoticePlanned, i, key, now, n=1, person=p.person, step=p.step, due_at=p.due_at)
        for i, p in new
        if p.person
    ]


async def _plan(
    connection: Any, notifier: Notifier, effect: Effect, alert_id: int, telling: int, threshold: str, now: datetime
) -> Sequence[Planned]:
    match effect:
        case Effect.TELL_WARNING:
            return list(plan_warning(notifier.oncall, threshold, now))
        case Effect.TELL_BREACH:
            return list(plan_breach(notifier.oncall, now))
        case Effect.ALL_CLEAR:
            people = store.queries.disturbed(connection, alert_id=alert_id, telling=telling)
            return [Planned(Word.ALL_CLEAR, 0, row["person"], now) async for row in people]
        case Effect.NOTHING:
            return ()


async def acknowledge(notifier: Notifier, shown: Any) -> None:
    """Let the person of a shown delivery take its alert; the first one counts, repeating it changes nothing."""
    async with notifier.pool.acquire() as connection, connection.transaction():
        at = await store.queries.acknowledge(
            connection, alert_id=shown["alert_id"], telling=shown["telling"], person=shown["person"]
        )
        if at is not None:
            key = shown["ticket_id"], shown["metric"], shown["cycle"]
            taken = notice_of(
                NoticeAcknowledged, shown["delivery_id"], key, at, n=1, person=shown["person"], by=shown["person"]
            )
            await outbox.record(connection, notifier.notices_topic, [taken])
            metrics.acknowledged.inc()
