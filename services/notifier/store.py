"""All SQL of notifier; speaks domain objects, never rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import structlog

from services.notifier.domain.alert import Alert, Loudness
from services.notifier.domain.escalation import Planned, Word
from shared.events import Event, Undecodable, decode
from shared.sql import load_queries

log = structlog.get_logger(__name__)

queries = load_queries(Path(__file__).parent / "queries.sql")

AlertKey = tuple[str, str, int]
"""(ticket_id, metric, cycle)"""


@dataclass(frozen=True, slots=True)
class KnownAlert:
    """An alert as stored; ``telling`` grows when a breach is told anew after an end."""

    alert: Alert
    telling: int


@dataclass(frozen=True, slots=True)
class Content:
    """A rendered page without its token."""

    subject: str
    plain: str
    html: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """A claimed delivery; ``reason`` says why it is no longer wanted, ``lost`` that an earlier attempt's outcome is unknown.

    ``event`` is None when it cannot be read any more: the page leaves all the same, with the built-in text.
    """

    delivery_id: int
    alert_id: int
    key: AlertKey
    word: Word
    threshold: str
    step: int
    person: str | None
    attempt: int
    reason: str | None
    lost: bool
    content: Content | None
    event: Event[Any] | None
    ended_as: str | None
    now: datetime


@dataclass(frozen=True, slots=True)
class Result:
    """What came of an attempt. ``outcome`` is one of metrics.OUTCOMES; ``retry_in`` None: final."""

    outcome: str
    reason: str | None = None
    provider_id: str | None = None
    retry_in: timedelta | None = None


async def lock_tickets(connection: Any, ticket_ids: Sequence[str]) -> dict[str, int]:
    """Lock the tickets in order; return how far each was read."""
    ids = sorted(set(ticket_ids))
    await queries.advance(connection, ticket_ids=ids)
    return {r["ticket_id"]: r["sequence"] async for r in queries.lock_tickets(connection, ticket_ids=ids)}


async def known_alert(connection: Any, key: AlertKey) -> KnownAlert:
    """Return the alert of a clock, a quiet one if there is none."""
    row = await queries.alert_of(connection, ticket_id=key[0], metric=key[1], cycle=key[2])
    if row is None:
        return KnownAlert(Alert(), 0)
    return KnownAlert(Alert(Loudness(row["loudness"]), row["suspended"], row["ended_as"]), row["telling"])


async def save_alert(connection: Any, key: AlertKey, known: KnownAlert, body: bytes) -> int:
    """Save an alert with the event that it heard last; return its id."""
    row = await queries.save_alert(
        connection,
        ticket_id=key[0],
        metric=key[1],
        cycle=key[2],
        loudness=known.alert.loudness.value,
        suspended=known.alert.suspended,
        ended_as=known.alert.ended_as,
        telling=known.telling,
        event=body,
    )
    return int(row["alert_id"])


async def plan(
    connection: Any, alert_id: int, telling: int, planned: Sequence[Planned], threshold: str = ""
) -> Sequence[tuple[int, Planned]]:
    """Plan deliveries; return those that are new with their ids."""
    rows = queries.plan(
        connection,
        alert_id=alert_id,
        telling=telling,
        threshold=threshold,
        words=[p.word.value for p in planned],
        steps=[p.step for p in planned],
        people=[p.person for p in planned],
        due=[p.due_at for p in planned],
        rounds=[p.round for p in planned],
    )
    return [(r["delivery_id"], Planned(Word(r["word"]), r["step"], r["person"], r["next_at"])) async for r in rows]


async def claim(connection: Any, at_most: int, lease: timedelta) -> Sequence[Delivery]:
    """Claim deliveries that are due; one that cannot be built has failed and hurries the next, and holds up nobody."""
    found = []
    async for row in queries.claim(connection, at_most=at_most, lease=lease):
        try:
            found.append(_delivery(row))
        except (ValueError, TypeError) as wrong:  # another version's content or word
            log.error("delivery_unreadable", delivery_id=row["delivery_id"], error=type(wrong).__name__)
            await queries.give_up(connection, delivery_id=row["delivery_id"])
            await queries.hurry_next(connection, delivery_id=row["delivery_id"])
    return found


def event_of(row: Any) -> Event[Any] | None:
    """Return the stored event of an alert; None when it cannot be read any more."""
    try:
        return decode(row["event"])
    except Undecodable as wrong:
        log.error("event_undecodable", delivery_id=row["delivery_id"], reason=wrong.reason, field=wrong.field)
        return None


def _delivery(row: Any) -> Delivery:
    return Delivery(
        row["delivery_id"],
        row["alert_id"],
        (row["ticket_id"], row["metric"], row["cycle"]),
        Word(row["word"]),
        row["threshold"],
        row["step"],
        row["person"],
        row["attempt"],
        row["reason"],
        row["lost"],
        None if row["content"] is None else Content(**orjson.loads(row["content"])),
        event_of(row),
        row["ended_as"],
        row["now"],
    )


async def keep_content(connection: Any, delivery_id: int, content: Content) -> None:
    """Keep what is sent, so that a repetition is the same."""
    await queries.keep_content(connection, delivery_id=delivery_id, content=orjson.dumps(content))


async def settle(connection: Any, delivery: Delivery, result: Result) -> bool:
    """Record the result of an attempt; False when another attempt holds the delivery now.

    A failure for good hurries the next step of its round.
    """
    final = "accepted" if result.outcome == "accepted" else "failed"
    state = final if result.retry_in is None else "planned"
    settled = await queries.settle(
        connection,
        delivery_id=delivery.delivery_id,
        attempt=delivery.attempt,
        state=state,
        next_at=None if result.retry_in is None else delivery.now + result.retry_in,
        reason=result.reason,
        provider_id=result.provider_id,
        doubtful=result.outcome == "unknown",
    )
    if settled is not None and state == "failed":
        await queries.hurry_next(connection, delivery_id=delivery.delivery_id)
    return settled is not None
