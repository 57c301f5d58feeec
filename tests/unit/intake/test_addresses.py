"""Who a mail is from and to, as mailers and people really write it."""

from datetime import UTC, datetime

import pytest

from services.intake.domain.agents import Agents
from services.intake.domain.contact import Known, understand
from services.intake.domain.headers import read_header
from services.intake.domain.identity import Identity
from services.intake.domain.routing import Routing, Rule, When
from shared.clients import Clients

AT = datetime(2026, 3, 5, 11, tzinfo=UTC)

SENDERS = [
    (b"From: =?utf-8?Q?Jo=C3=A3o_=3Cana=40x.example=3E?=", "ana@x.example"),
    (b"From: =?utf-8?Q?banco=40banco.example?= <ana@x.example>", "ana@x.example"),
    (b"From:\r\nSender: Bia <bia@x.example>", "bia@x.example"),
    (b"From: Ana <ana@x.example>, Bia <bia@x.example>\r\nSender: bia@x.example", "ana@x.example"),
    (b"From: ana@x.example.", "ana@x.example"),
    ("From: João <joão@x.example>".encode("latin-1"), "joão@x.example"),
    ("From: João <joão@x.example>".encode(), "joão@x.example"),
    (b"From: <>", ""),
    (b"Reply-To: ana@x.example", ""),
]


@pytest.mark.parametrize(("head", "sender"), SENDERS)
def test_the_sender_is_whom_from_names_or_else_sender(head: bytes, sender: str) -> None:
    assert read_header(head + b"\r\nSubject: x\r\n\r\n").sender() == sender


def test_a_letter_that_was_cut_by_folding_is_one_letter() -> None:
    header = read_header(b"Subject: Emiss" + b"\xc3\r\n \xa3o da\r\n nota\r\n\r\n")
    assert header.text("subject") == "Emissão da nota"


RULE = Rule(name="fiscal", when=When(recipient=("Fiscal@desk.example",)), service="question")
KNOWN = Known(Routing(rules=(RULE,)), Clients(), "triage", Agents(), Identity(addresses=("suporte@desk.example",)))

RECIPIENTS = [
    ("To: ana@x.example, Fiscal <fiscal@desk.example>", "", "fiscal"),
    ("To: ana@x.example\r\nCc: Bia <bia@x.example>; fiscal@desk.example", "", "fiscal"),
    ("X-Original-To: fiscal@desk.example", "", "fiscal"),
    ("To: undisclosed-recipients:;", "fiscal@desk.example", "fiscal"),
    ("To: outrofiscal@desk.example", "", None),
    ('To: "fiscal@desk.example" <x@y.example>', "suporte@desk.example", None),
]


@pytest.mark.parametrize(("head", "mailbox", "rule"), RECIPIENTS)
def test_a_rule_sees_every_recipient_and_the_mailbox(head: str, mailbox: str, rule: str | None) -> None:
    raw = f"From: ana@x.example\r\n{head}\r\nSubject: x\r\n\r\noi".encode()
    assert understand(raw, KNOWN, AT, mailbox=mailbox).routing_rule == rule


@pytest.mark.parametrize(
    ("to", "in_copy"),
    [("ana@x.example, suporte@desk.example", True), ("naosuporte@desk.example", False), ("ana@x.example", False)],
)
def test_the_desk_is_in_copy_where_one_of_its_addresses_stands(to: str, in_copy: bool) -> None:
    raw = f"From: ana@x.example\r\nTo: {to}\r\nSubject: x\r\n\r\noi".encode()
    assert understand(raw, KNOWN, AT).relation.to_desk is in_copy
