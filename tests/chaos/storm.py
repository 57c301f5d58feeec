"""A storm over three replicas of sla_timer: kills, zombies, a broker and a database that die, rebalances one after another.

Every ticket's story is known to whoever sends it, so what must be told of it is known too. ``checks.py`` then reads the
database and the topic.
"""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.process import Child
from shared.clock import now
from shared.errors import Transient
from shared.kafka import Message, Producer
from tests.stories.timer import World

REPLICAS = 3
TARGET_SECONDS = 4.0
_ENDS = {"answered": "responded", "late": "responded", "paused": "responded"}
_ENDS |= {"resolved": "resolved", "cancelled": "cancelled"}
STORIES = ("forgotten", *_ENDS)


@dataclass
class Storm:
    """What blows, and what it has done so far."""

    world: World
    kafka: Kafka
    postgres: Postgres
    seeded: random.Random
    replicas: list[Child] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    due: set[str] = field(default_factory=set)
    in_time: set[str] = field(default_factory=set)
    _sending: set[asyncio.Task[None]] = field(default_factory=set)

    async def blow(self, kills: int, producer: Producer) -> None:
        """Send tickets and do harm until ``kills`` processes were killed; returns when every story was sent."""
        self.replicas = [await self.world.replica() for _ in range(REPLICAS)]
        tickets = asyncio.create_task(self._send_tickets(producer))
        while self.done["kill"] < kills:
            await asyncio.sleep(self.seeded.uniform(0.2, 2.0))
            harm = self.seeded.choices(
                [self._kill, self._freeze, self._rebalance, self._kill_broker, self._kill_database],
                weights=[60, 12, 8, 3, 3],
            )[0]
            await harm()
        tickets.cancel()
        with suppress(asyncio.CancelledError):
            await tickets
        await asyncio.gather(*self._sending)

    async def end(self) -> None:
        """End what still runs, hard."""
        for replica in self.replicas:
            await replica.kill()

    async def _kill(self) -> None:
        victim = self.seeded.randrange(REPLICAS)
        await self.replicas[victim].kill()
        self.replicas[victim] = await self.world.replica()
        self.done["kill"] += 1

    async def _freeze(self) -> None:
        """A zombie: it wakes after others have taken its partitions, and goes on where it was."""
        victim = self.replicas[self.seeded.randrange(REPLICAS)]
        victim.send(signal.SIGSTOP)
        await asyncio.sleep(self.seeded.uniform(0.5, 9.0))
        victim.send(signal.SIGCONT)
        self.done["freeze"] += 1

    async def _rebalance(self) -> None:
        for victim in range(REPLICAS):
            await self.replicas[victim].stop(5)
            self.replicas[victim] = await self.world.replica()
        self.done["rebalance"] += REPLICAS

    async def _kill_broker(self) -> None:
        await self._restart(self.kafka.kill, self.kafka.restart)
        self.done["broker"] += 1

    async def _kill_database(self) -> None:
        await self._restart(self.postgres.kill, self.postgres.restart)
        self.done["database"] += 1

    async def _restart(self, kill: Callable[[], Awaitable[None]], restart: Callable[[], Awaitable[None]]) -> None:
        await kill()
        await asyncio.sleep(self.seeded.uniform(0.1, 3.0))
        await restart()

    async def _send_tickets(self, producer: Producer) -> None:
        number = 0
        while True:
            story = STORIES[number % len(STORIES)]
            ticket = f"S{number}-{story}"
            task = asyncio.create_task(self._tell(producer, ticket, story))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
            number += 1
            await asyncio.sleep(0.08)

    async def _tell(self, producer: Producer, ticket: str, story: str) -> None:
        """Send one story; each event is dated when it was first tried, however long the broker is away."""

        async def say(type_: str, **data: Any) -> datetime:
            at = now()
            event = {"specversion": "1.0", "id": f"{ticket}-{type_}", "source": "storm", "type": f"ticket.{type_}"}
            body = {**event, "subject": ticket, "time": at.isoformat(), "data": {"ticket_id": ticket, **data}}
            await deliver(producer, f"{self.world.prefix}tickets.v1", ticket, orjson.dumps(body))
            return at

        opened_at = await say("opened", service="triage", channel="email", title="t")
        ended_at = None
        await asyncio.sleep(TARGET_SECONDS + 1 if story == "late" else 1.0)
        if story == "paused":  # the action clock stands; response goes on until it is answered
            await say("paused", reason="waiting_customer")
        if story in _ENDS:
            ended_at = await say(_ENDS[story], **({} if story == "cancelled" else {"by": "ana"}))
        in_time = ended_at is not None and ended_at - opened_at < timedelta(seconds=TARGET_SECONDS)
        (self.in_time if in_time else self.due).add(ticket)


async def deliver(producer: Producer, topic: str, key: str, body: bytes) -> None:
    """Send until the broker has it, as a publisher with an outbox does."""
    while True:
        with suppress(Transient):
            if await producer.send_all([Message(topic, key.encode(), body)]) == [None]:
                return
        await asyncio.sleep(0.2)
