"""The identities of events taken over HTTP are kept for 30 days and then forgotten in bounded steps."""

from datetime import UTC, datetime, timedelta
from typing import Any

from services.intake.handlers.desk import Desk
from services.intake.handlers.submitted import FORGET_AT_ONCE, forget_submitted
from tests.reading import NOTHING_KNOWN, read

NOW = datetime(2026, 3, 5, 11, tzinfo=UTC)


async def test_what_is_older_than_30_days_is_forgotten_step_by_step(pool: Any) -> None:
    ages = [timedelta(days=30, seconds=1)] * (FORGET_AT_ONCE + 1) + [timedelta(days=30), timedelta(0)]
    rows = [("crm", str(n), bytes(32), NOW - age) for n, age in enumerate(ages)]
    await pool.executemany("INSERT INTO submitted VALUES ($1, $2, $3, $4)", rows)
    desk = Desk(pool, "tickets.v1", "notices.v1", NOTHING_KNOWN, read)
    assert [await forget_submitted(desk, NOW) for _ in range(3)] == [True, False, False]
    kept = await pool.fetch("SELECT received_at FROM submitted ORDER BY 1")
    assert [row["received_at"] for row in kept] == [NOW - timedelta(days=30), NOW]
