"""Dead letters: records that cannot be understood, kept with their reason and their original bytes and headers."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from prometheus_client import Counter

from shared.errors import Transient
from shared.kafka.producer import TOO_LARGE, Message, Producer
from shared.kafka.retry import backoff_seconds

log = structlog.get_logger(__name__)

_KEPT_OF_KEY, _KEPT_OF_VALUE = 1024, 64 * 1024  # bytes, of a record that is too large even for the dead letters

REASONS = (
    *("empty", "not_json", "not_utf8", "too_deep", "unknown_type", "invalid", "conflict"),
    *("policy_rule_8", "exemption_source", "unprocessable"),
)
"""Every word that says why a record was put aside."""

dead_lettered = Counter("prazo_dead_letters_total", "Records put aside, by topic and reason.", ["topic", "reason"])


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


async def bury(producer: Producer, letters: Sequence[DeadLetter], turn: Callable[[], None] = lambda: None) -> None:
    """Write dead letters to ``<topic>.dlq``; returns when the broker has acknowledged every one.

    ``turn`` is called before each try: waiting for a broker is a sign of life.
    A letter larger than the broker takes is cut: its first bytes, size and SHA-256 stay, and where the record stands.
    """
    waiting = [(letter, _whole(letter)) for letter in letters]
    attempt = 0
    while waiting:
        turn()
        try:
            results = await producer.send_all([message for _, message in waiting])
        except Transient:
            results = [Transient()] * len(waiting)
        waiting = [
            (letter, _cut(letter) if isinstance(result, TOO_LARGE) else message)
            for (letter, message), result in zip(waiting, results, strict=True)
            if result is not None
        ]
        if waiting:
            log.warning("dead_letters_wait", count=len(waiting), attempt=attempt)
            await asyncio.sleep(backoff_seconds(attempt))
            attempt += 1
    for letter in letters:
        dead_lettered.labels(letter.record.topic, letter.reason).inc()
        log.error("record_dead_lettered", topic=letter.record.topic, reason=letter.reason, detail=letter.detail)


def _whole(letter: DeadLetter) -> Message:
    record = letter.record
    return Message(f"{record.topic}.dlq", record.key, record.value, (*record.headers, *_headers(letter)))


def _cut(letter: DeadLetter) -> Message:
    record, value = letter.record, letter.record.value or b""
    cut = (
        ("prazo-original-bytes", str(len(value)).encode()),
        ("prazo-original-sha256", hashlib.sha256(value).hexdigest().encode()),
    )
    key = None if record.key is None else record.key[:_KEPT_OF_KEY]
    return Message(f"{record.topic}.dlq", key, value[:_KEPT_OF_VALUE], (*_headers(letter), *cut))


def _headers(letter: DeadLetter) -> tuple[tuple[str, bytes], ...]:
    record = letter.record
    return (
        ("prazo-reason", letter.reason.encode()),
        ("prazo-detail", letter.detail.encode(errors="replace")[:500]),
        ("prazo-topic", record.topic.encode()),
        ("prazo-partition", str(record.partition).encode()),
        ("prazo-offset", str(record.offset).encode()),
    )
