"""What a replay takes for a difference and what it does not: the hold, another judgement, a lost journal, reopened tickets."""

import asyncio

import pytest

from tests.integration.sla_timer.desk import Desk, contents

NOTHING = {"due_not_fired": 0, "to_judge_anew": 0, "closed_by_older_engine": 0, "differences": 0}


async def counts(desk: Desk) -> tuple[int, dict[str, int]]:
    """Return the exit code and the counts of a replay."""
    code, lines = await desk.json("replay")
    return code, lines[-1]


async def test_what_is_due_for_longer_than_firing_may_be_held_is_a_difference(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRAZO_HOLD_LIMIT_SECONDS", "1")
    monkeypatch.setenv("PRAZO_SETTLE_SECONDS", "0")
    await desk.open("A", 1000)  # told of just now, though long due
    assert await counts(desk) == (0, {"clocks": 2} | NOTHING | {"due_not_fired": 1})
    await asyncio.sleep(1.5)
    code, [difference, found] = await desk.json("replay")
    assert (code, found) == (1, {"clocks": 2} | NOTHING | {"differences": 1})
    assert (difference["journal"]["verdict"], difference["database"]["verdict"]) == ("breached", "open")
    await desk.fire()
    assert await counts(desk) == (0, {"clocks": 2} | NOTHING)


async def test_clocks_whose_journal_was_lost_are_differences(desk: Desk) -> None:
    await desk.open("A", 10)
    await desk.open("B", 10)
    await desk.pool.execute("DELETE FROM journal WHERE ticket_id = 'A'")
    before = await contents(desk.pool)
    code, [*differences, found] = await desk.json("replay")
    assert (code, found) == (1, {"clocks": 4} | NOTHING | {"differences": 2})
    assert {one["ticket_id"] for one in differences} == {"A"}
    assert await contents(desk.pool) == before


async def test_a_moved_deadline_is_a_difference_unless_it_waits_for_another_judgement(desk: Desk) -> None:
    await desk.open("A", 10)
    await desk.pool.execute("UPDATE clock SET due_at = due_at + interval '1 h' WHERE metric = 'action'")
    assert await counts(desk) == (1, {"clocks": 2} | NOTHING | {"differences": 1})
    await desk.pool.execute("INSERT INTO judgement (fingerprint, engine) VALUES ('newer', '0')")
    assert await counts(desk) == (0, {"clocks": 2} | NOTHING | {"to_judge_anew": 1})


async def test_lives_of_every_kind_show_no_difference(desk: Desk) -> None:
    waiting, by = {"reason": "waiting_customer"}, {"by": "ana"}
    await desk.open("CANCELLED_LATE", 9000, ("cancelled", 10, {}))
    await desk.open("EXEMPT_LATE", 9000, ("exempted", 10, {"metric": "action", "reason_code": "x", "approved_by": "b"}))
    await desk.open("OUT", 100, ("reclassified", 50, {"scope": "out_of_scope"}))
    await desk.open("PAUSED_LATE", 9000, ("paused", 10, waiting))
    await desk.open("REOPENED", 9000, ("responded", 8999, by), ("resolved", 10, by))
    await desk.fire()
    await desk.say("REOPENED", ("reopened", 5, {}))
    assert (await counts(desk))[0] == 0
    while await desk.fire():
        pass
    code, found = await counts(desk)
    assert (code, {name: found[name] for name in NOTHING}) == (0, NOTHING)


SPOILT = [
    ("the plan of another ticket", "UPDATE clock SET basis = b.basis FROM clock b WHERE b.ticket_id = 'B' AND b.metric = clock.metric AND clock.ticket_id = 'A'", 2),
    ("fired years from now", "UPDATE clock SET fire_at = fire_at + interval '900 days' WHERE ticket_id = 'A'", 2),
    ("never to be fired", "UPDATE clock SET fire_at = NULL WHERE ticket_id = 'A' AND metric = 'action'", 1),
    ("a breach that was never told", "UPDATE clock SET verdict = 'breached', fire_at = NULL WHERE ticket_id = 'A' AND metric = 'action'", 1),
    ("milestones lost", "DELETE FROM milestone WHERE ticket_id = 'C'", 2),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "differences"), [row[1:] for row in SPOILT], ids=[row[0] for row in SPOILT])
async def test_a_clock_that_would_page_nobody_is_a_difference(desk: Desk, statement: str, differences: int) -> None:
    await desk.open("A", 10)
    await desk.open("B", 20, ("paused", 5, {"reason": "waiting_customer"}))
    await desk.open("C", 9000, ("responded", 8000, {"by": "ana"}), ("resolved", 10, {"by": "ana"}))
    assert await counts(desk) == (0, {"clocks": 6} | NOTHING)
    await desk.pool.execute(statement)
    assert await counts(desk) == (1, {"clocks": 6} | NOTHING | {"differences": differences})


async def test_a_closed_verdict_of_an_older_engine_is_kept_and_counted(desk: Desk) -> None:
    await desk.open("A", 9000, ("responded", 8999, {"by": "ana"}), ("resolved", 10, {"by": "ana"}))
    await desk.pool.execute("UPDATE clock SET due_at = due_at + interval '1 h' WHERE metric = 'response'")
    assert await counts(desk) == (1, {"clocks": 2} | NOTHING | {"differences": 1})
    await desk.pool.execute("UPDATE judgement SET engine = '1'")
    assert await counts(desk) == (0, {"clocks": 2} | NOTHING | {"closed_by_older_engine": 1})
