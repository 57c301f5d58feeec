"""Another judgement: open clocks are judged anew, before time may speak of them, once, and visibly."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from services.sla_timer.handlers import Timer, fire_due, ingest, reassess
from services.sla_timer.versions import Versions
from shared import clock
from shared.catalog import Catalogs, load
from shared.config import Misconfigured
from tests.integration.sla_timer.desk import Desk
from tests.integration.sla_timer.test_crash_points import LONG_AGO, OPENED, open_hold, record
from tests.unit.sla_timer.desk import catalog

HOUR: dict[str, Any] = {
    "services__triage__targets__medium": {"response": "1h", "action": "8h"},
    "defaults__calendar": "always",
}
SECOND: dict[str, Any] = {
    "services__triage__targets__medium": {"response": "1s", "action": "8h"},
    "defaults__calendar": "always",
}
LONG: dict[str, Any] = {
    "services__triage__targets__medium": {"response": "3h", "action": "8h"},
    "defaults__calendar": "always",
}


async def timer_with(pool: Any, *paths: Path) -> Timer:
    """Return a registered timer with these versions."""
    versions = Versions(Catalogs([load(path) for path in paths]))
    await versions.register(pool, clock.now())
    return Timer(pool, versions, "sla.v1")


async def told(pool: Any, metric: str = "response") -> Sequence[Any]:
    """Return (type, data) of every event of one metric that waits in the outbox."""
    rows = [orjson.loads(row["body"]) for row in await pool.fetch("SELECT body FROM outbox ORDER BY id")]
    return [(row["type"], row["data"]) for row in rows if row["data"]["metric"] == metric]


def later(folder: Path, seconds: float, **changes: Any) -> Path:
    """Return a version that takes over open clocks some seconds from now (negative: it has)."""
    path = catalog(folder, "t2", **changes)
    from_ = (clock.now() + timedelta(seconds=seconds)).isoformat()
    path.write_text(path.read_text().replace("'2000-01-01T00:00:00-03:00'", f"'{from_}'") + "applies_to: open\n")
    return path


async def test_44_a_new_version_for_open_clocks_moves_their_deadlines_once(pool: Any, tmp_path: Path) -> None:
    old = await timer_with(pool, catalog(tmp_path, **HOUR))
    await ingest(old, [record("opened", 10, **OPENED)])
    new = await timer_with(pool, catalog(tmp_path, **HOUR), later(tmp_path, -5, **LONG))
    assert await reassess(new)
    assert not await reassess(new)
    events = await told(pool)
    assert [type_ for type_, _ in events] == ["sla.started", "sla.rescheduled"]
    data = events[1][1]
    assert (data["cause"], data["plan"]["catalog"], data["target_seconds"]) == ("catalog", "t2", 3 * 3600)


async def test_what_an_older_judgement_planned_does_not_fire_before_it_is_judged_anew(
    pool: Any, tmp_path: Path
) -> None:
    old = await timer_with(pool, catalog(tmp_path, **SECOND))
    await ingest(old, [record("opened", 10, **OPENED)])  # overdue by the old version
    new = await timer_with(pool, catalog(tmp_path, **SECOND), later(tmp_path, -9.5, **LONG))
    assert await fire_due(new, open_hold(), LONG_AGO) == 0
    while await reassess(new):
        pass
    assert await fire_due(new, open_hold(), LONG_AGO) == 0
    assert "sla.breached" not in [type_ for type_, _ in await told(pool)]


async def test_a_version_that_comes_into_force_stops_the_fires_of_the_one_before(pool: Any, tmp_path: Path) -> None:
    made = await timer_with(pool, catalog(tmp_path, **SECOND), later(tmp_path, 0.2, **LONG))
    before = made.versions.judged_by
    await ingest(made, [record("opened", 0.1, **OPENED)])
    while clock.now() < (clock.from_us(made.versions.until_us or 0)):
        pass
    assert await fire_due(made, open_hold(), LONG_AGO) == 0
    await made.versions.register(pool, clock.now())
    assert made.versions.judged_by > before
    while await reassess(made):
        pass
    assert [type_ for type_, _ in await told(pool)] == ["sla.started", "sla.rescheduled"]


async def test_two_replicas_share_a_judgement_and_a_rollback_is_a_new_one(pool: Any, tmp_path: Path) -> None:
    first, second = catalog(tmp_path, **HOUR), later(tmp_path, -5, **LONG)
    ids = [
        (await timer_with(pool, *paths)).versions.judged_by for paths in ([first], [first], [first, second], [first])
    ]
    assert ids[0] == ids[1] < ids[2] < ids[3]


async def test_a_version_with_other_content_is_refused(pool: Any, tmp_path: Path) -> None:
    await timer_with(pool, catalog(tmp_path, **HOUR))
    with pytest.raises(Misconfigured, match="t1"):
        await timer_with(pool, catalog(tmp_path, **LONG))


async def test_a_clock_that_the_journal_no_longer_knows_is_cancelled_and_never_fires(pool: Any, tmp_path: Path) -> None:
    made = await timer_with(pool, catalog(tmp_path, **SECOND))
    await ingest(made, [record("opened", 10, **OPENED)])
    await ingest(made, [record("opened", 20, **OPENED, scope="out_of_scope")])  # the earlier opening wins
    events = await told(pool, "action")
    assert [(type_, data.get("cause")) for type_, data in events] == [
        ("sla.started", None),
        ("sla.cancelled", "withdrawn"),
    ]
    row = await pool.fetchrow("SELECT state, verdict, fire_at FROM clock WHERE metric = 'action'")
    assert tuple(row) == ("done", "cancelled", None)


async def test_clocks_of_the_first_engine_are_judged_anew_before_they_fire(pool: Any, tmp_path: Path) -> None:
    made = await timer_with(pool, catalog(tmp_path, **SECOND))
    await ingest(made, [record("opened", 10, **OPENED)])
    basis = orjson.dumps({"start": 0, "service": "triage", "priority": "medium", "pauses": [], "ahead": []})
    await pool.execute("UPDATE clock SET judged_by = 0, basis = $1", basis)
    assert await fire_due(made, open_hold(), LONG_AGO) == 0
    while await reassess(made):
        pass
    assert await fire_due(made, open_hold(), LONG_AGO) == 1
    assert [type_ for type_, _ in await told(pool)] == ["sla.started", "sla.breached"]


async def test_a_version_may_watch_a_ticket_of_which_only_a_late_clock_runs(pool: Any, tmp_path: Path) -> None:
    plain = {
        "services__update__scheduling": "none",
        **SECOND,
        "services__update__targets__medium": {"response": "1s", "action": "2s"},
    }
    first = catalog(tmp_path, **plain)
    first.write_text(first.read_text().replace("    schedule_within: 2bd\n", ""))
    old = await timer_with(pool, first)
    await ingest(old, [record("opened", 60, **{**OPENED, "service": "update"}), record("responded", 59.5, by="ana")])
    assert await fire_due(old, open_hold(), LONG_AGO) == 1
    second = later(tmp_path, -5, services__update__schedule_within="2h", defaults__calendar="always")
    new = await timer_with(pool, first, second)
    while await reassess(new):
        pass
    rows = await pool.fetch("SELECT metric, verdict, state FROM clock ORDER BY metric")
    assert [tuple(row) for row in rows] == [
        ("action", "breached", "running"),
        ("response", "met", "done"),
        ("scheduling", "open", "running"),
    ]
    assert "sla.started" in [type_ for type_, _ in await told(pool, "scheduling")]


async def revisions(pool: Any) -> list[tuple[str, str]]:
    """Return (from, to) of every revision of an action."""
    return [(data["from"], data["to"]) for type_, data in await told(pool, "action") if type_ == "sla.revised"]


@pytest.mark.parametrize(
    ("before", "late", "wanted"),
    [
        ([], ("paused", 8_000, {"reason": "waiting_customer"}), [("breached", "cancelled")]),
        (
            [("paused", 8_000, {"reason": "waiting_customer"})],
            ("resumed", 7_990, {}),
            [("cancelled", "breached")],
        ),
    ],
)
async def test_a_breach_before_a_cancellation_is_told_and_taken_back(
    desk: Desk, before: list[Any], late: tuple[str, float, dict[str, Any]], wanted: list[tuple[str, str]]
) -> None:
    await desk.open("A", 9_000, *before)
    await desk.fire()
    await desk.say("A", ("cancelled", 10, {}))
    await desk.say("A", late)
    assert await revisions(desk.pool) == wanted
    assert (await desk.json("replay"))[0] == 0
    await desk.say("A", ("assigned", 5, {"assignee": "a"}))
    assert await revisions(desk.pool) == wanted


async def test_a_late_clock_that_is_reopened_is_breached_still_and_its_breach_is_told_once(desk: Desk) -> None:
    await desk.open("A", 9_000, ("responded", 8_999, {"by": "ana"}))
    await desk.fire()
    await desk.say("A", ("resolved", 10, {"by": "ana"}))
    await desk.say("A", ("reopened", 5, {"by": "ana"}))
    assert await desk.fire() == 0
    events = [type_ for type_, _ in await told(desk.pool, "action")]
    assert events == ["sla.started", "sla.breached", "sla.closed_late", "sla.revised"]
    assert await revisions(desk.pool) == [("closed_late", "breached")]
    assert (await desk.json("replay"))[0] == 0
