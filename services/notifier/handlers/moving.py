"""What failed, or takes too long, moves on: to the person's next method, to the next step, at last to the manager."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.notifier import metrics
from services.notifier.domain.message import Word
from services.notifier.domain.plan import Act, Step
from services.notifier.handlers.duty import Duty
from services.notifier.store import alerts, notices, queries
from services.notifier.store.notices import Stuck
from shared import clock


async def move_on(connection: Any, duty: Duty, page_nos: Sequence[int], now: datetime) -> None:
    """Move on from pages in the caller's transaction; where an alert's round has no step left, the manager is told."""
    stuck = await notices.move_on(connection, page_nos)
    last = [one for one in stuck if not one.goes_on]
    if last:
        metrics.unreached.inc(len(last))
        await alerts.plan_steps(connection, [(one.alert_id, one.telling, _finding(duty, one, now)) for one in last])


async def be_impatient(duty: Duty, dead: Sequence[str]) -> bool:
    """Move on from what nobody took within its patience, of ``dead`` channels at once; True when there may be more."""
    async for row in queries.oldest_due(duty.pool, channels=list(duty.oncall.channels)):
        metrics.oldest_due_seconds.labels(row["channel"]).set(row["seconds"])
    async with duty.pool.acquire() as connection, connection.transaction():
        page_nos = await notices.impatient(connection, dead)
        if page_nos:
            await move_on(connection, duty, page_nos, clock.now())
    if page_nos:
        duty.stepped.set()
        duty.ring()
    return bool(page_nos)


def _finding(duty: Duty, stuck: Stuck, now: datetime) -> Step:
    to = ("manager",)
    return Step(Act.TELL, Word.FINDING, now, stuck.word.value, stuck.round, stuck.position, to)
