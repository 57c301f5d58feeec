"""Who is on duty: turns on the wall clock, windows, holidays, layers, overrides."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.notifier.domain.oncall import OnCall
from services.notifier.domain.rota import AHEAD, Why, duty, on_call
from tests.unit.notifier.oncall_files import file_of, turns

NIGHT = [{"days": "mon-sun", "from": "18:00", "to": "08:00"}]


def at(text: str) -> datetime:
    """Return an instant."""
    return datetime.fromisoformat(text).astimezone(UTC)


def rotas(**rotations: Any) -> OnCall:
    """Return a file with rotations, of which ``primary`` must be one."""
    return OnCall(**file_of(rotations=rotations))


DAILY = {"turn": "1d", "starts": "2026-01-01"}
HAND_OVERS: list[tuple[str, str, str, str]] = [
    # zone, hand-over, the day → the instant at which it happens
    ("America/New_York", "09:00", "2026-03-07", "2026-03-07T14:00:00+00:00"),
    ("America/New_York", "09:00", "2026-03-08", "2026-03-08T13:00:00+00:00"),  # 23 h later: the same wall time
    ("America/New_York", "02:30", "2026-03-08", "2026-03-08T07:30:00+00:00"),  # skipped: read with the offset before
    ("America/New_York", "01:30", "2026-11-01", "2026-11-01T05:30:00+00:00"),  # twice: the first
    ("Europe/Lisbon", "01:30", "2026-03-29", "2026-03-29T01:30:00+00:00"),
    ("Europe/Lisbon", "01:30", "2026-10-25", "2026-10-25T00:30:00+00:00"),
    ("America/Sao_Paulo", "00:00", "2018-11-04", "2018-11-04T03:00:00+00:00"),
    ("America/Sao_Paulo", "23:30", "2018-02-17", "2018-02-18T01:30:00+00:00"),
]


@pytest.mark.parametrize(("zone", "hand_over", "day", "when"), HAND_OVERS)
def test_a_hand_over_is_at_its_wall_time_whatever_the_offset(zone: str, hand_over: str, day: str, when: str) -> None:
    made = turns(["ana", "bob"], zone=zone, turn="1d", starts="2018-01-01", hand_over=hand_over)
    oncall, over = rotas(primary=made), at(when)
    before, after = (on_call(oncall, "primary", over + timedelta(microseconds=us)) for us in (-1, 0))
    assert before.person != after.person
    assert before.until == over
    number = (datetime.fromisoformat(day) - datetime(2018, 1, 1)).days
    assert after.person == ["ana", "bob"][number % 2]


def test_before_its_start_nobody_is_on_duty_and_it_says_why() -> None:
    oncall = rotas(primary=turns(["ana"], starts="2026-03-02"))
    told = on_call(oncall, "primary", at("2026-03-02T08:59:00-03:00"))
    assert (told.person, told.why, told.until) == (None, Why.NOT_STARTED, at("2026-03-02T09:00:00-03:00"))
    far = on_call(oncall, "primary", at("2020-01-01T00:00:00Z"))
    assert far.until == at("2020-01-01T00:00:00Z") + AHEAD


def test_a_night_belongs_to_the_day_on_which_it_begins_and_a_hand_over_within_it_counts() -> None:
    made = turns(["ana", "bob"], windows=NIGHT, hand_over="00:00", **DAILY)
    spans = duty(rotas(primary=made), "primary", at("2026-01-05T12:00:00-03:00"), at("2026-01-06T12:00:00-03:00"))
    local = timedelta(hours=-3)
    assert [(f"{span.start + local:%d %H:%M}", span.person, span.why.value) for span in spans] == [
        ("05 12:00", None, "outside_windows"),
        ("05 18:00", "ana", "turn"),
        ("06 00:00", "bob", "turn"),
        ("06 08:00", None, "outside_windows"),
    ]


def test_a_holiday_is_a_sunday_for_windows() -> None:
    made = turns(["ana"], windows=[{"days": "sun", "from": "00:00", "to": "24:00"}], holidays="goias")
    holidays = {"goias": {"country": "BR", "state": "GO", "optional": ["carnival"], "days": ["2026-07-08"]}}
    oncall = OnCall(**file_of(rotations={"primary": made}, holidays=holidays))
    on = ["2026-09-07", "2026-02-17", "2026-07-08", "2026-09-06"]  # independence, carnival, an own one, a Sunday
    for day in on:
        assert on_call(oncall, "primary", at(f"{day}T12:00:00-03:00")).person == "ana"
    assert on_call(oncall, "primary", at("2026-09-08T12:00:00-03:00")).person is None


def test_the_first_layer_that_names_somebody_counts_and_is_named() -> None:
    night = turns(["eve"], windows=NIGHT, hand_over="00:00", **DAILY)
    oncall = rotas(night=night, week=turns(["ana"]), primary={"layers": ["night", "week"]})
    told = [on_call(oncall, "primary", at(f"2026-01-06T{hour}:00:00-03:00")) for hour in ("07", "08")]
    assert [(one.person, one.rotation) for one in told] == [("eve", "night"), ("ana", "week")]


def test_the_later_of_two_overrides_wins_and_one_of_a_layer_is_seen_above() -> None:
    span = {"from": "2026-01-06T12:00:00Z", "to": "2026-01-06T18:00:00Z"}
    overrides = [
        {"rotation": "week", "person": "bob", **span},
        {"rotation": "week", "person": "eve", **span, "from": "2026-01-06T15:00:00Z"},
    ]
    rotations = {"week": turns(["ana"]), "primary": {"layers": ["week"]}}
    oncall = OnCall(**file_of(rotations=rotations, overrides=overrides))
    spans = duty(oncall, "primary", at("2026-01-06T11:00:00Z"), at("2026-01-06T20:00:00Z"))
    assert [(span.start.hour, span.person) for span in spans] == [(11, "ana"), (12, "bob"), (15, "eve"), (18, "ana")]
    assert duty(oncall, "primary", at("2026-01-06T11:00:00Z"), at("2026-01-06T11:00:00Z")) == ()


def test_many_layers_over_the_same_rotations_are_computed_once_each() -> None:
    names = [f"r{i}" for i in range(60)]
    made: dict[str, Any] = {name: {"layers": [a, b]} for name, a, b in zip(names, names[1:], names[2:], strict=False)}
    rotations = {**made, names[-2]: turns(["ana"]), names[-1]: turns(["bob"]), "primary": {"layers": [names[0]]}}
    assert on_call(rotas(**rotations), "primary", at("2026-01-06T11:00:00Z")).person == "ana"
