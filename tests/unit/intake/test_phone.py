"""``phone.yaml``: the shipped one is valid, a wrong one says every error; whose number it is, and which agent."""

from pathlib import Path

import pytest

from services.intake.configuration import read_keys, read_phone
from services.intake.domain.agents import Agent, Agents
from services.intake.domain.phone import Phone, Suggested
from shared.clients import Client, Clients
from shared.config import Misconfigured


def test_the_shipped_file_says_the_defaults() -> None:
    assert read_phone(Path("deploy/config")) == Phone(ddd="62")


def test_every_error_of_a_file_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "phone.yaml").write_text(
        'exchanges: [{name: form}]\nmisdial_seconds: -1\nblocked: ["123"]\nddd: "60"\n'
    )
    with pytest.raises(Misconfigured) as wrong:
        read_phone(tmp_path)
    assert all(field in str(wrong.value) for field in ("exchanges.0", "misdial_seconds", "blocked.0", "ddd"))


def test_a_short_or_missing_key_is_named_and_never_shown(tmp_path: Path) -> None:
    phone = Phone.model_validate({"exchanges": [{"name": "matriz", "key_file": "pbx"}]})
    for content in (None, "too-short"):
        if content:
            (tmp_path / "pbx").write_text(content)
        with pytest.raises(Misconfigured, match="pbx") as wrong:
            read_keys(phone, tmp_path)
        assert "too-short" not in str(wrong.value)
    (tmp_path / "pbx").write_text("k" * 32 + "\n")
    assert read_keys(phone, tmp_path) == {"matriz": [b"k" * 32]}


def test_a_number_of_two_clients_suggests_none() -> None:
    def client(id_: str, *phones: str) -> Client:
        return Client(id=id_, name=id_, modality="saas", database="postgresql", phones=phones)

    suggested = Suggested(Clients(clients=(client("a", "(62) 8888-7777", "62 3086-5750"), client("b", "6230865750"))))
    assert [suggested.client(n) for n in ("+5562988887777", "+556230865750", None)] == ["a", None, None]


def test_only_known_agents_are_named() -> None:
    agents, phone = Agents(agents={"ana": Agent(name="Ana")}), Phone(extensions={"PJSIP/101": "ana"})
    said = ("PJSIP/101", "Ana", "ana", "Local/62988887777@agents", "")
    assert [phone.agent(one, agents) for one in said] == ["ana", "ana", "ana", None, None]
