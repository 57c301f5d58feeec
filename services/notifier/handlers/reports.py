"""What is learnt of a notice after it was accepted: it bounced (``notice.bounced``, by intake), or a provider reports."""

import uuid
from collections.abc import Sequence
from typing import Any

import structlog

from services.notifier import metrics
from services.notifier.domain.message import Outcome
from services.notifier.domain.notice import State
from services.notifier.handlers.duty import Duty
from services.notifier.handlers.moving import move_on
from services.notifier.notices import notice_event
from services.notifier.store import queries
from shared import clock, outbox
from shared.events import NoticeBounced, NoticeDelivered, NoticeFailed, Undecodable, decode
from shared.kafka import DeadLetter, Record

log = structlog.get_logger(__name__)

_STATES = {Outcome.DELIVERED: State.DELIVERED, Outcome.FAILED_PERMANENT: State.FAILED}


async def hear_notices(duty: Duty, records: Sequence[Record]) -> Sequence[DeadLetter]:
    """Hear of pages that bounced; everything else on the topic is our own word. Idempotent by the notice's state."""
    letters: list[DeadLetter] = []
    for record in records:
        try:
            event = decode(record.value, record.headers)
        except Undecodable as wrong:
            letters.append(DeadLetter(record, wrong.reason, f"{wrong.field}: {wrong.detail}"))
            continue
        if isinstance(event.data, NoticeBounced):
            await report(duty, Outcome.FAILED_PERMANENT, "bounced", notice_id=event.data.notice_id)
    return letters


async def report(duty: Duty, outcome: Outcome, reason: str | None, **which: str) -> bool:
    """Record what became of an accepted notice, ``which``: its notice_id, or channel and provider_id; what did not arrive
    moves on at once. False when it is not known, or nothing new."""
    async with duty.pool.acquire() as connection, connection.transaction():
        row = await _row(connection, which)
        if row is None or outcome not in _STATES:
            return False
        state = _STATES[outcome]
        if await queries.report(connection, notice_no=row["notice_no"], state=state.value, reason=reason) is None:
            return False
        now = clock.now()
        kind = NoticeDelivered if outcome is Outcome.DELIVERED else NoticeFailed
        said = {"person": row["person"], "channel": row["channel"], "attempt": row["attempt"], "reason": reason}
        events = [
            notice_event(
                kind, str(row["notice_id"]), (r["ticket_id"], r["metric"], r["cycle"]), now, n="report", **said
            )
            async for r in queries.keys_of_page(connection, page_no=row["page_no"])
        ]
        await outbox.record(connection, duty.notices_topic, events)
        if state is State.FAILED:
            await move_on(connection, duty, [row["page_no"]], now)
    metrics.reports.labels(outcome.value).inc()
    log.info("notice_reported", notice_id=str(row["notice_id"]), outcome=outcome.value, reason=reason)
    duty.stepped.set()
    duty.ring()
    return True


async def _row(connection: Any, which: dict[str, str]) -> Any:
    if "notice_id" in which:
        try:
            notice_id = uuid.UUID(which["notice_id"])
        except ValueError:  # none of ours
            return None
        return await queries.notice_of_id(connection, notice_id=notice_id)
    return await queries.notice_of_provider(connection, **which)
