"""Servers for tests, by the ladder: addresses from the environment, else our own local launcher, else testcontainers.

``PRAZO_TEST_SERVERS=containers`` steps over our own launcher. Where no rung holds, the launcher's error is what fails.
"""

import asyncio
import logging
import os
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from deploy.kafka.topics import create_topics
from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from shared.errors import PrazoError
from shared.postgres import REPORT_ROLE, SCHEMAS, migrate, provision
from tests import containers

logging.getLogger("aiokafka").setLevel(logging.CRITICAL)

PASSWORD = "test-only"


def _step_over_launcher() -> None:
    if os.environ.get("PRAZO_TEST_SERVERS") == "containers":
        raise OSError("PRAZO_TEST_SERVERS=containers")


def dsn_for(dsn: str, role: str, database: str) -> str:
    """Return ``dsn`` of an administrator as that of a role in a database."""
    address = dsn.split("@")[1].split("/")[0]
    return f"postgresql://{role}:{PASSWORD}@{address}/{database}"


async def prepare(dsn: str) -> None:
    """Make every role and migrate every schema in the database ``prazo`` of an administrator's DSN."""
    roles = [f"{schema}_{kind}" for schema in SCHEMAS for kind in ("owner", "app")]
    await provision(dsn, dict.fromkeys([*roles, REPORT_ROLE], PASSWORD))
    for service, schema in (
        ("sla_timer", "sla"),
        ("intake", "intake"),
        ("notifier", "notifier"),
        ("backup_audit", "backup"),
    ):
        await migrate(dsn_for(dsn, f"{schema}_owner", "prazo"), schema, Path("services") / service / "migrations")


@pytest.fixture(scope="session")
async def postgres(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Return an administrator's DSN of a PostgreSQL with every role and every migrated schema in ``prazo``."""
    given = os.environ.get("PRAZO_TEST_POSTGRES")
    if given:
        await prepare(given)
        yield given
        return
    folder = tmp_path_factory.mktemp("postgres")
    server: Postgres | None = None
    try:
        _step_over_launcher()
        server = await Postgres.start(folder / "server", log=folder / "postgres.log", fsync=False)
    except (ImportError, OSError, PrazoError):
        if not containers.engine_answers():
            raise
        container, dsn = await containers.start_postgres()
    else:
        dsn = server.admin_dsn
    await prepare(dsn)
    yield dsn
    if server is not None:
        await server.stop()
    else:
        await asyncio.to_thread(container.stop)


@pytest.fixture
async def database(postgres: str) -> str:
    """Return the name of a fresh database, a copy of the migrated one."""
    name = f"t{uuid.uuid4().hex[:12]}"
    connection = await asyncpg.connect(postgres.replace("/prazo?", "/postgres?"))
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE prazo")
    finally:
        await connection.close()
    return name


@pytest.fixture(scope="session")
async def kafka(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Return the bootstrap address of a broker."""
    given = os.environ.get("PRAZO_TEST_KAFKA")
    if given:
        yield given
        return
    folder = tmp_path_factory.mktemp("kafka")
    try:
        _step_over_launcher()
        broker = await Kafka.start(folder / "broker", log=folder / "kafka.log")
    except (ImportError, OSError, PrazoError):
        if not containers.engine_answers():
            raise
        container, bootstrap = await containers.start_kafka()
        yield bootstrap
        await asyncio.to_thread(container.stop)
        return
    yield broker.bootstrap
    await broker.stop()


@pytest.fixture
async def topics(kafka: str) -> str:
    """Return a fresh topic prefix with every topic of the contract under it."""
    prefix = f"t{uuid.uuid4().hex[:8]}."
    await create_topics(kafka, prefix, partitions=3)
    return prefix
