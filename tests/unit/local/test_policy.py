"""The table of the policy run: what a failing story does to it, and that its instants are right on whatever day it runs."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.local.policy.days import BRASILIA, next_opening
from deploy.local.policy.desk import Person
from deploy.local.policy.rule_02 import calls_before
from deploy.local.policy.run import stories
from deploy.local.policy.stage import Stage, need
from deploy.local.policy.table import RULES, WIDTH, Proof, Row, Shown, Story, as_json, as_text, exit_code, play
from deploy.local.policy.topics import Topics, until
from deploy.local.stack import Stack
from shared.events import TicketRefused, new_event

WEEK = [date(2026, 11, 23) + timedelta(days=n) for n in range(7)]
REFUSED = new_event(
    TicketRefused(ticket_id="C1", rule=8, reason="r"),
    id="e1",
    source="prazo/intake",
    subject="C1",
    time=datetime(2026, 3, 5, tzinfo=UTC),
)


async def table(tmp_path: Path, *told: Story, seconds: float = 5) -> list[Row]:
    """Play stories that need no server."""
    person = Person("http://127.0.0.1:1", "ana", "")
    try:
        stack = Stack(tmp_path, print)
        return list(await play(told, Stage(stack, Topics(), person, WEEK[0], 1), seconds))
    finally:
        await person.leave()


def story(rule: int, happens: Callable[[], Awaitable[Any]], *, alone: bool = False) -> Story:
    """Return a story in which one thing happens."""

    async def run(stage: Stage) -> Shown:
        await happens()
        return Shown(["It was seen."], [REFUSED])

    return Story(rule, f"story {rule}", run, alone)


async def nothing() -> None:
    """Nothing is wrong."""


async def wrong() -> None:
    """Something is not there."""
    need(False, "intake: the answer does not quote the policy")


async def broken() -> None:
    """The story itself fails."""
    raise KeyError("errors")


async def never() -> None:
    """It takes too long."""
    await asyncio.sleep(60)


async def waited() -> None:
    """What is waited for does not come."""
    await until(lambda: None, 0.01, "sla_timer: no sla.started of C1")


FAILURES = [
    ("what was asked was not seen", wrong, "intake: the answer does not quote the policy"),
    ("what was waited for did not come", waited, "sla_timer: no sla.started of C1 within 0 s"),
    ("the story broke", broken, "KeyError: 'errors'"),
    ("it took too long", never, "it did not end within 0 s"),
]


@pytest.mark.parametrize(("happens", "missing"), [f[1:] for f in FAILURES], ids=[f[0] for f in FAILURES])
async def test_a_failing_story_fails_its_row_and_the_run_and_says_what_was_missing(
    tmp_path: Path, happens: Callable[[], Awaitable[None]], missing: str
) -> None:
    rows = await table(tmp_path, story(1, happens), story(8, nothing), seconds=0.2)
    failed = next(row for row in rows if row.rule == 1)
    assert (failed.state, failed.missing) == ("failed", missing)
    assert next(row for row in rows if row.rule == 8).state == "shown"
    assert exit_code(rows) == 1
    assert f"missing: {missing}" in as_text(rows)
    assert json.loads(as_json(rows).splitlines()[0])["missing"] == missing


async def test_every_rule_has_a_row_and_one_without_a_story_is_no_failure(tmp_path: Path) -> None:
    rows = await table(tmp_path, story(8, nothing))
    assert [row.rule for row in rows] == list(RULES) == list(range(1, 14))
    assert {row.rule for row in rows if row.state == "not shown yet"} == {*RULES} - {8}
    assert exit_code(rows) == 0
    assert json.loads(as_json(rows).splitlines()[7]) == {
        "rule": 8,
        "title": "story 8",
        "state": "shown",
        "happened": ["It was seen."],
        "events": [{"type": "ticket.refused", "metric": "", "id": "e1", "subject": "C1"}],
        "missing": "",
    }


async def test_a_story_alone_is_run_after_the_others(tmp_path: Path) -> None:
    order = []

    def note(rule: int, pause_seconds: float) -> Callable[[], Awaitable[None]]:
        async def happens() -> None:
            await asyncio.sleep(pause_seconds)
            order.append(rule)

        return happens

    await table(tmp_path, story(6, note(6, 0), alone=True), story(1, note(1, 0.05)), story(2, note(2, 0)))
    assert order == [2, 1, 6]


def test_the_table_fits_a_terminal() -> None:
    proof = Proof("sla.rescheduled", "scheduling", "f" * 36, "20261125-000001-and-more")
    long = Row(6, "title", "shown", ["word " * 60, "x" * 300], [proof], "missing " * 30)
    assert max(map(len, as_text([long, *(Row(n, t, "not shown yet") for n, t in RULES.items())]).splitlines())) == WIDTH


def test_the_stories_are_the_files_of_their_rules() -> None:
    assert {1, 2, 4, 6, 7, 8, 11, 12, 13} <= {story.rule for story in stories()} <= {*RULES}


@pytest.mark.parametrize("day", WEEK, ids=lambda day: f"{day:%A}")
def test_on_whatever_day_it_runs_the_calls_are_of_days_before_and_the_desk_opens_after(day: date) -> None:
    calls = calls_before(day)
    assert all(call.at.date() < day for call in calls)
    assert {call.emergency for call in calls if call.at.weekday() >= 5} == {True}
    assert sum(not call.emergency for call in calls if call.at.weekday() < 5) == 2
    assert len({call.at for call in calls}) == len({call.number for call in calls}) == len(calls)
    opening = next_opening(day).astimezone(BRASILIA)
    assert (opening.date() > day, opening.weekday() < 5, opening.hour) == (True, True, 7)
    assert opening.date() - day <= timedelta(days=3)
