"""The outbox: events recorded in the deciding transaction, published in order per key, deleted when acknowledged.

An event that is too large for any broker is set aside, marked ``refused``, and holds up nothing behind it.
A crash between acknowledgement and deletion sends the same bytes (so the same event id) again; nothing is ever lost.
"""

import asyncio
import zlib
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
import structlog
from prometheus_client import Counter as CounterMetric
from prometheus_client import Gauge

from shared.events import CONTENT_TYPE, Event, Outgoing, encode
from shared.kafka import TOO_LARGE, Message, Producer

log = structlog.get_logger(__name__)

BUCKETS = 8
RELAY_ROWS = 2000
SWEEP_SECONDS = 5.0
_NEVER = float("-inf")
_COLUMNS = ("bucket", "topic", "key", "body", "traceparent")
_LOCK_CLASS = 0x4F42  # "OB"

_NEXT = """
    SELECT o.*, extract(epoch FROM now() - o.created_at)::float8 AS age
    FROM unnest($1::smallint[]) AS held (bucket) CROSS JOIN LATERAL (
        SELECT id, bucket, topic, key, body, traceparent, created_at FROM outbox
        WHERE outbox.bucket = held.bucket AND id > $3 AND refused IS NULL ORDER BY id LIMIT $2
    ) AS o ORDER BY o.id
"""
"""The head of each bucket in order of the index: a backlog costs no more than what is taken of it."""

_UNHURRIED = "SET synchronous_commit = off"
"""A deletion that a crash of the database loses only sends the same bytes again."""

published = CounterMetric("prazo_outbox_published_total", "Events acknowledged by the broker.")
refused = CounterMetric("prazo_outbox_refused_total", "Events that the broker will never take.")
oldest_seconds = Gauge("prazo_outbox_oldest_seconds", "Age of the oldest event that waits to be published.")


async def record(connection: Any, topic: str, events: Sequence[Event[Any]]) -> None:
    """Record ``events`` in the caller's transaction; those of one subject are published in this order."""
    await enqueue(connection, topic, [Outgoing(e.subject, encode(e), e.traceparent) for e in events])


async def enqueue(connection: Any, topic: str, events: Sequence[Outgoing]) -> None:
    """Record encoded events in the caller's transaction; those of one subject are published in this order."""
    rows = []
    for event in events:
        key = event.subject.encode()
        rows.append((zlib.crc32(key) % BUCKETS, topic, key, event.body, event.traceparent))
    await connection.copy_records_to_table("outbox", records=rows, columns=_COLUMNS)


class Relay:
    """Publishes one schema's outbox; holds its buckets by session advisory locks on a connection of its own.

    Between sweeps it reads above what it published long ago only: under a transaction that somebody holds open the
    index keeps every row that was deleted. A lower row that was committed late waits for the next sweep.
    """

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", producer: Producer) -> None:
        self._pool = pool
        self._producer = producer
        self._connection: Any = None
        self._held: list[int] = []
        self._above = 0  # rows up to here were published before the last sweep but one
        self._seen = 0
        self._swept_at = _NEVER

    async def __aenter__(self) -> "Relay":
        """Nothing is claimed before the first turn."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Give the buckets back."""
        await self._release()

    async def turn(self) -> bool:
        """Publish up to ``RELAY_ROWS`` rows of the buckets held; True when there may be more at once.

        Whatever goes wrong, the buckets are given back: another replica's broker may answer.
        """
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._release)
            if self._connection is None or self._connection.is_closed():
                await self._release()
                self._connection = await self._pool.acquire()
                await self._connection.execute(_UNHURRIED)
            if len(self._held) < BUCKETS:
                await self._claim()
            more = await self._publish()
            stack.pop_all()
        return more

    async def _claim(self) -> None:
        rows = await self._connection.fetch(
            "SELECT b FROM unnest($1::int[]) AS u (b) WHERE pg_try_advisory_lock($2 # hashtext(current_schema()), b)",
            [b for b in range(BUCKETS) if b not in self._held],
            _LOCK_CLASS,
        )
        if rows:
            self._held += [row["b"] for row in rows]
            self._read_anew()  # of a new bucket old rows may be left

    async def _publish(self) -> bool:
        now = asyncio.get_running_loop().time()
        sweeping = now - self._swept_at >= SWEEP_SECONDS
        at_most = RELAY_ROWS // max(1, len(self._held))
        rows = await self._connection.fetch(_NEXT, self._held, at_most, 0 if sweeping else self._above)
        more = max(Counter(row["bucket"] for row in rows).values(), default=0) == at_most
        if sweeping and not more:  # everything lower was there to be read, or is gone
            self._swept_at, self._above, self._seen = now, self._seen, rows[-1]["id"] if rows else self._seen
        oldest_seconds.set(rows[0]["age"] if rows else 0)
        if not rows:
            return False
        results = await self._producer.send_all([_message(row) for row in rows])
        outcomes = list(zip(rows, results, strict=True))
        await self._forget([row["id"] for row, result in outcomes if result is None])
        for row, result in outcomes:
            if isinstance(result, TOO_LARGE):
                await self._refuse(row["id"], type(result).__name__)
        failed = next((r for r in results if r is not None and not isinstance(r, TOO_LARGE)), None)
        if failed is not None:
            raise failed
        return more

    def _read_anew(self) -> None:
        self._swept_at, self._above, self._seen = _NEVER, 0, 0

    async def _forget(self, ids: Sequence[int]) -> None:
        await self._connection.execute("DELETE FROM outbox WHERE id = ANY($1::bigint[])", ids)
        published.inc(len(ids))

    async def _refuse(self, row_id: int, reason: str) -> None:
        await self._connection.execute("UPDATE outbox SET refused = $2 WHERE id = $1", row_id, reason)
        refused.inc()
        log.error("event_refused_by_broker", outbox_id=row_id, reason=reason)

    async def _release(self) -> None:
        """Close the session, and with it every lock it holds."""
        connection, self._connection, self._held = self._connection, None, []
        self._read_anew()  # nothing of a key may overtake what failed
        if connection is not None:
            connection.terminate()
            await self._pool.release(connection)


def _message(row: Any) -> Message:
    headers = [("content-type", CONTENT_TYPE.encode())]
    if row["traceparent"]:
        headers.append(("traceparent", row["traceparent"].encode()))
    return Message(row["topic"], row["key"], row["body"], tuple(headers))
