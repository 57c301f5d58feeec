"""Another judgement in: open clocks that an older one judged are judged anew, in batches, what is due first."""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from services.sla_timer import store
from services.sla_timer.domain.assess import ENGINE
from services.sla_timer.handlers.judge import Judged, Timer, judge
from shared.errors import Permanent

log = structlog.get_logger(__name__)

REASSESSED_AT_ONCE = 200


async def reassess(timer: Timer) -> bool:
    """Judge one batch anew; True when there may be more. Idempotent: what is true already is told of no more.

    First the tickets with an open clock, what is due first; then, once for each judgement, those of which only late clocks
    run: they keep their verdict, but another catalog may watch what nobody watched before.
    """
    versions, judged_by = timer.versions, timer.versions.judged_by
    more = await _judge_some(timer, store.queries.judged_before, judged_by)
    if not more and versions.late_judged != judged_by:
        more = await _judge_some(timer, store.queries.late_judged_before, judged_by)
        versions.late_judged = versions.late_judged if more else judged_by
    return more


async def _judge_some(timer: Timer, query: Any, judged_by: int) -> bool:
    rows = query(timer.pool, judged_by=judged_by, at_most=REASSESSED_AT_ONCE)
    causes = {row["ticket_id"]: "catalog" if row["engine"] == ENGINE else "engine" async for row in rows}
    if causes:
        await _judge_all(timer, causes, sorted(causes))
    return bool(causes)


async def _judge_all(timer: Timer, causes: Mapping[str, str], ticket_ids: Sequence[str]) -> None:
    """Judge tickets in one transaction; one that cannot be judged keeps what it has and holds up nobody."""
    try:
        async with timer.pool.acquire() as connection, connection.transaction():
            before = await store.load_and_lock(connection, ticket_ids)
            now = await store.queries.database_now(connection)
            await judge(connection, timer, before, {i: Judged([], cause=causes[i]) for i in ticket_ids}, now)
    except Permanent as error:
        if len(ticket_ids) > 1:
            middle = len(ticket_ids) // 2
            await _judge_all(timer, causes, ticket_ids[:middle])
            await _judge_all(timer, causes, ticket_ids[middle:])
            return
        log.error("not_reassessed", ticket_id=ticket_ids[0], error=type(error).__name__)
        await store.queries.keep_judgement(timer.pool, judged_by=timer.versions.judged_by, ticket_id=ticket_ids[0])
