"""The last rung of the ladder: servers from testcontainers, where our own launcher cannot run and a Docker engine answers."""

import asyncio

from docker import from_env  # type: ignore[import-untyped]
from docker.errors import DockerException  # type: ignore[import-untyped]
from testcontainers.community.kafka import KafkaContainer
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.container import DockerContainer

from tests.ladder import PASSWORD, Server

_KAFKA = "confluentinc/cp-kafka:8.1.0"
_POSTGRES = "postgres:17"


def engine_answers() -> bool:
    """Tell whether a Docker engine answers within five seconds."""
    try:
        client = from_env(timeout=5)
        client.close()
    except DockerException:
        return False
    return True


async def postgres() -> Server:
    """Start a PostgreSQL; its address is the administrator's DSN of its database ``prazo``."""
    container = PostgresContainer(_POSTGRES, username="postgres", password=PASSWORD, dbname="prazo", driver=None)
    await asyncio.to_thread(container.start)
    return _server(f"{container.get_connection_url()}?sslmode=disable", container)


async def kafka() -> Server:
    """Start a broker; its address is the bootstrap address."""
    container = KafkaContainer(_KAFKA).with_kraft()
    await asyncio.to_thread(container.start)
    return _server(container.get_bootstrap_server(), container)


def _server(address: str, container: DockerContainer) -> Server:
    async def stop() -> None:
        await asyncio.to_thread(container.stop)

    return Server(address, stop)
