"""Coverage is exact: every minute agrees with an oracle that looks at the clock minute by minute."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notifier.commands import command
from services.notifier.domain.coverage import breach_steps, covered, findings
from services.notifier.domain.oncall import OnCall
from services.notifier.domain.reach import people_of
from services.notifier.domain.rota import Span, duty, on_call
from tests.unit.notifier.minute_oracle import Oracle, utc_minute
from tests.unit.notifier.oncall_files import CHANGES, call, file_of, moving_file, turns

DAY = timedelta(days=1)
CHANGE = [f"{zone} {at:%Y-%m-%d}" for zone, at in CHANGES]


def minutes_of(spans: Sequence[Span], start: datetime, end: datetime) -> list[str | None]:
    """Return the person of each minute; the spans must cover [start, end) without gap or overlap."""
    assert spans[0].start == start
    assert spans[-1].end == end
    assert all(a.end == b.start and a.start < a.end for a, b in pairwise(spans))
    return [span.person for span in spans for _ in range((span.end - span.start) // timedelta(minutes=1))]


def file_around(zone: str, at: datetime, hand_over: str = "02:30") -> dict[str, Any]:
    """Return the moving file with its override over the change, and its holiday two days later."""
    during = tuple((at + timedelta(hours=hours)).isoformat() for hours in (-3, 9))
    return moving_file(zone, (at + 2 * DAY).date().isoformat(), (during[0], during[1]), hand_over)


@pytest.mark.parametrize(("zone", "at"), CHANGES, ids=CHANGE)
def test_every_minute_of_14_days_agrees_with_the_oracle(zone: str, at: datetime) -> None:
    file, start = file_around(zone, at), at - 5 * DAY
    end = start + 14 * DAY
    oncall, first, last = OnCall(**file), utc_minute(start), utc_minute(end)
    oracle = Oracle(file, first, last)
    for name in file["rotations"]:
        expected = [oracle.on_duty(name, minute) for minute in range(first, last)]
        assert minutes_of(duty(oncall, name, start, end), start, end) == expected
    holes: dict[tuple[str, int], set[int]] = {}
    for hole in findings(oncall, start, end):
        minutes = range(utc_minute(hole.start), utc_minute(hole.end))
        holes.setdefault((hole.policy, hole.step), set()).update(minutes)
    assert holes == holes_by(oracle, file, range(first, last))
    assert ("all", 3) in holes  # people who sleep
    assert ("urgent", 3) not in holes


def holes_by(oracle: Oracle, file: dict[str, Any], minutes: range) -> dict[tuple[str, int], set[int]]:
    """Return the minutes in which nobody can be told, by policy and step."""
    found: dict[tuple[str, int], set[int]] = {}
    for policy, part in file["policies"].items():
        for i, step in enumerate(part["steps"]):
            targets = [step["to"]] if isinstance(step["to"], str) else [to for to in step["to"] if to != "assignee"]
            missed = {
                minute
                for minute in minutes
                if not any(
                    oracle.is_reachable(person, minute, policy == "urgent", step.get("by", []))
                    for target in targets
                    for person in oracle.people(target, minute)
                )
            }
            if missed:
                found[policy, i] = missed
    return found


@settings(max_examples=25, deadline=None)
@given(
    change=st.sampled_from(CHANGES),
    offset=st.integers(-1500, 1500),
    length=st.integers(1, 700),
    hour=st.integers(0, 3),
    minute=st.sampled_from([0, 1, 29, 30, 59]),
)
def test_any_interval_near_a_change_of_clocks_agrees_with_the_oracle(
    change: tuple[str, datetime], offset: int, length: int, hour: int, minute: int
) -> None:
    zone, at = change
    file = file_around(zone, at, f"{hour:02}:{minute:02}")
    oncall, start = OnCall(**file), at + timedelta(minutes=offset)
    end = start + timedelta(minutes=length)
    oracle = Oracle(file, utc_minute(start), utc_minute(end))
    for name in file["rotations"]:
        expected = [oracle.on_duty(name, one) for one in range(utc_minute(start), utc_minute(end))]
        assert minutes_of(duty(oncall, name, start, end), start, end) == expected
        now = on_call(oncall, name, start)
        assert now.person == expected[0]
        assert now.until > start
        later = duty(oncall, name, now.until, now.until + timedelta(minutes=1))[0]
        assert (later.person, later.why, later.rotation) != (now.person, now.why, now.rotation)
    for policy, _, step in breach_steps(oncall):
        for span in covered(oncall, policy, step, start, end):
            told = dict.fromkeys(id_ for target in step.targets for id_ in people_of(oncall, target, span.start))
            assert span.people == tuple(told)
            for one in range(utc_minute(span.start), utc_minute(span.end)):
                able = (id_ for id_ in told if oracle.is_reachable(id_, one, policy == "urgent", list(step.by)))
                assert span.reachable == tuple(able)


def written(folder: Path, **parts: Any) -> Path:
    """Return a folder with a file."""
    (folder / "oncall.yaml").write_text(yaml.safe_dump(file_of(**parts)), encoding="utf-8")
    return folder


WEEKDAYS = {"primary": turns(["ana"], windows=[{"days": "mon-fri", "from": "00:00", "to": "24:00"}])}
AT = ["--at", "2026-03-02T12:00:30-03:00"]


def test_the_command_prints_each_hole_and_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(written(tmp_path, rotations=WEEKDAYS, teams={}))
    assert command(["coverage", "--config", folder, *AT, "--days", "7"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "primary (America/Sao_Paulo)"
    assert lines[1].split() == "Mon 2026-03-02 12:00-0300 – Sat 2026-03-07 00:00-0300 Ana Souza (ana) turn".split()
    assert lines[-2:] == [
        "HOLE all.steps.0  Sat 2026-03-07 00:00-0300 – Mon 2026-03-09 00:00-0300 America/Sao_Paulo  nobody is on duty",
        "1 hole in 7 days",
    ]


def test_the_command_says_the_same_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(written(tmp_path, rotations=WEEKDAYS, teams={}))
    assert command(["coverage", "--config", folder, *AT, "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["from"], said["to"]) == ("2026-03-02T15:00:00Z", "2026-03-16T15:00:00Z")
    holes = [(hole["from"], hole["to"], hole["reason"], hole["people"]) for hole in said["findings"]]
    assert holes == [
        ("2026-03-07T03:00:00Z", "2026-03-09T03:00:00Z", "nobody_on_duty", []),
        ("2026-03-14T03:00:00Z", "2026-03-16T03:00:00Z", "nobody_on_duty", []),
    ]
    assert said["rotations"]["primary"][0]["why"] == "turn"
    assert said["steps"][0]["covered"][0]["reachable"] == ["ana"]


def test_the_command_ends_with_0_when_every_minute_is_covered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(["coverage", "--config", str(written(tmp_path)), *AT]) == 0
    said = capsys.readouterr().out
    assert said.endswith("no holes: every minute of 14 days is covered\n")
    assert "@" not in said
    assert "+5562" not in said


def test_the_shipped_example_has_no_holes_for_a_year(capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["coverage", "--at", "2026-11-25T00:00:00Z", "--days", "365"]) == 0
    assert "Carla (carla)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--at", "2026-03-02T12:00:00"], "--at: must be RFC 3339 with an offset"),
        (["--at", "soon"], "--at: must be RFC 3339 with an offset"),
        (["--at", "0001-01-01T00:00:00Z"], "2000 to 2098"),
        (["--days", "0"], "--days: must be 1 to 366"),
        (["--config", "nowhere"], "nowhere/oncall.yaml: No such file"),
    ],
)
def test_what_cannot_be_used_is_named_and_ends_with_2(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(["coverage", "--config", str(written(tmp_path)), *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_step_whose_channels_a_person_lacks_is_a_hole() -> None:
    steps = [{"on": "breached", "to": "ana", "by": ["sms"]}]
    oncall = OnCall(**file_of(policies={"all": {"steps": steps}}))
    start = datetime(2026, 3, 2, tzinfo=UTC)
    (hole,) = findings(oncall, start, start + DAY)
    assert (hole.start, hole.end, hole.hole.value, hole.people) == (start, start + DAY, "no_method", ("ana",))


def test_a_wait_that_leads_out_of_hours_is_a_hole_before_they_end() -> None:
    hours = [{"days": "mon-sun", "from": "07:00", "to": "22:00"}]
    people = {**file_of()["people"], "eve": {"name": "Eve", "hours": hours, "methods": [call("phone", 3, "7m")]}}
    oncall = OnCall(**file_of(people=people, policies={"all": {"steps": [{"on": "breached", "to": "eve"}]}}))
    start, end = datetime(2026, 3, 3, 9, tzinfo=UTC), datetime(2026, 3, 4, 0, 58, tzinfo=UTC)  # 06:00 to 21:58
    holes = [(f"{hole.start:%H:%M}", f"{hole.end:%H:%M}") for hole in findings(oncall, start, end)]
    assert holes == [("09:00", "09:53"), ("00:53", "00:58")]
