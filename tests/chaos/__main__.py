"""``make chaos [KILLS=300] [SEED=…]``: the long storm; prints its seed, what it did, what it counted, every fault."""

import argparse
import asyncio
import json
import logging
import random
import sys
import tempfile
from pathlib import Path

from tests.chaos.run import run


def main() -> int:
    """Run one storm; return 1 when there was a fault."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**31))
    arguments = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    print(f"chaos: seed {arguments.seed}, {arguments.kills} kills", flush=True)
    with tempfile.TemporaryDirectory(prefix="prazo-chaos-") as folder:
        result = asyncio.run(run(Path(folder), arguments.kills, arguments.seed))
    print(json.dumps({"seed": arguments.seed, **result.counts}), flush=True)
    for fault in result.wrong:
        print(fault)
    return 1 if result.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
