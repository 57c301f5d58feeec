"""Deadline arithmetic in nanoseconds, against walking the days."""

import random
import time
from pathlib import Path
from typing import Any

from shared.catalog import load
from shared.clock import from_us

_HOUR = 3_600_000_000
_DAY = 24 * _HOUR
_OFFSET = 3 * _HOUR  # Brasília, which has had no DST since 2019


def _walk(start_us: int, open_us: int) -> int:
    """Return the deadline by walking business days of 07:00-19:00, one by one."""
    day = (start_us - _OFFSET) // _DAY
    while True:
        midnight = day * _DAY + _OFFSET
        opens, closes = midnight + 7 * _HOUR, midnight + 19 * _HOUR
        begin = max(opens, start_us)
        if (day + 3) % 7 < 5 and begin < closes:
            if closes - begin >= open_us:
                return begin + open_us
            open_us -= closes - begin
        day += 1


def run() -> dict[str, Any]:
    """Return ns per deadline of the cumulative table and of the walk over the same 100,000 questions."""
    calendar = load(Path("deploy/config/catalog/2026-01.yaml")).business
    seeded = random.Random(1)
    base = 1_772_400_000_000_000
    asked = [(base + seeded.randrange(300 * _DAY), seeded.randrange(1, 60 * _HOUR)) for _ in range(100_000)]
    calendar.add(base + 400 * _DAY, _HOUR)
    wrong = [q for q in asked[:5000] if calendar.add(*q) != _walk(*q)]
    if wrong:
        raise AssertionError(f"the table and the walk disagree at {from_us(wrong[0][0])}")
    table, walk = (_ns(function, asked) for function in (calendar.add, _walk))
    return {
        "measure": "deadline_arithmetic",
        "ns_per_deadline": round(table),
        "baseline_walking_days_ns": round(walk),
        "ratio": round(walk / table, 1),
    }


def _ns(function: Any, asked: list[tuple[int, int]]) -> float:
    began = time.perf_counter_ns()
    for start, open_us in asked:
        function(start, open_us)
    return (time.perf_counter_ns() - began) / len(asked)
