"""What operations see: clocks by state, exact or estimated, and events dated oddly, by source."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from prometheus_client import REGISTRY

from services.sla_timer import census
from services.sla_timer.census import Census
from services.sla_timer.handlers import Timer, ingest
from services.sla_timer.versions import Versions
from shared import clock
from shared.catalog import Catalogs, load
from shared.kafka import Record
from shared.postgres import create_pool
from tests.conftest import dsn_for
from tests.integration.sla_timer.test_crash_points import OPENED, record


@pytest.fixture
async def timer(pool: Any) -> Timer:
    versions = Versions(Catalogs([load(Path("deploy/config/catalog/2026-01.yaml"))]))
    await versions.register(pool, clock.now())
    return Timer(pool, versions, "sla.v1")


def value(name: str, **labels: str) -> float:
    """Return a sample of the registry; 0 where it does not exist yet."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


def of(ticket: int, one: Record) -> Record:
    """Return a record as one of another ticket."""
    event = orjson.loads(one.value or b"")
    event["subject"] = event["data"]["ticket_id"] = f"X{ticket}"
    return replace(one, value=orjson.dumps(event))


async def test_clocks_are_counted_by_state_and_estimated_once_they_are_many(
    timer: Timer, postgres: str, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ingest(
        timer, [of(n, one) for n in range(20) for one in (record("opened", 10, **OPENED), record("responded", 5))]
    )
    await Census(timer).turn()
    assert (value("prazo_sla_clocks", state="running"), value("prazo_sla_clocks", state="done")) == (20, 20)
    owner: Any = create_pool(dsn_for(postgres, "sla_owner", database), "sla")
    await owner
    await owner.execute("ANALYZE clock")
    await owner.close()
    monkeypatch.setattr(census, "_COUNTED_BELOW", 0)
    await Census(timer).turn()
    assert (value("prazo_sla_clocks", state="running"), value("prazo_sla_clocks", state="done")) == (20, 20)


async def test_events_dated_oddly_are_counted_by_source(timer: Timer) -> None:
    before = [value(f"prazo_sla_{kind}_events_total", source="s") for kind in ("skewed", "backdated")]
    ahead = replace(record("opened", -60, **OPENED), appended_at=clock.now())
    late = replace(record("responded", 3600, by="ana"), appended_at=clock.now() + timedelta(seconds=1))
    await ingest(timer, [ahead, late])
    after = [value(f"prazo_sla_{kind}_events_total", source="s") for kind in ("skewed", "backdated")]
    assert [b - a for a, b in zip(before, after, strict=True)] == [1, 1]


async def test_an_exemption_counts_from_the_named_sources_only(timer: Timer) -> None:
    exempted = record("exempted", 5, metric="response", reason_code="x", approved_by="b")
    letters = await ingest(timer, [record("opened", 10, **OPENED), exempted])
    assert [(letter.reason, letter.detail.partition(":")[0]) for letter in letters] == [("exemption_source", "source")]
    assert await timer.pool.fetchval("SELECT count(*) FROM journal") == 1
    named = replace(timer, exemption_sources=frozenset({"s"}))
    assert await ingest(named, [exempted]) == []
    assert await timer.pool.fetchval("SELECT verdict FROM clock WHERE metric = 'response'") == "exempted"
