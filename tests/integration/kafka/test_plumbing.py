"""The plumbing on a real broker: what is too large, what fails for good, what is dead, what is idle."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import MessageSizeTooLargeError

from shared.errors import Transient
from shared.kafka import Consumer, DeadLetter, Message, Producer, Record, new_broker, subscribe
from shared.kafka.letters import bury

NOISE = os.urandom(1_500_000)  # does not compress


@pytest.fixture
async def topic(kafka: str, topics: str) -> str:
    """Return a topic of one partition that takes records of up to 100 kB, with a dead-letter topic of 300 kB."""
    name = f"{topics}plumbing"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        await admin.create_topics(
            [
                NewTopic(name, 1, 1, topic_configs={"max.message.bytes": "100000"}),
                NewTopic(f"{name}.dlq", 1, 1, topic_configs={"max.message.bytes": "300000"}),
            ]
        )
    finally:
        await admin.close()
    return name


async def all_of(kafka: str, topic: str, count: int) -> list[Any]:
    """Return the records of ``topic``, at least ``count`` of them."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka, auto_offset_reset="earliest")
    await consumer.start()
    found: list[Any] = []
    try:
        async with asyncio.timeout(20):
            while len(found) < count:
                found += [r for rs in (await consumer.getmany(timeout_ms=200)).values() for r in rs]
    finally:
        await consumer.stop()
    return found


async def until(condition: Callable[[], Any], seconds: float = 20) -> None:
    """Wait until ``condition`` holds."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.05)


@asynccontextmanager
async def consuming(kafka: str, topic: str, handle: Any, producer: Producer) -> AsyncIterator[Consumer]:
    """Consume ``topic`` as a service does."""
    broker = new_broker(kafka)
    consumer = subscribe(broker, producer, f"{topic}.group", topic, handle)
    await broker.start()
    try:
        yield consumer
    finally:
        await broker.stop()


async def committed(kafka: str, topic: str) -> int:
    """Return the group's committed offset of partition 0, -1 for none."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        stored = await admin.list_consumer_group_offsets(f"{topic}.group", partitions=[TopicPartition(topic, 0)])
        return int(stored[TopicPartition(topic, 0)].offset)
    finally:
        await admin.close()


async def test_what_is_too_large_for_the_producer_fails_alone(kafka: str, topic: str) -> None:
    async with Producer(kafka) as producer:
        huge = Message(topic, b"k", bytes(3_000_000))
        results = await producer.send_all([Message(topic, b"k", b"1"), huge, Message(topic, b"k", b"2")])
    assert [type(r) for r in results] == [type(None), MessageSizeTooLargeError, type(None)]
    assert [r.value for r in await all_of(kafka, topic, 2)] == [b"1", b"2"]


async def test_more_than_a_batch_holds_arrives_in_order_of_each_key(kafka: str, topic: str) -> None:
    async with Producer(kafka) as producer:
        messages = [Message(topic, b"%d" % (n % 7), b"%d:" % n + bytes(2_000)) for n in range(1_000)]
        assert await producer.send_all(messages) == [None] * 1_000
    found = [(r.key, int(r.value.partition(b":")[0])) for r in await all_of(kafka, topic, 1_000)]
    assert sorted(found, key=lambda one: one[0] or b"") == sorted((m.key, n) for n, m in enumerate(messages))


async def test_after_a_batch_that_the_broker_refused_the_partition_takes_the_next_one(kafka: str, topic: str) -> None:
    async with Producer(kafka) as producer:
        assert await producer.send_all([Message(topic, b"k", b"first")]) == [None]
        (refused,) = await producer.send_all([Message(topic, b"k", NOISE[:200_000])])
        assert isinstance(refused, MessageSizeTooLargeError)
        assert await producer.send_all([Message(topic, b"k", b"next")]) == [None]
    assert [r.value for r in await all_of(kafka, topic, 2)] == [b"first", b"next"]


async def test_behind_a_batch_that_was_refused_nothing_of_the_partition_goes_out(kafka: str, topic: str) -> None:
    async with Producer(
        kafka
    ) as producer:  # a session that has not written yet: the broker would take what is behind a gap
        behind = Message(topic, b"k", NOISE[:50_000])
        refused, waits = await producer.send_all([Message(topic, b"k", NOISE[:250_000]), behind])
        assert isinstance(refused, MessageSizeTooLargeError)
        assert isinstance(waits, Transient)
        assert await producer.send_all([Message(topic, b"k", b"next")]) == [None]
    assert [r.value for r in await all_of(kafka, topic, 1)] == [b"next"]


async def test_small_messages_whose_batch_is_too_large_for_the_broker_go_in_smaller_ones(
    kafka: str, topic: str
) -> None:
    messages = [Message(topic, b"k", b"%d:" % n + NOISE[n * 9_000 : (n + 1) * 9_000]) for n in range(40)]
    waiting = list(messages)
    async with Producer(kafka) as producer, asyncio.timeout(30):
        while waiting:
            outcomes = await producer.send_all(waiting)
            assert not any(isinstance(outcome, MessageSizeTooLargeError) for outcome in outcomes)
            waiting = [one for one, outcome in zip(waiting, outcomes, strict=True) if outcome is not None]
    assert [r.value for r in await all_of(kafka, topic, 40)] == [one.value for one in messages]


async def test_what_no_record_can_hold_raises_and_the_next_goes_out(kafka: str, topic: str) -> None:
    async with Producer(kafka) as producer:
        wrong: Any = Message(topic, b"k", "text")  # type: ignore[arg-type]
        with pytest.raises(ExceptionGroup) as raised:
            await producer.send_all([wrong, Message(f"{topic}.dlq", b"k", b"elsewhere")])
        assert [type(error) for error in raised.value.exceptions] == [TypeError]
        assert await producer.send_all([Message(topic, b"k", b"next")]) == [None]
    assert [r.value for r in await all_of(kafka, topic, 1)] == [b"next"]


async def test_two_refusals_at_once_replace_the_session_once(
    kafka: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions: list[object] = []
    fresh = Producer._new

    def counted(self: Producer) -> AIOKafkaProducer:
        sessions.append(self)
        return fresh(self)

    monkeypatch.setattr(Producer, "_new", counted)
    async with Producer(kafka) as producer:
        noise = Message(topic, b"k", NOISE[:200_000])
        both = await asyncio.gather(producer.send_all([noise]), producer.send_all([noise]))
        assert all(isinstance(outcome, Exception) for (outcome,) in both)
        assert await producer.send_all([Message(topic, b"k", b"next")]) == [None]
    assert len(sessions) == 2


async def test_what_has_no_topic_fails_alone_and_at_once(kafka: str, topic: str) -> None:
    async with Producer(kafka) as producer:
        messages = [Message(topic, b"k", b"1"), Message(f"{topic}.absent!", b"k", b"x"), Message(topic, b"k", b"2")]
        results = await producer.send_all(messages)
        assert [result is None for result in results] == [True, False, True]
    assert [r.value for r in await all_of(kafka, topic, 2)] == [b"1", b"2"]


def letter(topic: str, key: bytes | None, value: bytes | None) -> DeadLetter:
    """Return a dead letter at offset 7."""
    return DeadLetter(Record(topic, 0, 7, None, key, value, (("x", b"\xff"),)), "not_json", "event: no")  # type: ignore[arg-type]


async def test_every_letter_is_buried_even_without_key_and_value_and_too_large(kafka: str, topic: str) -> None:
    async with Producer(kafka) as producer, asyncio.timeout(30):
        await bury(producer, [letter(topic, None, None), letter(topic, b"k", NOISE), letter(topic, b"k", b"last")])
    found = await all_of(kafka, f"{topic}.dlq", 3)
    by_size = sorted(found, key=lambda r: len(r.value or b""))
    assert [(r.key, r.value) for r in by_size[:2]] == [(b"", None), (b"k", b"last")]
    cut = dict(by_size[2].headers)
    assert (cut["prazo-original-bytes"], cut["prazo-offset"], by_size[2].value) == (
        b"1500000",
        b"7",
        NOISE[: 64 * 1024],
    )
    assert dict(by_size[0].headers)["x"] == b"\xff"


async def test_a_batch_is_never_left_undone(kafka: str, topic: str) -> None:
    class Unlucky(Producer):
        """Fails in a way that nobody foresaw, once."""

        failures = 1

        async def send_all(self, messages: Sequence[Message]) -> list[BaseException | None]:
            self.failures -= 1
            if self.failures == 0:
                raise RuntimeError("unforeseen")
            return await super().send_all(messages)

    async def handle(records: Sequence[Record]) -> Sequence[DeadLetter]:
        return [DeadLetter(record, "not_json", "no") for record in records]

    async with Unlucky(kafka) as producer:
        sender = AIOKafkaProducer(bootstrap_servers=kafka)
        await sender.start()
        await sender.send_and_wait(topic, b"poison", key=b"k")
        await sender.stop()
        async with consuming(kafka, topic, handle, producer):
            (buried,) = await all_of(kafka, f"{topic}.dlq", 1)
    assert buried.value == b"poison"


async def test_an_idle_consumer_commits_up_to_the_end_of_a_log_that_ends_with_a_transaction(
    kafka: str, topic: str
) -> None:
    seen: list[Record] = []

    async def handle(records: Sequence[Record]) -> Sequence[DeadLetter]:
        seen.extend(records)
        return []

    async with Producer(kafka) as producer, consuming(kafka, topic, handle, producer) as consumer:
        sender = AIOKafkaProducer(bootstrap_servers=kafka, transactional_id=f"{topic}.t")
        await sender.start()
        async with sender.transaction():
            await sender.send_and_wait(topic, b"1", key=b"k")
        await sender.stop()
        await until(lambda: len(seen) == 1)
        async with asyncio.timeout(15):
            while await committed(kafka, topic) != 2:  # the record and the marker that ends its transaction
                await asyncio.sleep(0.2)
        assert consumer.turned_at is not None
