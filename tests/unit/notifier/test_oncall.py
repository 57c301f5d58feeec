"""``oncall.yaml``: every error of the file at once, each with its place and its rule."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from services.notifier.configuration import read_oncall
from services.notifier.domain.oncall import OnCall
from shared.clock import from_us
from shared.config import Misconfigured
from tests.unit.notifier.oncall_files import call, file_of, mail, turns


def refusal(file: dict[str, Any], folder: Path) -> list[str]:
    """Return the lines of what is said about a file."""
    (folder / "oncall.yaml").write_text(yaml.safe_dump(file), encoding="utf-8")
    with pytest.raises(Misconfigured) as refused:
        read_oncall(folder, from_us(0))
    return [line.strip().removeprefix("file: Value error, ") for line in str(refused.value).splitlines()[1:]]


def person(*methods: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return somebody."""
    return {"name": "X", "methods": list(methods), **more}


PEOPLE = file_of()["people"]
STEP = {"on": "breached", "to": "primary"}
WINDOW = {"from": "2026-03-01T00:00:00Z", "to": "2026-03-02T00:00:00Z", "owner": "ana", "reason": "update"}
OVERRIDE = {"rotation": "primary", "person": "bob", "from": "2026-03-01T00:00:00Z", "to": "2026-03-02T00:00:00Z"}


def policy(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a file with one policy."""
    return {"policies": {"all": {"steps": list(steps), **more}}}


BETWEEN_PARTS: list[tuple[dict[str, Any], list[str]]] = [
    ({"people": {**PEOPLE, "zoe": person({"by": "fax"})}}, ["people.zoe.methods.0.by: no such channel"]),
    (
        {"people": {**PEOPLE, "zoe": person({"by": "mail", "to": "zoe"}, {"by": "sms", "to": "62 99999-0000"})}},
        [
            "people.zoe.methods.0.to: must be an e-mail address",
            "people.zoe.methods.1.to: must be a number in E.164, such as +5562999990000",
        ],
    ),
    (
        {"channels": {**file_of()["channels"], "pd": {"kind": "pagerduty"}}}
        | {"people": {**PEOPLE, "zoe": person({"by": "pd", "to": "zoe"})}},
        ["people.zoe.methods.0.to: must be absent: a channel of kind pagerduty is itself the place"],
    ),
    ({"people": {**PEOPLE, "zoe": person(mail("z"), holidays="none")}}, ["people.zoe.holidays: no such holidays"]),
    ({"people": {**PEOPLE, "desk": person(mail("z"))}}, ["teams.desk: the name is taken (people.desk)"]),
    ({"teams": {"manager": ["ana"]}}, ["teams.manager: the name is taken (a word of ours)"]),
    (
        {"people": {**PEOPLE, "zoe": person(mail("z"), agents=["a-1", "bob"])}},
        [
            "people.zoe.agents: a-1 is somebody else (people.ana)",
            "people.zoe.agents: bob is somebody else (people.bob)",
        ],
    ),
    (
        {"rotations": {"primary": turns(["ana", "zed"], holidays="none")}},
        [
            "rotations.primary.members.1: no such person",
            "rotations.primary.holidays: no such holidays",
            "rotations.primary.holidays: only windows make a difference between days",
        ],
    ),
    (
        {"rotations": {"primary": {"layers": ["a"]}, "a": {"layers": ["b", "x"]}, "b": {"layers": ["a", "a"]}}},
        [
            "rotations.a.layers.1: no such rotation",
            "rotations.b.layers.1: is there twice",
            "rotations.a.layers: a rotation cannot be under itself",
            "rotations.b.layers: a rotation cannot be under itself",
        ],
    ),
    ({"holidays": {"h": {"country": "XX"}}}, ["holidays.h.country: not a country of the holidays package"]),
    ({"holidays": {"h": {"country": "BR", "state": "ZZ"}}}, ["holidays.h.state: not a state of this country"]),
    (
        {"overrides": [OVERRIDE | {"rotation": "x", "person": "y", "to": OVERRIDE["from"]}]},
        [
            "overrides.0.rotation: no such rotation",
            "overrides.0.person: no such person",
            "overrides.0.to: must be after from",
        ],
    ),
    ({"teams": {"desk": ["primary", "desk"]}}, ["teams.desk.1: no such person or rotation"]),
    (
        policy({"on": "breached", "to": ["nobody", "desk", "assignee"], "by": ["mail", "voice", "fax"]}),
        [
            "policies.all.steps.0.to.0: no such person, rotation, team or word of ours",
            "policies.all.steps.0.by: no channel of the name or kind fax",
        ],
    ),
    (policy({"on": "warning", "to": "ana"}), ["policies.all.steps: nobody is told of a breach"]),
    (
        policy({"on": "breached", "to": "assignee"}),
        ["policies.all.steps: of a breach only those are told whom the ticket names, and it may name nobody"],
    ),
    (policy(STEP, repeat_every="0s"), ["policies.all.repeat_every: must be more than zero"]),
    (
        {"choose": [{"policy": "all"}, {"policy": "some", "emergency": True}]},
        [
            "choose.0: without a condition, what follows is never asked",
            "choose.1.policy: no such policy",
            "choose.1: the last one must have no condition: every alert has a policy",
        ],
    ),
    ({"manager": ["boss", "assignee"]}, [f"manager.{i}: no such person, rotation or team" for i in (0, 1)]),
    (
        {"maintenance": [WINDOW | {"owner": "zed", "to": "2026-04-01T00:00:01Z"}, WINDOW | {"to": WINDOW["from"]}]},
        [
            "maintenance.0.owner: no such person",
            "maintenance.0.to: must be after from, and at most 31 days after it",
            "maintenance.1.to: must be after from, and at most 31 days after it",
        ],
    ),
]


@pytest.mark.parametrize(("parts", "said"), BETWEEN_PARTS)
def test_what_does_not_fit_together_is_named_with_its_place_all_at_once(
    parts: dict[str, Any], said: list[str], tmp_path: Path
) -> None:
    assert refusal(file_of(**parts), tmp_path) == said


ALONE: list[tuple[dict[str, Any], str]] = [
    ({"people": {"ana": {"name": "A", "methods": []}}}, "people.ana.methods: Tuple should have at least 1 item"),
    ({"people": {"ana": person(mail("a"), name="A\r\nBcc: x")}}, "people.ana.name: Value error, control characters"),
    ({"people": {"ana": person(mail("a\n"))}}, "people.ana.methods.0.to: Value error, control characters"),
    ({"people": {"ana": person(mail("a"), zone="Brasilia")}}, "people.ana.zone: Value error, no such time zone"),
    ({"people": {"ana": person(mail("a") | {"after": "8d"})}}, "people.ana.methods.0.after: Value error, at most 7d"),
    ({"people": {"a b": person(mail("a"))}}, "people.a b.[key]: String should match pattern"),
    ({"rotations": {"p": 5}}, "rotations.p.(members): Input should be a valid dictionary"),
    ({"rotations": {"p": turns([])}}, "rotations.p.(members).members: Tuple should have at least 1 item"),
    ({"rotations": {"p": turns(["ana"], turn="12h")}}, "rotations.p.(members).turn: String should match pattern"),
    ({"rotations": {"p": turns(["ana"], hand_over="9:00")}}, "rotations.p.(members).hand_over: String should match"),
    ({"rotations": {"p": turns(["ana"], starts="1/1/26")}}, "rotations.p.(members).starts: Value error, a day is"),
    ({"rotations": {"p": {"icalendar": "../x.ics"}}}, "rotations.p.(icalendar).icalendar: String should match pattern"),
    ({"rotations": {"p": {"layers": ["a"], "members": ["a"]}}}, "rotations.p.(layers).members: Extra inputs are not"),
    ({"overrides": [OVERRIDE | {"from": "2026-03-01T00:00:00"}]}, "overrides.0.from: Input should have timezone info"),
    (policy({"on": "breach", "to": "ana"}), "policies.all.steps.0.on: String should match pattern"),
    (policy({"on": "warning 0%", "to": "ana"}), "policies.all.steps.0.on: String should match pattern"),
    (policy(STEP, repeat_every="ten minutes"), "policies.all.repeat_every: Value error, a duration is"),
    (policy(STEP, repeats=101), "policies.all.repeats: Input should be less than or equal to 100"),
    ({"choose": []}, "choose: Tuple should have at least 1 item"),
    ({"manager": []}, "manager: Tuple should have at least 1 item"),
    ({"on_call": {}}, "on_call: Extra inputs are not permitted"),
]


@pytest.mark.parametrize(("parts", "said"), ALONE)
def test_a_part_that_is_wrong_in_itself_is_named_with_its_place(
    parts: dict[str, Any], said: str, tmp_path: Path
) -> None:
    assert any(line.startswith(said) for line in refusal(file_of(**parts), tmp_path))


def test_what_is_said_about_a_file_shows_no_address_and_no_number(tmp_path: Path) -> None:
    wrong = person({"by": "mail", "to": "+5511988887777"}, {"by": "sms", "to": "zoe@x.example"}, mail("secret\n"))
    both = [
        refusal(file_of(people={**PEOPLE, "zoe": wrong | {"methods": wrong["methods"][: n + 1]}}), tmp_path)
        for n in (1, 2)
    ]
    assert [word for word in ("+5511", "@x.example", "secret") if word in str(both)] == []


@pytest.mark.parametrize("on", ["started", "warning", "warning 50%", "warning 30m", "warning 1h30m", "warning 2bd"])
def test_a_step_is_anchored_on_any_threshold_that_the_catalog_can_have(on: str) -> None:
    assert OnCall(**file_of(**policy(STEP, {"on": on, "to": "assignee"})))


def test_a_file_has_bounds() -> None:
    with pytest.raises(ValidationError, match="at most 1000 items"):
        OnCall(**file_of(people={f"p{i}": person(mail("x")) for i in range(1001)}))
    with pytest.raises(ValidationError, match="at most 10 items"):
        OnCall(**file_of(people={**PEOPLE, "zoe": person(*[call("sms", 1)] * 11)}))


def test_the_first_mail_address_of_a_person_is_found() -> None:
    people = OnCall(**file_of()).people
    assert [people[id_].email for id_ in ("ana", "eve")] == ["ana@x.example", ""]
