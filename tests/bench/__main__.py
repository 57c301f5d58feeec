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
from tests.bench import arithmetic
from tests.bench.measure import MEASURES
from tests.conftest import prepare

TUNED = ("shared_buffers=2GB", "max_wal_size=16GB", "checkpoint_timeout=30min", "maintenance_work_mem=1GB")
"""What anybody sets on a server of this size; commits are durable (fsync and synchronous_commit on)."""


async def main(names: Sequence[str]) -> int:
    """Run the named measures (none: every one), each in a process of its own; return how many failed."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    if not names or "arithmetic" in names:
        print(json.dumps(arithmetic.run()), flush=True)
    failed = 0
    with tempfile.TemporaryDirectory(prefix="prazo-bench-") as folder:
        path = Path(folder)
        kafka = await Kafka.start(path / "kafka", log=path / "kafka.log", report=lambda _: None)
        postgres = await Postgres.start(path / "postgres", log=path / "postgres.log", settings=TUNED)
        try:
            await prepare(postgres.admin_dsn)
            for name in MEASURES:
                if not names or name in names:
                    argv = [sys.executable, "-m", "tests.bench.measure", name, kafka.bootstrap, postgres.admin_dsn]
                    child = await asyncio.create_subprocess_exec(*argv)
                    failed += await child.wait() != 0
        finally:
            await asyncio.gather(kafka.stop(), postgres.stop())
    return failed


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
