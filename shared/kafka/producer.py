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

from shared.errors import Transient
from shared.kafka.retry import keep_trying

log = structlog.get_logger(__name__)

SEND_TIMEOUT_SECONDS = 10.0
REQUEST_LIMIT_BYTES = 2 * 1024 * 1024  # room for a dead letter: a record of Kafka's usual 1 MiB and our headers
TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)
_PASSING = (*TOO_LARGE, KafkaTimeoutError, TopicAuthorizationFailedError, UnknownTopicOrPartitionError)


@dataclass(frozen=True, slots=True)
class Message:
    """One record to send."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


def _partition(key: bytes | None, every: Sequence[int], _available: Sequence[int]) -> int:
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
            linger_ms=5,
            max_batch_size=256 * 1024,
            max_request_size=REQUEST_LIMIT_BYTES,
            request_timeout_ms=5_000,
            compression_type="lz4",
            partitioner=_partition,
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
        """Send pipelined, in order per key, and wait for every acknowledgement; None stands for acknowledged.

        What is too large fails alone (``TOO_LARGE``). After any other failure to hand a message over nothing more is
        handed over, so that no message of a key overtakes an earlier one; that failure is the result of the rest.
        Raises ``Transient`` when no broker was ever reached or the acknowledgements did not come in time: what was
        sent may then arrive or not, so the caller sends the same bytes again.
        """
        outcomes: list[asyncio.Future[Any] | KafkaError] = []
        try:
            async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
                await self._started.wait()
                await _hand_over(self._producer, messages, outcomes)
                futures = [outcome for outcome in outcomes if isinstance(outcome, asyncio.Future)]
                answers = await asyncio.gather(*futures, return_exceptions=True)
        except TimeoutError:
            for outcome in outcomes:
                if isinstance(outcome, asyncio.Future):
                    outcome.cancel()
            raise Transient("the broker did not acknowledge in time") from None
        failures = [answer if isinstance(answer, BaseException) else None for answer in answers]
        refusals = [outcome for outcome in outcomes if isinstance(outcome, KafkaError)]
        if any(failures) or not all(isinstance(refusal, _PASSING) for refusal in refusals):
            self._replace()
        remaining = iter(failures)
        return [outcome if isinstance(outcome, KafkaError) else next(remaining) for outcome in outcomes]

    def _replace(self) -> None:
        """Begin a new session: a batch that failed leaves a gap in the sequence, and nothing behind it would be taken."""
        if self._started.is_set():
            log.warning("producer_replaced")
            self._started.clear()
            self._starter = asyncio.create_task(self._renew())


async def _hand_over(
    producer: AIOKafkaProducer, messages: Sequence[Message], outcomes: list[asyncio.Future[Any] | KafkaError]
) -> None:
    """Append to ``outcomes`` each message's acknowledgement to come, or why it was not taken."""
    for message in messages:
        key = message.key if message.value is not None else message.key or b""  # a record needs one of the two
        try:
            outcomes.append(await producer.send(message.topic, message.value, key=key, headers=list(message.headers)))
        except TOO_LARGE as error:
            outcomes.append(error)
        except KafkaError as error:
            outcomes += [error] * (len(messages) - len(outcomes))
            return
