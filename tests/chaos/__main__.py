"""``make chaos [KILLS=300] [SEED=…]``: the long storm; prints its seed, what it did, what it counted, every fault."""

import argparse
import random
import sys

from tests.chaos.run import report, run


def main() -> int:
    """Run one storm; return 1 when there was a fault."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**31))
    arguments = parser.parse_args()
    print(f"chaos: seed {arguments.seed}, {arguments.kills} kills", flush=True)
    return report("chaos", lambda folder: run(folder, arguments.kills, arguments.seed), arguments.seed)


if __name__ == "__main__":
    sys.exit(main())
