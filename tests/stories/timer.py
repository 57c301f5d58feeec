"""What the stories of sla_timer are told with: real processes, a real broker, a real database."""

import asyncio
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from deploy.local.process import Child, Command, free_port
from shared.clock import now
from shared.events import Event, decode
from tests.builders import catalog_file
from tests.conftest import dsn_for

TARGETS = {
    "calendars": {"all": {"zone": "America/Sao_Paulo", "day": "24h", "week": {"mon-sun": ["00:00-24:00"]}}},
    "priorities": ["medium"],
    "defaults": {
        "priority": "medium",
        "calendar": "all",
        "triage": "triage",
        "warnings": ["50%"],
        "pauses": {"action": ["waiting_customer"]},
    },
    "services": {"triage": {"name": {"en": "T"}, "targets": {"medium": {"response": "4s", "action": "1h"}}}},
}


@dataclass
class World:
    """One broker prefix and one database, with what is sent and read."""

    kafka: str
    prefix: str
    dsn: str
    folder: Path
    producer: Any
    settings: dict[str, str] = field(default_factory=dict)

    async def replica(self) -> Child:
        """Start one sla_timer process."""
        argv = [sys.executable, "-m", "services.sla_timer"]
        return await Child.start(Command(argv, self.folder / "sla_timer.log", self.environment()))

    def environment(self) -> dict[str, str]:
        """Return the settings of a process of its own."""
        return {
            "PRAZO_KAFKA": self.kafka,
            "PRAZO_DATABASE_URL": self.dsn,
            "PRAZO_HTTP_PORT": str(free_port()),
            "PRAZO_CONFIG_DIR": str(self.folder),
            "PRAZO_TOPIC_PREFIX": self.prefix,
            **self.settings,
        }

    async def send(self, type_: str, ticket: str, *, ago: float = 0, **data: Any) -> None:
        """Publish a ticket event that happened ``ago`` seconds ago; returns when the broker has it."""
        event = {
            "specversion": "1.0",
            "id": uuid.uuid4().hex,
            "source": "story",
            "type": f"ticket.{type_}",
            "subject": ticket,
            "time": (now() - timedelta(seconds=ago)).isoformat(),
            "data": {"ticket_id": ticket, **data},
        }
        await self.producer.send_and_wait(f"{self.prefix}tickets.v1", orjson.dumps(event), key=ticket.encode())

    async def open(self, ticket: str, ago: float = 0) -> None:
        """Open a ticket with a response target of 4 s."""
        await self.send("opened", ticket, ago=ago, service="triage", channel="email", title="t")

    async def told(self, enough: Callable[[Sequence[Event[Any]]], bool], seconds: float) -> list[Event[Any]]:
        """Return every event on sla.v1 once ``enough`` holds of them, or after ``seconds``."""
        return [
            decode(record.value)
            for record in await self.read("sla.v1", lambda rs: enough([decode(r.value) for r in rs]), seconds)
        ]

    async def read(self, topic: str, enough: Callable[[Sequence[Any]], bool], seconds: float) -> list[Any]:
        """Return every record of ``topic`` once ``enough`` holds of them, or after ``seconds``."""
        consumer = AIOKafkaConsumer(f"{self.prefix}{topic}", bootstrap_servers=self.kafka, auto_offset_reset="earliest")
        await consumer.start()
        found: list[Any] = []
        try:
            until = asyncio.get_running_loop().time() + seconds
            while not enough(found) and asyncio.get_running_loop().time() < until:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += records
        finally:
            await consumer.stop()
        return found


@asynccontextmanager
async def world(kafka: str, topics: str, postgres: str, database: str, folder: Path) -> AsyncIterator[World]:
    """Make a world whose catalog gives every ticket 4 s to respond."""
    (folder / "catalog").mkdir()
    catalog_file(folder / "catalog", **TARGETS)
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        yield World(kafka, topics, dsn_for(postgres, "sla_app", database), folder, producer)
    finally:
        await producer.stop()


def of_type(events: Sequence[Event[Any]], name: str, metric: str = "response") -> list[Event[Any]]:
    """Return the events of one type and metric."""
    return [e for e in events if e.type == f"sla.{name}" and e.data.metric == metric]
