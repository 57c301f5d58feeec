"""Lateness of steady fires: from the instant a clock is due to the broker's acknowledgement, among many open clocks."""

import asyncio
import time
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson

from deploy.kafka.topics import create_topics
from services.sla_timer.domain.hold import Hold, Limits
from services.sla_timer.handlers import Timer, fire_due
from services.sla_timer.versions import Versions
from shared import clock
from shared.catalog import Catalogs, load
from shared.events import TicketSummary, decode
from shared.kafka import Message, Producer
from shared.outbox import Relay
from shared.postgres import create_pool
from tests.conftest import dsn_for

OPEN, PER_SECOND, SECONDS = 100_000, 1_000, 15
_POLL_SECONDS = 0.01


class Stopwatch(Producer):
    """The real producer, noting for each event how long after its due instant the broker had acknowledged it."""

    def __init__(self, bootstrap: str) -> None:
        super().__init__(bootstrap)
        self.lateness: list[float] = []

    async def send_all(self, messages: Any) -> list[BaseException | None]:
        """Send as ever, then note the lateness of each."""
        results = await super().send_all(messages)
        acknowledged_at = clock.now()
        self.lateness += [self._late(message, acknowledged_at) for message in messages]
        return results

    @staticmethod
    def _late(message: Message, at: Any) -> float:
        return float((at - decode(message.value).data.occurred_at).total_seconds())


async def seed(pool: Any, catalogs: Catalogs, judged_by: int) -> None:
    """Write the open clocks with COPY: those of the run due one after another from three seconds on, the rest in a year."""
    begin = clock.now() + timedelta(seconds=3)
    due = PER_SECOND * SECONDS
    catalog = catalogs.for_start(clock.to_us(begin))
    summary = TicketSummary(
        title="bench",
        service="triage",
        priority="medium",
        emergency=False,
        channel="email",
        assignee=None,
        coverage="covered",
        chargeable="no",
        opened_at=begin,
    )
    tickets, clocks = [], []
    for n in range(OPEN):
        at = begin + timedelta(seconds=n / PER_SECOND) if n < due else begin + timedelta(days=365, seconds=n)
        us = clock.to_us(at)
        basis = {"start": us - 7_200_000_000, "from": us - 7_200_000_000, "service": "triage", "priority": "medium"}
        basis |= {"catalog": catalog.version, "calendar": "always", "us": 7_200_000_000, "due": us}
        basis |= {"pauses": [], "pending": False}
        basis["ahead"] = [["breached", 1, us, ""]]
        tickets.append((f"F{n}", 1, "triage", "bench", "medium", summary.model_dump_json().encode(), catalog.version))
        clocks.append((f"F{n}", "response", 1, 1, "running", "open", at, at, orjson.dumps(basis), judged_by))
    names = ["ticket_id", "sequence", "service", "title", "priority", "summary", "catalog"]
    await pool.copy_records_to_table("ticket", records=tickets, columns=names)
    names = ["ticket_id", "metric", "cycle", "version", "state", "verdict", "due_at", "fire_at", "basis", "judged_by"]
    await pool.copy_records_to_table("clock", records=clocks, columns=names)
    await pool.execute("ANALYZE")


async def run(bootstrap: str, admin_dsn: str, _: Path) -> dict[str, Any]:
    """Return p50, p99 and max lateness in ms; the baseline is one bare acknowledged send."""
    prefix = f"f{uuid.uuid4().hex[:6]}."
    await create_topics(bootstrap, prefix, partitions=4)
    pool = create_pool(dsn_for(admin_dsn, "sla_app", "prazo"), "sla")
    await pool
    catalogs = Catalogs([load(Path("deploy/config/catalog/2026-01.yaml"))])
    versions = Versions(catalogs)
    await versions.register(pool, clock.now())
    timer = Timer(pool, versions, f"{prefix}sla.v1")
    async with Stopwatch(bootstrap) as producer, Relay(pool, producer) as relay:
        baseline = await _bare(producer, f"{prefix}sla.v1")
        producer.lateness.clear()
        await seed(pool, catalogs, versions.judged_by)
        loops = [asyncio.create_task(_fire(timer)), asyncio.create_task(_turn(relay))]
        end = time.monotonic() + SECONDS + 30
        while len(producer.lateness) < PER_SECOND * SECONDS and time.monotonic() < end:
            await asyncio.sleep(0.1)
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
    await pool.close()
    late = sorted(producer.lateness)
    return {
        "measure": "lateness_due_to_broker_acknowledgement",
        "open_clocks": OPEN,
        "fires_per_second": PER_SECOND,
        "fired": len(late),
        "early": sum(one < 0 for one in late),
        "p50_ms": round(late[len(late) // 2] * 1000, 1),
        "p99_ms": round(late[len(late) * 99 // 100] * 1000, 1),
        "max_ms": round(late[-1] * 1000, 1),
        "baseline_bare_send_p50_ms": round(baseline * 1000, 1),
    }


async def _fire(timer: Timer) -> None:
    hold = Hold(Limits(lag=2.0, limit=300.0, settle=10.0))
    while True:
        hold.observe(asyncio.get_running_loop().time(), {0: 0}, {0: 0})
        watermark = clock.now() - timedelta(seconds=5)
        if not await fire_due(timer, hold, watermark):
            await asyncio.sleep(_POLL_SECONDS)


async def _turn(relay: Relay) -> None:
    while True:
        if not await relay.turn():
            await asyncio.sleep(_POLL_SECONDS)


async def _bare(producer: Producer, topic: str) -> float:
    """Return the median seconds of one bare acknowledged send."""
    taken = []
    for n in range(50):
        began = time.perf_counter()
        await Producer.send_all(producer, [Message(topic, b"bare", str(n).encode())])
        taken.append(time.perf_counter() - began)
    return sorted(taken)[25]
