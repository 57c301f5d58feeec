"""Time's way in: claim a routine → look (no transaction open) → decide → record with what is published, fenced."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import asyncpg
import structlog

from services.backup_audit import metrics, store
from services.backup_audit.domain.outage import Progress, advance, onward
from services.backup_audit.domain.slots import expected_by, last_slot, next_slot
from services.backup_audit.domain.verdict import Fail, InProgress, NotDue, Pass, Verdict, judge
from services.backup_audit.probes.mounted import Mounted
from services.backup_audit.reports import Check, backup_events, ticket_events
from services.backup_audit.store import Claimed
from shared import outbox
from shared.clients import Clients, Routine

log = structlog.get_logger(__name__)

AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Auditor:
    """What checks need."""

    pool: "asyncpg.Pool[asyncpg.Record]"
    clients: Clients
    interval: timedelta
    probe_seconds: float
    backups_topic: str
    tickets_topic: str
    mounted: Mounted = field(default_factory=Mounted)

    async def turn(self) -> bool:
        """Check the routines that are due; True when there may be more."""
        lease = timedelta(seconds=self.probe_seconds + 30)
        claimed = await store.claim(self.pool, AT_ONCE, lease)
        await asyncio.gather(*(self._check(one) for one in claimed))
        return len(claimed) == AT_ONCE

    async def _check(self, claimed: Claimed) -> None:
        found = self.clients.routine(claimed.client_id, claimed.routine_id)
        if found is None:
            return
        client, routine = found
        began = asyncio.get_running_loop().time()
        seen = await self.mounted.observe(routine.directory, routine.pattern, self.probe_seconds)
        took = asyncio.get_running_loop().time() - began
        before = claimed.progress or Progress(last_slot(routine, claimed.now))
        verdict = judge(routine, before.slot, seen, claimed.now)
        after, acts = advance(routine, before, verdict, claimed.now)
        moved = onward(routine, after, claimed.now)
        due = self._next_check(routine, moved, claimed.now)
        check = Check(client, routine, before.slot, verdict, claimed.now, took, due)
        async with self.pool.acquire() as connection, connection.transaction():
            if not await store.record(connection, claimed, moved, due):
                return  # our lease had ended: whoever holds it now will say
            backups = list(backup_events(check, acts))
            tickets = list(ticket_events(check, acts, after.outage or before.outage))
            if backups:
                await outbox.record(connection, self.backups_topic, backups)
            if tickets:
                await outbox.record(connection, self.tickets_topic, tickets)
        metrics.checks.labels(_outcome(verdict)).inc()
        if acts:
            log.info("routine_judged", client_id=client.id, routine_id=routine.id, acts=[act.value for act in acts])

    def _next_check(self, routine: Routine, progress: Progress, now: datetime) -> datetime:
        """Return when to look again: at the next slot after a good one, at once while slots are behind, else soon.

        A good one is looked at once more when it is expected: the routine may have said after its file that it failed.
        """
        if progress.said == "verified":
            expected, following = expected_by(routine, progress.slot), next_slot(routine, progress.slot) - routine.early
            return max(min(expected, following) if now < expected else following, now + self.interval)
        if progress.said == "" and expected_by(routine, progress.slot) <= now:
            return now
        return now + self.interval


def _outcome(verdict: Verdict) -> str:
    match verdict:
        case Pass():
            return "pass"
        case Fail(code=code):
            return code
        case InProgress():
            return "in_progress"
        case NotDue():
            return "not_due"
