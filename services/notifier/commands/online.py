"""What the commands share that ask the running system: its settings, its database, and their exit codes."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from pydantic import ValidationError
from pydantic_settings import SettingsError

from services.notifier.settings import Settings
from shared.commands import ENVIRONMENT, USAGE
from shared.errors import PrazoError
from shared.postgres import create_pool
from shared.service import wrong_settings


class Wrong(Exception):
    """An argument, a setting or a file cannot be used."""


def settings() -> Settings:
    """Return the settings as the service has them (``PRAZO_…``); raises ``Wrong`` with every error."""
    try:
        return Settings()
    except SettingsError as error:
        raise Wrong(f"settings of the service; {error}") from None
    except ValidationError as error:
        raise Wrong("; ".join(["settings of the service", *wrong_settings(error)])) from None


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


def printable(value: object) -> str:
    """Return one line that no terminal takes for a command: what cannot be printed is escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(value))


def agreed(question: str) -> bool:
    """Ask at the terminal; raises ``Wrong`` where there is none."""
    if not sys.stdin.isatty():
        raise Wrong("without a terminal to ask at, --yes is needed")
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes", "s", "sim")
