"""The auditor: every open alert that nobody took has something to come. Only a passing audit feeds the heartbeat outside."""

import httpx
import structlog

from services.notifier import metrics
from services.notifier.handlers.duty import Duty
from services.notifier.store import queries
from shared import clock

log = structlog.get_logger(__name__)

LATE_SECONDS = 120.0
_TIMEOUT_SECONDS = 10.0


class Auditor:
    """Audits once a minute; ``heartbeat_url``: a dead man's switch outside that misses a sign of life ("": none)."""

    def __init__(self, duty: Duty, heartbeat_url: str = "") -> None:
        self._duty, self._url = duty, heartbeat_url

    async def turn(self) -> bool:
        """Audit, mend what was forgotten, and tell the outside when there was nothing to mend."""
        passed = await self.audit()
        if passed:
            metrics.audited.set(clock.now().timestamp())
            await self._beat()
        return False

    async def audit(self) -> bool:
        """Return whether nothing was found; what would never be told again is planned anew, at once."""
        async with self._duty.pool.acquire() as connection, connection.transaction():
            forgotten = [row["alert_id"] async for row in queries.forgotten(connection)]
            if forgotten:
                await queries.replan(connection, alert_ids=forgotten)
            late = await queries.late(connection, seconds=LATE_SECONDS)
            await self._measure(connection)
        if forgotten:
            metrics.audit_findings.labels("forgotten").inc(len(forgotten))
            log.error("alerts_forgotten", alerts=len(forgotten))
            self._duty.stepped.set()
        if late:
            metrics.audit_findings.labels("late").inc(late)
            log.error("notices_late", count=late)
        return not forgotten and not late

    async def _measure(self, connection: object) -> None:
        found = {row["loudness"]: row async for row in queries.open_alerts(connection)}
        for loudness in ("warned", "breached"):
            row = found.get(loudness)
            metrics.open_alerts.labels(loudness).set(row["open"] if row else 0)
            metrics.untaken_alerts.labels(loudness).set(row["untaken"] if row else 0)

    async def _beat(self) -> None:
        if not self._url:
            return
        try:
            async with httpx.AsyncClient(timeout=_TIMEOUT_SECONDS) as client:
                (await client.post(self._url)).raise_for_status()
        except httpx.HTTPError as error:
            metrics.heartbeats.labels("failed").inc()
            log.warning("heartbeat_failed", error=type(error).__name__)
            return
        metrics.heartbeats.labels("sent").inc()
