"""The way in of clock events: each makes an alert louder or ends it, and sets steps in motion."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from services.notifier.domain.alert import Alert, Effect, Loudness, hear
from services.notifier.domain.facts import Facts, facts_of
from services.notifier.domain.message import Word
from services.notifier.domain.plan import Step, steps_of_breach, steps_of_start, steps_of_warning
from services.notifier.domain.reach import policy_of
from services.notifier.handlers.duty import Duty
from services.notifier.handlers.informing import tell_the_disturbed
from services.notifier.store import alerts as store
from services.notifier.store import queries
from services.notifier.store.alerts import AlertKey, Known
from shared import clock
from shared.events import Event, Undecodable, decode, encode
from shared.kafka import DeadLetter, Record


async def ingest(duty: Duty, records: Sequence[Record]) -> Sequence[DeadLetter]:
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
        async with duty.pool.acquire() as connection, connection.transaction():
            informed = await _hear_all(connection, duty, events)
        duty.stepped.set()
        if informed:
            duty.ring()
    return letters


@dataclass(slots=True)
class _Heard:
    """What a batch makes of one alert. ``steps`` are new, each with its telling."""

    known: Known
    facts: Facts
    steps: list[tuple[int, Step]] = field(default_factory=list)
    dropped: bool = False  # what the database knows of coming warnings
    resumed: bool = False  # what a pause kept back
    dirty: bool = False


async def _hear_all(connection: Any, duty: Duty, events: Sequence[tuple[Event[Any], bytes]]) -> bool:
    """Hear all; return whether somebody is to be told of an end."""
    read = await store.lock_tickets(connection, [event.subject for event, _ in events])
    newer: list[tuple[AlertKey, Event[Any], bytes]] = []
    for event, body in events:
        if event.data.sequence > read[event.subject]:
            read[event.subject] = event.data.sequence
            newer.append(((event.subject, event.data.metric, event.data.cycle), event, body))
    known = await store.lock_alerts(connection, [key for key, _, _ in newer])
    heard: dict[AlertKey, _Heard] = {}
    now = clock.now()
    for key, event, body in newer:
        before = heard.get(key) or _Heard(known.get(key) or Known(key, Alert(), b""), Facts(key[1]))
        heard[key] = _hear(duty, before, event, body, now)
    informed = await _record(connection, duty, list(heard.values()), now)
    await queries.save_sequences(connection, ticket_ids=list(read), sequences=list(read.values()))
    return informed


def _hear(duty: Duty, heard: _Heard, event: Event[Any], body: bytes, now: datetime) -> _Heard:
    alert, effect = hear(heard.known.alert, event.data)
    facts = facts_of(event.data.metric, event)
    steps = heard.steps
    resumed = heard.resumed or effect is Effect.RESUME_WARNINGS
    dropped = heard.dropped or effect is Effect.DROP_WARNINGS
    if effect is Effect.DROP_WARNINGS:
        steps = [(telling, step) for telling, step in steps if step.word is not Word.WARNING]
    steps = [*steps, *((alert.telling, step) for step in _steps(duty, effect, event, facts, now))]
    stands = heard.known.alert_id is not None
    dirty = heard.dirty or stands or alert != heard.known.alert or bool(steps)
    broken_by = heard.known.broken_by if alert.telling == heard.known.alert.telling else None  # of an earlier story
    return _Heard(
        replace(heard.known, alert=alert, event=body, broken_by=broken_by), facts, steps, dropped, resumed, dirty
    )


def _steps(duty: Duty, effect: Effect, event: Event[Any], facts: Facts, now: datetime) -> Sequence[Step]:
    match effect:
        case Effect.TELL_STARTED:
            first = event.data.metric == "response" and event.data.cycle == 1  # of one ticket it is told once
            _, policy = policy_of(duty.oncall, facts)
            return list(steps_of_start(policy, first and facts.concerns_account_manager, now))
        case Effect.TELL_WARNING:
            _, policy = policy_of(duty.oncall, facts)
            return list(steps_of_warning(policy, event.data.threshold, now))
        case Effect.TELL_BREACH:
            _, policy = policy_of(duty.oncall, facts)
            return list(steps_of_breach(policy, now))
        case Effect.NOTHING | Effect.DROP_WARNINGS | Effect.RESUME_WARNINGS | Effect.ALL_CLEAR:
            return ()


async def _record(connection: Any, duty: Duty, heard: Sequence[_Heard], now: datetime) -> bool:
    dirty = [one for one in heard if one.dirty]
    if not dirty:
        return False
    ids = await store.save_alerts(connection, [(one.known, one.facts.due_at) for one in dirty])
    resumed = [ids[one.known.key] for one in dirty if one.resumed]
    if resumed:
        await queries.resume_steps(connection, alert_ids=resumed, now=now)
        await queries.resume_notices(connection, alert_ids=resumed, now=now)
    dropped = [ids[one.known.key] for one in dirty if one.dropped]
    if dropped:
        await queries.drop_warnings(connection, alert_ids=dropped, now=now)
    steps = [(ids[one.known.key], telling, step) for one in dirty for telling, step in one.steps]
    await store.plan_steps(connection, steps)
    ended = {
        ids[one.known.key]: replace(one.known, alert_id=ids[one.known.key])
        for one in dirty
        if one.known.alert_id is not None and one.known.alert.loudness is Loudness.ENDED
    }
    await tell_the_disturbed(connection, duty, ended, Word.ALL_CLEAR, now)
    return bool(ended)
