"""Clocks of a ticket: the edge cases of this depth by number, shuffles, and what is announced."""

import random
from pathlib import Path
from typing import Any

import pytest

from services.sla_timer.domain.announce import Kind, Told, announce, fire, schedule
from services.sla_timer.domain.assess import assess
from services.sla_timer.domain.clock import Clock
from services.sla_timer.domain.journal import Fact, history
from shared.clock import from_us
from shared.events import Event
from tests.builders import catalogs, facts, ticket_event, us

E = ticket_event
BEFORE = E("opened", "2026-03-05 08:00")


def clocks(folder: Path, *events: Event[Any]) -> dict[str, Clock]:
    """Return the clocks of a journal by metric."""
    found = history(facts(*events))
    assert found is not None
    return {clock.metric: clock for clock in assess(found, catalogs(folder), us("2026-03-05 08:00")).clocks}


# Response target 2 h without pauses, action target 12 h of business time with pauses; opened Thursday 08:00.
DEADLINES = [
    ("16 a pause wholly outside hours costs nothing", "03-05 20:00", "03-06 06:00", "03-06 08:00"),
    ("17 a pause over a weekend costs only business time", "03-06 07:30", "03-09 07:30", "03-09 08:00"),
    ("19 sub-minute pause", "03-05 09:00:00", "03-05 09:00:20", "03-06 08:00:20"),
    ("20 paused before the first response", "03-05 08:30", "03-05 09:30", "03-06 09:00"),
    ("21 opened while paused", "03-05 07:00", "03-05 09:00", "03-06 09:00"),
    ("25 a pause exactly at the deadline does not undo it", "03-06 08:00", "03-06 12:00", "03-06 08:00"),
    ("24 a pause after the breach", "03-06 09:00", "03-06 10:00", "03-06 08:00"),
]


@pytest.mark.parametrize(("case", "begin", "end", "due"), DEADLINES, ids=[row[0] for row in DEADLINES])
def test_pauses_are_subtracted_from_the_action_clock_only(
    tmp_path: Path, case: str, begin: str, end: str, due: str
) -> None:
    paused = E("paused", f"2026-{begin}", reason="waiting_customer")
    found = clocks(tmp_path, BEFORE, paused, E("resumed", f"2026-{end}", reason="waiting_customer"))
    assert found["action"].due_us == us(f"2026-{due}"), case
    assert found["response"].due_us == us("2026-03-05 10:00")


def test_18_overlapping_reasons_are_united(tmp_path: Path) -> None:
    found = clocks(
        tmp_path,
        BEFORE,
        E("paused", "2026-03-05 09:00", reason="waiting_customer"),
        E("paused", "2026-03-05 09:30", reason="third_party"),
        E("resumed", "2026-03-05 10:00", reason="waiting_customer"),
        E("resumed", "2026-03-05 11:00", reason="third_party"),
    )["action"]
    assert found.due_us == us("2026-03-06 10:00")
    assert [pause.reasons for pause in found.pauses] == [("third_party", "waiting_customer")]


@pytest.mark.parametrize("reason", [None, "waiting_customer"])
def test_a_pause_and_a_resume_of_one_instant_leave_the_state_as_it_was(tmp_path: Path, reason: str | None) -> None:
    found = clocks(
        tmp_path,
        BEFORE,
        E("paused", "2026-03-05 09:00", reason="waiting_customer"),
        E("resumed", "2026-03-05 09:00", **({"reason": reason} if reason else {})),
    )["action"]
    assert (found.pauses, found.due_us) == ((), us("2026-03-06 08:00"))


def test_23_resume_without_pause_pause_twice_resume_lost(tmp_path: Path) -> None:
    lost = clocks(
        tmp_path,
        BEFORE,
        E("resumed", "2026-03-05 08:30"),
        E("paused", "2026-03-05 09:00", reason="waiting_customer"),
        E("paused", "2026-03-05 10:00", reason="waiting_customer"),
    )["action"]
    assert lost.due_us is None
    assert lost.pauses[0].start_us == us("2026-03-05 09:00")


def told_after(folder: Path, now: str, *events: Event[Any], told: Told | None = None) -> list[tuple[str, str]]:
    """Return (kind, local instant) of what is announced for the response clock."""
    clock = clocks(folder, *events)["response"]
    return [(m.kind.value, from_us(m.at_us).strftime("%d %H:%M")) for m in announce(clock, told or Told(), us(now))]


ENDS = [
    ("in time", [E("responded", "2026-03-05 09:00")], [("started", "05 11:00"), ("met", "05 12:00")]),
    (
        "exactly at the deadline is met",
        [E("responded", "2026-03-05 10:00")],
        [("started", "05 11:00"), ("met", "05 13:00")],
    ),
    (
        "27 one second late",
        [E("responded", "2026-03-05 10:00:01")],
        [("started", "05 11:00"), ("breached", "05 13:00"), ("closed_late", "05 13:00")],
    ),
    ("28 a bot answer", [E("responded", "2026-03-05 09:00", automatic=True)], [("started", "05 11:00")]),
    (
        "22 resolved by a person without an answer",
        [E("resolved", "2026-03-05 09:00")],
        [("started", "05 11:00"), ("met", "05 12:00")],
    ),
    ("30 an auto-close hides nothing", [E("resolved", "2026-03-05 09:00", automatic=True)], [("started", "05 11:00")]),
    ("36 spam cancelled", [E("cancelled", "2026-03-05 09:00")], [("started", "05 11:00"), ("cancelled", "05 12:00")]),
    ("33 merged", [E("merged", "2026-03-05 09:00", into="T2")], [("started", "05 11:00"), ("cancelled", "05 12:00")]),
]


@pytest.mark.parametrize(("events", "said"), [row[1:] for row in ENDS], ids=[row[0] for row in ENDS])
def test_the_response_clock_ends_as_the_table_says(
    tmp_path: Path, events: list[Event[Any]], said: list[tuple[str, str]]
) -> None:
    announced = told_after(tmp_path, "2026-03-05 12:00", BEFORE, *events)
    assert [row for row in announced if row[0] != "warning"] == said


def test_29_opened_by_an_agent_on_the_phone_is_met_at_the_opening(tmp_path: Path) -> None:
    opened = E("opened", "2026-03-05 08:00", responded=True)
    assert told_after(tmp_path, "2026-03-05 08:00", opened) == [("started", "05 11:00"), ("met", "05 11:00")]


def test_a_recovered_system_ticket_cancels_the_open_response_clock(tmp_path: Path) -> None:
    opened = E("opened", "2026-03-05 08:00", channel="system")
    said = told_after(tmp_path, "2026-03-05 09:00", opened, E("resolved", "2026-03-05 08:30", automatic=True))
    assert said[-1] == ("cancelled", "05 11:30")


def test_26_a_back_dated_answer_revises_an_announced_breach(tmp_path: Path) -> None:
    open_clock = clocks(tmp_path, BEFORE)["response"]
    first = announce(open_clock, Told(), us("2026-03-05 08:00"))
    due, _ = fire(schedule(open_clock, Told(first), ()), us("2026-03-05 10:00"))
    told = Told((*first, *due), open_clock.due_us)
    assert told.verdict == "breached"
    answered = clocks(tmp_path, BEFORE, E("responded", "2026-03-05 09:59"))["response"]
    revised = announce(answered, told, us("2026-03-05 10:05"))
    assert [(m.kind, m.before, m.after, m.replaces) for m in revised] == [
        (Kind.REVISED, "breached", "met", ("breached", 1))
    ]


def test_the_schedule_is_every_warning_and_the_breach_as_if_nothing_more_happened(tmp_path: Path) -> None:
    clock = clocks(tmp_path, BEFORE)["response"]
    ahead = schedule(clock, Told(), announce(clock, Told(), us("2026-03-05 08:00")))
    assert [(m.kind.value, m.threshold, from_us(m.at_us).strftime("%H:%M")) for m in ahead] == [
        ("warning", "50%", "12:00"),
        ("warning", "30m", "12:30"),
        ("warning", "80%", "12:36"),
        ("breached", "", "13:00"),
    ]


def test_an_overdue_schedule_fires_only_its_last_word_aloud(tmp_path: Path) -> None:
    clock = clocks(tmp_path, BEFORE)["response"]
    due, ahead = fire(schedule(clock, Told(), ()), us("2026-03-05 15:00"))
    assert [(m.kind.value, m.announced) for m in due] == [
        ("warning", False),
        ("warning", False),
        ("warning", False),
        ("breached", True),
    ]
    assert ahead == ()


def test_nothing_is_due_one_microsecond_before_the_deadline(tmp_path: Path) -> None:
    clock = clocks(tmp_path, BEFORE)["response"]
    due, ahead = fire(schedule(clock, Told(), ()), us("2026-03-05 10:00") - 1)
    assert Kind.BREACHED not in {m.kind for m in due}
    assert [m.kind for m in ahead] == [Kind.BREACHED]


def test_38_any_order_and_any_duplication_give_equal_clocks(tmp_path: Path) -> None:
    journal = [
        BEFORE,
        E("paused", "2026-03-05 09:00", reason="waiting_customer"),
        E("paused", "2026-03-05 09:30", reason="third_party"),
        E("resumed", "2026-03-05 10:00"),
        E("assigned", "2026-03-05 10:01", assignee="ana"),
        E("responded", "2026-03-05 10:30"),
        E("resolved", "2026-03-05 17:00"),
    ]
    loaded = catalogs(tmp_path)

    def verdicts(events: list[Event[Any]]) -> object:
        found = history(facts(*events))
        return found and assess(found, loaded, us("2026-03-05 08:00")).clocks

    expected = verdicts(journal)
    seeded = random.Random(7)
    for _ in range(100):
        shuffled = seeded.sample(journal + journal[:3], len(journal) + 3)
        assert verdicts(shuffled) == expected


def test_39_a_producers_clock_ahead_of_ours_costs_nobody_a_verdict() -> None:
    event = E("responded", "2026-03-05 11:00")
    assert Fact.of(event, from_us(us("2026-03-05 09:00"))).at_us == us("2026-03-05 09:00")


def test_48_an_event_without_an_opening_is_kept_and_judged_later() -> None:
    assert history(facts(E("responded", "2026-03-05 09:00"))) is None
