"""``assess`` as typed: the same bytes whatever the order of lines, and every line left out is said."""

import random
from pathlib import Path
from typing import Any

import orjson
import pytest

from services.sla_timer.commands import command
from shared.clock import from_us
from tests.unit.sla_timer.desk import WAITING, Said, catalog, journal, opened

SAID: list[Said] = [
    opened(),
    ("paused", "03-05 09:00", WAITING),
    ("resumed", "03-05 09:00", WAITING),
    ("responded", "03-05 08:30", {"by": "ana"}),
    ("reclassified", "03-05 10:00", {"priority": "high"}),
    ("resolved", "03-06 09:00"),
    ("reopened", "03-06 12:00"),
]


def written(tickets: int) -> list[bytes]:
    """Return the lines of some tickets, some of them twice, one with other content under a known identity."""
    lines = []
    for n in range(tickets):
        for fact in journal(*SAID):
            name = type(fact.data).__name__.removeprefix("Ticket").lower()
            data: dict[str, Any] = {**fact.data.model_dump(mode="json", exclude_unset=True), "ticket_id": f"T{n}"}
            head = {"specversion": "1.0", "id": f"{n}-{fact.id}", "source": "s", "type": f"ticket.{name}"}
            at = from_us(fact.at_us).isoformat()
            lines.append(orjson.dumps({**head, "subject": f"T{n}", "time": at, "data": data}))
    other = orjson.loads(lines[0])
    other["data"]["title"] = "another title"
    return [*lines, lines[1], orjson.dumps(other)]


def printed(capsys: pytest.CaptureFixture[str], folder: Path, lines: list[bytes]) -> tuple[int, str]:
    """Return exit code and output."""
    events = folder / "events.jsonl"
    events.write_bytes(b"\n".join(lines))
    code = command(["assess", "--catalog", str(folder / "t1.yaml"), "--events", str(events)])
    return code, capsys.readouterr().out


def test_38_a_hundred_shuffles_give_the_same_bytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = catalog(tmp_path)
    made.rename(tmp_path / "t1.yaml")
    lines = written(5)
    first = printed(capsys, tmp_path, lines)
    assert (first[0], len(first[1].splitlines())) == (1, 10)  # two clocks a ticket; 1: a conflict was said
    seeded = random.Random(4)
    for _ in range(100):
        seeded.shuffle(lines)
        assert printed(capsys, tmp_path, lines) == first


def test_a_line_that_cannot_be_understood_is_said_with_its_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    catalog(tmp_path).rename(tmp_path / "t1.yaml")
    events = tmp_path / "events.jsonl"
    events.write_bytes(b"\n".join([written(1)[0], b"not json", b"[]", b'{"type": "ticket.unknown"}']))
    assert command(["assess", "--catalog", str(tmp_path / "t1.yaml"), "--events", str(events)]) == 1
    said = capsys.readouterr()
    assert [line.split(":")[:2] for line in said.err.splitlines()] == [
        ["line 2", " not_json"],
        ["line 3", " not_json"],
        ["line 4", " unknown_type"],
    ]
    assert len(said.out.splitlines()) == 2


def line(type_: str, at: object, **changes: Any) -> bytes:
    """Return an event of ticket BAD as a line, with changes of its envelope or (``data``) of what it says."""
    data = {"ticket_id": "BAD", "service": "triage", "channel": "email", "title": "t", **changes.pop("data", {})}
    head = {"specversion": "1.0", "id": f"{type_}{at}", "source": "s", "type": f"ticket.{type_}", "subject": "BAD"}
    return orjson.dumps({**head, "time": at, "data": data, **changes})


AT = "2026-03-05T12:00:00Z"
MALFORMED = [
    ("receivedat is a word", line("opened", AT, receivedat="x"), "invalid: receivedat"),
    ("receivedat is a number", line("opened", AT, receivedat=5), "invalid: receivedat"),
    ("receivedat without offset", line("opened", AT, receivedat="2026-03-05T12:00:00"), "invalid: receivedat"),
    ("a time that is a number", line("opened", 1772802000), "invalid: time"),
    ("a time that is digits", line("opened", "1772802000"), "invalid: time"),
    ("the year 9999", line("opened", "9999-01-01T00:00:00Z"), "invalid: time"),
    (
        "an appointment in 2206",
        line("scheduled", AT, data={"starts_at": "2206-03-05T12:00:00Z"}),
        "invalid: data.starts_at",
    ),
    ("a boolean that is a word", line("responded", AT, data={"automatic": "yes"}), "invalid: data.automatic"),
    ("nested too deep", line("opened", AT)[:-1] + b',"x":' + b"[" * 300 + b"]" * 300 + b"}", "too_deep: event"),
    ("a line of 5 MB", b'"' + b"x" * 5_000_000, "too_large: event"),
]


@pytest.mark.parametrize(("wrong", "said"), [row[1:] for row in MALFORMED], ids=[row[0] for row in MALFORMED])
def test_one_malformed_line_costs_no_other_ticket(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], wrong: bytes, said: str
) -> None:
    catalog(tmp_path).rename(tmp_path / "t1.yaml")
    good = written(1)[0]
    events = tmp_path / "events.jsonl"
    events.write_bytes(b"\xef\xbb\xbf" + good + b"\n" + wrong + b"\n" + good)
    assert command(["assess", "--catalog", str(tmp_path / "t1.yaml"), "--events", str(events)]) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith(f"line 2: {said}")
    assert len(printed.out.splitlines()) == 2


def test_37_the_last_event_is_one_that_was_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    catalog(tmp_path).rename(tmp_path / "t1.yaml")
    opened_ = line("opened", "2026-03-05T11:00:00Z")
    kept = line("assigned", AT, id="a", data={"assignee": "a"})
    later = line("assigned", "2026-03-19T12:00:00Z", id="a", data={"assignee": "b"})
    repeated = line("opened", "2026-03-05T11:00:00Z", receivedat="2026-03-05T11:00:00Z")
    assert printed(capsys, tmp_path, [opened_, kept, later, repeated]) == (
        1,
        printed(capsys, tmp_path, [opened_, kept])[1],
    )


@pytest.mark.parametrize("at", ["yesterday", "2026-03-05T08:00:00", "2106-03-05T08:00:00Z"])
def test_a_wrong_instant_is_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str], at: str) -> None:
    made = catalog(tmp_path)
    code = command(["assess", "--catalog", str(made), "--events", str(made), "--at", at])
    assert (code, "--at" in capsys.readouterr().err) == (2, True)
