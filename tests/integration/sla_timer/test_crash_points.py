"""Killed between record and publish, and between publish and forgetting: one breach id, nothing lost (edge case 41)."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer

from services.sla_timer.domain.hold import Hold, Limits
from services.sla_timer.handlers import Timer, fire_due, ingest
from services.sla_timer.versions import Versions
from shared import clock
from shared.catalog import Catalogs, load
from shared.events import decode
from shared.kafka import Message, Producer, Record
from shared.outbox import Relay
from shared.postgres import create_pool
from tests.builders import catalog_file
from tests.conftest import dsn_for
from tests.stories.timer import TARGETS

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Killed(BaseException):
    """The process ends here."""


class DiesAfterPublishing(Producer):
    """Publishes for real, and then the process dies before the outbox forgets."""

    async def send_all(self, messages: Sequence[Message]) -> list[BaseException | None]:
        """Publish, then die."""
        await super().send_all(messages)
        raise Killed


@pytest.fixture
async def timer(postgres: str, database: str, topics: str, tmp_path: Path) -> AsyncIterator[Timer]:
    pool = create_pool(dsn_for(postgres, "sla_app", database), "sla")
    await pool
    versions = Versions(Catalogs([load(catalog_file(tmp_path, **TARGETS))]))
    await versions.register(pool, clock.now())
    yield Timer(pool, versions, f"{topics}sla.v1")
    await pool.close()


def record(type_: str, ago: float, **data: Any) -> Record:
    """Return a record of ticket X that happened and arrived ``ago`` seconds ago."""
    at = clock.now() - timedelta(seconds=ago)
    body: dict[str, Any] = {
        "specversion": "1.0",
        "id": uuid.uuid4().hex,
        "source": "s",
        "type": f"ticket.{type_}",
        "subject": "X",
    }
    body |= {"time": at.isoformat(), "data": {"ticket_id": "X", **data}}
    return Record("tickets.v1", 0, 0, at, b"X", orjson.dumps(body), ())


def open_hold() -> Hold:
    """Return a hold that has just seen everything read."""
    hold = Hold(Limits(lag=2.0, limit=300.0, settle=10.0))
    hold.observe(asyncio.get_running_loop().time(), {0: 0}, {0: 0})
    return hold


OPENED = {"service": "triage", "channel": "email", "title": "t"}


async def published(kafka: str, topic: str, count: int) -> list[Any]:
    """Return the first ``count`` events of ``topic``, duplicates and all, and whatever comes within a second more."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka, auto_offset_reset="earliest")
    await consumer.start()
    found: list[Any] = []
    try:
        end = asyncio.get_running_loop().time() + 15
        while len(found) < count and asyncio.get_running_loop().time() < end:
            found += [decode(r.value) for rs in (await consumer.getmany(timeout_ms=200)).values() for r in rs]
        found += [decode(r.value) for rs in (await consumer.getmany(timeout_ms=1000)).values() for r in rs]
    finally:
        await consumer.stop()
    return found


async def test_41_killed_between_record_and_publish(timer: Timer, kafka: str) -> None:
    await ingest(timer, [record("opened", 10, **OPENED)])
    assert await fire_due(timer, open_hold(), LONG_AGO) == 1
    assert await fire_due(timer, open_hold(), LONG_AGO) == 0
    async with Producer(kafka) as producer, Relay(timer.pool, producer) as relay:
        await relay.turn()
    events = await published(kafka, timer.sla_topic, 3)
    assert [e.type for e in events if e.data.metric == "response"] == ["sla.started", "sla.breached"]


async def test_41_killed_between_publish_and_forgetting(timer: Timer, kafka: str) -> None:
    await ingest(timer, [record("opened", 10, **OPENED)])
    await fire_due(timer, open_hold(), LONG_AGO)
    async with DiesAfterPublishing(kafka) as dying, Relay(timer.pool, dying) as relay:
        with pytest.raises(Killed):
            await relay.turn()
    async with Producer(kafka) as producer, Relay(timer.pool, producer) as relay:
        await relay.turn()
    breaches = [e for e in await published(kafka, timer.sla_topic, 6) if e.type == "sla.breached"]
    assert len(breaches) == 2
    assert len({e.id for e in breaches}) == 1
    assert await timer.pool.fetchval("SELECT count(*) FROM outbox") == 0


async def test_37_the_same_event_twice_is_one_event_and_other_content_is_a_conflict(timer: Timer) -> None:
    first = record("opened", 1, **OPENED)
    changed = orjson.loads(first.value or b"")
    changed["data"]["title"] = "other"
    second = Record("tickets.v1", 0, 1, first.appended_at, b"X", orjson.dumps(changed), ())
    assert list(await ingest(timer, [first, first])) == []
    letters = await ingest(timer, [first, second])
    assert [(letter.record, letter.reason) for letter in letters] == [(second, "conflict")]
    assert await timer.pool.fetchval("SELECT count(*) FROM journal") == 1


async def test_42_a_fire_that_was_overtaken_by_an_answer_says_nothing(timer: Timer) -> None:
    await ingest(timer, [record("opened", 10, **OPENED)])
    await ingest(timer, [record("responded", 8, by="ana")])
    assert await fire_due(timer, open_hold(), LONG_AGO) == 0
    types = [orjson.loads(r["body"])["type"] for r in await timer.pool.fetch("SELECT body FROM outbox ORDER BY id")]
    assert types.count("sla.breached") == 0
    assert "sla.met" in types


async def test_a_claim_that_took_longer_than_the_knowledge_is_fresh_fires_nothing(timer: Timer) -> None:
    await ingest(timer, [record("opened", 10, **OPENED)])
    hold = Hold(Limits(lag=2.0, limit=300.0, settle=10.0))
    hold.observe(asyncio.get_running_loop().time() - 3.0, {0: 0}, {0: 0})  # it held then; three seconds have passed
    assert await fire_due(timer, hold, LONG_AGO) == 0
    assert await fire_due(timer, open_hold(), LONG_AGO) == 1


async def test_two_replicas_fire_a_thousand_clocks_each_once(timer: Timer) -> None:
    opened = []
    for n in range(1000):
        one = orjson.loads(record("opened", 10, **OPENED).value or b"")
        one["subject"] = one["data"]["ticket_id"] = f"X{n}"
        opened.append(Record("tickets.v1", 0, n, clock.now(), b"", orjson.dumps(one), ()))
    for since in (0, 500):
        await ingest(timer, opened[since : since + 500])
    fired = [0]
    while fired[-1] or len(fired) < 3:
        fired.append(sum(await asyncio.gather(*(fire_due(timer, open_hold(), LONG_AGO) for _ in range(4)))))
    assert sum(fired) == 1000
    rows = await timer.pool.fetch("SELECT ticket_id FROM milestone WHERE kind = 'breached'")
    assert len({row["ticket_id"] for row in rows}) == len(rows) == 1000
    sequences = await timer.pool.fetch("SELECT DISTINCT sequence FROM ticket")
    assert [row["sequence"] for row in sequences] == [3]
