"""Dead letters from the other side: list them, look at one, send the original again."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from shared import clock
from shared.errors import Transient
from shared.kafka.producer import Message, Producer

_PREFIX = "prazo-"
_CALL_SECONDS = 10.0
_AT_ONCE = 500


class Away(Transient):
    """No broker answers, or the topic does not exist."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter: where it lies, when it was put there, and the original record with its headers."""

    partition: int
    offset: int
    at: datetime
    reason: str
    detail: str
    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    cut: bool

    @property
    def place(self) -> str:
        """Return PARTITION:OFFSET."""
        return f"{self.partition}:{self.offset}"


async def letters(bootstrap: str, topic: str) -> AsyncIterator[Letter]:
    """Yield every dead letter of ``topic`` (a ``.dlq``) up to its end now, partition by partition; raises ``Away``."""
    async with _consumer(bootstrap) as consumer:
        for partition in await _partitions(bootstrap, topic):
            tp = TopicPartition(topic, partition)
            consumer.assign([tp])
            end = (await consumer.end_offsets([tp]))[tp]
            consumer.seek(tp, (await consumer.beginning_offsets([tp]))[tp])
            while (position := await consumer.position(tp)) < end:
                batch = await _fetch(consumer, tp, position)
                for record in batch:
                    if record.offset < end:
                        yield _letter(record)


async def _fetch(consumer: Any, tp: TopicPartition, position: int) -> Sequence[Any]:
    """Return the next records; raises ``TimeoutError`` when the broker gives neither records nor a later position."""
    async with asyncio.timeout(_CALL_SECONDS):
        while True:
            batch = await consumer.getmany(tp, timeout_ms=1000, max_records=_AT_ONCE)
            if batch.get(tp) or await consumer.position(tp) > position:
                return list(batch.get(tp, ()))


async def _partitions(bootstrap: str, topic: str) -> Sequence[int]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=int(_CALL_SECONDS * 1000))
    try:
        async with asyncio.timeout(_CALL_SECONDS):
            await admin.start()
            (described,) = await admin.describe_topics([topic])
    finally:
        await asyncio.wait_for(admin.close(), _CALL_SECONDS)
    found = sorted(part["partition"] for part in described["partitions"])
    if not found:
        raise Away(f"there is no topic {topic}")
    return found


@asynccontextmanager
async def _consumer(bootstrap: str) -> AsyncIterator[Any]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, request_timeout_ms=int(_CALL_SECONDS * 1000)
    )
    try:
        async with asyncio.timeout(_CALL_SECONDS):
            await consumer.start()
        yield consumer
    except (KafkaError, TimeoutError, OSError) as error:
        raise Away(f"the broker cannot be used: {type(error).__name__}") from None
    finally:
        await asyncio.wait_for(consumer.stop(), _CALL_SECONDS)


def _letter(record: Any) -> Letter:
    ours = {name: (raw or b"").decode(errors="replace") for name, raw in record.headers if name.startswith(_PREFIX)}
    return Letter(
        record.partition,
        record.offset,
        clock.from_us(record.timestamp * 1000),
        ours.get("prazo-reason", "unknown"),
        ours.get("prazo-detail", ""),
        ours.get("prazo-topic", ""),
        record.key,
        record.value,
        tuple((name, raw) for name, raw in record.headers if not name.startswith(_PREFIX)),
        "prazo-original-bytes" in ours,
    )


async def send_again(bootstrap: str, found: Sequence[Letter]) -> Sequence[BaseException | None]:
    """Send the originals to the topics they came from, same key, bytes and headers; returns what became of each.

    The letters stay where they are. Whoever consumes the topic knows an event by its source and id, so sending one twice
    is harmless. Raises ``Away`` when no broker acknowledges.
    """
    try:
        async with Producer(bootstrap) as producer:
            return await producer.send_all([Message(one.topic, one.key, one.value, one.headers) for one in found])
    except Transient as error:
        raise Away(str(error)) from None
