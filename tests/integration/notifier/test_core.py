"""The delivery core on a real PostgreSQL: what was planned leaves, is repeated as itself, or moves on; never silently lost."""

from typing import Any

import pytest

from services.notifier import content
from services.notifier.domain.message import Outcome, Outgoing, Result
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
    told = [(n["type"], n["attempt"]) for n in await line.notices() if n["type"] != "notice.planned"]
    assert told == [("notice.unknown", 1), ("notice.sent", 2)]


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
    assert await line.take() == 1
