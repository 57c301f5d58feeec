"""The service as a process: its memory among few and among many open clocks, and how soon it fires again after kill -9."""

import asyncio
import os
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer

from deploy.kafka.topics import create_topics
from deploy.local.process import Child, Command, free_port
from services.sla_timer.versions import Versions
from shared import clock
from shared.catalog import Catalogs, load
from shared.events import decode
from shared.postgres import create_pool
from tests.bench.crowd import seed_crowd, seed_due
from tests.conftest import dsn_for

FEW, MANY = 10_000, int(os.environ.get("PRAZO_BENCH_OPEN", "100000"))
FIRED, PER_SECOND = 5_000, 500
_SETTLED_SECONDS = 15


async def run(bootstrap: str, admin_dsn: str) -> AsyncIterator[dict[str, Any]]:
    """Yield the memory with few clocks, with many, and the recovery among the many."""
    prefix = f"m{uuid.uuid4().hex[:6]}."
    await create_topics(bootstrap, prefix, partitions=4)
    catalog = load(Path("deploy/config/catalog/2026-01.yaml"))
    dsn = dsn_for(admin_dsn, "sla_app", "prazo")
    pool, owner = create_pool(dsn, "sla"), create_pool(dsn_for(admin_dsn, "sla_owner", "prazo"), "sla")
    await pool
    await owner
    for table in ("outbox", "milestone", "clock", "ticket", "journal"):
        await owner.execute(f"TRUNCATE {table} CASCADE", timeout=300)
    versions = Versions(Catalogs([catalog]))
    await versions.register(pool, clock.now())
    with tempfile.TemporaryDirectory(prefix="prazo-process-") as folder:
        started = Service(bootstrap, prefix, dsn, Path(folder))
        memory: dict[int, float] = {}
        for name, total, added in (("F", FEW, FEW), ("M", MANY, MANY - FEW)):
            await seed_crowd(owner, catalog, versions.judged_by, added, name)
            child = await started.start()
            await asyncio.sleep(_SETTLED_SECONDS)
            memory[total] = resident_mb(child.pid)
            await child.stop()
        yield {
            "measure": "process_memory",
            "resident_mb": {str(count): round(mb, 1) for count, mb in memory.items()},
            "ratio": round(memory[MANY] / memory[FEW], 3),
        }
        begin = clock.now() + timedelta(seconds=12)
        due = (begin + timedelta(seconds=n / PER_SECOND) for n in range(FIRED))
        await seed_due(pool, catalog, versions.judged_by, "K", due)
        yield await _recovery(started, bootstrap, f"{prefix}sla.v1")
    await pool.close()
    await owner.close()


class Service:
    """sla_timer, to be started again and again."""

    def __init__(self, bootstrap: str, prefix: str, dsn: str, folder: Path) -> None:
        self._environment = {
            "PRAZO_KAFKA": bootstrap,
            "PRAZO_DATABASE_URL": dsn,
            "PRAZO_TOPIC_PREFIX": prefix,
            "PRAZO_SETTLE_SECONDS": "0",
        }
        self._log = folder / "sla_timer.log"

    async def start(self) -> Child:
        """Start the process."""
        environment = {**self._environment, "PRAZO_HTTP_PORT": str(free_port())}
        return await Child.start(Command([sys.executable, "-m", "services.sla_timer"], self._log, environment))


async def _recovery(service: Service, bootstrap: str, topic: str) -> dict[str, Any]:
    child = await service.start()
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    found: list[Any] = []
    killed_at = 0.0
    try:
        end = time.monotonic() + 120
        while len({r.key for r in found}) < FIRED and time.monotonic() < end:
            found += [r for rs in (await consumer.getmany(timeout_ms=100)).values() for r in rs]
            if len(found) > FIRED // 3 and not killed_at:
                await child.kill()
                killed_at = clock.now().timestamp() * 1000
                child = await service.start()
    finally:
        await consumer.stop()
        await child.stop()
    again = min((r.timestamp for r in found if r.timestamp > killed_at + 200), default=0)
    early = sum(r.timestamp < decode(r.value).time.timestamp() * 1000 - 1 for r in found)
    return {
        "measure": "recovery_after_kill_9",
        "open_clocks": MANY,
        "seconds_until_it_fires_again": round((again - killed_at) / 1000, 2),
        "fired": len({r.key for r in found}),
        "repeated_records": len(found) - len({r.key for r in found}),
        "early": early,
    }


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process without what it shares with files."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    kb = next(line.split()[1] for line in status.splitlines() if line.startswith("RssAnon"))
    return int(kb) / 1024
