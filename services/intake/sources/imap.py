"""Mail by IMAP: each mail is stored with its UID in one transaction, and only then moved; IDLE is but a hint to look."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg
import structlog

from services.intake import metrics
from services.intake.domain.mailboxes import Facts, Mailbox, Mailboxes, received_at
from services.intake.sources.imap_login import Refused
from services.intake.sources.imap_session import Folder, ImapSession, Unfetchable, Unmovable
from services.intake.sources.thread import CallingThread
from services.intake.store.imap import Taken, alone_at, still_there, store_taken, stored_uids
from services.intake.store.mail import Received
from shared import clock
from shared.kafka import backoff_seconds
from shared.observability import new_traceparent
from shared.postgres import OF_THE_DATA

log = structlog.get_logger(__name__)

REFUSED_SECONDS = 300.0
"""How long a mailbox rests whose password is wrong."""

_LONGEST_REST_SECONDS = 60.0
_STORE_SECONDS = 20
_MAILS_AT_ONCE = 50
_MAILBOXES_AT_ONCE = 4  # so many mails are in memory, and so many connections of the pool are taken
_STOP_SECONDS = 3.0


class MailboxReader:
    """Receives from one mailbox for ever."""

    def __init__(self, name: str, mailbox: Mailbox, kit: "ImapReaders") -> None:
        self._name, self._mailbox, self._kit = name, mailbox, kit
        self._thread = CallingThread(f"imap {name}")
        self._session: ImapSession | None = None
        self._failures = 0
        self._begun: set[int] = set()  # what was begun and not stored: the next time it comes last
        self._checked: set[tuple[int, int]] = set()  # (UIDVALIDITY, UID) seen on this connection to be what is stored
        metrics.mailbox_swept.labels(name)
        self._errors, self._stored = metrics.mailbox_errors.labels(name), metrics.mailbox_stored.labels(name)

    async def keep_receiving(self) -> None:
        """Connect, look, wait, again and again: the edge where failures are counted, logged and waited out."""
        while True:
            try:
                await self._receive()
            except Exception as error:  # noqa: BLE001  # the edge: counted, logged, retried
                rest = self._rest_seconds(error)
                self._errors.inc()
                log.warning(
                    "mailbox_failed", mailbox=self._name, error=type(error).__name__, again_in_seconds=round(rest, 1)
                )
            self._failures += 1
            await self._thread.call(self._close)
            await asyncio.sleep(rest)

    def _rest_seconds(self, error: Exception) -> float:
        if isinstance(error, Refused):
            return REFUSED_SECONDS * random.uniform(0.8, 1.2)  # noqa: S311  # jitter, not a secret
        slow = max(0, self._failures - 6)  # after some short ones
        return min(_LONGEST_REST_SECONDS, backoff_seconds(self._failures) * 2.0 ** min(slow, 10))

    async def _receive(self) -> None:
        session = await self._thread.call(self._open)
        log.info("mailbox_opened", mailbox=self._name, idle=session.can_idle, moves=session.can_move)
        while True:
            while await self._sweep(session):
                pass
            if session.can_idle:
                await self._thread.call(session.wait, self._mailbox.sweep_seconds)
            else:
                await asyncio.sleep(self._mailbox.sweep_seconds)

    async def _sweep(self, session: ImapSession) -> bool:
        """Store what is new and move what is stored; True when there may be more."""
        found, more = await self._thread.call(session.look), False
        if found.uids:
            async with self._kit.places, alone_at(self._kit.pool, self._mailbox.source) as connection:
                if connection is None:  # another replica is at it
                    return False
                more = await self._empty(session, connection, found)
        self._failures = 0
        metrics.mailbox_swept.labels(self._name).set(clock.now().timestamp())
        return more

    async def _empty(self, session: ImapSession, connection: Any, found: Folder) -> bool:
        stored = await self._surely_stored(session, connection, found)
        self._begun &= set(found.uids)
        new = sorted(set(found.uids) - stored, key=lambda uid: (uid in self._begun, uid))
        facts = await self._thread.call(session.facts, new[:_MAILS_AT_ONCE])
        for uid in sorted(facts, key=new.index):
            self._begun.add(uid)
            try:
                if await self._take(session, connection, (found.uidvalidity, uid), facts[uid]):
                    stored.add(uid)
                self._begun.discard(uid)
            except (Unfetchable, *OF_THE_DATA) as error:  # it stays where it is, the others go on
                self._errors.inc()
                log.warning("mail_not_taken", mailbox=self._name, uid=uid, error=type(error).__name__)
        await self._move(session, sorted(stored))
        return len(new) > _MAILS_AT_ONCE

    async def _surely_stored(self, session: ImapSession, connection: Any, found: Folder) -> set[int]:
        """Return the UIDs of stored mails: a server that came back from a backup gives the same UIDs to other mails."""
        known = await stored_uids(connection, self._mailbox.source, found.uidvalidity, found.uids)
        checked = {uid for uid in known if (found.uidvalidity, uid) in self._checked}
        facts = await self._thread.call(session.facts, sorted(known.keys() - checked))
        checked |= {uid for uid, said in facts.items() if uid in known and said.may_be(known[uid])}
        await still_there(connection, self._mailbox.source, found.uidvalidity, sorted(checked), clock.now())
        self._checked = {(found.uidvalidity, uid) for uid in checked}
        return checked

    async def _take(self, session: ImapSession, connection: Any, place: tuple[int, int], facts: Facts) -> bool:
        """Store the mail at (UIDVALIDITY, UID); False when it is gone."""
        uidvalidity, uid = place
        mail = await self._thread.call(session.fetch, uid, facts.size_bytes, self._kit.limit_bytes)
        if mail is None:
            return False
        at = received_at(facts.internal_at, clock.now())
        taken = Taken(self._mailbox.source, uidvalidity, uid, facts.internal_at or at, facts.size_bytes)
        message = Received(
            self._mailbox.address, mail.message_id, mail.raw, mail.sha256, at, new_traceparent(), envelope_from=None
        )
        async with asyncio.timeout(_STORE_SECONDS):
            new = await store_taken(connection, taken, message)
        if new:
            self._stored.inc()
            self._kit.arrived.set()
        return True

    async def _move(self, session: ImapSession, uids: Sequence[int]) -> None:
        try:
            await self._thread.call(session.move, uids)
        except Unmovable as error:  # they are stored: new mail must not wait for them
            self._errors.inc()
            log.warning("mails_not_moved", mailbox=self._name, mails=len(uids), command=str(error))

    def _open(self) -> ImapSession:  # called in the thread, as is _close
        self._session, self._checked = ImapSession(self._mailbox, self._kit.secrets), set()
        return self._session

    def _close(self) -> None:
        if self._session is not None:
            session, self._session = self._session, None
            session.close()

    async def stop(self) -> None:
        """End the connection and the thread; a mail that is not stored yet stays where it is."""
        if (session := self._session) is not None:
            session.abort()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._thread.call(self._close), _STOP_SECONDS)
        if not await self._thread.stop(1.0):
            log.warning("mailbox_left_behind", mailbox=self._name)


class ImapReaders:
    """The readers of all mailboxes, as a resource of the service."""

    def __init__(
        self,
        mailboxes: Mailboxes,
        secrets: Path,
        pool: "asyncpg.Pool[asyncpg.Record]",
        arrived: asyncio.Event,
        limit_bytes: int,
    ) -> None:
        self._mailboxes = mailboxes
        self.secrets, self.pool, self.arrived, self.limit_bytes = secrets, pool, arrived, limit_bytes
        self.places = asyncio.Semaphore(_MAILBOXES_AT_ONCE)
        self._readers: list[MailboxReader] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "ImapReaders":
        """Begin; a server that is away is waited for."""
        self._readers = [MailboxReader(name, mailbox, self) for name, mailbox in self._mailboxes.mailboxes.items()]
        self._tasks = [asyncio.create_task(reader.keep_receiving()) for reader in self._readers]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop within five seconds."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(reader.stop() for reader in self._readers))
