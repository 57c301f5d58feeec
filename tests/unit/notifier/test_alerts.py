"""Alerts get louder, are taken, and end."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.notifier.domain.alert import Alert, Effect, Loudness, Taken, hear, take, unwanted
from services.notifier.domain.message import Word
from tests.notifier_line import sla

NOW = datetime(2026, 3, 5, 17, 5, tzinfo=UTC)
ANA, BOB = Taken("ana", NOW, NOW + timedelta(minutes=5)), Taken("bob", NOW, None)
QUIET, WARNED, BREACHED = Alert(), Alert(Loudness.WARNED, threshold="80%"), Alert(Loudness.BREACHED)
MET = Alert(Loudness.ENDED, ended_as="met")
REVISED = {"replaces": "x", "from": "breached", "cause": "late_event"}
MOVED = {"previous_due_at": "2026-03-05T17:05:00Z", "cause": "x"}
HEARD: list[tuple[Alert, str, dict[str, Any], Alert, Effect]] = [
    (QUIET, "started", {"counts_from": None, "calendar": "b"}, QUIET, Effect.TELL_STARTED),
    (QUIET, "warning", {"threshold": "80%"}, WARNED, Effect.TELL_WARNING),
    (WARNED, "warning", {"threshold": "5m"}, Alert(Loudness.WARNED, threshold="5m"), Effect.TELL_WARNING),
    (QUIET, "breached", {}, BREACHED, Effect.TELL_BREACH),
    (WARNED, "breached", {}, Alert(Loudness.BREACHED, threshold="80%"), Effect.TELL_BREACH),
    (Alert(Loudness.WARNED, taken=ANA), "breached", {}, BREACHED, Effect.TELL_BREACH),
    (Alert(Loudness.WARNED, suspended=True), "breached", {}, BREACHED, Effect.TELL_BREACH),
    (BREACHED, "breached", {}, BREACHED, Effect.NOTHING),
    (BREACHED, "warning", {"threshold": "80%"}, BREACHED, Effect.NOTHING),
    (WARNED, "met", {}, Alert(Loudness.ENDED, ended_as="met", threshold="80%"), Effect.ALL_CLEAR),
    (BREACHED, "closed_late", {"late_seconds": 3}, Alert(Loudness.ENDED, ended_as="closed_late"), Effect.ALL_CLEAR),
    (BREACHED, "cancelled", {}, Alert(Loudness.ENDED, ended_as="cancelled"), Effect.ALL_CLEAR),
    (BREACHED, "exempted", {}, Alert(Loudness.ENDED, ended_as="exempted"), Effect.ALL_CLEAR),
    (BREACHED, "revised", {**REVISED, "to": "met"}, Alert(Loudness.ENDED, ended_as="revised_met"), Effect.ALL_CLEAR),
    (MET, "revised", {**REVISED, "to": "breached"}, Alert(Loudness.BREACHED, telling=1), Effect.TELL_BREACH),
    (MET, "met", {}, MET, Effect.NOTHING),
    (MET, "breached", {}, Alert(Loudness.BREACHED, telling=1), Effect.TELL_BREACH),
    (MET, "warning", {"threshold": "5m"}, Alert(Loudness.WARNED, telling=1, threshold="5m"), Effect.TELL_WARNING),
    (WARNED, "paused", {}, Alert(Loudness.WARNED, suspended=True, threshold="80%"), Effect.NOTHING),
    (Alert(Loudness.WARNED, suspended=True), "resumed", {}, Alert(Loudness.WARNED), Effect.RESUME_WARNINGS),
    (Alert(Loudness.WARNED, suspended=True), "rescheduled", MOVED, Alert(Loudness.WARNED), Effect.DROP_WARNINGS),
    (BREACHED, "rescheduled", MOVED, BREACHED, Effect.NOTHING),
]


@pytest.mark.parametrize(("before", "kind", "more", "after", "effect"), HEARD)
def test_an_alert_hears_clock_events(
    before: Alert, kind: str, more: dict[str, Any], after: Alert, effect: Effect
) -> None:
    assert hear(before, sla(kind, **more).data) == (after, effect)


@pytest.mark.parametrize(
    ("alert", "word", "telling", "reason"),
    [
        (BREACHED, Word.BREACHED, 0, None),
        (Alert(Loudness.BREACHED, telling=1), Word.BREACHED, 0, "overtaken"),
        (Alert(Loudness.BREACHED, telling=1), Word.ALL_CLEAR, 0, "overtaken"),
        (BREACHED, Word.WARNING, 0, "overtaken"),
        (MET, Word.BREACHED, 0, "ended"),
        (MET, Word.FINDING, 0, "ended"),
        (MET, Word.ALL_CLEAR, 0, None),
        (Alert(Loudness.BREACHED, taken=ANA), Word.BREACHED, 0, "acknowledged"),
        (Alert(Loudness.BREACHED, taken=ANA), Word.ACKNOWLEDGED, 0, None),
        (Alert(Loudness.WARNED, suspended=True), Word.WARNING, 0, "paused"),
        (QUIET, Word.ACCOUNT, 0, None),
    ],
)
def test_a_second_look_says_why_a_page_is_wanted_no_more(
    alert: Alert, word: Word, telling: int, reason: str | None
) -> None:
    assert unwanted(alert, word, telling) == reason


@pytest.mark.parametrize(
    ("before", "by", "taken"),
    [
        (None, "ana", Taken("ana", NOW, NOW)),
        (BOB, "ana", BOB),
        (Taken("ana", NOW - timedelta(minutes=1), None), "ana", Taken("ana", NOW - timedelta(minutes=1), NOW)),
    ],
)
def test_the_first_acknowledgement_counts_and_its_owner_may_change_the_promise(
    before: Taken | None, by: str, taken: Taken
) -> None:
    assert take(Alert(Loudness.BREACHED, taken=before), by, NOW, NOW).taken == taken


def test_what_has_ended_is_taken_by_nobody() -> None:
    assert take(MET, "ana", NOW, NOW) == MET
