"""How many clocks there are by state: counted while they are few, by the planner's statistics once they are many."""

from services.sla_timer import metrics, store
from services.sla_timer.handlers import Timer

CENSUS_SECONDS = 15.0
_COUNTED_BELOW = 100_000  # rows; a count of so many takes some ten milliseconds


class Census:
    """Sets the gauge; every replica says the same."""

    def __init__(self, timer: Timer) -> None:
        self._timer = timer

    async def turn(self) -> bool:
        """Count once."""
        pool = self._timer.pool
        many = await store.queries.clock_rows(pool) >= _COUNTED_BELOW
        rows = store.queries.estimated_states(pool) if many else store.queries.counted_states(pool)
        found = {row["state"]: row["clocks"] async for row in rows}
        for state in metrics.STATES:
            metrics.clocks.labels(state).set(found.get(state, 0))
        return False
