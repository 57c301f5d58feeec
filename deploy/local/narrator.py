"""Tells what passes on the topics while the demo plays: tickets, clocks, backups."""

from collections.abc import Callable
from datetime import datetime

from aiokafka import AIOKafkaConsumer

from shared import clock
from shared.events import Undecodable, decode

_TOPICS = ("tickets.v1", "sla.v1", "backups.v1")
_QUIET = frozenset({"sla.started"})


async def narrate(bootstrap: str, tell: Callable[[str], None], since: datetime) -> None:
    """Print one line for each event that the broker took after ``since``, until cancelled."""
    consumer = AIOKafkaConsumer(*_TOPICS, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        while True:
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    line = _line(record.value)
                    if line and clock.from_us(record.timestamp * 1000) >= since:
                        tell(line)
    finally:
        await consumer.stop()


def _line(value: bytes | None) -> str:
    try:
        event = decode(value)
    except Undecodable as wrong:
        return f"not an event: {wrong.reason}"
    if event.type in _QUIET:
        return ""
    metric = getattr(event.data, "metric", "")
    about = getattr(event.data, "title", "") or getattr(event.data, "reason", "") or ""
    return f"{event.type:<16} {event.subject} {metric} {about}".rstrip()
