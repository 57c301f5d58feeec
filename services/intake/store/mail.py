"""Messages as they came in, and which of them nothing was decided of yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.intake.store import queries

RETRY_WINDOW = timedelta(minutes=10)
"""How long a mail server that heard no 250 may take to send the same bytes again."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A stored message that nothing was decided of. ``envelope_from``: "" is the null sender, None is not known.

    ``opened_by_hand``: it was discarded, and a person asked for a ticket.
    """

    id: int
    mailbox: str
    received_at: datetime
    traceparent: str
    attempts: int
    envelope_from: str | None
    opened_by_hand: bool = False


@dataclass(frozen=True, slots=True)
class Received:
    """A message as it came in; ``sha256`` is that of ``raw``."""

    mailbox: str
    message_id: str
    raw: bytes
    sha256: bytes
    received_at: datetime
    traceparent: str
    envelope_from: str | None = None


async def store_message(connection: Any, message: Received) -> None:
    """Store a message in the caller's transaction; a repetition to the same mailbox is stored once.

    Two messages are one when Message-ID and bytes are equal, and without a Message-ID (RFC 5322 only recommends it)
    when equal bytes come again within ``RETRY_WINDOW``, before or after: IMAP gives mails in any order.
    """
    if not message.message_id:
        await queries.lock_copies(connection, mailbox=message.mailbox, sha256=message.sha256)
    await queries.store_message(
        connection,
        mailbox=message.mailbox,
        message_id=message.message_id,
        sha256=message.sha256,
        raw=message.raw,
        received_at=message.received_at,
        traceparent=message.traceparent,
        envelope_from=message.envelope_from,
        retries_since=message.received_at - RETRY_WINDOW,
        retries_until=message.received_at + RETRY_WINDOW,
    )


async def unread(pool: Any, at_most: int) -> Mapping[int, int]:
    """Return how often each of the oldest unread messages was tried in vain, by id, oldest first."""
    return {row["id"]: row["attempts"] async for row in queries.unread(pool, at_most=at_most)}


async def begin_attempt(pool: Any, ids: Sequence[int]) -> None:
    """Count an attempt for each of ``ids``, durably."""
    await queries.begin_attempt(pool, ids=list(ids))


async def to_read(pool: Any, ids: Sequence[int]) -> Sequence[Unread]:
    """Return those of ``ids`` of which nothing was decided yet; nothing is locked."""
    return [Unread(**row) async for row in queries.to_read(pool, ids=list(ids))]


async def claim_unread(connection: Any, ids: Sequence[int]) -> Sequence[Unread]:
    """Lock and return those of ``ids`` of which nothing was decided yet."""
    return [Unread(**row) async for row in queries.claim_unread(connection, ids=list(ids))]
