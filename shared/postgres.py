"""PostgreSQL: the pool, what is worth retrying, migrations under an advisory lock, and the roles."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

import asyncpg
import structlog

from shared.errors import Permanent

log = structlog.get_logger(__name__)

SCHEMAS = ("intake", "sla", "notifier", "backup")
REPORT_ROLE = "grafana_ro"
_SHARED_MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATION_LOCK = 0x5052415A  # "PRAZ"

OF_THE_DATA = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
    ValueError,  # what asyncpg raises for an argument that no column can hold
)
"""What says that the data cannot be stored, now or ever."""
_OF_THE_DATABASE = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server was killed while it answered
    OSError,
    TimeoutError,
)


class MigrationChanged(Permanent):
    """An applied migration has other content than the file of the same name: never edit one, add the next."""


def is_of_the_data(error: BaseException) -> bool:
    """Tell whether ``error`` says that the data cannot be stored (SQLSTATE classes 22, 23 and 54), now or ever."""
    return isinstance(error, OF_THE_DATA)


def is_transient(error: BaseException) -> bool:
    """Tell whether ``error`` is the database's and not the data's, so that the same work may succeed later.

    Away, busy, read-only after a failover, a rotated password, a table not migrated yet, an answer that was cut off in its
    middle: nothing of it is a fault of the record in hand. Only data that cannot be stored fails for ever.
    """
    return not is_of_the_data(error) and isinstance(error, _OF_THE_DATABASE)


def create_pool(dsn: str, schema: str, size: int = 10) -> "asyncpg.Pool[asyncpg.Record]":
    """Return a pool that connects on first use; every connection sees ``schema`` only and has time limits on the server."""
    return asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=size,
        timeout=5,
        command_timeout=30,
        server_settings={
            "search_path": schema,
            "application_name": f"prazo_{schema}",
            "idle_in_transaction_session_timeout": "30s",
            "statement_timeout": "30s",
            "lock_timeout": "10s",
            "jit": "off",
            "tcp_keepalives_idle": "5",  # a replica whose host is gone gives its locks back within half a minute
            "tcp_keepalives_interval": "5",
            "tcp_keepalives_count": "3",
            "tcp_user_timeout": "20s",
            "random_page_cost": "1.1",
            "enable_bitmapscan": "off",  # what is asked in an index's order is read in it, however many rows there are
        },
    )


async def _connect(dsn: str) -> "asyncpg.Connection[asyncpg.Record]":
    """Connect, waiting up to a minute for a server that is starting."""
    for attempt in range(120):
        try:
            return await asyncpg.connect(dsn, timeout=5)
        except (OSError, asyncpg.CannotConnectNowError, TimeoutError):
            if attempt == 119:
                raise
            await asyncio.sleep(0.5)
    raise AssertionError("unreachable")


async def provision(admin_dsn: str, passwords: Mapping[str, str]) -> None:
    """Create roles and schemas as an administrator; idempotent. ``passwords`` maps each role to its password.

    Per schema ``x``: ``x_owner`` owns and migrates it, ``x_app`` reads and writes rows; ``grafana_ro`` reads reports only.
    """
    connection = await _connect(admin_dsn)
    try:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _MIGRATION_LOCK)
            for role, password in passwords.items():
                await _create_role(connection, role, password)
            await connection.execute(f"ALTER ROLE {REPORT_ROLE} SET statement_timeout = '5s'")
            for schema in SCHEMAS:
                await _create_schema(connection, schema)
    finally:
        await connection.close()


async def _create_role(connection: "asyncpg.Connection[asyncpg.Record]", role: str, password: str) -> None:
    exists = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role)
    verb = "ALTER" if exists else "CREATE"
    statement = await connection.fetchval(
        "SELECT format('%s ROLE %I LOGIN PASSWORD %L', $1::text, $2::text, $3::text)", verb, role, password
    )
    await connection.execute(statement)


async def _create_schema(connection: "asyncpg.Connection[asyncpg.Record]", schema: str) -> None:
    owner, app = f"{schema}_owner", f"{schema}_app"
    await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {owner}")
    await connection.execute(f"GRANT USAGE ON SCHEMA {schema} TO {app}, {REPORT_ROLE}")
    for what in ("SELECT, INSERT, UPDATE, DELETE ON TABLES", "USAGE, SELECT ON SEQUENCES"):
        await connection.execute(f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema} GRANT {what} TO {app}")


async def migrate(owner_dsn: str, schema: str, folder: Path) -> Sequence[str]:
    """Apply what is new of the shared migrations, then of ``folder``, in order of name; return the names applied.

    One transaction under one advisory lock: any number of replicas may call it at once, all or nothing is applied.
    Raises ``MigrationChanged`` when an applied file was edited.
    """
    connection = await _connect(owner_dsn)
    try:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _MIGRATION_LOCK)
            await connection.execute(f"SET LOCAL search_path TO {schema}")
            await connection.execute(
                "CREATE TABLE IF NOT EXISTS migration (name text PRIMARY KEY, content text NOT NULL,"
                " applied_at timestamptz NOT NULL DEFAULT now())"
            )
            applied = [
                path.name
                for path in [*sorted(_SHARED_MIGRATIONS.glob("*.sql")), *sorted(folder.glob("*.sql"))]
                if await _apply(connection, path)
            ]
            await _grant_reports(connection, schema)
            return applied
    finally:
        await connection.close()


async def _apply(connection: "asyncpg.Connection[asyncpg.Record]", path: Path) -> bool:
    content = path.read_text(encoding="utf-8")
    known = await connection.fetchval("SELECT content FROM migration WHERE name = $1", path.name)
    if known is not None:
        if known != content:
            raise MigrationChanged(f"{path.name} was edited after it had been applied")
        return False
    await connection.execute(content)
    await connection.execute("INSERT INTO migration (name, content) VALUES ($1, $2)", path.name, content)
    return True


async def _grant_reports(connection: "asyncpg.Connection[asyncpg.Record]", schema: str) -> None:
    """Let ``grafana_ro`` read the views named ``report_*`` and nothing else."""
    rows = await connection.fetch(
        "SELECT viewname FROM pg_views WHERE schemaname = $1 AND viewname LIKE 'report\\_%'", schema
    )
    for row in rows:
        await connection.execute(f"GRANT SELECT ON {schema}.{row['viewname']} TO {REPORT_ROLE}")
