"""What the database knows of all clocks: how many by state, and how long the oldest one waits to be fired.

Counted while they are few, by the planner's statistics once they are many.
"""

from services.sla_timer import metrics, store
from services.sla_timer.handlers import Timer

CENSUS_SECONDS = 2.0
_COUNT_EVERY = 8  # turns
_COUNTED_BELOW = 100_000  # rows; a count of so many takes some ten milliseconds


class Census:
    """Sets the gauges; every replica says the same, whether or not it may fire."""

    def __init__(self, timer: Timer) -> None:
        self._timer = timer
        self._turns = 0

    async def turn(self) -> bool:
        """Look at the oldest; now and then count."""
        pool = self._timer.pool
        metrics.oldest_due_seconds.set(await store.queries.oldest_due_seconds(pool))
        self._turns += 1
        if self._turns % _COUNT_EVERY != 1:
            return False
        many = await store.queries.clock_rows(pool) >= _COUNTED_BELOW
        rows = store.queries.estimated_states(pool) if many else store.queries.counted_states(pool)
        found = {row["state"]: row["clocks"] async for row in rows}
        for state in metrics.STATES:
            metrics.clocks.labels(state).set(found.get(state, 0))
        return False
