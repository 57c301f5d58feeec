"""Lateness of fires among many open clocks: from the instant a clock is due to the broker's acknowledgement.

The product's own tickers and relay, in one process. The baseline is one bare acknowledged send in the same run.
"""

import asyncio
import os
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import orjson

from deploy.kafka.topics import create_topics
from services.sla_timer.domain.hold import Hold, Limits
from services.sla_timer.handlers import Timer
from services.sla_timer.ticker import POLL_SECONDS, Ticker
from services.sla_timer.versions import Versions
from shared import clock
from shared.catalog import Catalog, Catalogs, load
from shared.kafka import Message, Producer
from shared.outbox import Relay
from shared.postgres import create_pool
from shared.service import RELAY_PERIOD_SECONDS, Loop, keep_turning
from tests.bench.crowd import seed_crowd, seed_due
from tests.conftest import dsn_for

OPEN = int(os.environ.get("PRAZO_BENCH_OPEN", "100000"))
RATES = [int(rate) for rate in os.environ.get("PRAZO_BENCH_RATES", "1000").split(",")]
SECONDS, BURST = 15, int(os.environ.get("PRAZO_BENCH_BURST", "0"))


class Stopwatch(Producer):
    """The real producer, noting when the broker had acknowledged what."""

    def __init__(self, bootstrap: str) -> None:
        super().__init__(bootstrap)
        self.acknowledged: list[tuple[datetime, bytes]] = []

    async def send_all(self, messages: Any) -> list[BaseException | None]:
        """Send as ever, and note the instant."""
        results = await super().send_all(messages)
        at = clock.now()
        self.acknowledged += [(at, message.value) for message in messages]
        return results

    def lateness(self) -> tuple[list[float], int]:
        """Return seconds from due to acknowledged, sorted, and how many were fired before they were due."""
        late, early = [], 0
        for at, body in self.acknowledged:
            data = orjson.loads(body)["data"]
            due = datetime.fromisoformat(data["occurred_at"])
            late.append((at - due).total_seconds())
            early += datetime.fromisoformat(data["detected_at"]) < due
        return sorted(late), early


async def run(bootstrap: str, admin_dsn: str) -> AsyncIterator[dict[str, Any]]:
    """Yield a measure per rate, and one of a burst at one instant."""
    prefix = f"f{uuid.uuid4().hex[:6]}."
    await create_topics(bootstrap, prefix, partitions=4)
    catalog = load(Path("deploy/config/catalog/2026-01.yaml"))
    pool, owner = (create_pool(dsn_for(admin_dsn, f"sla_{role}", "prazo"), "sla") for role in ("app", "owner"))
    await pool
    await owner
    versions = Versions(Catalogs([catalog]))
    await versions.register(pool, clock.now())
    timer = Timer(pool, versions, f"{prefix}sla.v1")
    began = time.perf_counter()
    await seed_crowd(owner, catalog, versions.judged_by, OPEN)
    await _written(admin_dsn)
    yield {"measure": "seeding", "open_clocks": OPEN, "seconds": round(time.perf_counter() - began, 1)}
    for rate in RATES:
        spread = _spread(timedelta(seconds=4 + rate * SECONDS / 25_000), rate * SECONDS, timedelta(seconds=1) / rate)
        yield await _measure(timer, catalog, bootstrap, f"R{rate}-", spread, {"fires_per_second": rate})
    if BURST:
        at_once = _spread(timedelta(seconds=4 + BURST / 25_000), BURST, timedelta(0))
        yield await _measure(timer, catalog, bootstrap, "B", at_once, {"due_at_one_instant": BURST})
    await pool.close()
    await owner.close()


async def _written(admin_dsn: str) -> None:
    """Wait until what was seeded is on the disk: ten million clocks are not written in minutes before they come due."""
    connection = await asyncpg.connect(admin_dsn)
    await connection.execute("CHECKPOINT", timeout=900)
    await connection.close()
    await asyncio.to_thread(os.sync)


def _spread(ahead: timedelta, count: int, step: timedelta) -> Iterator[datetime]:
    begin = clock.now() + ahead
    return (begin + step * n for n in range(count))


async def _measure(
    timer: Timer, catalog: Catalog, bootstrap: str, prefix: str, due: Iterator[datetime], words: dict[str, Any]
) -> dict[str, Any]:
    instants = list(due)
    async with Stopwatch(bootstrap) as producer:
        baseline = await _bare(producer, timer.sla_topic)
        producer.acknowledged.clear()
        await seed_due(timer.pool, catalog, timer.versions.judged_by, prefix, iter(instants))
        seeded_late = clock.now() > instants[0]
        cpu = time.process_time()
        async with _firing(timer, producer):
            end = time.monotonic() + 60 + (instants[-1] - clock.now()).total_seconds()
            while len(producer.acknowledged) < len(instants) and time.monotonic() < end:
                await asyncio.sleep(0.1)
        cpu = time.process_time() - cpu
        late, early = producer.lateness()
    return {
        "measure": "lateness_due_to_broker_acknowledgement",
        "open_clocks": OPEN,
        **words,
        "fired": len(late),
        "early": early,
        "p50_ms": round(late[len(late) // 2] * 1000, 1),
        "p99_ms": round(late[len(late) * 99 // 100] * 1000, 1),
        "max_ms": round(late[-1] * 1000, 1),
        "process_cpu_us_per_fire": round(cpu / max(1, len(late)) * 1e6, 1),
        "baseline_bare_send_p50_ms": round(baseline * 1000, 1),
        "seeded_in_time": not seeded_late,
    }


@asynccontextmanager
async def _firing(timer: Timer, producer: Producer) -> AsyncIterator[None]:
    """Run the product's tickers and relay; ingest is said to be fresh."""
    hold = Hold(Limits(lag=2.0, limit=300.0, settle=10.0))

    async def fresh() -> bool:
        hold.observe(asyncio.get_running_loop().time(), {0: 0}, {0: 0})
        return False

    async with Relay(timer.pool, producer) as relay:
        loops = [
            Loop("fresh", fresh, 0.2),
            *(Loop(f"ticker_{n}", Ticker(timer, hold, sweeps=n == 1).turn, POLL_SECONDS) for n in (1, 2)),
            Loop("relay", relay.turn, RELAY_PERIOD_SECONDS, timer.recorded),
        ]
        tasks = [asyncio.create_task(keep_turning(loop)) for loop in loops]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _bare(producer: Producer, topic: str) -> float:
    """Return the median seconds of one bare acknowledged send."""
    taken = []
    for n in range(50):
        began = time.perf_counter()
        await Producer.send_all(producer, [Message(topic, b"bare", str(n).encode())])
        taken.append(time.perf_counter() - began)
    return sorted(taken)[25]
