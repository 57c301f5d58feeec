"""Commands on a real database: they read what the service wrote, change nothing, and say what is away."""

from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.sla_timer import reading
from tests.conftest import dsn_for
from tests.integration.sla_timer.desk import Desk, contents
from tests.integration.sla_timer.test_crash_points import OPENED
from tests.unit.sla_timer.desk import catalog


async def test_every_query_of_the_commands_prepares_as_the_app_role(postgres: str, database: str) -> None:
    connection = await asyncpg.connect(dsn_for(postgres, "sla_app", database), server_settings={"search_path": "sla"})
    try:
        for name in reading.queries.available_queries:
            await connection.prepare(getattr(reading.queries, name).sql)
    finally:
        await connection.close()


async def test_a_snapshot_cannot_change_anything(desk: Desk, postgres: str, database: str) -> None:
    await desk.open("A", 100)
    with pytest.raises(reading.Away, match="ReadOnlySQLTransaction"):
        async with (
            reading.connected(dsn_for(postgres, "sla_app", database)) as connection,
            reading.snapshot(connection),
        ):
            await connection.execute("DELETE FROM journal")


async def test_a_ticket_of_the_database_is_explained(desk: Desk) -> None:
    await desk.open("A", 100, ("responded", 10, {"by": "ana"}))
    before = await contents(desk.pool)
    code, [found] = await desk.json("explain", "A")
    assert code == 0
    response = found["clocks"][0]
    assert (response["verdict"], response["late_seconds"], response["elapsed_seconds"]) == ("breached", 30, 90)
    assert [line["line"] for line in response["story"]] == ["opened", "counted", "breached", "counted", "ended"]
    code, out, _ = await desk.run("explain", "A", "--lang", "en")
    assert (code, "RESPONSE: BREACHED" in out) == (0, True)
    assert await contents(desk.pool) == before


async def test_an_unknown_ticket_is_a_finding(desk: Desk) -> None:
    code, out, err = await desk.run("explain", "nobody")
    assert (code, out, err) == (1, "", "explain: ticket nobody: no such ticket\n")


async def test_a_ticket_whose_opening_has_not_arrived_is_a_finding(desk: Desk) -> None:
    await desk.say("B", ("responded", 5, {"by": "ana"}))
    code, _, err = await desk.run("explain", "B")
    assert (code, "its opening has not arrived" in err) == (1, True)


async def test_48_the_opening_arrives(desk: Desk) -> None:
    await desk.say("B", ("responded", 5, {"by": "ana"}))
    await desk.say("B", ("opened", 20, OPENED))
    code, [found] = await desk.json("explain", "B")
    assert (code, found["clocks"][0]["verdict"]) == (0, "met")


@pytest.mark.parametrize(
    "arguments", [("explain", "A"), ("replay",), ("simulate", "--catalog", "deploy/config/catalog/2026-01.yaml")]
)
async def test_a_database_that_is_away_is_exit_code_3(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setenv("PRAZO_DATABASE_URL", "postgresql://sla_app:secret-word@127.0.0.1:1/prazo")
    code, out, err = await desk.run(*arguments)
    assert (code, out) == (3, "")
    assert "database" in err
    assert "secret-word" not in err


@pytest.mark.parametrize(
    "arguments", [("explain", "A"), ("replay",), ("simulate", "--catalog", "deploy/config/catalog/2026-01.yaml")]
)
async def test_without_settings_it_is_exit_code_2(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.delenv("PRAZO_DATABASE_URL")
    code, _, err = await desk.run(*arguments)
    assert (code, "PRAZO_DATABASE_URL" in err) == (2, True)


async def test_46_a_replay_of_what_was_ingested_and_fired_shows_no_difference(desk: Desk) -> None:
    await desk.open("MET", 100, ("responded", 90, {"by": "ana"}))
    await desk.open("LATE", 200, ("responded", 10, {"by": "ana"}))
    await desk.open("BREACHED", 100)
    await desk.open("PAUSED", 30, ("paused", 20, {"reason": "waiting_customer"}))
    await desk.open("GONE", 30, ("cancelled", 20, {}))
    await desk.open("EXEMPT", 100, ("exempted", 90, {"metric": "response", "reason_code": "x", "approved_by": "b"}))
    code, [counts] = await desk.json("replay")
    assert (code, counts["due_not_fired"], counts["differences"]) == (0, 1, 0)
    await desk.fire()
    before = await contents(desk.pool)
    code, [counts] = await desk.json("replay")
    assert (code, counts) == (
        0,
        {"clocks": 12, "due_not_fired": 0, "to_judge_anew": 0, "closed_by_older_engine": 0, "differences": 0},
    )
    assert await contents(desk.pool) == before


async def test_a_replay_finds_what_was_tampered_with(desk: Desk) -> None:
    await desk.open("A", 100)
    await desk.pool.execute(
        "UPDATE clock SET verdict = 'met', state = 'done', fire_at = NULL WHERE metric = 'response'"
    )
    code, [difference, counts] = await desk.json("replay")
    assert (code, counts["differences"]) == (1, 1)
    assert (difference["journal"]["verdict"], difference["database"]["verdict"]) == ("breached", "met")
    code, out, _ = await desk.run("replay")
    assert (code, "1 differences" in out) == (1, True)


async def test_a_simulation_says_which_tickets_would_change_and_writes_nothing(desk: Desk, tmp_path: Path) -> None:
    await desk.open("SOON", 100, ("responded", 10, {"by": "ana"}))
    await desk.open("FAST", 100, ("responded", 99, {"by": "ana"}))
    longer: dict[str, Any] = {
        "services__triage__targets__medium": {"response": "3h", "action": "8h"},
        "defaults__calendar": "always",
    }
    (tmp_path / "new").mkdir()
    before = await contents(desk.pool)
    code, [change, counts] = await desk.json("simulate", "--catalog", str(catalog(tmp_path / "new", **longer)))
    assert (code, counts["tickets"], counts["changed"]) == (0, 2, 1)
    assert change["changes"] == [{"metric": "response", "cycle": 1, "now": "breached", "would": "met"}]
    assert counts["breaches"] == [{"service": "triage", "metric": "response", "breached": 1, "would": 0}]
    assert await contents(desk.pool) == before
