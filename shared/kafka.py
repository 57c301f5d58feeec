"""Kafka in one shape: batches in, explicit commits after the database, dead letters with their reason; pipelined sends out.

Why this shape: FastStream's ack policies lose or spin on errors and its default parser loses a whole batch to one bad
header, so records stay raw, the handler never raises, and offsets are committed by us (decision 0003).
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from traceback import format_tb
from typing import Any, Self

import structlog
from aiokafka import AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.message import StreamMessage
from prometheus_client import Counter

from shared import clock
from shared.errors import Permanent, Transient
from shared.postgres import is_transient

log = structlog.get_logger(__name__)

BATCH_RECORDS = 500
SEND_TIMEOUT_SECONDS = 10.0
_BACKOFF_SECONDS = (0.1, 5.0)

consumed = Counter("prazo_records_consumed_total", "Records handled, by topic.", ["topic"])
dead_lettered = Counter("prazo_dead_letters_total", "Records put aside, by topic and reason.", ["topic", "reason"])
retried = Counter("prazo_batch_retries_total", "Batches tried again after a transient failure, by topic.", ["topic"])


@dataclass(frozen=True, slots=True)
class Record:
    """One record as the broker has it; ``appended_at`` is the broker's append time (topics use LogAppendTime)."""

    topic: str
    partition: int
    offset: int
    appended_at: datetime
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that cannot be understood: ``reason`` is a closed word, ``detail`` names field and rule, never a value."""

    record: Record
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Message:
    """One record to send."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


Handle = Callable[[Sequence[Record]], Awaitable[Sequence[DeadLetter]]]


Broker = KafkaBroker


def new_broker(bootstrap: str) -> Broker:
    """Return FastStream's broker, not yet started; FastStream's own logging is off."""
    return KafkaBroker(bootstrap, logger=None)


class Producer:
    """The one long-lived idempotent producer of a process; starts in the background and waits for a broker."""

    def __init__(self, bootstrap: str) -> None:
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            acks="all",
            enable_idempotence=True,
            linger_ms=5,
            max_batch_size=256 * 1024,
            request_timeout_ms=5_000,
            compression_type="lz4",
        )
        self._started = asyncio.Event()
        self._starter: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin to connect; returns at once."""
        self._starter = asyncio.create_task(self._start())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop within ten seconds, whether or not the broker answers (aiokafka's stop may hang without one)."""
        if self._starter is not None:
            self._starter.cancel()
        with suppress(TimeoutError, KafkaError):
            await asyncio.wait_for(self._producer.stop(), SEND_TIMEOUT_SECONDS)

    @property
    def started(self) -> bool:
        """Tell whether a broker was reached since the start."""
        return self._started.is_set()

    async def _start(self) -> None:
        await keep_trying("producer", self._producer.start)
        self._started.set()

    async def send_all(self, messages: Sequence[Message]) -> list[BaseException | None]:
        """Send pipelined, in order per key, and wait for every acknowledgement; None stands for acknowledged.

        Raises ``Transient`` when no broker was ever reached or the acknowledgements did not come in time: what was
        sent may then arrive or not, so the caller sends the same bytes again.
        """
        try:
            async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
                await self._started.wait()
                futures = [
                    await self._producer.send(m.topic, m.value, key=m.key, headers=list(m.headers)) for m in messages
                ]
                results = await asyncio.gather(*futures, return_exceptions=True)
                return [result if isinstance(result, BaseException) else None for result in results]
        except TimeoutError:
            raise Transient("the broker did not acknowledge in time") from None


async def keep_trying(what: str, start: Callable[[], Awaitable[object]]) -> None:
    """Call ``start`` until it succeeds, with jittered backoff up to five seconds; each failure is logged."""
    attempt = 0
    while True:
        try:
            await start()
            return
        except (KafkaError, OSError) as error:
            log.warning("kafka_not_reached", what=what, error=type(error).__name__)
            await asyncio.sleep(backoff_seconds(attempt))
            attempt += 1


def backoff_seconds(attempt: int) -> float:
    """Return the wait before retry ``attempt`` (0, 1, …): 0.1 s doubling to 5 s, with full jitter on the upper half."""
    low, high = _BACKOFF_SECONDS
    return min(high, low * 2.0 ** min(attempt, 10)) * random.uniform(0.5, 1.0)  # noqa: S311  # jitter, not a secret


@dataclass(slots=True)
class Consumer:
    """One subscription: what the runtime starts, watches and stops."""

    broker: Broker
    topic: str
    group: str
    subscriber: Any
    turned_at: float = field(default=0.0)

    @property
    def aiokafka(self) -> Any:
        """Return the aiokafka consumer behind the subscription (None before the start)."""
        return self.subscriber.consumer


def subscribe(broker: Broker, producer: Producer, group: str, topic: str, handle: Handle) -> Consumer:
    """Join ``group`` on ``topic``: ``handle`` gets batches; offsets are committed after it and its dead letters are durable.

    ``handle`` must be idempotent: after a crash or a transient failure it sees the same records again.
    """

    async def parser(message: Any) -> StreamMessage[Any]:
        return StreamMessage(raw_message=message, body=b"", headers={})

    async def decoder(message: StreamMessage[Any]) -> Any:
        return message.raw_message

    subscriber = broker.subscriber(
        topic,
        group_id=group,
        batch=True,
        max_records=BATCH_RECORDS,
        batch_timeout_ms=20,
        ack_policy=AckPolicy.MANUAL,
        auto_offset_reset="earliest",
        parser=parser,
        decoder=decoder,
        session_timeout_ms=6_000,
        heartbeat_interval_ms=1_500,
        rebalance_timeout_ms=60_000,
        max_poll_interval_ms=24 * 3_600_000,  # a handler that waits for its database keeps its place
        isolation_level="read_committed",
    )
    consumer = Consumer(broker, topic, group, subscriber)

    @subscriber
    async def on_batch(records: Any) -> None:
        await _take(consumer, producer, handle, [_record(r) for r in records])

    return consumer


def _record(raw: ConsumerRecord) -> Record:
    at = clock.from_us(raw.timestamp * 1000)
    return Record(raw.topic, raw.partition, raw.offset, at, raw.key, raw.value, tuple(raw.headers))


async def _take(consumer: Consumer, producer: Producer, handle: Handle, records: Sequence[Record]) -> None:
    letters = await handle_until_done(consumer.topic, handle, records)
    if letters:
        await _bury(producer, letters)
    await _commit(consumer, records)
    consumed.labels(consumer.topic).inc(len(records))
    consumer.turned_at = asyncio.get_running_loop().time()


async def handle_until_done(topic: str, handle: Handle, records: Sequence[Record]) -> list[DeadLetter]:
    """Return the dead letters of ``records``; a transient failure is waited out, a permanent one is bisected to its record."""
    attempt = 0
    while True:
        try:
            return list(await handle(records))
        except Exception as error:  # noqa: BLE001  # the edge: counted, logged, retried or put aside
            if _worth_retrying(error):
                retried.labels(topic).inc()
                log.warning("batch_retried", topic=topic, attempt=attempt, error=type(error).__name__)
                await asyncio.sleep(backoff_seconds(attempt))
                attempt += 1
            elif len(records) == 1:
                frames = format_tb(error.__traceback__)[-3:]  # without the message: it may quote the record
                log.error("record_unprocessable", topic=topic, offset=records[0].offset, frames=frames)
                return [DeadLetter(records[0], "unprocessable", type(error).__name__)]
            else:
                middle = len(records) // 2
                first = await handle_until_done(topic, handle, records[:middle])
                return first + await handle_until_done(topic, handle, records[middle:])


def _worth_retrying(error: Exception) -> bool:
    if isinstance(error, Permanent):
        return False
    return isinstance(error, (Transient, OSError, TimeoutError, KafkaError)) or is_transient(error)


async def _bury(producer: Producer, letters: Sequence[DeadLetter]) -> None:
    """Write dead letters with original bytes and headers, until the broker has acknowledged every one."""
    messages = [
        Message(
            f"{letter.record.topic}.dlq",
            letter.record.key,
            letter.record.value,
            (
                *letter.record.headers,
                ("prazo-reason", letter.reason.encode()),
                ("prazo-detail", letter.detail.encode()[:500]),
                ("prazo-topic", letter.record.topic.encode()),
                ("prazo-partition", str(letter.record.partition).encode()),
                ("prazo-offset", str(letter.record.offset).encode()),
            ),
        )
        for letter in letters
    ]
    attempt = 0
    while messages:
        with suppress(Transient):
            results = await producer.send_all(messages)
            messages = [m for m, result in zip(messages, results, strict=True) if result is not None]
        if messages:
            await asyncio.sleep(backoff_seconds(attempt))
            attempt += 1
    for letter in letters:
        dead_lettered.labels(letter.record.topic, letter.reason).inc()
        log.error("record_dead_lettered", topic=letter.record.topic, reason=letter.reason, detail=letter.detail)


async def _commit(consumer: Consumer, records: Sequence[Record]) -> None:
    """Commit the next offsets; a lost partition or an absent broker only means that somebody reads them again."""
    offsets: dict[TopicPartition, int] = {}
    for record in records:
        offsets[TopicPartition(record.topic, record.partition)] = record.offset + 1
    try:
        await asyncio.wait_for(consumer.aiokafka.commit(offsets), SEND_TIMEOUT_SECONDS)
    except (CommitFailedError, IllegalStateError, KafkaError, TimeoutError) as error:
        log.warning("commit_failed", topic=consumer.topic, error=type(error).__name__)
