"""Where tests find their servers: an address from the environment, else our own local launcher, else testcontainers.

``PRAZO_TEST_SERVERS=containers`` steps over our own launcher. Where no rung holds, the launcher's error is what fails.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres

PASSWORD = "test-only"


@dataclass(frozen=True, slots=True)
class Server:
    """A server that we started, and what ends it."""

    address: str
    stop: Callable[[], Awaitable[None]]


@asynccontextmanager
async def server(name: Literal["postgres", "kafka"], folder: Path) -> AsyncIterator[str]:
    """Give the address of a server, and end it afterwards if it was started here."""
    given = os.environ.get(f"PRAZO_TEST_{name.upper()}")
    if given:
        yield given
        return
    started = await _start(name, folder)
    try:
        yield started.address
    finally:
        await started.stop()


async def _start(name: Literal["postgres", "kafka"], folder: Path) -> Server:
    if os.environ.get("PRAZO_TEST_SERVERS") == "containers":
        return await _contained(name)
    try:
        return await _OWN[name](folder)
    except (OSError, RuntimeError):  # what the launcher raises when a server cannot be had
        if not _engine_answers():
            raise
    return await _contained(name)


def _engine_answers() -> bool:
    from tests.containers import engine_answers  # testcontainers is loaded only where this rung is reached

    return engine_answers()


async def _contained(name: Literal["postgres", "kafka"]) -> Server:
    from tests import containers

    return await (containers.postgres() if name == "postgres" else containers.kafka())


async def _own_postgres(folder: Path) -> Server:
    started = await Postgres.start(folder / "server", log=folder / "postgres.log", fsync=False)
    return Server(started.admin_dsn, started.stop)


async def _own_kafka(folder: Path) -> Server:
    started = await Kafka.start(folder / "broker", log=folder / "kafka.log")
    return Server(started.bootstrap, started.stop)


_OWN = {"postgres": _own_postgres, "kafka": _own_kafka}
