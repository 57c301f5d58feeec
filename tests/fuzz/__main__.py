"""``make fuzz``: mails broken by a seed, for MINUTES; what the reader does not survive is kept in ``var/fuzz``."""

import argparse
import hashlib
import random
import sys
import time
from collections import Counter
from pathlib import Path

from tests.corpus.mails import mails
from tests.fuzz.judge import fault, shipped
from tests.fuzz.mutator import mutated
from tests.unit.intake.test_corpus import wrong

_WHOLE = 500  # mails that are broken, and read unbroken before
_FOUND_LIMIT = 50
_FOLDER = Path("var/fuzz")


def main() -> int:
    """Run, print what was tried; return 1 if something was found."""
    parser = argparse.ArgumentParser(prog="fuzz")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    whole = list(mails(arguments.seed, _WHOLE))
    faults = Counter(said for mail in whole if (said := wrong(mail)) is not None)
    known, chance, raws = shipped(), random.Random(arguments.seed), [mail.raw for mail in whole]
    began = time.monotonic()
    tried, size, slowest, found = 0, 0, 0.0, 0
    while time.monotonic() - began < 60 * arguments.minutes and found < _FOUND_LIMIT:
        raw = mutated(chance, raws)
        said, taken = fault(raw, known)
        tried, size, slowest = tried + 1, size + len(raw), max(slowest, taken)
        if said is not None:
            found += 1
            faults[said] += 1
            print(f"{_kept(raw)}: {said}", flush=True)
    seconds = time.monotonic() - began
    print(
        f"seed {arguments.seed}: {_WHOLE} whole mails and {tried} broken ones ({size / 1e6:.0f} MB) in {seconds:.0f} s,"
        f" {tried / max(seconds, 0.001):.0f}/s; the slowest took {slowest:.2f} s; {sum(faults.values())} found"
    )
    for said, count in faults.most_common():
        print(f"  {count} × {said}")
    return 1 if faults else 0


def _kept(raw: bytes) -> Path:
    _FOLDER.mkdir(parents=True, exist_ok=True)
    path = _FOLDER / f"{hashlib.sha256(raw).hexdigest()[:16]}.eml"
    path.write_bytes(raw)
    return path


if __name__ == "__main__":
    sys.exit(main())
