"""Sessions and attempts: how long, how often, and that the memory is bounded."""

from datetime import UTC, datetime, timedelta

import pytest

from services.intake.domain import sessions
from services.intake.domain.sessions import IDLE, LONGEST, WINDOW, Attempts, csrf_of, is_alive, is_csrf

NOW = datetime(2026, 3, 5, 11, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("created", "seen", "alive"),
    [
        (timedelta(0), timedelta(0), True),
        (LONGEST - SECOND, timedelta(0), True),
        (LONGEST, timedelta(0), False),
        (IDLE, IDLE - SECOND, True),
        (IDLE, IDLE, False),
    ],
)
def test_a_session_lives_twelve_hours_and_two_without_use(created: timedelta, seen: timedelta, alive: bool) -> None:
    assert is_alive(NOW - created, NOW - seen, NOW) is alive


def test_a_form_belongs_to_one_session_only() -> None:
    assert is_csrf("token", csrf_of("token"))
    assert not any(is_csrf("token", said) for said in ("", "é", csrf_of("other"), csrf_of("token")[:-1]))


def test_attempts_are_limited_within_the_window_and_forgotten_after_it_or_a_success() -> None:
    attempts = Attempts(2)
    assert [attempts.take("ana", NOW) for _ in range(3)] == [True, True, False]
    assert attempts.take("bob", NOW)
    assert attempts.take("ana", NOW + WINDOW)
    attempts.succeeded("ana")
    assert [attempts.take("ana", NOW + WINDOW) for _ in range(3)] == [True, True, False]


def test_an_attempt_that_succeeded_is_taken_back_and_those_that_failed_are_not() -> None:
    attempts = Attempts(2)
    attempts.take_back("10.0.0.1")
    assert [attempts.take("10.0.0.1", NOW) for _ in range(2)] == [True, True]
    attempts.take_back("10.0.0.1")
    assert [attempts.take("10.0.0.1", NOW) for _ in range(2)] == [True, False]


def test_no_crowd_of_names_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "_REMEMBERED", 3)
    attempts = Attempts(1)
    for n in range(10):
        attempts.take(str(n), NOW)
    assert len(attempts._tries) == 3
