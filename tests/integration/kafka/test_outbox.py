"""The relay on a real broker and database: what no broker would take holds up nothing behind it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared import clock, outbox
from shared.errors import Transient
from shared.events import TicketCancelled, new_event
from shared.kafka import Producer
from shared.outbox import Relay
from shared.postgres import create_pool
from tests.conftest import dsn_for
from tests.integration.kafka.test_plumbing import all_of


@pytest.fixture
async def pool(postgres: str, database: str) -> AsyncIterator[Any]:
    made = create_pool(dsn_for(postgres, "intake_app", database), "intake")
    await made
    yield made
    await made.close()


async def test_an_event_that_no_broker_takes_is_set_aside_and_the_next_goes_out(
    pool: Any, kafka: str, topics: str
) -> None:
    topic = f"{topics}tickets.v1"
    said = ["first", "x" * 3_000_000, "last"]  # unknown fields are kept, and nothing bounds them
    data = [TicketCancelled.model_validate({"ticket_id": "T", "note": note}) for note in said]
    events = [new_event(one, id=str(n), source="s", subject="T", time=clock.now()) for n, one in enumerate(data)]
    await outbox.record(pool, topic, events)
    async with Producer(kafka) as producer, Relay(pool, producer) as relay:
        await relay.turn()
        assert await relay.turn() is False
    assert [b'"first"' in r.value or b'"last"' in r.value for r in await all_of(kafka, topic, 2)] == [True, True]
    rows = await pool.fetch("SELECT refused, length(body) AS size FROM outbox")
    assert [(row["refused"], row["size"] > 3_000_000) for row in rows] == [("MessageSizeTooLargeError", True)]


async def test_a_relay_without_a_broker_gives_its_buckets_to_one_that_has_it(
    pool: Any, kafka: str, topics: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.kafka.producer.SEND_TIMEOUT_SECONDS", 1.0)
    topic = f"{topics}tickets.v1"
    event = new_event(TicketCancelled(ticket_id="T"), id="1", source="s", subject="T", time=clock.now())
    await outbox.record(pool, topic, [event])
    async with Producer("127.0.0.1:1") as cut_off, Relay(pool, cut_off) as first:
        with pytest.raises(Transient):
            await first.turn()
        async with Producer(kafka) as producer, Relay(pool, producer) as second:
            await second.turn()
    assert await pool.fetchval("SELECT count(*) FROM outbox") == 0
