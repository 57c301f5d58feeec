"""A notifier as a process on a real Kafka and PostgreSQL, and clock events crafted for it."""

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import orjson
import yaml
from aiokafka import AIOKafkaConsumer

from deploy.kafka.topics import create_topics
from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.process import Child, Command, free_port
from shared.events import decode
from shared.kafka import Message
from tests.conftest import dsn_for, prepare


@dataclass
class Paging:
    """One broker prefix and one database; ``environment`` is that of every process, ``http`` the last one's address."""

    kafka: str
    topics: str
    postgres: str
    database: str
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    http: str = ""

    def configure(self, oncall: dict[str, Any], smtp_port: int = 25) -> None:
        """Write the configuration and the secrets."""
        (self.folder / "oncall.yaml").write_text(yaml.safe_dump(oncall), encoding="utf-8")
        if not (self.folder / "notifier_token_key").exists():
            (self.folder / "notifier_token_key").write_text(secrets.token_hex(32), encoding="ascii")
        self.environment |= {
            "PRAZO_KAFKA": self.kafka,
            "PRAZO_TOPIC_PREFIX": self.topics,
            "PRAZO_DATABASE_URL": self.dsn,
            "PRAZO_CONFIG_DIR": str(self.folder),
            "PRAZO_SECRETS_DIR": str(self.folder),
            "PRAZO_SMTP_OUT": f"127.0.0.1:{smtp_port}",
        }

    @property
    def dsn(self) -> str:
        """Return the service's DSN."""
        return dsn_for(self.postgres, "notifier_app", self.database)

    @property
    def log(self) -> Path:
        """Return where all processes write."""
        return self.folder / "notifier.log"

    async def start(self, *argv: str) -> Child:
        """Start one process; ``argv``: what Python is to run instead of the module."""
        port = free_port()
        self.http = f"http://127.0.0.1:{port}"
        environment = {**self.environment, "PRAZO_HTTP_PORT": str(port), "PRAZO_PUBLIC_URL": self.http}
        return await Child.start(
            Command([sys.executable, *(argv or ("-m", "services.notifier"))], self.log, environment)
        )

    async def ready(self, seconds: float = 60) -> None:
        """Wait until the process that was started last is ready."""
        async with httpx.AsyncClient(timeout=5) as client, asyncio.timeout(seconds):
            while True:
                with suppress(httpx.HTTPError):
                    if (await client.get(f"{self.http}/readyz")).status_code == 200:
                        return
                await asyncio.sleep(0.1)

    async def metric(self, name: str) -> float:
        """Return a metric of the process that was started last, without labels or with all of them in ``name``."""
        async with httpx.AsyncClient(timeout=5) as client:
            text = (await client.get(f"{self.http}/metrics")).text
        return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(f"{name} "))

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Any]:
        """Yield a connection to the service's schema."""
        connection = await asyncpg.connect(self.dsn, server_settings={"search_path": "notifier"})
        try:
            yield connection
        finally:
            await connection.close()

    def message(self, kind: str, ticket: str, at: datetime, **more: Any) -> Message:
        """Return a clock event, ready to be published."""
        return Message(f"{self.topics}sla.v1", ticket.encode(), clock_event(kind, ticket, at, **more))

    async def notices(self, quiet_seconds: float = 2.0) -> list[Any]:
        """Return the events of notices.v1, each once, as soon as nothing more comes."""
        topic = f"{self.topics}notices.v1"
        consumer = AIOKafkaConsumer(topic, bootstrap_servers=self.kafka, auto_offset_reset="earliest")
        await consumer.start()
        found: dict[str, Any] = {}
        last = asyncio.get_running_loop().time()
        try:
            while asyncio.get_running_loop().time() - last < quiet_seconds:
                for records in (await consumer.getmany(timeout_ms=200, max_records=5_000)).values():
                    last = asyncio.get_running_loop().time()
                    for event in (decode(record.value) for record in records):
                        found[event.id] = event
        finally:
            with suppress(TimeoutError):
                await asyncio.wait_for(consumer.stop(), 10)
        return list(found.values())


def clock_event(kind: str, ticket: str, at: datetime, *, assignee: str | None = None, **more: Any) -> bytes:
    """Return an event of a response clock, dated ``at``."""
    when = at.isoformat()
    summary = {"title": "NF-e rejeitada", "service": "nfe", "priority": "high", "emergency": False, "channel": "email"}
    summary |= {"assignee": assignee, "coverage": "covered", "chargeable": "no", "opened_at": when}
    data = {"ticket_id": ticket, "client_id": "acme", "metric": "response", "cycle": 1, "sequence": 1, "due_at": when}
    data |= {"target_seconds": 60, "elapsed_seconds": 60, "remaining_seconds": 0, "occurred_at": when}
    data |= {"detected_at": when, "detected_late": False, "ticket": summary, **more}
    data["plan"] = {"catalog": "c", "calendar": "b", "tzdata": "x", "engine": "1"}
    id_ = f"{ticket}-{kind}-{data['sequence']}"
    head = {"specversion": "1.0", "id": id_, "source": "paging", "type": f"sla.{kind}", "time": when}
    return orjson.dumps({**head, "subject": ticket, "data": data})


def oncall_of(
    channels: dict[str, Any], people: Mapping[str, Sequence[Mapping[str, Any]]], **more: Any
) -> dict[str, Any]:
    """Return an on-call file: a breach tells the ticket's assignee, an hour later Eva, who is the manager, too.

    ``people``: the methods of each person by id.
    """
    known = {who: {"name": who.title(), "methods": list(methods)} for who, methods in people.items()}
    steps = [{"on": "breached", "to": "assignee"}, {"on": "breached", "after": "1h", "to": "eva"}]
    made = {"channels": channels, "people": known, "choose": [{"policy": "standard"}], "manager": ["eva"]}
    return {**made, "policies": {"standard": {"steps": steps, "repeat_every": "6h", "repeats": 1}}, **more}


@asynccontextmanager
async def own_servers(folder: Path) -> AsyncIterator[tuple[Paging, Kafka, Postgres]]:
    """Make a place over servers of its own, which may be killed."""
    kafka = await Kafka.start(folder / "kafka", log=folder / "kafka.log", report=lambda _: None)
    postgres = await Postgres.start(folder / "postgres", log=folder / "postgres.log")
    try:
        await prepare(postgres.admin_dsn)
        await create_topics(kafka.bootstrap, "p.", partitions=4)
        yield Paging(kafka.bootstrap, "p.", postgres.admin_dsn, "prazo", folder), kafka, postgres
    finally:
        await asyncio.gather(kafka.stop(), postgres.stop())
