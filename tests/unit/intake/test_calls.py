"""The life of a call as a table: what was heard, when we look, what becomes of it; in any order and twice."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest

from services.intake.domain.callers import OpenTicket, about, ticket_named, to_join, waiting_for_us
from services.intake.domain.calls import (
    Answered,
    Blocked,
    CalledBack,
    CallEvent,
    Decision,
    Kind,
    Misdialled,
    Missed,
    Unreached,
    Waiting,
    fold,
    judge,
)
from services.intake.domain.phone import Phone, Services
from services.intake.domain.window import Window
from shared.catalog import load_directory

WINDOW = Window(load_directory(Path("deploy/config/catalog")))
PHONE = Phone(blocked=frozenset({"+5511911112222"}))
DAY = datetime(2026, 3, 5, 13, tzinfo=UTC)  # Thursday, 10:00 in Brasília
NIGHT = datetime(2026, 3, 6, 1, tzinfo=UTC)  # Thursday, 22:00


def word(kind: Kind, seconds: float, at: datetime = DAY, **said: str) -> CallEvent:
    """Return a word of a call, heard the moment it happened."""
    moment = at + timedelta(seconds=seconds)
    return CallEvent(kind, moment, moment, **{"number": "62988887777", **said})


def s(seconds: float, at: datetime = DAY) -> datetime:
    """Return an instant so long after."""
    return at + timedelta(seconds=seconds)


ENTERED, ENDED, ANSWERED = word("started", 0), word("ended", 40), word("answered", 20, agent="101")
LIVES: list[tuple[str, list[CallEvent], float, Decision]] = [
    ("still waiting", [ENTERED], 39, Waiting(s(4 * 3600))),
    ("hung up, an answer may be on its way", [ENTERED, ENDED], 44.9, Waiting(s(45))),
    ("missed", [ENTERED, ENDED], 45, Missed(DAY, False)),
    ("answered", [ENTERED, ANSWERED, ENDED], 60, Answered(DAY, s(20), "101", False)),
    ("answered, not ended", [ENTERED, ANSWERED], 20, Answered(DAY, s(20), "101", False)),
    ("an end that never came", [ENTERED], 4 * 3600, Missed(DAY, False)),
    ("a misdial", [ENTERED, word("ended", 14.9)], 60, Misdialled(DAY)),
    ("no misdial any more", [ENTERED, word("ended", 15)], 60, Missed(DAY, False)),
    ("let go of at once, there was no agent", [ENTERED, word("left", 1), word("ended", 9)], 60, Missed(DAY, False)),
    ("hung up in the queue", [ENTERED, word("left", 8.9), word("ended", 9)], 60, Misdialled(DAY)),
    ("a cause that is no misdial", [ENTERED, word("ended", 5, cause="no_agent")], 60, Missed(DAY, False)),
    ("blocked", [word("started", 0, number="11911112222"), word("ended", 40, number="")], 60, Blocked(DAY)),
    ("the beginning may be on its way", [ANSWERED], 79, Waiting(s(80))),
    ("the beginning never came", [ANSWERED], 80, Answered(s(20), s(20), "101", False)),
    ("only an end: how long the caller waited nobody knows", [word("ended", 40)], 110, Missed(s(40), False)),
    ("left and ended, heard since a minute", [word("left", 40), word("ended", 40)], 110, Missed(s(40), False)),
    ("withheld, and still a contact", [word("started", 0, number="anonymous"), ENDED], 60, Missed(DAY, False)),
    ("called back", [word("outgoing", 0, agent="101"), word("answered", 9)], 9, CalledBack(s(9), "101")),
    ("nobody took it", [word("outgoing", 0), word("ended", 30)], 60, Unreached()),
    ("two queues", [ENTERED, word("left", 30), word("started", 31), word("ended", 33)], 60, Missed(DAY, False)),
    ("in the window", [word("started", 0, NIGHT), word("ended", 30, NIGHT)], 12 * 3600 + 60, Missed(NIGHT, True)),
]


@pytest.mark.parametrize(("events", "look", "decision"), [r[1:] for r in LIVES], ids=[r[0] for r in LIVES])
def test_what_becomes_of_a_call_depends_on_what_was_heard_and_on_no_order(
    events: list[CallEvent], look: float, decision: Decision
) -> None:
    for order in permutations([*events, events[0]]):
        assert judge(fold(order, PHONE), PHONE, WINDOW.is_emergency, s(look)) == decision


def test_a_pbx_whose_clock_is_ahead_costs_nobody_anything() -> None:
    ahead = CallEvent("started", DAY + timedelta(hours=2), DAY)
    decision = judge(fold([ahead, word("ended", 40)], PHONE), PHONE, WINDOW.is_emergency, s(60))
    assert decision == Missed(DAY, False)


EDGES = [
    ("before opening", "2026-03-05T06:59:59-03:00", True),
    ("opening", "2026-03-05T07:00:00-03:00", False),
    ("the overlap of both windows", "2026-03-05T07:59:59-03:00", False),
    ("after the overlap", "2026-03-05T08:00:00-03:00", False),
    ("last second", "2026-03-05T18:59:59-03:00", False),
    ("closing", "2026-03-05T19:00:00-03:00", True),
    ("the minute that the policy leaves unsaid", "2026-03-05T19:00:59-03:00", True),
    ("Sunday", "2026-03-08T10:00:00-03:00", True),
    ("before opening on Monday", "2026-03-09T06:59:59-03:00", True),
    ("Saturday noon", "2026-03-07T12:00:00-03:00", True),
]


@pytest.mark.parametrize(("at", "emergency"), [r[1:] for r in EDGES], ids=[r[0] for r in EDGES])
def test_the_window_is_the_complement_of_business_hours(at: str, emergency: bool) -> None:
    assert WINDOW.is_emergency(datetime.fromisoformat(at)) is emergency


MAIL = OpenTicket("B1", DAY, DAY, "email", "nfe-emission", None, False, False, True)
LATER = NIGHT + timedelta(minutes=30)
ABOUT: list[tuple[str, list[OpenTicket], str | None]] = [
    ("the only one of the number", [MAIL], "B1"),
    ("two of the number: which one nobody knows", [MAIL, MAIL._replace(ticket_id="B2")], None),
    ("the number before the client", [MAIL, MAIL._replace(ticket_id="B2", same_number=False)], "B1"),
    ("the only one of the client", [MAIL._replace(same_number=False)], "B1"),
    ("the protocol before all", [MAIL, MAIL._replace(ticket_id="B2", named=True)], "B2"),
    ("an agent said that it is none", [MAIL._replace(emergency=False)], None),
    ("a service without emergency", [MAIL._replace(service="question")], None),
    ("a call back asked for in business hours", [MAIL._replace(channel="phone", service="callback")], "B1"),
    ("an emergency already", [MAIL._replace(channel="phone", service="emergency-line", opened_at=NIGHT)], None),
    ("none", [], None),
]


@pytest.mark.parametrize(("tickets", "found"), [r[1:] for r in ABOUT], ids=[r[0] for r in ABOUT])
def test_which_business_ticket_a_call_in_the_window_is_about(tickets: list[OpenTicket], found: str | None) -> None:
    ticket = about(tickets, LATER, WINDOW, Services())
    assert (ticket.ticket_id if ticket else None) == found


E1 = OpenTicket("E1", NIGHT, NIGHT, "phone", "emergency-line", None, False, False, True)
JOINS: list[tuple[str, OpenTicket, int, str | None]] = [
    ("within 30 minutes", E1, 30, "E1"),
    ("later", E1, 31, None),
    ("of the client", E1._replace(same_number=False), 10, "E1"),
    ("somebody has answered it", E1._replace(responded=True), 10, None),
    ("another service", E1._replace(service="callback"), 10, None),
]


@pytest.mark.parametrize(("ticket", "minutes", "found"), [r[1:] for r in JOINS], ids=[r[0] for r in JOINS])
def test_a_missed_call_joins_a_ticket_that_waits_for_an_answer(
    ticket: OpenTicket, minutes: int, found: str | None
) -> None:
    joined = to_join([ticket], "emergency-line", NIGHT + timedelta(minutes=minutes), timedelta(minutes=30))
    assert (joined.ticket_id if joined else None) == found


def test_only_missed_calls_of_the_same_number_wait_for_us() -> None:
    assert waiting_for_us([MAIL, E1, E1._replace(same_number=False), E1._replace(responded=True)], NIGHT) == [E1]


def test_an_answer_heard_of_late_answers_no_call_that_came_after_it() -> None:
    assert waiting_for_us([E1], NIGHT - timedelta(seconds=1)) == []
    assert waiting_for_us([E1._replace(called_at=LATER)], NIGHT) == []


@pytest.mark.parametrize(
    ("said", "ticket"),
    [
        ("20260305000007", "20260305-000007"),
        ("20260305-000007", "20260305-000007"),
        ("#20260305000007#", "20260305-000007"),
        ("202603051000007", "20260305-1000007"),
        (" CRM-77 ", "CRM-77"),
        ("12345678901234", "12345678901234"),
        ("", ""),
    ],
)
def test_a_protocol_number_is_known_as_it_is_typed_on_a_keypad(said: str, ticket: str) -> None:
    assert ticket_named(said) == ticket
