"""The one long-lived idempotent producer of a process: sends pipelined, tells the outcome of each message."""

import asyncio
import random
import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)
from aiokafka.producer.message_accumulator import BatchBuilder

from shared.errors import Transient
from shared.kafka.retry import keep_trying

log = structlog.get_logger(__name__)

SEND_TIMEOUT_SECONDS = 10.0
BATCH_BYTES = 256 * 1024
REQUEST_LIMIT_BYTES = 2 * 1024 * 1024  # room for a dead letter: a record of Kafka's usual 1 MiB and our headers
TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)
_PASSING = (KafkaTimeoutError, TopicAuthorizationFailedError, UnknownTopicOrPartitionError)


class BatchTooLarge(Transient):
    """The broker takes no batch of this size: the same messages go again in smaller ones."""


@dataclass(frozen=True, slots=True)
class Message:
    """One record to send."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


def _partition(key: bytes | None, every: Sequence[int]) -> int:
    """Choose by CRC-32 of the key, as librdkafka's ``consistent`` does; without a key, at random."""
    if key is None:
        return random.choice(every)  # noqa: S311  # spreads load, keeps no secret
    return every[zlib.crc32(key) % len(every)]


class Producer:
    """Starts in the background and waits for a broker; a broken session is replaced by a new one."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._batch_bytes = BATCH_BYTES
        self._producer = self._new()
        self._started = asyncio.Event()
        self._starter: asyncio.Task[None] | None = None

    def _new(self) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            acks="all",
            enable_idempotence=True,
            max_batch_size=self._batch_bytes,
            max_request_size=REQUEST_LIMIT_BYTES,
            request_timeout_ms=5_000,
            compression_type="lz4",
        )

    async def __aenter__(self) -> Self:
        """Begin to connect; returns at once."""
        self._starter = asyncio.create_task(self._start())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop within ten seconds, whether or not the broker answers (aiokafka's stop may hang without one)."""
        while self._starter is not None and not self._starter.done():
            self._starter.cancel()  # again, where a client that connects swallowed it
            await asyncio.wait([self._starter], timeout=1)
        await self._stop()

    @property
    def started(self) -> bool:
        """Tell whether a broker was reached by the present session."""
        return self._started.is_set()

    async def _start(self) -> None:
        await keep_trying("producer", self._producer.start)
        self._started.set()

    async def _stop(self) -> None:
        """End the session, delivering what it holds if the broker takes it in time: nothing of it comes later."""
        session = self._producer
        with suppress(Exception):  # whatever a dying session says, the next one begins
            try:
                await asyncio.wait_for(session.stop(), SEND_TIMEOUT_SECONDS)
            except TimeoutError:  # its own stop waits for the broker, for ever
                session._message_accumulator.fail_all(KafkaTimeoutError())
                await session._sender.close()
                await asyncio.wait_for(session.client.close(), SEND_TIMEOUT_SECONDS)

    async def _renew(self) -> None:
        await self._stop()
        self._producer = self._new()
        await self._start()

    async def send_all(self, messages: Sequence[Message]) -> list[BaseException | None]:
        """Send all at once, in order per key, and wait for every acknowledgement; None stands for acknowledged.

        What alone is too large for producer or broker fails alone (``TOO_LARGE``). After any other failure nothing more
        is handed over to its partition, so that no message of a key overtakes an earlier one; the rest fails with it.
        Raises ``Transient`` when no broker was ever reached or the acknowledgements did not come in time: what was sent
        may then arrive or not, so the caller sends the same bytes again.
        """
        outcomes: list[BaseException | None] = [None] * len(messages)
        session = self._producer
        try:
            async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
                await self._started.wait()
                session = self._producer
                kept = await _send(session, messages, outcomes)
        except TimeoutError:
            self._replace(session)
            raise Transient("the broker did not acknowledge in time") from None
        except ExceptionGroup:  # what the library does not say that it raises
            self._replace(session)
            raise
        if not kept:
            if session is self._producer and any(isinstance(outcome, BatchTooLarge) for outcome in outcomes):
                self._batch_bytes //= 2
            self._replace(session)
        return outcomes

    def _replace(self, session: AIOKafkaProducer) -> None:
        """Begin a new session: a batch that failed leaves a gap in the sequence, and nothing behind it would be taken."""
        if session is self._producer and self._started.is_set():
            log.warning("producer_replaced", batch_bytes=self._batch_bytes)
            self._started.clear()
            self._starter = asyncio.create_task(self._renew())


async def _send(session: AIOKafkaProducer, messages: Sequence[Message], outcomes: list[BaseException | None]) -> bool:
    """Send to all partitions beside each other; returns whether the session may be kept."""
    parted = await _by_partition(session, messages, outcomes)
    async with asyncio.TaskGroup() as group:
        sending = [
            group.create_task(_send_to(session, *to, places, messages, outcomes)) for to, places in parted.items()
        ]
    return all(task.result() for task in sending)


async def _by_partition(
    producer: AIOKafkaProducer, messages: Sequence[Message], outcomes: list[BaseException | None]
) -> Mapping[tuple[str, int], list[int]]:
    """Return by topic and partition the places of its messages, in order; where one goes nowhere its outcome says why."""
    partitions: dict[str, Sequence[int] | KafkaError] = {}
    found: dict[tuple[str, int], list[int]] = defaultdict(list)
    for place, message in enumerate(messages):
        every = partitions.get(message.topic)
        if every is None:
            every = partitions[message.topic] = await _partitions_of(producer, message.topic)
        if isinstance(every, KafkaError):
            outcomes[place] = every
        elif len(message.key or b"") + len(message.value or b"") > REQUEST_LIMIT_BYTES:
            outcomes[place] = MessageSizeTooLargeError(f"more than {REQUEST_LIMIT_BYTES} bytes")
        else:
            found[message.topic, _partition(message.key, every)].append(place)
    return found


async def _partitions_of(producer: AIOKafkaProducer, topic: str) -> Sequence[int] | KafkaError:
    try:
        return sorted(await producer.partitions_for(topic))
    except KafkaError as error:
        return error


async def _send_to(
    producer: AIOKafkaProducer,
    topic: str,
    partition: int,
    places: Sequence[int],
    messages: Sequence[Message],
    outcomes: list[BaseException | None],
) -> bool:
    """Send the messages of one partition in as few batches as hold them, one acknowledged before the next is handed over.

    Returns whether the session may be kept: a batch that was refused by the broker leaves a gap in its sequence.
    """
    while places:
        batch, held = _filled(producer.create_batch(), places, messages)
        handed_over = False
        try:
            acknowledged = await producer.send_batch(batch, topic, partition=partition)
            handed_over = True
            await acknowledged
        except KafkaError as error:
            why, rest = _blame(error, held)
            for n, place in enumerate(places):
                outcomes[place] = why if n < held else rest
            return not handed_over and isinstance(error, _PASSING)
        places = places[held:]
    return True


def _blame(error: KafkaError, held: int) -> tuple[Exception, Exception]:
    """Return what became of the ``held`` messages of a batch that failed, and of those behind it."""
    if not isinstance(error, TOO_LARGE):
        return error, error
    return (error if held == 1 else BatchTooLarge()), Transient("an earlier message was refused")


def _filled(batch: BatchBuilder, places: Sequence[int], messages: Sequence[Message]) -> tuple[BatchBuilder, int]:
    """Return the batch, closed, and how many messages it holds: at least one."""
    held = 0
    for place in places:
        message = messages[place]
        key = message.key if message.value is not None else message.key or b""  # a record needs one of the two
        if batch.append(timestamp=None, key=key, value=message.value, headers=list(message.headers)) is None:
            break
        held += 1
    batch.close()
    return batch, held
