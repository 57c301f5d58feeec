"""Dead letters from the command line: listed, shown, sent again as they were."""

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from services.sla_timer.commands import command
from shared import clock
from shared.kafka import DeadLetter, Message, Producer, Record
from shared.kafka.letters import bury
from tests.integration.kafka.test_plumbing import all_of

ESC = b"\x1b[31mnot json"


@pytest.fixture
async def letters(kafka: str, topics: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Bury two letters of T and return the topic prefix; settings are in the environment."""
    monkeypatch.setenv("PRAZO_KAFKA", kafka)
    monkeypatch.setenv("PRAZO_TOPIC_PREFIX", topics)
    monkeypatch.setenv("PRAZO_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    topic = f"{topics}tickets.v1"
    said = [(ESC, "not_json", (("x", b"1"),)), (b"{}", "unknown_type", ())]
    async with Producer(kafka) as producer:
        for offset, (value, reason, headers) in enumerate(said):
            record = Record(topic, 0, offset, clock.now(), b"T", value, headers)
            await bury(producer, [DeadLetter(record, reason, "event: rule")])
    return topics


async def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Return exit code, output and errors of a command."""
    capsys.readouterr()
    code = await asyncio.to_thread(command, ["dlq", *arguments])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


async def test_letters_are_listed_shown_and_sent_again(
    letters: str, kafka: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = await run(capsys, "list", "--json")
    found: list[Any] = [orjson.loads(line) for line in out.splitlines()]
    assert (code, [(one["reason"], one["key"]) for one in found]) == (1, [("not_json", "T"), ("unknown_type", "T")])
    code, out, _ = await run(capsys, "list", "--reason", "none_such")
    assert (code, out) == (0, "")
    code, out, _ = await run(capsys, "show", found[0]["place"])
    assert (code, "\x1b" in out, r"\x1b[31mnot json" in out, "header x: 1" in out) == (0, False, True, True)
    code, out, _ = await run(capsys, "replay", "--reason", "not_json", "--yes", "--json")
    assert (code, orjson.loads(out)) == (0, {"sent": 1, "failed": []})
    (again,) = await all_of(kafka, f"{letters}tickets.v1", 1)
    assert (again.key, again.value, tuple(again.headers)) == (b"T", ESC, (("x", b"1"),))


async def test_wrong_places_and_missing_consent_send_nothing(letters: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert letters
    for arguments in (["show", "0:99"], ["replay", "7:7", "--yes"], ["replay"], ["replay", "--reason", "not_json"]):
        code, out, err = await run(capsys, *arguments)
        assert (code, out, err.startswith("dlq: ")) == (2, "", True), arguments


async def test_without_a_broker_it_is_exit_code_3(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRAZO_KAFKA", "127.0.0.1:1")
    monkeypatch.setenv("PRAZO_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    code, out, err = await run(capsys, "list")
    assert (code, out, "broker" in err) == (3, "", True)


async def test_a_letter_that_was_cut_is_shown_and_never_sent_again(
    letters: str, kafka: str, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = (("prazo-reason", b"huge"), ("prazo-topic", f"{letters}tickets.v1".encode()), ("prazo-original-bytes", b"9"))
    async with Producer(kafka) as producer:
        assert await producer.send_all([Message(f"{letters}tickets.v1.dlq", b"T", b"first", cut)]) == [None]
    code, out, _ = await run(capsys, "list", "--reason", "huge", "--json")
    one = orjson.loads(out)
    assert (code, one["cut"]) == (1, True)
    code, out, err = await run(capsys, "replay", one["place"], "--yes", "--json")
    assert (code, orjson.loads(out), "was cut" in err) == (1, {"sent": 0, "failed": []}, True)
