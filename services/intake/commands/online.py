"""What the commands share that ask the running system: its settings, its database, and their exit codes."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

from services.intake.settings import Settings
from shared.commands import ENVIRONMENT, USAGE, Wrong, settings_of
from shared.errors import Permanent
from shared.postgres import create_pool, is_of_the_data


def carry_out(name: str, work: Callable[[Settings, Any], Awaitable[int]]) -> int:
    """Return what ``work`` (of the settings and a pool) does, 2 for input that cannot be used, 3 without a database."""
    try:
        return asyncio.run(_with_pool(settings_of(Settings), work))
    except (Wrong, Permanent) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return USAGE
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
        if is_of_the_data(error):
            raise
        print(f"{name}: the database cannot be used ({type(error).__name__})", file=sys.stderr)
        return ENVIRONMENT


async def _with_pool(found: Settings, work: Callable[[Settings, Any], Awaitable[int]]) -> int:
    async with create_pool(found.database_url, "intake", size=2) as pool:
        return await work(found, pool)
