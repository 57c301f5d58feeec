"""What a review of the delivery core found: each test is one way in which somebody was told too little, or too much."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg

from services.notifier.auditor import Auditor
from services.notifier.handlers.opening import open_due
from shared import clock
from tests.notifier_line import ONCALL, Line, sla


def ana(**more: Any) -> dict[str, Any]:
    """Return the on-call file with another Ana."""
    return {**ONCALL, "people": {**ONCALL["people"], "ana": {**ONCALL["people"]["ana"], **more}}}


async def test_a_warning_of_a_moved_deadline_is_told_again(pool: Any) -> None:
    line = Line.of(pool)
    await line.hear(sla("warning", threshold="80%"))
    await line.turn()
    await line.hear(sla("rescheduled", sequence=2, previous_due_at="2026-03-05T17:05:00Z", cause="x"))
    await line.hear(sla("warning", sequence=3, threshold="80%"))
    await line.turn()
    assert [word for _, _, word in line.sent] == ["warning", "warning"]


async def test_two_steps_at_once_tell_a_person_by_the_ways_of_both(pool: Any) -> None:
    steps = [{"on": "breached", "to": "ana", "by": ["mail"]}, {"on": "breached", "to": "ana", "by": ["pager"]}]
    oncall = ana(methods=[{"by": "mail", "to": "ana@x.example"}, {"by": "pager"}])
    line = Line.of(pool, {**oncall, "policies": {"standard": {"steps": steps}}})
    await line.hear(sla("breached"))
    await line.turn()
    assert sorted(channel for channel, _, _ in line.sent) == ["mail", "pager"]


async def test_a_breach_taken_before_the_migration_passes_the_audit(pool: Any) -> None:
    line = Line.of(pool)
    await line.hear(sla("breached"))
    await line.turn()
    await line.take()
    await pool.execute("DELETE FROM step WHERE act = 'release'")  # as 0003_pages.sql leaves it
    await pool.execute("UPDATE step SET state = 'done' WHERE state = 'planned'")
    await pool.execute("UPDATE alert SET promised_until = NULL")
    assert not await Auditor(line.duty).audit()  # it is mended once
    await line.turn()
    assert await Auditor(line.duty).audit()


async def test_an_end_is_told_once_while_it_is_still_on_its_way(pool: Any) -> None:
    line = Line.of(pool)
    await line.hear(sla("breached"))
    await line.turn()
    await line.hear(sla("closed_late", sequence=2, late_seconds=3))
    await line.hear(sla("exempted", sequence=3))
    await line.turn()
    assert [word for _, _, word in line.sent] == ["breached", "all_clear"]


async def test_the_incident_of_who_takes_it_is_acknowledged_too(pool: Any) -> None:
    line = Line.of(pool, ana(methods=[{"by": "mail", "to": "ana@x.example"}, {"by": "pager"}]))
    await line.hear(sla("breached"))
    await line.turn()
    await line.take()
    await line.turn()
    assert ("pager", "", "acknowledged") in line.sent


async def test_a_warning_that_a_pause_kept_back_is_told_when_the_clock_runs_again(pool: Any) -> None:
    line = Line.of(pool)
    await line.hear(sla("warning", threshold="80%"), sla("paused", sequence=2, due_at=None))
    await line.turn()
    assert line.sent == []
    await line.hear(sla("resumed", sequence=3))
    await line.turn()
    assert [word for _, _, word in line.sent] == ["warning"]


async def test_who_joins_a_page_that_was_moved_on_from_moves_on_too(pool: Any) -> None:
    oncall = {**ONCALL, "teams": {"primary": ["ana"], "secondary": ["eva"]}}
    line = Line.of(pool, oncall)
    await line.hear(*(sla("breached", subject=f"T{i}") for i in range(7)))
    await open_due(line.duty)  # and mail is dead: nobody claims
    await line.later(70)
    await line.impatience()
    await line.hear(sla("breached", subject="late"))
    await open_due(line.duty)
    await line.later(121)
    await line.impatience()
    late = "SELECT count(*) FROM step JOIN alert USING (alert_id) WHERE ticket_id = 'late' AND position = 2 AND step.due_at > now()"
    assert await pool.fetchval(late) == 0


async def test_a_breach_in_maintenance_keeps_its_rounds_for_afterwards(pool: Any) -> None:
    now, hour = clock.now(), timedelta(hours=1)
    said = {"from": (now - hour).isoformat(), "to": (now + hour).isoformat(), "owner": "eva", "reason": "troca"}
    line = Line.of(pool, {**ONCALL, "maintenance": [said]})
    await line.hear(sla("breached"))
    await line.turn()
    for _ in range(4):
        await line.later(900)
        await line.turn()
    assert line.sent == []
    assert "exhausted" not in await line.told()
    assert await pool.fetchval("SELECT count(*) FROM step WHERE act = 'tell' AND round > 0") == 0


async def test_a_warning_after_the_end_of_a_promise_is_told(pool: Any) -> None:
    line = Line.of(pool)
    due_at = clock.now() + timedelta(hours=1)
    await line.hear(sla("warning", threshold="50%", due_at=due_at.isoformat()))
    await pool.execute("UPDATE step SET state = 'done'")
    await line.hear(sla("warning", sequence=2, threshold="80%", due_at=due_at.isoformat()))
    await line.turn()
    await line.take()  # for the time that is left
    later = {
        "due_at": (due_at + timedelta(days=1)).isoformat(),
        "detected_at": (due_at + timedelta(hours=20)).isoformat(),
    }
    await line.hear(
        sla("rescheduled", sequence=3, previous_due_at=due_at.isoformat(), cause="x", due_at=later["due_at"])
    )
    await line.hear(sla("warning", sequence=4, threshold="80%", **later))
    await line.turn()
    assert [word for _, _, word in line.sent] == ["warning", "warning"]


async def test_the_rate_of_a_method_is_known_without_reading_every_notice(pool: Any) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL enable_seqscan = off")
        plan = await connection.fetch(
            "EXPLAIN SELECT person, nth, count(*) FROM notice WHERE channel = 'mail' AND person = ANY(ARRAY['ana'])"
            " AND accepted_at > statement_timestamp() - interval '1 minute' GROUP BY person, nth"
        )
    assert "Seq Scan" not in "\n".join(row[0] for row in plan)


async def test_an_all_clear_that_would_wake_somebody_waits_for_their_hours(pool: Any) -> None:
    line = Line.of(
        pool,
        ana(methods=[{"by": "mail", "to": "ana@x.example"}, {"by": "boom"}])
        | {"channels": {**ONCALL["channels"], "boom": {"kind": "apprise", "url_file": "boom"}}},
    )
    await line.hear(sla("breached"))
    await line.turn()
    closed = [{"days": [clock.now().strftime("%a").lower()], "from": "00:00", "to": "00:01"}]
    night = Line.of(
        pool,
        ana(methods=[{"by": "mail", "to": "ana@x.example"}, {"by": "boom"}], hours=closed)
        | {"channels": {**ONCALL["channels"], "boom": {"kind": "apprise", "url_file": "boom"}}},
    )
    await night.hear(sla("closed_late", sequence=2, late_seconds=3))
    await night.turn()
    assert [(channel, word) for channel, _, word in night.sent] == [("mail", "all_clear")]


async def test_the_migration_keeps_numbers_of_links_and_acknowledgements(postgres: str, database: str) -> None:
    folder = Path("services/notifier/migrations")
    connection = await asyncpg.connect(postgres.replace("/prazo?", f"/{database}?"))
    try:
        await connection.execute("DROP SCHEMA notifier CASCADE; CREATE SCHEMA notifier; SET search_path = notifier")
        for name in ("0001_initial", "0002_rounds"):
            await connection.execute((folder / f"{name}.sql").read_text())
        await connection.execute(
            "INSERT INTO alert (ticket_id, metric, cycle, loudness, suspended, event, acknowledged_by, acknowledged_at)"
            " VALUES ('T', 'response', 1, 'breached', false, '', 'ana', now()), ('U', 'response', 1, 'breached', false, '', NULL, NULL)"
        )
        await connection.execute("ALTER TABLE delivery ALTER delivery_id RESTART WITH 7")
        await connection.execute(
            "INSERT INTO delivery (alert_id, telling, word, step, person, state, next_at) SELECT alert_id, 0, 'breached', 0, 'ana',"
            " 'accepted', now() FROM alert"
        )
        await connection.execute((folder / "0003_pages.sql").read_text())
        assert [r[0] for r in await connection.fetch("SELECT notice_no FROM notice ORDER BY 1")] == [7, 8]
        acts = "SELECT ticket_id, act FROM step JOIN alert USING (alert_id) ORDER BY 1"
        assert [tuple(r) for r in await connection.fetch(acts)] == [("T", "release"), ("U", "again")]
        assert await connection.fetchval("SELECT nextval('notice_notice_no_seq')") > 8
    finally:
        await connection.close()
