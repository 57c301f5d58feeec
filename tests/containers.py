"""The last rung of the ladder: servers from testcontainers, where our own launcher cannot run and a Docker engine answers."""

import asyncio
from typing import Any

from docker import from_env  # type: ignore[import-untyped]
from docker.errors import DockerException  # type: ignore[import-untyped]
from testcontainers.community.kafka import KafkaContainer
from testcontainers.community.postgres import PostgresContainer

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


async def start_postgres() -> tuple[Any, str]:
    """Start a PostgreSQL; return what ends it and the administrator's DSN of its database ``prazo``."""
    server = PostgresContainer(_POSTGRES, username="postgres", password="test-only", dbname="prazo", driver=None)
    await asyncio.to_thread(server.start)
    return server, f"{server.get_connection_url()}?sslmode=disable"


async def start_kafka() -> tuple[Any, str]:
    """Start a broker; return what ends it and its bootstrap address."""
    server = KafkaContainer(_KAFKA).with_kraft()
    await asyncio.to_thread(server.start)
    return server, server.get_bootstrap_server()
