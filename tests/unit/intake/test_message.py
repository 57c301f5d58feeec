"""Titles without personal data, and a reader that nothing makes raise."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.domain.message import TITLE_LENGTH, read, title_of

TITLES = [
    ("RE: Res: ENC: Fwd: erro na nota", "erro na nota"),
    ("falar com ana.silva@cliente.com.br", "falar com [e-mail]"),
    ("ligar (62) 98765-4321 hoje", "ligar [telefone] hoje"),
    ("ligar +55 62 3086-5750", "ligar [telefone]"),
    ("CPF 123.456.789-09", "CPF [CPF]"),
    ("CNPJ 12.345.678/0001-95", "CNPJ [CNPJ]"),
    ("CNPJ 12.ABC.345/01DE-35", "CNPJ [CNPJ]"),
    ("CNPJ 12345678000195", "CNPJ [CNPJ]"),
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
        reading = read(message)
        assert 0 < len(reading.title) <= TITLE_LENGTH
        assert "\0" not in reading.message_id + reading.sender
