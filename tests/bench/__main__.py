"""``make bench [MEASURES=…]``: one JSON line per measure, on a Kafka and a PostgreSQL started for it (fsync on)."""

import asyncio
import json
import logging
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from shared.service import settle_memory
from tests.bench import arithmetic, firing, ingest
from tests.conftest import prepare

TUNED = ("shared_buffers=2GB", "max_wal_size=16GB", "checkpoint_timeout=30min", "maintenance_work_mem=1GB")
"""What anybody sets on a server of this size; commits are durable (fsync and synchronous_commit on)."""

MEASURES = {"ingest": ingest.run, "firing": firing.run}


async def main(names: Sequence[str]) -> None:
    """Run the named measures (none: every one) and print each."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    if not names or "arithmetic" in names:
        print(json.dumps(arithmetic.run()), flush=True)
    with tempfile.TemporaryDirectory(prefix="prazo-bench-") as folder:
        path = Path(folder)
        kafka = await Kafka.start(path / "kafka", log=path / "kafka.log", report=lambda _: None)
        postgres = await Postgres.start(path / "postgres", log=path / "postgres.log", settings=TUNED)
        try:
            await prepare(postgres.admin_dsn)
            settle_memory()  # as a service does
            for name, measure in MEASURES.items():
                if not names or name in names:
                    async for line in measure(kafka.bootstrap, postgres.admin_dsn, path):
                        print(json.dumps(line), flush=True)
        finally:
            await asyncio.gather(kafka.stop(), postgres.stop())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
