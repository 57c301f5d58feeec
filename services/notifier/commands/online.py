"""What the commands share that ask the running system: its database, and their exit codes."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from services.notifier.settings import Settings
from shared.commands import ENVIRONMENT, USAGE, Wrong
from shared.errors import PrazoError
from shared.postgres import create_pool


@asynccontextmanager
async def database(found: Settings) -> AsyncIterator["asyncpg.Pool[asyncpg.Record]"]:
    """Open the service's database."""
    pool = create_pool(found.database_url, "notifier", size=2)
    await pool
    try:
        yield pool
    finally:
        await pool.close()


def carry_out(name: str, work: Callable[[], Coroutine[Any, Any, int]]) -> int:
    """Return what ``work`` does, or 2 for input that cannot be used, or 3 where the database cannot be, both explained."""
    try:
        return asyncio.run(work())
    except (Wrong, PrazoError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return USAGE
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
        print(f"{name}: the database cannot be used ({type(error).__name__})", file=sys.stderr)
        return ENVIRONMENT
