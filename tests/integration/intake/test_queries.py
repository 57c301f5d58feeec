"""Every named query prepares against the migrated schema."""

import re
from pathlib import Path

import asyncpg

from services.intake.store import queries
from tests.conftest import dsn_for


async def test_every_query_prepares_as_the_app_role(postgres: str, database: str) -> None:
    connection = await asyncpg.connect(
        dsn_for(postgres, "intake_app", database), server_settings={"search_path": "intake"}
    )
    try:
        for name in queries.available_queries:
            await connection.prepare(getattr(queries, name).sql)
    finally:
        await connection.close()


def test_no_query_has_the_name_of_another() -> None:
    files = Path("services/intake/queries").glob("*.sql")
    names = [name for file in files for name in re.findall(r"^-- name: (\w+)", file.read_text(encoding="utf-8"), re.M)]
    assert sorted(names) == sorted(set(names))
