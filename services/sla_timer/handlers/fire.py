"""Time in: warnings and breaches of clocks that are due."""

import asyncio
from dataclasses import replace
from datetime import datetime

from services.sla_timer import metrics, store
from services.sla_timer.domain.announce import Kind, Milestone, fire
from services.sla_timer.domain.hold import Hold
from services.sla_timer.domain.publish import Telling, publish
from services.sla_timer.handlers.judge import Timer, record
from services.sla_timer.store import Due
from shared.clock import to_us
from shared.events import Outgoing

FIRED_AT_ONCE = 500


async def fire_due(timer: Timer, hold: Hold, watermark: datetime) -> int:
    """Fire what is due after ``watermark`` by the database's clock, oldest first; return how many clocks were fired.

    The hold is asked after the claim: however long the claim took, what is fired was known to be due on fresh
    knowledge. Only clocks of the present judgement are fired: the others are judged anew first.
    """
    versions = timer.versions
    async with timer.pool.acquire() as connection, connection.transaction():
        due = await store.claim_due(connection, timer.catalogs, watermark, versions.judged_by, FIRED_AT_ONCE)
        claimed_at = asyncio.get_running_loop().time()
        if not due or not hold.may_fire(claimed_at) or not versions.holds_at(to_us(due[0].now)):
            return 0
        lag = hold.stale_by(claimed_at)
        sequences = {d.ticket.ticket_id: d.ticket.sequence for d in due}
        moved, rows, events = [], [], []
        for d in due:
            spoken, ahead = fire(d.planned.ahead, to_us(d.now))
            breached = any(m.kind is Kind.BREACHED for m in spoken)
            moved.append(replace(d.planned, verdict="breached" if breached else "open", ahead=ahead))
            for milestone in spoken:
                rows.append((d.planned.key, milestone))
                metrics.lateness.observe(max(0.0, (to_us(d.now) - milestone.at_us) / 1e6))
                if milestone.announced:
                    sequences[d.ticket.ticket_id] += 1
                    events.append(_fired(timer, d, milestone, sequences[d.ticket.ticket_id], lag))
        await store.move_clocks(connection, moved, sequences)
        await record(connection, timer, due[0].now, rows, events)
    return len(due)


def _fired(timer: Timer, due: Due, milestone: Milestone, sequence: int, lag: float | None) -> Outgoing:
    clock, ticket = due.planned.clock, due.ticket
    catalog = timer.catalogs.version(clock.catalog) or timer.catalogs.for_start(clock.start_us)
    telling = Telling(
        ticket_id=ticket.ticket_id,
        client_id=ticket.client_id,
        clock=clock,
        summary=due.summary,
        tzdata=catalog.tzdata,
        traceparent=ticket.traceparent,
        now_us=to_us(due.now),
        ingest_lag_seconds=lag,
    )
    return publish(telling, milestone, sequence)
