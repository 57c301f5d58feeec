"""The automatic answer as it goes over the wire."""

import re
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtplib.email import flatten_message

from services.intake.configuration import read_desk
from services.intake.letter import Facts, letter
from shared.catalog import load_directory

CONFIG = Path("deploy/config")
CATALOGS = load_directory(CONFIG / "catalog")
SETTINGS = read_desk(CONFIG).identity.auto_reply
AT = datetime(2026, 3, 6, 23, tzinfo=UTC)
OUTLOOK = "<CP2PR80MB12345678901234567890123456789012345@CP2PR80MB1234.lamprd80.prod.outlook.com>"


def written(**mail: Any) -> EmailMessage:
    said = {
        "title": "Rejeição 539",
        "language": "pt-BR",
        "message_id": OUTLOOK,
        "references": ["<b@cliente.example>", f"<{'a' * 200}@cliente.example>"],
        "articles": [],
        "scope_hint": None,
        "registered": True,
        **mail,
    }
    due_at = AT + timedelta(hours=62)
    facts = Facts("20260306-000001", "nfe-emission", AT, AT + timedelta(hours=60), due_at, "running", said)
    return letter(7, facts, "ana@cliente.example", SETTINGS, b"k" * 32, CATALOGS, AT)


def test_message_ids_go_out_as_they_came_however_long_they_are() -> None:
    wire = flatten_message(written())
    head = wire.partition(b"\r\n\r\n")[0].decode("ascii")
    fields = {
        line.partition(":")[0]: line.partition(":")[2].strip() for line in re.sub(r"\r\n ", " ", head).split("\r\n")
    }
    assert fields["In-Reply-To"] == OUTLOOK
    assert fields["References"] == f"<{'a' * 200}@cliente.example> <b@cliente.example> {OUTLOOK}"
    assert head.count("\r\nMessage-ID: <prazo.20260306-000001.7.") == 1


@pytest.mark.parametrize("message_id", ["", "<\\xe9@cliente.example>", f"<{'x' * 480}@cliente.example>"])
def test_whatever_message_id_is_answered_the_answer_can_be_sent(message_id: str) -> None:
    wire = flatten_message(written(message_id=message_id, references=[]))
    assert max(map(len, wire.split(b"\r\n"))) <= 998
    read = message_from_bytes(wire, policy=policy.default)
    assert (read["In-Reply-To"] or "") == message_id
    assert read["To"] == "ana@cliente.example"


MOMENTS = [
    (
        "pt-BR",
        "começa a contar em 09/03/2026 (segunda-feira), às 08:00",
        "Resposta até: 09/03/2026 (segunda-feira), às 10:00",
    ),
    ("en", "starts to count on Monday, 2026-03-09, at 08:00", "Response by: Monday, 2026-03-09, at 10:00"),
]


@pytest.mark.parametrize(("language", "counts_from", "due"), MOMENTS)
def test_the_answer_says_when_its_clock_starts_and_ends_in_whole_words(
    language: str, counts_from: str, due: str
) -> None:
    body = written(language=language).get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert counts_from in text
    assert due in text
