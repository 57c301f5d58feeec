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

MEASURES = {"ingest": ingest.run, "firing": firing.run}


async def main(names: Sequence[str]) -> None:
    """Run the named measures (none: every one) and print each."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    if not names or "arithmetic" in names:
        print(json.dumps(arithmetic.run()), flush=True)
    with tempfile.TemporaryDirectory(prefix="prazo-bench-") as folder:
        path = Path(folder)
        kafka = await Kafka.start(path / "kafka", log=path / "kafka.log", report=lambda _: None)
        postgres = await Postgres.start(path / "postgres", log=path / "postgres.log")
        try:
            await prepare(postgres.admin_dsn)
            settle_memory()  # as a service does
            for name, measure in MEASURES.items():
                if not names or name in names:
                    print(json.dumps(await measure(kafka.bootstrap, postgres.admin_dsn, path)), flush=True)
        finally:
            await asyncio.gather(kafka.stop(), postgres.stop())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
