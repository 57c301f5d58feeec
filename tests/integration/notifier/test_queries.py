"""Every named query prepares against the migrated schema."""

import asyncpg

from services.notifier.store import queries
from tests.conftest import dsn_for


async def test_every_query_prepares_as_the_app_role(postgres: str, database: str) -> None:
    connection = await asyncpg.connect(
        dsn_for(postgres, "notifier_app", database), server_settings={"search_path": "notifier"}
    )
    try:
        for name in queries.available_queries:
            await connection.prepare(getattr(queries, name).sql)
    finally:
        await connection.close()
