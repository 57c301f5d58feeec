"""Durable ingest: ticket events from the broker into journal, clocks, milestones and outbox, committed.

The baseline reads the same records in the same batches with bare aiokafka and writes the same rows with bare asyncpg:
no decoding, no assessment, no events built. Alternating pairs, the median counts.
"""

import asyncio
import statistics
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage

from deploy.kafka.topics import create_topics
from services.sla_timer.handlers import Timer
from services.sla_timer.handlers import ingest as handle
from services.sla_timer.versions import Versions
from shared import clock
from shared.catalog import Catalogs, load
from shared.kafka import Record
from shared.postgres import create_pool
from tests.conftest import dsn_for

EVENTS, BATCH, PAIRS, EACH = 20_000, 500, 3, 1_500
_TABLES = {
    "journal": "ticket_id",
    "ticket": "ticket_id",
    "clock": "ticket_id",
    "milestone": "ticket_id",
    "outbox": "id",
}


async def fill(bootstrap: str, prefix: str) -> None:
    """Publish the events: half of them openings, half answers half a target later."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5, max_batch_size=256 * 1024)
    await producer.start()
    try:
        now = datetime.now(UTC).isoformat()
        sent = []
        for n in range(EVENTS):
            ticket, opening = f"B{n // 2:06d}", n % 2 == 0
            data = {"ticket_id": ticket, "by": "ana"}
            if opening:
                data = {
                    "ticket_id": ticket,
                    "service": "nfe-emission",
                    "channel": "email",
                    "title": "Rejeição 204 na NF-e",
                }
            event = {
                "specversion": "1.0",
                "id": f"{n}",
                "source": "bench/1",
                "type": "ticket.opened" if opening else "ticket.responded",
                "subject": ticket,
                "time": now,
                "data": data,
            }
            sent.append(await producer.send(f"{prefix}tickets.v1", orjson.dumps(event), key=ticket.encode()))
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


async def read(bootstrap: str, prefix: str, take: Callable[[Sequence[Any]], Awaitable[None]], group: str) -> float:
    """Return the seconds from the first batch to the last commit of its offsets."""
    consumer = AIOKafkaConsumer(
        f"{prefix}tickets.v1",
        bootstrap_servers=bootstrap,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    done, began = 0, 0.0
    try:
        while done < EVENTS:
            batch = [r for rs in (await consumer.getmany(timeout_ms=200, max_records=BATCH)).values() for r in rs]
            if not batch:
                continue
            began = began or time.perf_counter()
            await take(batch)
            await consumer.commit({TopicPartition(r.topic, r.partition): r.offset + 1 for r in batch})
            done += len(batch)
        return time.perf_counter() - began
    finally:
        await consumer.stop()


async def run(bootstrap: str, admin_dsn: str) -> AsyncIterator[dict[str, Any]]:
    """Yield events/s of sla_timer's ingest and its ratio to the bare loop."""
    prefix = f"b{uuid.uuid4().hex[:6]}."
    await create_topics(bootstrap, prefix, partitions=4)
    await fill(bootstrap, prefix)
    pool = create_pool(dsn_for(admin_dsn, "sla_app", "prazo"), "sla")
    await pool
    versions = Versions(Catalogs([load(Path("deploy/config/catalog/2026-01.yaml"))]))
    timer = Timer(pool, versions, f"{prefix}sla.v1")
    rows: dict[str, list[Any]] = {}
    taken = [0]

    async def ours(batch: Sequence[Any]) -> None:
        await handle(timer, [_record(r) for r in batch])

    async def bare(batch: Sequence[Any]) -> None:
        done = taken[0] = taken[0] + len(batch)
        async with pool.acquire() as connection, connection.transaction():
            for table, found in rows.items():
                upto, since = (-(-len(found) * n // EVENTS) for n in (done, done - len(batch)))
                await _write(connection, table, found[since:upto])

    ours_seconds, bare_seconds = [], []
    for pair in range(PAIRS):
        await _empty(pool)
        ours_seconds.append(await read(bootstrap, prefix, ours, f"ours{pair}"))
        rows = {table: await pool.fetch(f"SELECT * FROM {table} ORDER BY {key}") for table, key in _TABLES.items()}
        taken[0] = 0
        await _empty(pool)
        bare_seconds.append(await read(bootstrap, prefix, bare, f"bare{pair}"))
    await _empty(pool)
    each = await _per_message(bootstrap, prefix, timer)
    await _empty(pool)
    await pool.close()
    ratios = [b / o for o, b in zip(ours_seconds, bare_seconds, strict=True)]
    yield {
        "measure": "durable_ingest",
        "events_per_second": round(EVENTS / statistics.median(ours_seconds)),
        "baseline_bare_loop_events_per_second": round(EVENTS / statistics.median(bare_seconds)),
        "ratio": round(statistics.median(ratios), 2),
        "per_message_faststream_events_per_second": round(each),
        "ratio_to_per_message": round(EVENTS / statistics.median(ours_seconds) / each, 1),
        "events": EVENTS,
        "pairs": PAIRS,
    }


async def _per_message(bootstrap: str, prefix: str, timer: Timer) -> float:
    """Return events/s of what one would otherwise write: a FastStream handler of one message, acknowledged by itself."""
    broker, taken, done = KafkaBroker(bootstrap, logger=None), list[float](), asyncio.Event()

    @broker.subscriber(
        f"{prefix}tickets.v1", group_id="each", auto_offset_reset="earliest", ack_policy=AckPolicy.MANUAL
    )
    async def one(message: KafkaMessage) -> None:
        if done.is_set():
            return
        await handle(timer, [_record(message.raw_message)])
        await message.ack()
        taken.append(time.perf_counter())
        if len(taken) == EACH:
            done.set()

    await broker.start()
    await asyncio.wait_for(done.wait(), 120)
    await broker.stop()
    return (EACH - 1) / (taken[-1] - taken[0])


def _record(raw: Any) -> Record:
    at = clock.from_us(raw.timestamp * 1000)
    return Record(raw.topic, raw.partition, raw.offset, at, raw.key, raw.value, tuple(raw.headers))


async def _empty(pool: Any) -> None:
    for table in ("outbox", "milestone", "clock", "ticket", "journal"):
        await pool.execute(f"DELETE FROM {table}")  # our own names


async def _write(connection: Any, table: str, rows: Sequence[Any]) -> None:
    """Write the very rows that ours wrote (identity columns anew), by unnest, as fast as asyncpg can."""
    if not rows:
        return
    names = [name for name in dict(rows[0]) if (table, name) not in {("outbox", "id"), ("milestone", "position")}]
    types = await connection.fetch(
        "SELECT attname, format_type(atttypid, atttypmod) AS type FROM pg_attribute WHERE attrelid = $1::regclass",
        table,
    )
    type_of = {row["attname"]: row["type"] for row in types}
    arrays = ", ".join(f"${i}::{type_of[name]}[]" for i, name in enumerate(names, start=1))
    columns = ", ".join(names)
    await connection.execute(
        f"INSERT INTO {table} ({columns}) SELECT * FROM unnest({arrays})",  # names of our own schema
        *[[row[name] for row in rows] for name in names],
    )
