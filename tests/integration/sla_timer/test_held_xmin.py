"""A transaction that somebody holds open keeps every dead index entry; polls stay as cheap as they were."""

import asyncio
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.sla_timer.handlers import FIRED_AT_ONCE, Timer, fire_due
from services.sla_timer.store import queries
from services.sla_timer.versions import Versions
from shared import clock
from shared.catalog import Catalogs, load
from shared.kafka import Message, Producer
from shared.outbox import Relay
from tests.bench.crowd import seed_due
from tests.conftest import dsn_for
from tests.integration.sla_timer.test_crash_points import LONG_AGO, open_hold

FIRES = 100_000
SHIPPED = Path("deploy/config/catalog/2026-01.yaml")


class Swallows(Producer):
    """Acknowledges everything at once: the broker is not what is looked at."""

    def __init__(self) -> None:
        """No session is made."""

    async def send_all(self, messages: Any) -> list[BaseException | None]:
        """Acknowledge."""
        found: list[Message] = list(messages)
        return [None] * len(found)


@pytest.mark.timeout(240)
async def test_47_100_000_due_in_one_second_fire_once_and_polls_stay_cheap_under_a_held_transaction(
    pool: Any, postgres: str, database: str
) -> None:
    catalog = load(SHIPPED)
    versions = Versions(Catalogs([catalog]))
    await versions.register(pool, clock.now())
    timer = Timer(pool, versions, "sla.v1")
    due = clock.now() - timedelta(seconds=60)
    await seed_due(pool, catalog, versions.judged_by, "X", (due + timedelta(microseconds=n) for n in range(FIRES)))
    holder = await asyncpg.connect(dsn_for(postgres, "sla_app", database))
    try:
        async with holder.transaction(isolation="repeatable_read"):
            await holder.fetchval("SELECT count(*) FROM sla.clock")
            async with Relay(pool, Swallows()) as relay:
                fired = 0
                watermark = LONG_AGO
                while batch := sum(await asyncio.gather(*(fire_due(timer, open_hold(), watermark) for _ in range(2)))):
                    fired += batch
                    watermark = max(watermark, due + timedelta(microseconds=max(0, fired - 4 * FIRED_AT_ONCE)))
                    while await relay.turn():
                        pass
                while await relay.turn():
                    pass
                assert fired == FIRES
                assert await pool.fetchval("SELECT count(*) FROM milestone WHERE kind = 'breached'") == FIRES
                bounded = await _buffers(pool, "now() - interval '5 s'", versions.judged_by)
                whole = await _buffers(pool, "timestamptz '-infinity'", versions.judged_by)
    finally:
        await holder.close()
    assert bounded < 50 < whole, (bounded, whole)


async def _buffers(pool: Any, watermark: str, judged_by: int) -> int:
    """Return the buffers that one empty claim touches."""
    sql = queries.claim_due.sql
    for parameter, value in ((r"\$1::timestamptz", watermark), (r"\$2::int", str(judged_by)), (r"\$3::int", "500")):
        sql = re.sub(parameter, value, sql)
    plan = await pool.fetch(f"EXPLAIN (ANALYZE, BUFFERS) {sql}")
    text = "\n".join(row[0] for row in plan)
    found = re.search(r"Buffers: shared ([^\n]*)", text)
    return sum(int(n) for n in re.findall(r"=(\d+)", found.group(1))) if found else 0
