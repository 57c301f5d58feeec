"""Every named query prepares against the migrated schema; the claim is bounded by its index on both sides."""

import re
from pathlib import Path

import asyncpg
import pytest

from services.sla_timer.store import queries
from shared.postgres import MigrationChanged, migrate
from tests.conftest import dsn_for


async def test_every_query_prepares_as_the_app_role(postgres: str, database: str) -> None:
    connection = await asyncpg.connect(dsn_for(postgres, "sla_app", database), server_settings={"search_path": "sla"})
    try:
        for name in queries.available_queries:
            await connection.prepare(getattr(queries, name).sql)
    finally:
        await connection.close()


async def test_the_claim_uses_both_bounds_in_the_index(postgres: str, database: str) -> None:
    connection = await asyncpg.connect(dsn_for(postgres, "sla_app", database), server_settings={"search_path": "sla"})
    try:
        sql = queries.claim_due.sql
        for parameter, value in (
            (r"\$1::timestamptz", "now() - interval '5 s'"),
            (r"\$2::int", "1"),
            (r"\$3::int", "500"),
        ):
            sql = re.sub(parameter, value, sql)
        await connection.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
        plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {sql}"))
    finally:
        await connection.close()
    condition = next(line for line in plan.splitlines() if "Index Cond" in line and "fire_at" in line)
    assert "fire_at >" in condition
    assert "fire_at <= statement_timestamp()" in condition


async def test_an_edited_migration_is_refused(postgres: str, database: str, tmp_path: Path) -> None:
    (tmp_path / "0001_initial.sql").write_text("SELECT 1;")
    with pytest.raises(MigrationChanged, match="0001_initial"):
        await migrate(dsn_for(postgres, "sla_owner", database), "sla", tmp_path)


async def test_the_report_role_reads_reports_and_nothing_else(postgres: str, database: str) -> None:
    connection = await asyncpg.connect(dsn_for(postgres, "grafana_ro", database))
    try:
        assert await connection.fetch("SELECT ticket_id, state, due_at FROM sla.report_at_risk") == []
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("SELECT ticket_id FROM sla.ticket")
    finally:
        await connection.close()
