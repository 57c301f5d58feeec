"""One storm from beginning to end, on servers of its own."""

import asyncio
import json
import logging
import random
import tempfile
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.kafka.topics import create_topics
from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from shared.kafka import Producer
from shared.postgres import create_pool
from tests.chaos.checks import SETTLED_SECONDS, findings, quiet
from tests.chaos.storm import REPLICAS, Storm
from tests.conftest import dsn_for, prepare
from tests.stories.timer import world


@dataclass(frozen=True, slots=True)
class Result:
    """What was done and counted, and every fault in words."""

    counts: dict[str, int]
    wrong: list[str]


async def run(folder: Path, kills: int, seed: int) -> Result:
    """Blow until ``kills`` replicas were killed, wait until it is quiet, and check."""
    kafka = await Kafka.start(folder / "kafka", log=folder / "kafka.log", report=lambda _: None)
    postgres = await Postgres.start(folder / "postgres", log=folder / "postgres.log")
    try:
        await prepare(postgres.admin_dsn)
        await create_topics(kafka.bootstrap, "c.", partitions=REPLICAS * 2)
        async with world(kafka.bootstrap, "c.", postgres.admin_dsn, "prazo", folder) as made:
            storm = Storm(made, kafka, postgres, random.Random(seed))
            try:
                async with Producer(kafka.bootstrap) as producer:
                    await storm.blow(kills, producer)
                pool = create_pool(dsn_for(postgres.admin_dsn, "sla_app", "prazo"), "sla", size=2)
                await pool
                await asyncio.sleep(6)
                await quiet(pool, SETTLED_SECONDS)
                counts, wrong = await findings(made, pool, storm.due, storm.in_time)
                await pool.close()
            finally:
                await storm.end()
    finally:
        await asyncio.gather(kafka.stop(), postgres.stop())
    return Result({**storm.done, **counts}, wrong)


def report(name: str, once: Callable[[Path], Coroutine[Any, Any, Result]], seed: int) -> int:
    """Run ``once`` in a folder of its own, print what was counted and every fault; return 1 when there was one."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix=f"prazo-{name}-") as folder:
        result = asyncio.run(once(Path(folder)))
    print(json.dumps({"seed": seed, **result.counts}), flush=True)
    for fault in result.wrong:
        print(fault)
    return 1 if result.wrong else 0
