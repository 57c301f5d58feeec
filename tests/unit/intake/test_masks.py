"""No address, telephone number, CPF or CNPJ is left of a title, however it is written; access keys and words stay."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.domain.fiscal import access_keys
from services.intake.domain.masks import masked
from services.intake.domain.message import title_of

KEY = "52060433009911002506550120000007800267301615"
GONE = [
    *(
        "ana.silva@cliente.com.br",
        "o'brien+x@cliente.example",
        '"ana silva"@x.example',
        "ana@localhost",
        "ana@[10.0.0.1]",
    ),
    *(
        "ana%40cliente.com.br",
        "ana＠cliente.example",
        "ana @ cliente.example",
        "José@ação.example",
        "ANA_SILVA@CLIENTE.EXAMPLE",
    ),
    *("(62) 98765-4321", "(62) 9 8765-4321", "62 98765 4321", "62987654321", "062 98765.4321", "(062)98765-4321"),
    *(
        "+55 62 3086-5750",
        "+556230865750",
        "0055 62 3086 5750",
        "55(62)3086-5750",
        "6230865750",
        "3086-5750",
        "987654321",
    ),
    *("98765–4321", "9 8765-4321", "0800 123 4567", "+1 415 555 2671", "+351 912 345 678", "62/98765-4321"),
    *("123.456.789-09", "123456789-09", "12345678909", "123 456 789 09", "123.456.789/09"),
    *("12.345.678/0001-95", "12345678/0001-95", "12345678000195", "12 345 678 0001 95", "12.345.678 / 0001-95"),
    *("12.ABC.345/01DE-35", "12.abc.345/01de-35", "12ABC34501DE35", "12abc345/01de-35"),
]
STAYS = [
    *(KEY, " ".join(KEY[n : n + 4] for n in range(0, 44, 4)), "Rejeição 539", "NF-e 000123456 série 1", "pedido 12345678"),
    *("20260305-000123", "[#20260305-000123]", "protocolo 135260000123456", "R$ 1.234.567,89", "05/03/2026 14:30", "2024-2025"),
    *("192.168.100.20", "10.0.0.1:8080", "v1.2.3", "CONFIGURACAO12", "ABCDEFGHIJKL34", "NCM 8471.30.12", "CFOP 5.102", "CST 060"),
    *("5c0e1234-5678-4b1d-8a10-123456789012", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    *("http://desk.example/kb/204", "2026-03-05T14:30", "cStat=539", "01/2026 a 12/2026", "#42"),
]  # fmt: skip


@pytest.mark.parametrize("said", GONE)
def test_what_names_a_person_is_masked_in_any_place(said: str) -> None:
    for text in (said, f"ligar {said}, hoje", f"({said})", f"fone:{said}", f"x {said} y {said}"):
        left = masked(text)
        assert re.sub(r"\[(?:e-mail|telefone|CPF|CNPJ)\]", "", left).strip("(), ") in (
            "",
            "ligar , hoje",
            "fone:",
            "x  y",
        )


@pytest.mark.parametrize("said", STAYS)
def test_what_the_desk_works_with_stays(said: str) -> None:
    for text in (said, f"erro em {said} hoje", f"({said})"):
        assert masked(text) == text


DIGITS = st.text("0123456789", min_size=8, max_size=8)
GAP = st.sampled_from(["", " ", "-", "."])
DDD = st.sampled_from(["62", "(62)", "(62) ", "062 ", "+55 62 ", "+5562", "55 62 "])
AROUND = st.text(st.characters(exclude_characters="@%&", exclude_categories=("Nd", "Nl", "No", "Cs")), max_size=40)


@settings(max_examples=200, deadline=None)
@given(ddd=DDD, nine=st.booleans(), digits=DIGITS, gap=GAP, before=AROUND, after=AROUND)
def test_a_number_with_its_area_code_never_reaches_a_title(
    ddd: str, nine: bool, digits: str, gap: str, before: str, after: str
) -> None:
    number = f"{ddd}{'9' if nine else ''}{digits[:4]}{gap}{digits[4:]}"
    left = re.sub(r"\D", "", title_of(f"{before} {number} {after}"))
    assert digits not in left
    assert digits[4:] not in left


LOCAL = st.from_regex(r"[a-z][a-z0-9._+-]{2,20}[a-z0-9]", fullmatch=True)
DOMAIN = st.from_regex(r"[a-z][a-z0-9-]{1,10}[a-z0-9](\.[a-z]{2,4}){1,2}", fullmatch=True)


@settings(max_examples=200, deadline=None)
@given(
    local=LOCAL,
    domain=DOMAIN,
    form=st.sampled_from(["{}", "<{}>", "mailto:{}", "Re: {}", "({})", "{},{}"]),
    pad=st.integers(0, 2100),
)
def test_an_address_never_reaches_a_title_whole_or_cut(local: str, domain: str, form: str, pad: int) -> None:
    address = f"{local}@{domain}"
    title = title_of("§ " * (pad // 2) + form.format(address, address))
    assert local not in title
    assert domain not in title


@settings(max_examples=150, deadline=None)
@given(before=AROUND, after=AROUND, grouped=st.booleans())
def test_an_access_key_is_found_again_in_what_was_masked(before: str, after: str, grouped: bool) -> None:
    key = " ".join(KEY[n : n + 4] for n in range(0, 44, 4)) if grouped else KEY
    assert [found.key for found in access_keys(masked(f"{before} {key} {after}"))] == [KEY]


@settings(max_examples=150, deadline=None)
@given(text=st.text(max_size=300))
def test_a_masked_text_is_masked_for_good_and_on_one_line(text: str) -> None:
    once = masked(text)
    assert masked(once) == once
    assert len(once.splitlines()) <= 1


@pytest.mark.parametrize(
    "text", ["a." * 5_000 + "@", "9 " * 5_000, "1" * 10_000, "A1" * 5_000, "(" * 9_000, '"' * 9_000, "%40" * 5_000]
)
def test_no_text_takes_long(text: str) -> None:
    began = time.process_time()
    masked(text)
    assert time.process_time() - began < 0.5
