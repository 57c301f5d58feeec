"""What the measures of notifier share: a database and topics of their own, a steady stream of breaches, percentiles."""

import asyncio
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from deploy.kafka.topics import create_topics
from shared import clock
from shared.kafka import Message, Producer
from tests.paging import Paging

_TICK_SECONDS = 0.02


@asynccontextmanager
async def fresh(bootstrap: str, admin_dsn: str) -> AsyncIterator[Paging]:
    """Make a place with nothing in it."""
    database = f"b{uuid.uuid4().hex[:12]}"
    connection = await asyncpg.connect(admin_dsn.replace("/prazo?", "/postgres?"))
    try:
        await connection.execute(f"CREATE DATABASE {database} TEMPLATE prazo")
    finally:
        await connection.close()
    topics = f"{database}."
    await create_topics(bootstrap, topics, partitions=4)
    with tempfile.TemporaryDirectory(prefix="prazo-paged-") as folder:
        yield Paging(bootstrap, topics, admin_dsn, database, Path(folder))


async def stream(producer: Producer, messages: Sequence[Message], per_second: float) -> dict[str, float]:
    """Publish at a steady rate; return when the broker had each, by its key, in seconds of the loop's clock."""
    loop = asyncio.get_running_loop()
    began, at, sent = loop.time(), dict[str, float](), 0
    while sent < len(messages):
        await asyncio.sleep(_TICK_SECONDS)
        until = min(len(messages), int((loop.time() - began) * per_second))
        batch, sent = messages[sent:until], until
        if batch:
            results = await producer.send_all(batch)
            if any(results):
                raise RuntimeError("the broker refused a record")
            at |= {(message.key or b"").decode(): loop.time() for message in batch}
    return at


async def started(producer: Producer) -> None:
    """Wait until a producer has a broker."""
    while not producer.started:
        await asyncio.sleep(0.05)


async def until(holds: Callable[[], bool], seconds: float) -> None:
    """Wait until ``holds``; raises ``TimeoutError``."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.01)


def breaches(place: Paging, prefix: str, people: Sequence[str], count: int) -> list[Message]:
    """Return breaches of now, one after another to each of ``people``."""
    at = clock.now()
    return [place.message("breached", f"{prefix}{n}", at, assignee=people[n % len(people)]) for n in range(count)]


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """Return p50, p99 and the longest in milliseconds."""
    found = sorted(seconds)
    at = {"p50_ms": found[len(found) // 2], "p99_ms": found[len(found) * 99 // 100], "max_ms": found[-1]}
    return {name: round(value * 1000, 1) for name, value in at.items()}


def one_way(channel: str, people: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Return people with one method each."""
    return {who: [{"by": channel, "to": f"{who}@oncall.example"}] for who in people}
