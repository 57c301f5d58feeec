"""``intake password`` prints a hash that lets the password in, and nothing else."""

import io

import pytest
from argon2 import PasswordHasher

from services.intake.commands import command
from services.intake.domain.agents import Agent


def test_a_password_becomes_a_hash_for_agents_yaml(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\nmore\n"))
    assert command(["password"]) == 0
    said = capsys.readouterr()
    hashed = said.out.strip()
    assert PasswordHasher().verify(hashed, "correct horse battery")
    assert Agent(name="Ana", password=hashed).password == hashed
    assert "horse" not in said.out + said.err


@pytest.mark.parametrize("password", ["", "elevenchars", "x" * 1001])
def test_a_password_that_is_too_short_or_too_long_is_refused(
    password: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(password))
    assert command(["password"]) == 2
    assert "12 to 1000" in capsys.readouterr().err
