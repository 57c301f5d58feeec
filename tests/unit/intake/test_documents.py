"""Fiscal documents as they really come: broken, wrapped, written into the text."""

import base64
from datetime import UTC, datetime

import pytest

from services.intake.domain.contact import Contact, understand
from services.intake.domain.fiscal import access_keys
from tests.reading import NOTHING_KNOWN

AT = datetime(2026, 3, 5, 11, tzinfo=UTC)
KEY = "52060433009911002506550120000007800267301615"
XML = (
    f'<?xml version="1.0" encoding="UTF-8"?><nfeProc xmlns="http://www.portalfiscal.inf.br/nfe"><NFe><infNFe Id="NFe{KEY}">'
    "<emit><CNPJ>33009911002506</CNPJ><xNome>LOJA</xNome></emit></infNFe></NFe><protNFe><infProt>"
    f"<chNFe>{KEY}</chNFe><cStat>539</cStat></infProt></protNFe></nfeProc>"
).encode()
PLAIN = "Content-Type: text/plain; charset=utf-8"
FILE = "Content-Type: application/octet-stream; name=nota.xml\r\nContent-Transfer-Encoding: base64"


def of(head: str, body: bytes) -> Contact:
    return understand(f"From: a@x.example\r\nSubject: x\r\n{head}\r\n\r\n".encode() + body, NOTHING_KNOWN, AT)


def wrapped(root: str) -> bytes:
    return f"<{root}><protNFe><infProt><chNFe>{KEY}</chNFe><cStat>539</cStat></infProt></protNFe></{root}>".encode()


FILES = [
    ("blank lines before it", b"\r\n \n" + XML),
    ("a name in Windows-1252", XML.replace(b"LOJA", "JOÃO".encode("cp1252"))),
    ("an ampersand", XML.replace(b"LOJA", b"A & B")),
    ("cut off", XML[:-12]),
    ("the answer to a batch", wrapped("retConsReciNFe")),
    ("the answer to a question", wrapped("retConsSitNFe")),
    (
        "what a web service says",
        b'<s:Envelope xmlns:s="x"><s:Body>' + wrapped("retEnviNFe") + b"</s:Body></s:Envelope>",
    ),
]


@pytest.mark.parametrize("xml", [row[1] for row in FILES], ids=[row[0] for row in FILES])
def test_a_document_that_is_broken_or_wrapped_is_found(xml: bytes) -> None:
    found = of(FILE, base64.encodebytes(xml))
    assert (found.documents, found.rejection_codes) == ((KEY,), ("539",))


TEXTS = [
    ("as it is", PLAIN, b"segue\r\n" + XML + b"\r\nobrigado"),
    ("in base64", PLAIN, b"segue\r\n" + base64.encodebytes(XML) + b"\r\nobrigado"),
    ("in base64, cut off", PLAIN, base64.encodebytes(XML)[:-40]),
    ("as elements of a page", "Content-Type: text/html", b"<p>segue</p>" + XML),
    ("shown by a page", "Content-Type: text/html", b"<pre>" + XML.replace(b"<", b"&lt;") + b"</pre>"),
    ("in a mail that is attached", "Content-Type: message/rfc822", b"From: b@x.example\r\nSubject: y\r\n\r\n" + XML),
]


@pytest.mark.parametrize(("head", "body"), [row[1:] for row in TEXTS], ids=[row[0] for row in TEXTS])
def test_a_document_that_stands_in_the_text_is_found(head: str, body: bytes) -> None:
    found = of(head, body)
    assert (found.documents, found.rejection_codes) == ((KEY,), ("539",))


def test_what_an_attached_mail_says_is_looked_at_beside_a_text_of_ones_own() -> None:
    inner = (
        f"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: y\r\n\r\nRejeição 204, chave {KEY}\r\n--b--\r\n".encode()
    )
    found = of("Content-Type: multipart/mixed; boundary=b", b"--b\r\n\r\nsegue\r\n" + inner)
    assert (found.text, found.documents, found.rejection_codes) == ("segue", (KEY,), ("204",))


KEYS = [
    f"{KEY[:22]}\r\n{KEY[22:]}",
    "52-0604-33.009.911/0025-06-55-012-000.000.780-026.730.161-5",
    f"NFE{KEY}",
    f"nfe{KEY}.pdf",
    f"> chave: {KEY}.",
]


@pytest.mark.parametrize("text", KEYS)
def test_a_key_is_found_however_it_is_written(text: str) -> None:
    assert [found.key for found in access_keys(text)] == [KEY]


@pytest.mark.parametrize(
    "text",
    [
        "34191790010104351004791020150008291070026000",  # a bank slip's bar code
        "34191.79001 01043.510047 91020.150008 2 91070026000",  # and its line of digits
        "5" * 44,
        KEY + "1",
        "1" + KEY,
    ],
)
def test_other_long_numbers_are_no_keys(text: str) -> None:
    assert access_keys(text) == ()
