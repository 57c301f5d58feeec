"""The loop that sends automatic answers: claim, commit, send, record the result fenced by its attempt."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import orjson
import structlog

from services.intake import metrics
from services.intake.domain.identity import AutoReply
from services.intake.letter import Facts, letter
from services.intake.store import queries
from shared.catalog import Catalogs
from shared.mail import MailServer, Sent

log = structlog.get_logger(__name__)

AT_ONCE = 10
LEASE = timedelta(seconds=90)  # longer than an attempt takes
GIVEN_UP_AFTER = timedelta(hours=24)  # a receipt that comes later helps nobody
STALE_AFTER = timedelta(days=3)  # a mailbox full of old mail is read, and nobody hears of it years later
_LONGEST_RETRY = timedelta(minutes=15)


@dataclass(slots=True)
class ReplySender:
    """Sends what is due; any number of replicas may run one. ``key`` signs Message-IDs."""

    pool: Any
    server: MailServer
    settings: AutoReply
    key: bytes
    catalogs: Catalogs

    async def turn(self) -> bool:
        """Send the answers that are due; True when there may be more."""
        rows = [row async for row in queries.claim_replies(self.pool, at_most=AT_ONCE, lease=LEASE)]
        for error in await asyncio.gather(*(self._answer(row) for row in rows), return_exceptions=True):
            if isinstance(error, BaseException):  # its lease ends, and it is tried again
                log.warning("reply_not_settled", error=type(error).__name__)
        return len(rows) == AT_ONCE

    async def _answer(self, row: Any) -> None:
        if row["ticket_state"] in ("cancelled", "merged"):
            await self._settle(row, "suppressed", f"ticket_{row['ticket_state']}")
            return
        if row["now"] - row["created_at"] > STALE_AFTER:
            await self._settle(row, "suppressed", "stale")
            return
        sent = await self._send(row)
        again = sent.outcome in ("failed_temporary", "unknown")
        if again and row["now"] - row["created_at"] < GIVEN_UP_AFTER:
            await self._settle(row, "waiting", sent.reason)
        else:
            await self._settle(row, "sent" if sent.outcome == "accepted" else "failed", sent.reason)

    async def _send(self, row: Any) -> Sent:
        try:
            message = letter(row["id"], _facts(row), row["address"], self.settings, self.key, self.catalogs, row["now"])
            return await self.server.send(message, "", row["address"])  # the null sender: nothing answers it (RFC 3834)
        except Exception as error:  # noqa: BLE001  # the edge: an address or a template that cannot be used stops no other
            log.error("reply_broken", error=type(error).__name__)
            return Sent("failed_permanent", type(error).__name__)

    async def _settle(
        self, row: Any, state: Literal["waiting", "sent", "failed", "suppressed"], reason: str | None
    ) -> None:
        retry_in = min(timedelta(seconds=2.0 ** min(row["attempts"], 12)), _LONGEST_RETRY)
        await queries.settle_reply(
            self.pool, id=row["id"], attempts=row["attempts"], state=state, reason=reason, retry_in=retry_in
        )
        metrics.replies.labels("deferred" if state == "waiting" else state).inc()
        log.info("reply_attempted", reply_id=row["id"], state=state, reason=reason)


def _facts(row: Any) -> Facts:
    opened_at: datetime = row["opened_at"]
    return Facts(
        row["ticket_id"],
        row["service"],
        opened_at,
        row["counts_from"],
        row["due_at"],
        row["clock_state"],
        orjson.loads(row["facts"]),
    )
