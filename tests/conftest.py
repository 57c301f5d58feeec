"""Servers for tests, each found by the ladder of ``tests/ladder.py``."""

import logging
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from deploy.kafka.topics import create_topics
from shared.postgres import REPORT_ROLE, SCHEMAS, migrate, provision
from tests.ladder import PASSWORD, server

logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


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
    async with server("postgres", tmp_path_factory.mktemp("postgres")) as dsn:
        await prepare(dsn)
        yield dsn


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
    async with server("kafka", tmp_path_factory.mktemp("kafka")) as bootstrap:
        yield bootstrap


@pytest.fixture
async def topics(kafka: str) -> str:
    """Return a fresh topic prefix with every topic of the contract under it."""
    prefix = f"t{uuid.uuid4().hex[:8]}."
    await create_topics(kafka, prefix, partitions=3)
    return prefix
