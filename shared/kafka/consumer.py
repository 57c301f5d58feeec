"""Batches in, explicit commits after the database, dead letters with their reason.

Why this shape: FastStream's ack policies lose or spin on errors and its default parser loses a whole batch to one bad
header, so records stay raw, the handler never raises, and offsets are committed by us (decision 0003).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from traceback import format_tb
from typing import Any

import structlog
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.message import StreamMessage
from prometheus_client import Counter

from shared import clock
from shared.errors import Permanent, Transient
from shared.kafka.letters import REASONS, DeadLetter, Record, bury, dead_lettered
from shared.kafka.producer import SEND_TIMEOUT_SECONDS, Producer
from shared.kafka.retry import backoff_seconds
from shared.postgres import is_of_the_data, is_transient

log = structlog.get_logger(__name__)

BATCH_RECORDS = 500
UNKNOWN_TRIES = 6  # some two seconds: longer than a server takes to die
_IDLE_SECONDS = 1.0
_LOG_APPEND_TIME = 1

consumed = Counter("prazo_records_consumed_total", "Records handled, by topic.", ["topic"])
retried = Counter("prazo_batch_retries_total", "Batches tried again after a transient failure, by topic.", ["topic"])


Handle = Callable[[Sequence[Record]], Awaitable[Sequence[DeadLetter]]]


Broker = KafkaBroker


def new_broker(bootstrap: str) -> Broker:
    """Return FastStream's broker, not yet started; FastStream's own logging is off."""
    return KafkaBroker(bootstrap, logger=None)


@dataclass(slots=True)
class Consumer:
    """One subscription: what the runtime starts, watches and stops.

    ``turned_at`` is the loop's time of the last sign of life, None before the first one.
    """

    broker: Broker
    topic: str
    group: str
    subscriber: Any
    turned_at: float | None = None
    _in_hand: bool = False
    _committed: dict[TopicPartition, int] = field(default_factory=dict)
    _idle_at: float = 0.0

    @property
    def aiokafka(self) -> Any:
        """Return the aiokafka consumer behind the subscription (None before the start)."""
        return self.subscriber.consumer

    def turn(self) -> None:
        """Note a sign of life."""
        self.turned_at = asyncio.get_running_loop().time()

    async def next_batch(self, fetch: Callable[[Any], Awaitable[Any]], aiokafka: Any) -> Any:
        """Return what ``fetch`` does; without a batch, commit how far the log was read."""
        self.turn()
        if self._in_hand:  # the framework dropped a batch before it came to us
            log.error("batch_dropped", topic=self.topic)
            await aiokafka.seek_to_committed()
        batch = await fetch(aiokafka)
        self._in_hand = bool(batch)
        if not batch and asyncio.get_running_loop().time() - self._idle_at >= _IDLE_SECONDS:
            self._idle_at = asyncio.get_running_loop().time()
            await self._commit_position()
        return batch

    async def _commit_position(self) -> None:
        """Commit what is read where a commit failed, or where the log ends with what is no record (a transaction's end)."""
        with suppress(IllegalStateError, KafkaError, TimeoutError):  # not assigned any more, or nobody answers
            async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
                positions = {tp: await self.aiokafka.position(tp) for tp in self.aiokafka.assignment()}
            new = {tp: offset for tp, offset in positions.items() if self._committed.get(tp) != offset}
            if new:
                await self.commit(new)

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Commit the next offsets; a lost partition or an absent broker only means that somebody reads them again."""
        self._in_hand = False
        try:
            await asyncio.wait_for(self.aiokafka.commit(dict(offsets)), SEND_TIMEOUT_SECONDS)
            self._committed.update(offsets)
        except (CommitFailedError, IllegalStateError, KafkaError, TimeoutError) as error:
            log.warning("commit_failed", topic=self.topic, error=type(error).__name__)


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
        await _take(consumer, producer, handle, records)

    for counter in (consumed, retried):
        counter.labels(topic)  # what is counted from 0 on can be alerted on from the first one
    for reason in REASONS:
        dead_lettered.labels(topic, reason)
    fetch = subscriber.get_msg
    subscriber.get_msg = partial(consumer.next_batch, fetch)  # type: ignore[method-assign]  # decision 0003
    return consumer


def _record(raw: ConsumerRecord) -> Record:
    """Return ``raw`` as ours; where the topic breaks the rule of LogAppendTime, the sender's clock is not believed."""
    at = clock.from_us(raw.timestamp * 1000) if raw.timestamp_type == _LOG_APPEND_TIME else clock.now()
    return Record(raw.topic, raw.partition, raw.offset, at, raw.key, raw.value, tuple(raw.headers))


async def _take(consumer: Consumer, producer: Producer, handle: Handle, batch: Sequence[ConsumerRecord]) -> None:
    """Handle a batch to its end: never leaves with an exception, for FastStream would go on to the next batch."""

    async def watched(records: Sequence[Record]) -> Sequence[DeadLetter]:
        consumer.turn()
        return await handle(records)

    attempt = 0
    while True:
        try:
            letters = await handle_until_done(consumer.topic, watched, [_record(raw) for raw in batch])
            await bury(producer, letters, consumer.turn)
            break
        except Exception as error:  # noqa: BLE001  # the edge: nothing but the end of the process leaves a batch undone
            log.error("batch_stuck", topic=consumer.topic, error=type(error).__name__)
            await asyncio.sleep(backoff_seconds(attempt))
            attempt += 1
    await consumer.commit({TopicPartition(raw.topic, raw.partition): raw.offset + 1 for raw in batch})
    consumed.labels(consumer.topic).inc(len(batch))


async def handle_until_done(topic: str, handle: Handle, records: Sequence[Record]) -> list[DeadLetter]:
    """Return the dead letters of ``records``; a transient failure is waited out, a permanent one is bisected to its record.

    An error that is known neither as the record's nor as the surroundings' (a library that loses a connection raises
    what it likes) puts a record aside only when it comes ``UNKNOWN_TRIES`` times in a row for that record alone.
    """
    attempt = unknown = 0
    while True:
        try:
            return list(await handle(records))
        except Exception as error:  # noqa: BLE001  # the edge: counted, logged, retried or put aside
            unknown = unknown + 1 if _is_unknown(error) else 0
            if _is_transient(error) or (len(records) == 1 and 0 < unknown < UNKNOWN_TRIES):
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


def _is_transient(error: Exception) -> bool:
    if isinstance(error, Permanent):
        return False
    return isinstance(error, (Transient, KafkaError)) or is_transient(error)


def _is_unknown(error: Exception) -> bool:
    return not (isinstance(error, Permanent) or is_of_the_data(error) or _is_transient(error))
