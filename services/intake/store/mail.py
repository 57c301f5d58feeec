"""Messages as they came in, and which of them nothing was decided of yet."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.intake.store import queries

RETRY_WINDOW = timedelta(minutes=10)
"""How long a mail server that heard no 250 may take to send the same bytes again."""

_STATEMENT_BYTES = 32 * 1024 * 1024


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
    """Store one message; see ``store_messages``."""
    await store_messages(connection, [message])


async def store_messages(connection: Any, messages: Sequence[Received]) -> None:
    """Store messages, all of them or none; a repetition to the same mailbox is stored once.

    Two messages are one when Message-ID and bytes are equal, and without a Message-ID (RFC 5322 only recommends it)
    when equal bytes come again within ``RETRY_WINDOW``, before or after: IMAP gives mails in any order. Everybody stores
    in the same order, so that none waits in a circle.
    """
    ordered = sorted(messages, key=lambda m: (m.mailbox, m.message_id, m.sha256))
    once = list({(m.mailbox, m.message_id, m.sha256): m for m in reversed(ordered)}.values())[::-1]
    keys = sorted({int.from_bytes(m.sha256[:8], "big", signed=True) for m in once if not m.message_id})
    parts = list(_statements(once))
    if len(parts) == 1 and not keys:  # a statement is a transaction
        await _store(connection, parts[0])
        return
    async with connection.transaction():
        if keys:
            await queries.lock_copies(connection, keys=keys)
        for part in parts:
            await _store(connection, part)


def _statements(messages: Sequence[Received]) -> Iterator[Sequence[Received]]:
    """Yield the messages in parts that one statement may carry: a large mail to many mailboxes takes several."""
    part, size = list[Received](), 0
    for message in messages:
        if part and size + len(message.raw) > _STATEMENT_BYTES:
            yield part
            part, size = [], 0
        part.append(message)
        size += len(message.raw)
    yield part


async def _store(connection: Any, messages: Sequence[Received]) -> None:
    contents = {message.sha256: message.raw for message in messages}  # copies for several mailboxes are sent once
    place = {sha256: n for n, sha256 in enumerate(contents, start=1)}
    await queries.store_messages(
        connection,
        sha256s=list(contents),
        raws=list(contents.values()),
        contents=[place[m.sha256] for m in messages],
        mailboxes=[m.mailbox for m in messages],
        message_ids=[m.message_id for m in messages],
        received_ats=[m.received_at for m in messages],
        traceparents=[m.traceparent for m in messages],
        envelope_froms=[m.envelope_from for m in messages],
        retry_window=RETRY_WINDOW,
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
