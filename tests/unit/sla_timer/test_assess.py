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


@pytest.mark.parametrize("at", ["yesterday", "2026-03-05T08:00:00"])
def test_a_wrong_instant_is_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str], at: str) -> None:
    made = catalog(tmp_path)
    code = command(["assess", "--catalog", str(made), "--events", str(made), "--at", at])
    assert (code, "--at" in capsys.readouterr().err) == (2, True)
