"""What was taken from IMAP folders: each UID with its message, in one transaction."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from services.intake.domain.mailboxes import Facts
from services.intake.store import queries
from services.intake.store.mail import Received, store_message


@dataclass(frozen=True, slots=True)
class Taken:
    """A mail of a folder. ``internal_at`` is the server's word as it is; ``size_bytes`` that of the whole mail."""

    source: str
    uidvalidity: int
    uid: int
    internal_at: datetime
    size_bytes: int


@asynccontextmanager
async def alone_at(pool: "asyncpg.Pool[asyncpg.Record]", source: str) -> AsyncIterator[Any]:
    """Yield a connection while no other replica empties ``source``, or None when another one does."""
    async with pool.acquire(timeout=10) as connection:  # which gives the lock back when it is released, or lost
        yield connection if await queries.lock_source(connection, source=source) else None


async def stored_uids(connection: Any, source: str, uidvalidity: int, uids: Sequence[int]) -> dict[int, Facts]:
    """Return those of ``uids`` under which a mail is stored, and what the server said of it."""
    rows = queries.stored_uids(connection, source=source, uidvalidity=uidvalidity, uids=list(uids))
    return {row["uid"]: Facts(row["internal_at"], row["size_bytes"]) async for row in rows}


async def still_there(connection: Any, source: str, uidvalidity: int, uids: Sequence[int], at: datetime) -> None:
    """Note that stored mails lie in their folder all the same: what is known of them must not be forgotten."""
    if uids:
        await queries.still_there(connection, source=source, uidvalidity=uidvalidity, uids=list(uids), at=at)


async def store_taken(connection: Any, taken: Taken, message: Received) -> bool:
    """Store a mail and its UID, both or neither; True when it was new.

    A UID that the server gave again, to another mail, is that other one's from now on. The same bytes with the same INTERNALDATE are the same mail
    whatever its UID; else ``store_message`` decides.
    """
    async with connection.transaction():
        same = await queries.is_known_mail(
            connection, mailbox=message.mailbox, sha256=message.sha256, internal_at=taken.internal_at
        )
        remembered = await queries.remember_uid(
            connection,
            source=taken.source,
            uidvalidity=taken.uidvalidity,
            uid=taken.uid,
            mailbox=message.mailbox,
            sha256=message.sha256,
            internal_at=taken.internal_at,
            size_bytes=taken.size_bytes,
        )
        if same or remembered is None:
            return False
        await store_message(connection, message)
        return True
