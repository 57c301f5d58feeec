"""What commands read of the live schema: one consistent snapshot that the server itself keeps from changing anything."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import orjson

from services.sla_timer.domain.journal import Fact
from shared.errors import Transient
from shared.events import decode_json
from shared.sql import load_queries

queries = load_queries(Path(__file__).parent / "reading.sql")
_PREFETCHED = 200


class Away(Transient):
    """The database does not answer, refuses us, or is not migrated."""


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[Any]:
    """Give a connection that sees the schema of sla_timer; raises ``Away``, also for what fails in it later."""
    try:
        connection = await asyncpg.connect(dsn, timeout=5, server_settings=_SETTINGS)
        try:
            yield connection
        finally:
            await connection.close(timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Away(f"the database cannot be used: {type(error).__name__}: {error}") from None


_SETTINGS = {
    "search_path": "sla",
    "application_name": "prazo_sla_command",
    "idle_in_transaction_session_timeout": "300s",
    "lock_timeout": "10s",
    "jit": "off",
}


@asynccontextmanager
async def snapshot(connection: Any) -> AsyncIterator[None]:
    """Read one consistent state; the server refuses every change of it."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        yield


async def journal_of(connection: Any, ticket_id: str) -> Sequence[Fact]:
    """Return the facts of one ticket; none when it is unknown."""
    if "\0" in ticket_id:  # which text of PostgreSQL cannot hold
        return ()
    return [_fact(row) async for row in queries.journal_of(connection, ticket_id=ticket_id)]


async def journals(connection: Any) -> AsyncIterator[tuple[str, Sequence[Fact]]]:
    """Yield each ticket with its facts by a cursor in the caller's transaction: one ticket is in memory at a time."""
    ticket_id, found = None, list[Fact]()
    async for row in connection.cursor(queries.whole_journal.sql, prefetch=_PREFETCHED):
        if row["ticket_id"] != ticket_id:
            if ticket_id is not None:
                yield ticket_id, found
            ticket_id, found = row["ticket_id"], []
        found.append(_fact(row))
    if ticket_id is not None:
        yield ticket_id, found


def _fact(row: Any) -> Fact:
    return Fact.of(decode_json(orjson.loads(row["body"])), row["received_at"])
