"""How a mail stands to us: proof of its sender, threads, thanks, language, bounces. Each row is a fact of real mail."""

import hashlib

import pytest

from services.intake.domain.bounces import Bounced, bounced_page
from services.intake.domain.headers import Header, read_header
from services.intake.domain.language import language_of
from services.intake.domain.parts import dissect
from services.intake.domain.thanks import is_thanks
from services.intake.domain.threads import message_id, named_ticket, references, subject_tag, ticket_of
from services.intake.domain.trust import verified

KEY = hashlib.sha256(b"key").digest()
TICKET = "20260305-000007"


def header(text: str) -> Header:
    """Return the header of a mail."""
    return read_header(text.encode() + b"\r\n\r\n")


RESULTS = [
    ("DMARC passed", "mx.desk.example; dmarc=pass header.from=cliente.example", True),
    (
        "DMARC failed whatever else passed",
        "mx.desk.example; dkim=pass header.d=cliente.example; dmarc=fail header.from=cliente.example",
        False,
    ),
    ("DKIM of the domain", "mx.desk.example 1; dkim=pass (2048 bit) header.d=cliente.example header.s=a", True),
    ("DKIM of the domain above", "mx.desk.example; dkim=pass header.d=cliente.example", True),
    ("DKIM of somebody else", "mx.desk.example; dkim=pass header.d=evil.example", False),
    ("SPF of the domain", 'mx.desk.example; spf=pass smtp.mailfrom="ana@cliente.example"', True),
    ("SPF of a mailing service", "mx.desk.example; spf=pass smtp.mailfrom=bounce@sender.example", False),
    ("SPF softfail", "mx.desk.example; spf=softfail smtp.mailfrom=ana@cliente.example", False),
    (
        "a result in an address",
        'mx.desk.example; spf=pass smtp.mailfrom="x; dmarc=pass header.from=cliente.example"@evil.example',
        False,
    ),
    (
        "a property in an address",
        'mx.desk.example; spf=pass smtp.mailfrom="x header.from=cliente.example"@evil.example',
        False,
    ),
    ("an address in an address", 'mx.desk.example; spf=pass smtp.mailfrom="ana@cliente.example"@evil.example', False),
    (
        "a comment that an address ends",
        'mx.desk.example; spf=pass (of "x) ; dmarc=pass header.from=cliente.example ("@evil.example)',
        False,
    ),
    (
        "an identity beside another domain",
        "mx.desk.example; dkim=pass header.d=evil.example header.i=@cliente.example",
        False,
    ),
    ("an identity alone", "mx.desk.example; dkim=pass header.i=@cliente.example", True),
    ("a quoted signature", 'mx.desk.example; dkim=pass header.d=cliente.example header.b="a/b=="', True),
    ("no result", "mx.desk.example; none", False),
    ("another server's word", "mx.evil.example; dmarc=pass header.from=cliente.example", False),
    ("a lookalike domain above", "mx.desk.example; dkim=pass header.d=example", False),
    ("pass in a comment", "mx.desk.example; dmarc=fail (dmarc=pass) header.from=cliente.example", False),
    ("nested comments", "mx.desk.example (a(b)); dmarc=pass (p=none (x)) header.from=cliente.example", True),
]


@pytest.mark.parametrize(("results", "expected"), [row[1:] for row in RESULTS], ids=[row[0] for row in RESULTS])
def test_a_sender_is_verified_by_what_our_own_server_found(results: str, expected: bool) -> None:
    sender = "ana@filial.cliente.example" if "above" in results else "ana@cliente.example"
    assert verified(header(f"Authentication-Results: {results}"), sender, ["MX.desk.example"]) is expected


EXCHANGE = "spf=pass (sender IP is 192.0.2.7) smtp.mailfrom=a.example; dkim=pass header.d=a.example;dmarc=pass action=none header.from=a.example"


@pytest.mark.parametrize(
    ("results", "ids", "expected"),
    [
        (EXCHANGE, ["(none)"], True),
        (EXCHANGE.replace("pass", "fail"), ["(none)"], False),
        (EXCHANGE, ["mx.desk.example"], False),
        (f"mx.evil.example; {EXCHANGE}", ["(none)"], False),
    ],
)
def test_a_server_that_writes_no_name_is_believed_only_where_that_is_said(
    results: str, ids: list[str], expected: bool
) -> None:
    assert verified(header(f"Authentication-Results: {results}"), "ana@a.example", ids) is expected


def test_only_the_topmost_result_counts_and_without_a_server_of_ours_nothing_is_known() -> None:
    forged = "Authentication-Results: mx.evil.example; none\r\nAuthentication-Results: mx.desk.example; dmarc=pass header.from=a.example"
    assert verified(header(forged), "x@a.example", ["mx.desk.example"]) is False
    assert verified(header("Subject: a"), "x@a.example", ["mx.desk.example"]) is False
    assert verified(header(forged), "x@a.example", []) is None


def test_our_message_ids_prove_their_ticket_and_nothing_else_does() -> None:
    ours = message_id(KEY, TICKET, 3, "desk.example")
    assert ticket_of(KEY, ["<x@y>", ours]) == TICKET
    assert ticket_of(KEY, [ours.replace("000007", "000008")]) is None
    assert ticket_of(KEY, [ours.replace(".3.", ".4.")]) is None
    assert ticket_of(hashlib.sha256(b"other").digest(), [ours]) is None
    assert ticket_of(b"", [message_id(b"", TICKET, 3, "x")]) is None


def test_what_a_mail_answers_is_named_nearest_first() -> None:
    mail = header("In-Reply-To: <c@x>\r\nReferences: <a@x>\r\n <b@x> <c@x>")
    assert references(mail) == ("<c@x>", "<b@x>", "<a@x>")
    assert references(header("Subject: a")) == ()


def test_a_subject_and_a_field_may_name_a_ticket() -> None:
    assert subject_tag(f"Re: nota parada [#{TICKET}]") == TICKET
    assert subject_tag("Re: [#123]") is None
    assert named_ticket(header(f"Prazo-Ticket: {TICKET}")) == TICKET
    assert named_ticket(header("Prazo-Ticket: x")) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Obrigado!", True),
        ("Muito obrigada pela atenção, boa tarde.", True),
        ("Ok, valeu!", True),
        ("Thank you very much", True),
        ("Ok", False),
        ("Bom dia", False),
        ("Obrigado, mas continua dando erro", False),
        ("Obrigado. Quando fica pronto?", False),
        ("Obrigado, rejeição 204", False),
        ("", False),
    ],
)
def test_only_thanks_is_only_thanks(text: str, expected: bool) -> None:
    assert is_thanks(text) is expected


def test_an_english_mail_is_answered_in_english() -> None:
    assert language_of("Hello, we can not issue the invoice and the system is down, please help") == "en"
    assert language_of("Bom dia, o software the best não abre") == "pt-BR"
    assert language_of("") == "pt-BR"


def bounce(original: str, action: str = "failed") -> bytes:
    """Return a report of a mail that was not delivered."""
    return (
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\nSubject: Undelivered\r\n\r\n"
        b"--b\r\nContent-Type: text/plain\r\n\r\nsorry\r\n"
        b"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\n"
        b"Final-Recipient: rfc822; ana@x.example\r\nAction: " + action.encode() + b"\r\nStatus: 5.1.1\r\n\r\n"
        b"--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: "
        + original.encode()
        + b"\r\nSubject: [SLA]\r\n\r\nx\r\n--b--\r\n"
    )


NOTICE = "0b0d9a05-5f0e-5b7e-8c4e-0d6c5b1d7a10"
BOUNCES = [
    ("a page of ours", f"<notice.{NOTICE}@desk.example>", "failed", Bounced(NOTICE, "5.1.1")),
    ("only late", f"<notice.{NOTICE}@desk.example>", "delayed", None),
    ("of another domain", f"<notice.{NOTICE}@evil.example>", "failed", None),
    ("another mail", "<x@desk.example>", "failed", None),
]


@pytest.mark.parametrize(("original", "action", "expected"), [b[1:] for b in BOUNCES], ids=[b[0] for b in BOUNCES])
def test_a_page_of_ours_is_known_again_when_it_bounces(original: str, action: str, expected: Bounced | None) -> None:
    raw = bounce(original, action)
    assert bounced_page(raw, dissect(raw).parts, ["desk.example"]) == expected
