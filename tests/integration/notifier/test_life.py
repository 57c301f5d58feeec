"""The life of an alert: taken with a promise, undone, passed on, ended; storms, maintenance, quiet hours."""

import asyncio
from datetime import timedelta
from typing import Any

from services.notifier.domain.message import Word
from services.notifier.handlers.taking import pass_on, undo
from services.notifier.store.pages import Want, open_pages
from shared import clock
from tests.notifier_line import ONCALL, Line, sla


async def test_the_first_acknowledgement_counts_and_ends_the_steps(pool: Any) -> None:
    line = Line.of(pool)
    await line.hear(sla("breached"))
    await line.turn()
    await line.later(600)
    await line.turn()
    assert (await line.take("bob"), await line.take("ana")) == (1, 0)
    await line.later(600)
    await line.turn()
    assert [(to.partition("@")[0], word) for _, to, word in line.sent] == [
        ("ana", "breached"),
        ("bob", "breached"),
        ("ana", "acknowledged"),
    ]
    taken = [n for n in await line.notices() if n["type"] == "notice.acknowledged"]
    assert [(n["by"], n["channel"]) for n in taken] == [("bob", "mail")]


async def test_a_promise_that_ends_without_an_answer_is_told_anew_and_says_whose_it_was(pool: Any) -> None:
    line = Line.of(pool)
    await line.hear(sla("breached"))
    await line.turn()
    await line.take(promise=timedelta(minutes=5))
    await line.later(299)
    await line.turn()
    assert len(line.sent) == 1
    await line.later(2)
    await line.turn()
    again = line.channels["mail"].sent[1]
    assert (again.to, again.word.value) == ("ana@x.example", "breached")
    assert "Ana tinha assumido" in again.content.plain
    assert [n["reason"] for n in await line.notices() if n["type"] == "notice.released"] == ["promise_ended"]


async def test_who_took_a_warning_is_woken_by_the_breach(pool: Any) -> None:
    line = Line.of(pool)
    await line.hear(sla("warning", threshold="80%"))
    await line.turn()
    await line.take()
    await line.hear(sla("breached", sequence=2))
    await line.turn()
    assert [word for _, _, word in line.sent] == ["warning", "breached"]


async def test_an_acknowledgement_can_be_undone_for_two_minutes(pool: Any) -> None:
    line = Line.of(pool)
    await line.hear(sla("breached"))
    await line.turn()
    await line.take()
    await line.later(60)
    await pool.execute("UPDATE step SET due_at = now() WHERE act = 'tell' AND state = 'planned'")
    await line.turn()
    row = await pool.fetchrow("SELECT notice_id, page_no FROM notice WHERE person = 'ana'")
    assert await undo(line.duty, str(row["notice_id"]), row["page_no"], "bob") == 0
    assert await undo(line.duty, str(row["notice_id"]), row["page_no"], "ana") == 1
    await line.turn()
    assert [to.partition("@")[0] for _, to, _ in line.sent] == ["ana", "bob"]
    await line.take("bob")
    await line.later(121)
    assert await undo(line.duty, str(row["notice_id"]), row["page_no"], "bob") == 0


async def test_passing_on_tells_the_other_person_at_once_and_stops_nothing(pool: Any) -> None:
    line = Line.of(pool)
    await line.hear(sla("breached"))
    await line.turn()
    row = await pool.fetchrow("SELECT notice_id, page_no FROM notice")
    assert await pass_on(line.duty, str(row["notice_id"]), row["page_no"], "ana", "eva") == 1
    await line.turn()
    await line.later(600)
    await line.turn()
    assert [to.partition("@")[0] for _, to, _ in line.sent] == ["ana", "eva", "bob"]


async def test_exactly_those_who_were_disturbed_get_the_all_clear_on_the_same_thread(pool: Any) -> None:
    line = Line.of(pool)
    await line.hear(sla("breached"))
    await line.turn()
    await line.hear(sla("closed_late", sequence=2, late_seconds=3))
    await line.turn()
    first, second = line.channels["mail"].sent
    assert (second.to, second.word.value, second.thread) == ("ana@x.example", "all_clear", first.thread)
    assert line.channels["mail"].sent[2:] == []


async def test_an_all_clear_does_not_leave_after_the_next_breach_and_is_made_good(pool: Any) -> None:
    line = Line.of(pool)
    revised = {"replaces": "x", "from": "breached", "to": "open", "cause": "late_event"}
    await line.hear(sla("breached"))
    await line.turn()
    await line.hear(sla("revised", sequence=2, **revised))
    await line.hear(sla("breached", sequence=3))
    await line.turn()
    assert [word for _, _, word in line.sent] == ["breached", "breached"]
    await line.hear(sla("met", sequence=4))
    await line.turn()
    assert [word for _, _, word in line.sent] == ["breached", "breached", "all_clear"]


async def test_a_paused_clock_warns_nobody_and_a_moved_deadline_drops_what_was_to_come(pool: Any) -> None:
    steps = [
        {"on": "warning 80%", "to": "primary"},
        {"on": "warning 80%", "after": "5m", "to": "secondary"},
        {"on": "breached", "to": "primary"},
    ]
    line = Line.of(pool, {**ONCALL, "policies": {"standard": {"steps": steps}}})
    await line.hear(sla("warning", threshold="80%"))
    await line.turn()
    await line.hear(sla("rescheduled", sequence=2, previous_due_at="2026-03-05T17:05:00Z", cause="x"))
    await line.later(600)
    await line.turn()
    assert [to.partition("@")[0] for _, to, _ in line.sent] == ["ana"]
    assert await pool.fetchval("SELECT reason FROM step WHERE state = 'suppressed'") == "rescheduled"


async def test_a_storm_is_gathered_worst_first_and_nothing_of_it_is_hidden(pool: Any) -> None:
    line = Line.of(pool)
    for start in range(0, 300, 100):
        await line.hear(
            *(
                sla("breached", subject=f"T{i}", due_at=f"2026-03-05T{i // 60:02d}:{i % 60:02d}:00Z")
                for i in range(start, start + 100)
            )
        )
        await line.turn()
    await line.later(6)
    await line.turn()
    sent = line.channels["mail"].sent
    assert [m.facts["alerts"] for m in sent] == ["1"] * 5 + ["295"]
    assert sent[-1].content.subject == "[SLA] 295 prazos vencidos"
    told = {n["ticket_id"] for n in await line.notices() if n["type"] == "notice.sent"}
    assert told == {f"T{i}" for i in range(300)}
    assert await line.take() == 295
    await line.later(600)
    await line.turn()
    assert [m.facts["alerts"] for m in line.channels["mail"].sent[6:] if m.word.value == "breached"] == ["1"] * 5


async def test_an_alert_that_joins_a_page_while_it_is_claimed_is_told_on_it_or_on_the_next_one(pool: Any) -> None:
    line = Line.of(pool)
    await line.hear(*(sla("breached", subject=f"T{i}") for i in range(7)))
    await line.turn()
    await line.hear(sla("breached", subject="LATE"))
    await line.later(6)
    alert_id = await pool.fetchval("SELECT alert_id FROM alert WHERE ticket_id = 'LATE'")
    now = clock.now()
    ways = line.duty.ways("ana", now, False)
    async with pool.acquire() as opener:
        joining = opener.transaction()
        await joining.start()
        await opener.execute("UPDATE step SET state = 'done' WHERE alert_id = $1 AND position = 1", alert_id)
        await open_pages(opener, [Want("ana", Word.BREACHED, False, alert_id, ("LATE", "response", 1), 0, ways)], now)
        sending = asyncio.create_task(line.lanes["mail"].turn())
        await asyncio.sleep(0.5)
        await joining.commit()
        await sending
    await line.later(61)
    await line.turn()
    assert sum(int(m.facts["alerts"]) for m in line.channels["mail"].sent) == 8
    assert {n["ticket_id"] for n in await line.notices() if n["type"] == "notice.sent"} >= {"LATE"}


async def test_no_contract_or_a_charge_is_told_to_the_account_manager_once(pool: Any) -> None:
    line = Line.of(pool)
    line.duty.account_managers = {"Acme": "eva"}
    started = {"counts_from": "2026-03-05T16:05:00Z", "calendar": "business", "ticket": {"coverage": "none"}}
    await line.hear(sla("started", **started))
    await line.hear(sla("started", sequence=2, metric="action", **started))
    await line.turn()
    assert line.sent == [("mail", "eva@x.example", "account")]


async def test_maintenance_postpones_and_does_not_hide(pool: Any) -> None:
    now = clock.now()
    hour = timedelta(hours=1)
    said = {"from": (now - hour).isoformat(), "to": (now + hour).isoformat(), "owner": "eva", "reason": "troca"}
    line = Line.of(pool, {**ONCALL, "maintenance": [said]})
    await line.hear(sla("breached"))
    await line.turn()
    assert line.sent == []
    assert ("notice.suppressed", "maintenance") in [(n["type"], n.get("reason")) for n in await line.notices()]
    after = Line.of(pool)
    await after.later(3601)
    await after.turn()
    assert ("mail", "ana@x.example", "breached") in after.sent


async def test_quiet_hours_let_silent_methods_go_and_loud_ones_wait_unless_it_is_an_emergency(pool: Any) -> None:
    closed = [{"days": [clock.now().strftime("%a").lower()], "from": "00:00", "to": "00:01"}]
    ana = {**ONCALL["people"]["ana"], "hours": closed}
    ana["methods"] = [{"by": "mail", "to": "ana@x.example"}, {"by": "pager"}]
    line = Line.of(pool, {**ONCALL, "people": {**ONCALL["people"], "ana": ana}})
    await line.hear(sla("breached"), sla("breached", subject="9", ticket={"emergency": True}))
    await line.turn()
    assert sorted(line.sent) == [
        ("mail", "ana@x.example", "breached"),
        ("mail", "ana@x.example", "breached"),
        ("pager", "", "breached"),
    ]
    assert await pool.fetchval("SELECT count(*) FROM notice WHERE quiet AND next_at > now()") == 1


async def test_a_channel_with_a_state_of_its_own_is_told_on_its_thread_when_nothing_of_it_is_open(pool: Any) -> None:
    ana = {**ONCALL["people"]["ana"], "methods": [{"by": "pager"}]}
    line = Line.of(pool, {**ONCALL, "people": {**ONCALL["people"], "ana": ana}})
    await line.hear(*(sla("breached", subject=f"T{i}") for i in range(8)))
    await line.turn()
    await line.later(6)
    await line.turn()
    sent = line.channels["pager"].sent
    threads = [m.thread for m in sent]
    assert len(set(threads)) == 6
    assert threads[5].startswith("page.")
    for i in range(8):
        await line.hear(sla("met", sequence=2, subject=f"T{i}"))
        await line.turn()
    ends = [m.thread for m in sent if m.word.value == "all_clear"]
    assert sorted(ends) == sorted(threads)
    assert ends.index(threads[5]) == len(ends) - 1


async def test_a_breach_rings_again_where_the_warning_was_taken_and_the_end_resolves_both(pool: Any) -> None:
    ana = {**ONCALL["people"]["ana"], "methods": [{"by": "pager"}]}
    line = Line.of(pool, {**ONCALL, "people": {**ONCALL["people"], "ana": ana}})
    await line.hear(sla("warning", threshold="80%"))
    await line.turn()
    await line.take()
    await line.turn()
    await line.hear(sla("breached", sequence=2))
    await line.turn()
    await line.hear(sla("closed_late", sequence=3, late_seconds=3))
    await line.turn()
    said = [(m.word.value, m.thread) for m in line.channels["pager"].sent]
    first, second = said[0][1], said[2][1]
    assert first != second
    assert said[:3] == [("warning", first), ("acknowledged", first), ("breached", second)]
    assert sorted(said[3:]) == sorted([("all_clear", first), ("all_clear", second)])
