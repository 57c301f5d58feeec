"""One clock that cannot be recorded keeps no other one from firing."""

from typing import Any

from services.sla_timer import metrics
from tests.integration.sla_timer.desk import Desk


def left() -> float:
    """Return how often a clock was left."""
    return float(metrics.unfireable._value.get())


async def test_a_clock_that_cannot_be_recorded_is_left_and_the_others_fire(desk: Desk) -> None:
    for n in range(9):
        await desk.open(f"T{n}", 9_000_000)
    await desk.pool.execute(  # as if a defect had recorded what was never told
        "INSERT INTO milestone (ticket_id, metric, cycle, kind, n, occurred_at, recorded_at, announced)"
        " SELECT 'T4', metric, 1, 'breached', 1, now(), now(), true FROM clock WHERE ticket_id = 'T4'"
    )
    before = left()
    assert await desk.fire() == 18
    assert left() - before == 2
    rows: list[Any] = await desk.pool.fetch(
        "SELECT ticket_id, count(*) FROM clock WHERE fire_at IS NOT NULL GROUP BY 1"
    )
    assert [tuple(row) for row in rows] == [("T4", 2)]
    told = await desk.pool.fetchval("SELECT count(*) FROM outbox WHERE body LIKE '%sla.breached%'::bytea")
    assert told == 16
    assert await desk.fire() == 2  # claimed again, and left again
    assert await desk.pool.fetchval("SELECT max(sequence) - min(sequence) FROM ticket WHERE ticket_id <> 'T4'") == 0
