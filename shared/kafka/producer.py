"""The one long-lived idempotent producer of a process: sends pipelined, tells the outcome of each message."""

import asyncio
import random
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

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
REQUEST_LIMIT_BYTES = 2 * 1024 * 1024  # room for a dead letter: a record of Kafka's usual 1 MiB and our headers
TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)
_PASSING = (KafkaTimeoutError, TopicAuthorizationFailedError, UnknownTopicOrPartitionError)


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
        self._producer = self._new()
        self._started = asyncio.Event()
        self._starter: asyncio.Task[None] | None = None

    def _new(self) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            acks="all",
            enable_idempotence=True,
            max_batch_size=256 * 1024,
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
        with suppress(Exception):  # whatever a dying session says, the next one begins
            await asyncio.wait_for(self._producer.stop(), SEND_TIMEOUT_SECONDS)

    async def _renew(self) -> None:
        await self._stop()
        self._producer = self._new()
        await self._start()

    async def send_all(self, messages: Sequence[Message]) -> list[BaseException | None]:
        """Send all at once, in order per key, and wait for every acknowledgement; None stands for acknowledged.

        What is too large fails alone (``TOO_LARGE``). After any other failure to hand a message over nothing more is
        handed over to its partition, so that no message of a key overtakes an earlier one; that failure is the result
        of the rest. Raises ``Transient`` when no broker was ever reached or the acknowledgements did not come in time:
        what was sent may then arrive or not, so the caller sends the same bytes again.
        """
        outcomes: list[BaseException | None] = [None] * len(messages)
        try:
            async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
                await self._started.wait()
                lots = await _lots(self._producer, messages, outcomes)
                kept = await asyncio.gather(*(_send_lot(self._producer, lot, messages, outcomes) for lot in lots))
        except TimeoutError:
            raise Transient("the broker did not acknowledge in time") from None
        if not all(kept):
            self._replace()
        return outcomes

    def _replace(self) -> None:
        """Begin a new session: a batch that failed leaves a gap in the sequence, and nothing behind it would be taken."""
        if self._started.is_set():
            log.warning("producer_replaced")
            self._started.clear()
            self._starter = asyncio.create_task(self._renew())


@dataclass(frozen=True, slots=True)
class _Lot:
    """Messages of one partition, by their place in what is sent."""

    topic: str
    partition: int
    places: list[int]


async def _lots(
    producer: AIOKafkaProducer, messages: Sequence[Message], outcomes: list[BaseException | None]
) -> list[_Lot]:
    """Return the messages by partition, in order; of those that go nowhere the outcome says why."""
    partitions: dict[str, Sequence[int] | KafkaError] = {}
    lots: dict[tuple[str, int], _Lot] = {}
    for place, message in enumerate(messages):
        topic = message.topic
        every = partitions.get(topic)
        if every is None:
            every = partitions[topic] = await _partitions_of(producer, topic)
        if isinstance(every, KafkaError):
            outcomes[place] = every
        elif len(message.key or b"") + len(message.value or b"") > REQUEST_LIMIT_BYTES:
            outcomes[place] = MessageSizeTooLargeError(f"more than {REQUEST_LIMIT_BYTES} bytes")
        else:
            partition = _partition(message.key, every)
            lot = lots.get((topic, partition))
            if lot is None:
                lot = lots[topic, partition] = _Lot(topic, partition, [])
            lot.places.append(place)
    return list(lots.values())


async def _partitions_of(producer: AIOKafkaProducer, topic: str) -> Sequence[int] | KafkaError:
    try:
        return sorted(await producer.partitions_for(topic))
    except KafkaError as error:
        return error


async def _send_lot(
    producer: AIOKafkaProducer, lot: _Lot, messages: Sequence[Message], outcomes: list[BaseException | None]
) -> bool:
    """Send the messages of one partition in as few batches as hold them, and note each batch's outcome.

    Returns whether the session may be kept: a batch that was refused by the broker leaves a gap in its sequence.
    """
    sent: list[tuple[list[int], asyncio.Future[Any]]] = []
    rest, kept = lot.places, True
    try:
        while rest:
            batch, held = _filled(producer.create_batch(), rest, messages)
            sent.append((rest[:held], await producer.send_batch(batch, lot.topic, partition=lot.partition)))
            rest = rest[held:]
    except KafkaError as error:
        kept = isinstance(error, _PASSING)
        _note(outcomes, rest, error)
    results = await asyncio.gather(*(future for _, future in sent), return_exceptions=True)
    for (places, _), result in zip(sent, results, strict=True):
        if isinstance(result, BaseException):
            kept = False
            _note(outcomes, places, result)
    return kept


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


def _note(outcomes: list[BaseException | None], places: Sequence[int], outcome: BaseException) -> None:
    for place in places:
        outcomes[place] = outcome
