"""Files for tests: plain data as ``oncall.yaml`` has it, with everything that moves, around the changes of clocks."""

from datetime import UTC, datetime
from typing import Any

CHANGES = [
    ("America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
    ("Europe/Lisbon", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Europe/Lisbon", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("America/Sao_Paulo", datetime(2018, 11, 4, 3, tzinfo=UTC)),
    ("America/Sao_Paulo", datetime(2018, 2, 18, 2, tzinfo=UTC)),
]
"""Every zone with an instant at which its clocks go forward, or back (Brazil's did until 2019, at midnight)."""


def file_of(**parts: Any) -> dict[str, Any]:
    """Return a small right file, with ``parts`` instead of its own."""
    made: dict[str, Any] = {
        "channels": {"mail": {"kind": "email"}, "sms": {"kind": "sms"}, "phone": {"kind": "voice"}},
        "people": {
            "ana": {"name": "Ana Souza", "methods": [mail("ana")], "agents": ["a-1"]},
            "bob": {"name": "Bob", "methods": [mail("bob"), call("sms", 2)]},
            "eve": {"name": "Eve", "methods": [call("phone", 3)]},
        },
        "rotations": {"primary": turns(["ana", "bob"])},
        "teams": {"desk": ["primary", "eve"]},
        "policies": {"all": {"steps": [{"on": "breached", "to": "primary"}]}},
        "choose": [{"policy": "all"}],
        "manager": ["eve"],
    }
    return {**made, **parts}


def mail(name: str) -> dict[str, Any]:
    """Return a method of mail."""
    return {"by": "mail", "to": f"{name}@x.example"}


def call(by: str, number: int, after: str = "0m") -> dict[str, Any]:
    """Return a loud method."""
    return {"by": by, "to": f"+556299999000{number}", "after": after}


def turns(members: list[str], **more: Any) -> dict[str, Any]:
    """Return a rotation of a week each, in Brasília."""
    made = {"members": members, "zone": "America/Sao_Paulo", "starts": "2018-01-01", "turn": "7d", "hand_over": "09:00"}
    return {**made, **more}


def moving_file(zone: str, day: str, override: tuple[str, str], hand_over: str = "02:30") -> dict[str, Any]:
    """Return a file with layers, nights, a holiday (``day``), an override, and people who sleep; in ``zone``."""
    week = ["mon", "tue", "wed", "thu", "fri"]
    night = [{"days": week, "from": "18:00", "to": "01:30"}, {"days": ["sat", "sun"], "from": "00:30", "to": "02:15"}]
    awake = [{"days": week, "from": "07:00", "to": "22:00"}, {"days": ["sat", "sun"], "from": "09:00", "to": "00:45"}]
    people = {
        "ana": {"name": "Ana", "zone": zone, "hours": awake, "holidays": "own", "methods": [call("sms", 1, "7m")]},
        "bob": {"name": "Bob", "zone": "America/Sao_Paulo", "hours": awake, "methods": [call("phone", 2), mail("bob")]},
        "eve": {"name": "Eve", "zone": zone, "methods": [mail("eve")]},
    }
    rotations = {
        "night": turns(["bob", "ana"], zone=zone, turn="1d", hand_over=hand_over, windows=night, holidays="own"),
        "week": turns(["ana", "eve", "bob"], zone=zone, starts=day, hand_over=hand_over),
        "both": {"layers": ["night", "week"], "zone": zone},
    }
    overrides = [
        {"rotation": "night", "person": "eve", "from": override[0], "to": override[1]},
        {"rotation": "both", "person": "bob", "from": override[0], "to": override[0][:14] + "55:00+00:00"},
        {"rotation": "both", "person": "ana", "from": override[0][:14] + "20:00+00:00", "to": override[1]},
    ]
    steps = [
        {"on": "breached", "to": "both"},
        {"on": "breached", "to": "night"},
        {"on": "breached", "to": ["desk", "assignee"], "by": ["sms", "voice"]},
        {"on": "breached", "to": "manager"},
    ]
    return file_of(
        people=people,
        rotations=rotations,
        overrides=overrides,
        holidays={"own": {"days": [day]}},
        teams={"desk": ["night", "ana"]},
        policies={"all": {"steps": steps}, "urgent": {"steps": steps}},
        choose=[{"emergency": True, "policy": "urgent"}, {"policy": "all"}],
        manager=["desk", "week"],
    )
