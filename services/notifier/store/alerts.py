"""Alerts and their steps. Locks are taken in one order everywhere: alerts, steps, people, pages."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from services.notifier.domain.alert import Alert, Loudness, Taken
from services.notifier.domain.facts import Facts, facts_of
from services.notifier.domain.message import Word
from services.notifier.domain.plan import Act, Step
from services.notifier.store import queries
from shared.events import Event, Undecodable, decode

log = structlog.get_logger(__name__)

AlertKey = tuple[str, str, int]
"""(ticket_id, metric, cycle)"""

_SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class Known:
    """An alert as stored: ``event`` is the last event it heard, as bytes; ``broken_by`` whose promise ended last."""

    key: AlertKey
    alert: Alert
    event: bytes
    alert_id: int | None = None
    broken_by: str | None = None


@dataclass(frozen=True, slots=True)
class DueStep:
    """A step that is due, of an alert that the caller holds."""

    step_id: int
    alert_id: int
    telling: int
    step: Step
    reason: str | None


def alert_of(row: Any) -> Alert:
    """Return the state that stands in a row of ``alert``."""
    by, at = row["acknowledged_by"], row["acknowledged_at"]
    taken = None if by is None else Taken(by, at, row["promised_until"])
    loudness = Loudness(row["loudness"])
    return Alert(loudness, row["suspended"], row["ended_as"], row["telling"], row["threshold"], taken)


def _known(row: Any) -> Known:
    key = row["ticket_id"], row["metric"], row["cycle"]
    return Known(key, alert_of(row), row["event"], row["alert_id"], row["broken_by"])


def event_of(body: bytes, alert_id: int | None) -> Event[Any] | None:
    """Return the stored event of an alert; None when it cannot be read any more: it is told all the same."""
    try:
        return decode(body)
    except Undecodable as wrong:
        log.error("event_undecodable", alert_id=alert_id, reason=wrong.reason, field=wrong.field)
        return None


def facts_of_alert(known: Known) -> Facts:
    """Return the facts of an alert's last event."""
    return facts_of(known.key[1], event_of(known.event, known.alert_id))


async def lock_tickets(connection: Any, ticket_ids: Iterable[str]) -> dict[str, int]:
    """Lock the tickets in order; return how far each was read."""
    ids = sorted(set(ticket_ids))
    await queries.advance(connection, ticket_ids=ids)
    return {r["ticket_id"]: r["sequence"] async for r in queries.lock_tickets(connection, ticket_ids=ids)}


async def lock_alerts(connection: Any, keys: Iterable[AlertKey]) -> dict[AlertKey, Known]:
    """Lock the alerts of clocks and return those that are."""
    asked = sorted(set(keys))
    rows = queries.lock_alerts(
        connection, tickets=[k[0] for k in asked], metrics=[k[1] for k in asked], cycles=[k[2] for k in asked]
    )
    return {known.key: known async for known in _all(rows)}


async def lock_alerts_of_page(connection: Any, page_no: int) -> Sequence[tuple[Known, int]]:
    """Lock the alerts of a page; return each with the telling that the page told of."""
    return [(_known(r), r["told"]) async for r in queries.lock_alerts_of_page(connection, page_no=page_no)]


async def lock_due_alerts(connection: Any, at_most: int) -> Mapping[int, Known]:
    """Lock alerts with steps that are due, by id; what another replica holds is left to it."""
    found = [known async for known in _all(queries.lock_due_alerts(connection, at_most=at_most))]
    return {known.alert_id: known for known in found if known.alert_id is not None}


async def _all(rows: Any) -> Any:
    async for row in rows:
        yield _known(row)


async def save_alerts(connection: Any, known: Sequence[tuple[Known, datetime | None]]) -> Mapping[AlertKey, int]:
    """Save alerts, each with its clock's deadline; return their ids."""
    taken = [k.alert.taken for k, _ in known]
    rows = queries.save_alerts(
        connection,
        tickets=[k.key[0] for k, _ in known],
        metrics=[k.key[1] for k, _ in known],
        cycles=[k.key[2] for k, _ in known],
        loudness=[k.alert.loudness.value for k, _ in known],
        suspended=[k.alert.suspended for k, _ in known],
        ended_as=[k.alert.ended_as for k, _ in known],
        tellings=[k.alert.telling for k, _ in known],
        thresholds=[k.alert.threshold for k, _ in known],
        events=[k.event for k, _ in known],
        due_at=[due_at for _, due_at in known],
        taken_by=[t.by if t else None for t in taken],
        taken_at=[t.at if t else None for t in taken],
        promised=[t.until if t else None for t in taken],
        broken_by=[k.broken_by for k, _ in known],
    )
    return {(r["ticket_id"], r["metric"], r["cycle"]): r["alert_id"] async for r in rows}


async def plan_steps(connection: Any, steps: Sequence[tuple[int, int, Step]]) -> None:
    """Plan steps, each as (alert id, telling, step)."""
    if not steps:
        return
    await queries.plan_steps(
        connection,
        alert_ids=[alert_id for alert_id, _, _ in steps],
        tellings=[telling for _, telling, _ in steps],
        acts=[s.act.value for _, _, s in steps],
        words=[s.word.value for _, _, s in steps],
        thresholds=[s.threshold for _, _, s in steps],
        rounds=[s.round for _, _, s in steps],
        positions=[s.position for _, _, s in steps],
        targets=[_SEPARATOR.join(s.to) for _, _, s in steps],
        by=[_SEPARATOR.join(s.by) for _, _, s in steps],
        due_at=[s.due_at for _, _, s in steps],
    )


async def take_steps(connection: Any, alert_ids: Iterable[int]) -> Sequence[DueStep]:
    """Return the due steps of alerts that the caller holds, oldest first."""
    rows = queries.take_steps(connection, alert_ids=sorted(alert_ids))
    return [_due(row) async for row in rows]


def _due(row: Any) -> DueStep:
    to, by = (tuple(name for name in row[column] if name) for column in ("targets", "by"))
    step = Step(
        Act(row["act"]), Word(row["word"]), row["due_at"], row["threshold"], row["round"], row["position"], to, by
    )
    return DueStep(row["step_id"], row["alert_id"], row["telling"], step, row["reason"])


async def settle_steps(connection: Any, settled: Sequence[tuple[int, str | None]], now: datetime) -> None:
    """Record what became of steps: done, or, with a reason other than ``NOBODY``, suppressed."""
    await queries.settle_steps(
        connection,
        step_ids=[step_id for step_id, _ in settled],
        states=["done" if reason in (None, NOBODY) else "suppressed" for _, reason in settled],
        reasons=[reason for _, reason in settled],
        now=now,
    )


NOBODY = "nobody_on_call"
"""The reason of a step that is done and found nobody to tell."""
