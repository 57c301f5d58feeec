"""One measure in a process set up as a service's is: uvloop, what stands is frozen for the garbage collector."""

import asyncio
import json
import logging
import sys

import structlog
import uvloop

from shared.service import settle_memory
from tests.bench import channels, firing, ingest, pages, pages_storm, process, receive

MEASURES = {"ingest": ingest.run, "firing": firing.run, "process": process.run, "receive": receive.run}
MEASURES |= {"pages": pages.run, "channels": channels.run, "storm": pages_storm.run}


async def main(name: str, bootstrap: str, admin_dsn: str) -> None:
    """Print each line of the measure as JSON."""
    settle_memory()
    async for line in MEASURES[name](bootstrap, admin_dsn):
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(*sys.argv[1:]))
