"""Titles without personal data, and a reader that nothing makes raise."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.domain.contact import understand
from services.intake.domain.message import TITLE_LENGTH, message_id_of, title_of
from shared import clock
from tests.reading import NOTHING_KNOWN

TITLES = [
    ("RE: Res: ENC: Fwd: erro na nota", "erro na nota"),
    ("falar com ana.silva@cliente.com.br", "falar com [e-mail]"),
    ("ligar (62) 98765-4321 hoje", "ligar [telefone] hoje"),
    ("ligar +55 62 3086-5750", "ligar [telefone]"),
    ("CPF 123.456.789-09", "CPF [CPF]"),
    ("CNPJ 12.345.678/0001-95", "CNPJ [CNPJ]"),
    ("CNPJ 12.ABC.345/01DE-35", "CNPJ [CNPJ]"),
    ("CNPJ 12345678000195", "CNPJ [CNPJ]"),
    ("CNPJ 12345678/0001-95", "CNPJ [CNPJ]"),
    ("CNPJ 12.345.678/000195", "CNPJ [CNPJ]"),
    ("CNPJ 12 345 678 0001 95", "CNPJ [CNPJ]"),
    ("CPF 123456789-09", "CPF [CPF]"),
    ("CPF 123.456.789 09", "CPF [CPF]"),
    ("ligar 98765-4321", "ligar [telefone]"),
    ("ligar 3086-5750 hoje", "ligar [telefone] hoje"),
    ("ligar (62) 9 8765-4321", "ligar [telefone]"),
    ("ligar +55 62 9 8765 4321", "ligar [telefone]"),
    ("ligar 62.98765.4321", "ligar [telefone]"),
    ("ligar 0800 123 4567", "ligar [telefone]"),
    ("EM SAO SUL NOTA 55", "EM SAO SUL NOTA 55"),
    ("versão 4.00.1234-5678 do exercício 2025-2026", "versão 4.00.1234-5678 do exercício 2025-2026"),
    ("Re[2]: AW: RV: erro", "erro"),
    ("Rejeição 204 NF-e 12345", "Rejeição 204 NF-e 12345"),
    ("chave 52060433009911002506550120000007800267301615", "chave 52060433009911002506550120000007800267301615"),
    ("", "(sem assunto)"),
    ("a\r\nBcc: x\0y", "a Bcc: x y"),
]


@pytest.mark.parametrize(("subject", "title"), TITLES)
def test_a_title_is_masked_and_on_one_line(subject: str, title: str) -> None:
    assert title_of(subject) == title


@settings(max_examples=300, deadline=None)
@given(raw=st.binary(max_size=400), subject=st.binary(max_size=200))
def test_nothing_makes_the_reader_raise(raw: bytes, subject: bytes) -> None:
    for message in (raw, b"Subject: " + subject + b"\r\nFrom: " + raw):
        reading = understand(message, NOTHING_KNOWN, clock.now())
        assert 0 < len(reading.title) <= TITLE_LENGTH
        assert "\0" not in message_id_of(message) + reading.sender


MESSAGE_IDS = [
    (b"Subject: a\r\nMESSAGE-ID: <a@b>\r\n\r\nMessage-ID: <body>", "<a@b>"),
    (b"Message-ID:\n <folded@b>\n\n", "<folded@b>"),
    (b"Message-ID:\r\nSubject: x\r\n\r\n", ""),
    (b"Subject: x\r\n\r\nMessage-ID: <body>", ""),
    (b"Message-ID: <\xe9\0@b>", "<\\xe9"),
    (b"", ""),
]


@pytest.mark.parametrize(("raw", "found"), MESSAGE_IDS)
def test_the_message_id_is_found_without_parsing(raw: bytes, found: str) -> None:
    assert message_id_of(raw) == found


HOSTILE = [
    b"Subject: " + b"=?utf-8?q?a?= " * 3_500,
    b"Subject: " + b"\r\n ".join([b"=?utf-8?q?a?="] * 3_500),
    b"Subject: " + b"=?utf-8?q?a?=" * 3_800,
    b"Subject: " + b"a." * 30_000 + b"@",
    b"Subject: " + b"re:" * 20_000,
    b"From: " + b"(" * 60_000,
    b"From: " + b"a@b," * 15_000,
    b"From: " + b"=?utf-8?q?a?= " * 3_500 + b"<ana@cliente.example>",
    b"a: b\r\n" * 10_000,
    b"Subject: a\r\n\r\n" + b"x" * 40_000_000,
    b"Subject: a\r\n\r\n" + b"n\xe3o " * 2_000_000,
    b"Subject: a\r\n\r\n" + (b" " * 390 + b"x\r\n") * 5_000,
    b"Subject: a\r\n\r\n" + b"=ybegin name=a\r\n" * 50_000,
    b"Subject: a\r\n\r\n" + b"begin 644 a\r\nx\r\nend\r\n" * 50_000,
    b"Subject: a\r\n\r\n" + b"5206 " * 200_000,
    b"Subject: a\r\n\r\n" + b"rejeicao " * 100_000,
    b"Content-Type: text/plain; " + b"a=b; " * 100_000 + b"\r\n\r\nx",
    b"Content-Type: text/plain; format=flowed\r\n\r\n" + b"a \r\n" * 400_000,
    b"Content-Type: text/html\r\n\r\n" + b"<style>" * 100_000,
    b"Content-Type: text/html\r\n\r\n" + b"<font><p>" * 4_900,
    b"Content-Type: text/html\r\n\r\n" + b"<" * 1_000_000,
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 19_000,
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 100_000,
    b"Content-Type: message/rfc822\r\n\r\n" * 5_000 + b"x",
    b"Content-Type: application/xml; name=a.xml\r\n\r\n<nfeProc>" + b"<a/>" * 400_000,
]


@pytest.mark.parametrize("raw", HOSTILE, ids=range(len(HOSTILE)))
def test_no_mail_takes_long_to_read(raw: bytes) -> None:
    began = time.process_time()
    reading = understand(raw, NOTHING_KNOWN, clock.now())
    assert time.process_time() - began < 3  # of the ten seconds after which its header alone is read
    assert 0 < len(reading.title) <= TITLE_LENGTH


def test_a_header_that_is_cut_still_gives_its_beginning() -> None:
    raw = b"Subject: " + b"nota " * 2_000 + b"\r\nFrom: Ana <ANA@cliente.example>\r\n\r\ntext"
    found = understand(raw, NOTHING_KNOWN, clock.now())
    assert (found.title, found.sender) == (("nota " * 24).strip(), "ana@cliente.example")
