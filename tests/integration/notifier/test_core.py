"""The delivery core on a real PostgreSQL: what was planned leaves, is repeated as itself, or moves on; never silently lost."""

from datetime import timedelta
from typing import Any

import pytest

from services.notifier import content
from services.notifier.domain.message import Outcome, Outgoing, Result
from services.notifier.handlers.taking import acknowledge, pass_on, undo
from services.notifier.store import notices
from shared import clock
from tests.notifier_line import ONCALL, Line, Scripted, sla

REFUSED = Result(Outcome.FAILED_PERMANENT, "smtp_550")
AWAY = Result(Outcome.FAILED_TEMPORARY, "refused")
LOST = Result(Outcome.UNKNOWN, "lost")


def people(**methods: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the on-call file with other methods of some people."""
    changed = {who: {**ONCALL["people"][who], "methods": found} for who, found in methods.items()}
    return {**ONCALL, "people": {**ONCALL["people"], **changed}}


async def test_a_page_is_sent_once_however_often_its_event_comes_and_the_line_turns(pool: Any) -> None:
    line = Line.of(pool)
    for _ in range(3):
        await line.hear(sla("breached"), sla("breached"))
        await line.turn()
    assert line.sent == [("mail", "ana@x.example", "breached")]
    assert await line.told() == ["sent"]


async def test_an_unknown_outcome_is_repeated_as_the_very_same_message_and_says_so(pool: Any) -> None:
    line = Line.of(pool, mail=Scripted(LOST))
    await line.hear(sla("breached"))
    await line.turn()
    await line.later(3)
    await line.turn()
    first, second = line.channels["mail"].sent
    assert (first.notice_id, first.content, first.link) == (second.notice_id, second.content, second.link)
    assert (first.repeated, second.repeated) == (False, True)
    assert await line.told() == ["unknown", "sent"]


async def test_a_process_that_died_in_the_act_leaves_an_unknown_outcome_and_its_late_result_says_nothing(
    pool: Any,
) -> None:
    line = Line.of(pool)
    await line.hear(sla("breached"))
    await line.duty.pool.execute("SELECT 1")
    await _open(line)
    (dead,) = await line.lanes["mail"]._claim(10)
    await line.later(61)
    await line.turn()
    async with pool.acquire() as connection:
        assert await notices.record_result(connection, dead, REFUSED, clock.now()) is None
    assert await line.told() == ["unknown", "sent"]


async def _open(line: Line) -> None:
    from services.notifier.handlers.opening import open_due

    await open_due(line.duty)


async def test_a_permanent_failure_moves_on_to_the_next_method_then_the_next_step_then_the_manager(pool: Any) -> None:
    oncall = people(ana=[{"by": "mail", "to": "ana@x.example"}, {"by": "hook", "after": "5m"}])
    line = Line.of(pool, oncall, mail=Scripted(REFUSED, REFUSED), hook=Scripted(REFUSED))
    await line.hear(sla("breached"))
    await line.turn()
    assert line.sent == [
        ("mail", "ana@x.example", "breached"),
        ("mail", "bob@x.example", "breached"),
        ("mail", "eva@x.example", "finding"),
        ("hook", "", "breached"),
    ]
    told = [(n["type"], n["person"], n["reason"]) for n in await line.notices() if n["type"] == "notice.failed"]
    assert told == [("notice.failed", who, "smtp_550") for who in ("ana", "ana", "bob")]


async def test_a_method_that_takes_too_long_lets_the_next_one_begin_and_goes_on(pool: Any) -> None:
    oncall = people(ana=[{"by": "mail", "to": "ana@x.example"}, {"by": "hook", "after": "5m"}])
    line = Line.of(pool, oncall, mail=Scripted(AWAY, AWAY))
    await line.hear(sla("breached"))
    await line.turn()
    await line.impatience()
    await line.turn()
    assert [channel for channel, _, _ in line.sent] == ["mail"]
    await line.later(61)
    await line.impatience()
    await line.turn()
    assert [channel for channel, _, _ in line.sent] == ["mail", "mail", "hook"]


async def test_a_channel_known_to_be_dead_is_not_waited_for(pool: Any) -> None:
    oncall = people(ana=[{"by": "mail", "to": "ana@x.example"}, {"by": "hook", "after": "5m"}])
    line = Line.of(pool, oncall, mail=Scripted(AWAY))
    await line.hear(sla("breached"))
    await line.turn()
    await line.impatience("mail")
    await line.turn()
    assert [channel for channel, _, _ in line.sent] == ["mail", "hook"]


async def test_what_nobody_takes_for_an_hour_is_a_dead_letter(pool: Any) -> None:
    line = Line.of(pool, mail=Scripted(*[AWAY] * 100))
    await line.hear(sla("breached"))
    await line.turn()
    await pool.execute("UPDATE notice SET due_at = due_at - interval '1 hour', next_at = now() WHERE person = 'ana'")
    await line.turn()
    row = await pool.fetchrow("SELECT state, reason FROM notice WHERE person = 'ana' ORDER BY notice_no LIMIT 1")
    assert tuple(row) == ("failed", "gave_up")


async def test_a_person_without_a_method_any_more_is_passed_over(pool: Any) -> None:
    line = Line.of(pool)
    await line.hear(sla("breached"))
    await _open(line)
    gone = Line.of(pool, {**ONCALL, "teams": {"primary": ["bob"], "secondary": ["bob"]}} | _without("ana"))
    await gone.turn()
    assert gone.sent == [("mail", "bob@x.example", "breached")]


def _without(person: str) -> dict[str, Any]:
    return {"people": {who: known for who, known in ONCALL["people"].items() if who != person}}


async def test_nobody_on_call_is_told_to_the_manager_and_the_next_step_is_due(pool: Any) -> None:
    steps = [{"on": "breached", "to": "assignee"}, {"on": "breached", "after": "10m", "to": "secondary"}]
    oncall = {**ONCALL, "policies": {"standard": {"steps": steps}}}
    line = Line.of(pool, oncall)
    await line.hear(sla("breached"))
    await line.turn()
    assert sorted(line.sent) == [("mail", "bob@x.example", "breached"), ("mail", "eva@x.example", "finding")]
    assert ("notice.failed", "nobody_on_call") in [(n["type"], n.get("reason")) for n in await line.notices()]


async def test_steps_follow_each_other_until_somebody_takes_it_and_begin_again_for_ever(pool: Any) -> None:
    line = Line.of(pool)
    await line.hear(sla("breached"))
    for minutes in (0, 10, 5, 10, 60, 10, 60):
        await line.later(minutes * 60)
        await line.turn()
    assert [to.partition("@")[0] for _, to, _ in line.sent] == ["ana", "bob", "ana", "bob", "ana", "bob", "ana"]
    told = await line.told()
    assert told.count("exhausted") == 1
    assert told.count("escalated") == 6


async def test_who_is_on_call_is_decided_when_the_step_is_due(pool: Any) -> None:
    line = Line.of(pool)
    await line.hear(sla("breached"))
    await line.turn()
    changed = Line.of(pool, {**ONCALL, "teams": {"primary": ["ana"], "secondary": ["eva"]}})
    await changed.later(600)
    await changed.turn()
    assert changed.sent == [("mail", "eva@x.example", "breached")]


async def take(line: Line, person: str = "ana", promise: timedelta | None = None) -> int:
    """Let a person take what the last notice to them told."""
    row = await line.duty.pool.fetchrow(
        "SELECT notice_id, page_no FROM notice WHERE person = $1 ORDER BY notice_no DESC LIMIT 1", person
    )
    return await acknowledge(line.duty, str(row["notice_id"]), row["page_no"], person, "mail", promise)


async def test_the_first_acknowledgement_counts_and_ends_the_steps(pool: Any) -> None:
    line = Line.of(pool)
    await line.hear(sla("breached"))
    await line.turn()
    await line.later(600)
    await line.turn()
    assert (await take(line, "bob"), await take(line, "ana")) == (1, 0)
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
    await take(line, promise=timedelta(minutes=5))
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
    await take(line)
    await line.hear(sla("breached", sequence=2))
    await line.turn()
    assert [word for _, _, word in line.sent] == ["warning", "breached"]


async def test_an_acknowledgement_can_be_undone_for_two_minutes(pool: Any) -> None:
    line = Line.of(pool)
    await line.hear(sla("breached"))
    await line.turn()
    await take(line)
    await line.later(60)
    await pool.execute("UPDATE step SET due_at = now() WHERE act = 'tell' AND state = 'planned'")
    await line.turn()
    row = await pool.fetchrow("SELECT notice_id, page_no FROM notice WHERE person = 'ana'")
    assert await undo(line.duty, str(row["notice_id"]), row["page_no"], "bob") == 0
    assert await undo(line.duty, str(row["notice_id"]), row["page_no"], "ana") == 1
    await line.turn()
    assert [to.partition("@")[0] for _, to, _ in line.sent] == ["ana", "bob"]
    await take(line, "bob")
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


async def test_a_broken_template_loses_no_page(pool: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> str:
        raise KeyError("undefined")

    monkeypatch.setattr(content, "render", broken)
    line = Line.of(pool)
    await line.hear(sla("breached"))
    await line.turn()
    (sent,) = line.channels["mail"].sent
    assert "#4821" in sent.content.plain
    assert "http://x/a/" in sent.content.plain


class Raises(Scripted):
    """A channel with a defect."""

    async def send(self, message: Outgoing) -> Result:
        """Raise."""
        raise LookupError("a defect")


async def test_a_channel_that_raises_is_an_unknown_outcome_and_is_tried_again(pool: Any) -> None:
    line = Line.of(pool, mail=Raises())
    await line.hear(sla("breached"))
    await line.turn()
    assert await line.told() == ["unknown"]
    assert await pool.fetchval("SELECT state FROM notice") == "planned"


async def test_what_another_version_composed_is_composed_anew(pool: Any) -> None:
    line = Line.of(pool)
    await line.hear(sla("breached"))
    await _open(line)
    await pool.execute("UPDATE notice SET content = 'another version'")
    await line.turn()
    assert await line.told() == ["sent"]


async def test_an_event_that_cannot_be_read_any_more_is_told_in_plain_words(pool: Any) -> None:
    line = Line.of(pool)
    await line.hear(sla("breached"))
    await pool.execute("UPDATE alert SET event = 'another version'")
    await line.turn()
    (sent,) = line.channels["mail"].sent
    assert "#4821" in sent.content.plain
    assert await take(line) == 1


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
    assert await take(line) == 295
    await line.later(600)
    await line.turn()
    assert [m.facts["alerts"] for m in line.channels["mail"].sent[6:] if m.word.value == "breached"] == ["1"] * 5


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
    window = {"from": now - timedelta(hours=1), "to": now + timedelta(hours=1), "owner": "eva", "reason": "troca"}
    said = {k: v.isoformat() if not isinstance(v, str) else v for k, v in window.items()}
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
