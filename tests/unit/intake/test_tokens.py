"""tokens.yaml: what it may say, how ``intake token`` makes an entry, and how it is read again."""

import json
from pathlib import Path

import pytest

from services.intake.commands import command
from services.intake.domain.tokens import TokenFile, bearer, digest_of
from services.intake.sources.publishers import Publishers
from shared.config import Misconfigured, parse_yaml, read_config

ENTRY = ["crm", "--source", "crm/", "--type", "ticket.opened", "--type", "ticket.responded"]


def written(path: Path, *entries: object) -> Path:
    """Write a file with these entries."""
    path.write_text(json.dumps({"tokens": entries}), encoding="utf-8")
    return path


def test_the_command_prints_a_new_token_and_an_entry_that_knows_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    made = []
    for _ in range(2):
        assert command(["token", *ENTRY, "--burst", "5", "--json"]) == 0
        made.append(json.loads(capsys.readouterr().out))
    first, second = made
    assert first["token"] != second["token"]
    assert len(first["token"]) > 40
    tokens = read_config(written(tmp_path / "tokens.yaml", first["entry"]), TokenFile).tokens
    assert (tokens[0].name, tokens[0].source_prefix, tokens[0].types) == (
        "crm",
        "crm/",
        ("ticket.opened", "ticket.responded"),
    )
    assert (tokens[0].rate.burst, tokens[0].rate.per_second) == (5, 50)
    assert bearer(f"Bearer {first['token']}", tokens) == tokens[0]
    assert bearer(f"Bearer {second['token']}", tokens) is None


def test_what_a_person_reads_is_the_token_and_yaml_for_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["token", *ENTRY]) == 0
    _, secret, _, _, *lines = capsys.readouterr().out.splitlines()
    entry = parse_yaml("\n".join(lines))[0]
    assert (entry["sha256"], secret in "\n".join(lines)) == (digest_of(secret), False)
    assert TokenFile.model_validate({"tokens": [entry]})


@pytest.mark.parametrize("changed", [["--type", "ticket.refused"], ["--type", "ticket.openned"], ["--burst", "0"]])
def test_an_entry_that_the_file_could_not_have_is_refused_without_a_token(
    changed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(["token", *ENTRY, *changed]) == 2
    printed = capsys.readouterr()
    assert (printed.out, "token: " in printed.err) == ("", True)


def entry(name: str, secret: str) -> dict[str, object]:
    """Return an entry."""
    return {"name": name, "sha256": digest_of(secret), "source_prefix": "x", "types": ["ticket.opened"]}


WRONG = [
    ("a name twice", [entry("a", "1"), entry("a", "2")]),
    ("a token twice", [entry("a", "1"), entry("b", "1")]),
    ("no hash", [entry("a", "1") | {"sha256": "1"}]),
    ("a type that nobody may send", [entry("a", "1") | {"types": ["sla.met"]}]),
    ("no type", [entry("a", "1") | {"types": []}]),
    ("an unknown key", [entry("a", "1") | {"tipes": []}]),
    ("a rate without end", [entry("a", "1") | {"rate": {"burst": 10**9}}]),
]


@pytest.mark.parametrize("entries", [row[1] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_file_that_is_wrong_is_refused(entries: list[object], tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"tokens\.yaml"):
        read_config(written(tmp_path / "tokens.yaml", *entries), TokenFile)


def test_the_file_is_read_again_only_if_it_is_valid_and_nothing_of_it_is_logged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path / "tokens.yaml", entry("a", "1"))
    publishers = Publishers.read(path)
    for text in ('tokens: ["canary', "tokens:\n- {canary: x}", "\0", "- canary"):
        path.write_text(text, encoding="utf-8")
        publishers.reload()
        assert [one.name for one in publishers.tokens] == ["a"]
    path.write_bytes(b"\xff")
    publishers.reload()
    said = capsys.readouterr().out
    assert said.count("tokens_refused") == 5
    written(path, entry("b", "2"), entry("c", "3"))
    publishers.reload()
    assert [one.name for one in publishers.tokens] == ["b", "c"]
    path.unlink()
    publishers.reload()
    assert [one.name for one in publishers.tokens] == ["b", "c"]
    assert Publishers.read(path).tokens == ()
