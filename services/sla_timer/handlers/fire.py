"""Time in: warnings and breaches of clocks that are due."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog

from services.sla_timer import metrics, store
from services.sla_timer.domain.announce import Kind, Milestone, fire
from services.sla_timer.domain.hold import Hold
from services.sla_timer.domain.publish import Telling, publish
from services.sla_timer.handlers.judge import Timer, record
from services.sla_timer.store import Due, Key, Moved, Place
from shared.clock import to_us
from shared.events import Outgoing
from shared.postgres import OF_THE_DATA

log = structlog.get_logger(__name__)

FIRED_AT_ONCE = 500


async def fire_due(timer: Timer, hold: Hold, watermark: datetime) -> int:
    """Fire what is due after ``watermark`` by the database's clock, oldest first; return how many clocks were claimed.

    The hold is asked after the claim: however long the claim took, what is fired was known to be due on fresh
    knowledge. Only clocks of the present judgement are fired: the others are judged anew first. A clock whose row or
    milestone the database does not take keeps no other one from firing: it is left as it is, counted and said.
    """
    try:
        return await _claim_and_fire(timer, hold, watermark, _fire)
    except OF_THE_DATA:
        return await _claim_and_fire(timer, hold, watermark, _fire_but_the_wrong)


_Firing = Callable[[Any, Timer, Sequence[Due], float | None], Awaitable[None]]


async def _claim_and_fire(timer: Timer, hold: Hold, watermark: datetime, firing: _Firing) -> int:
    versions = timer.versions
    async with timer.pool.acquire() as connection, connection.transaction():
        due = await store.claim_due(connection, timer.catalogs, watermark, versions.judged_by, FIRED_AT_ONCE)
        claimed_at = asyncio.get_running_loop().time()
        if not due or not hold.may_fire(claimed_at) or not versions.holds_at(to_us(due[0].now)):
            return 0
        await firing(connection, timer, due, hold.stale_by(claimed_at))
    timer.recorded.set()
    return len(due)


async def _fire(connection: Any, timer: Timer, due: Sequence[Due], lag: float | None) -> None:
    now = due[0].now
    fired = _fire_all(timer, due, to_us(now), lag)
    await store.move_clocks(connection, fired.moved, fired.sequences)
    await record(connection, timer, now, fired.rows, fired.events)
    for _, milestone in fired.rows:
        metrics.lateness.observe(max(0.0, (to_us(now) - milestone.at_us) / 1e6))


async def _fire_but_the_wrong(connection: Any, timer: Timer, due: Sequence[Due], lag: float | None) -> None:
    """Fire all clocks but those that cannot be recorded, found by halving. Clocks of one ticket stay together: the
    sequence of one goes on from the other's."""
    try:
        async with connection.transaction():
            await _fire(connection, timer, due, lag)
    except OF_THE_DATA as error:
        tickets = list(dict.fromkeys(one.ticket_id for one in due))
        if len(tickets) == 1:
            metrics.unfireable.inc(len(due))
            log.error("clock_not_fired", ticket_id=tickets[0], clocks=len(due), error=type(error).__name__)
            return
        first = set(tickets[: len(tickets) // 2])
        for half in (True, False):
            part = [one for one in due if (one.ticket_id in first) is half]
            await _fire_but_the_wrong(connection, timer, part, lag)


@dataclass(slots=True)
class _Fired:
    moved: list[Moved] = field(default_factory=list)
    sequences: dict[Place, int] = field(default_factory=dict)
    rows: list[tuple[Key, Milestone]] = field(default_factory=list)
    events: list[Outgoing] = field(default_factory=list)


def _fire_all(timer: Timer, due: Sequence[Due], now_us: int, lag: float | None) -> _Fired:
    fired = _Fired()
    for one in due:
        key = one.ticket_id, one.clock.metric, one.clock.cycle
        spoken, ahead = fire(one.ahead, now_us)
        verdict = "breached" if spoken and spoken[-1].kind is Kind.BREACHED else "open"
        fired.moved.append(Moved(one.place, verdict, ahead[0].at_us if ahead else None))
        sequence = fired.sequences.get(one.ticket_place, one.sequence)
        for milestone in spoken:
            fired.rows.append((key, milestone))
            if milestone.announced:
                sequence += 1
                fired.events.append(publish(_telling(timer, one, now_us, lag), milestone, sequence))
        fired.sequences[one.ticket_place] = sequence
    return fired


def _telling(timer: Timer, due: Due, now_us: int, lag: float | None) -> Telling:
    clock = due.clock
    catalog = timer.catalogs.version(clock.catalog) or timer.catalogs.for_start(clock.start_us)
    return Telling(
        ticket_id=due.ticket_id,
        client_id=due.client_id,
        clock=clock,
        summary=due.summary,
        tzdata=catalog.tzdata,
        traceparent=due.traceparent,
        now_us=now_us,
        ingest_lag_seconds=lag,
    )
