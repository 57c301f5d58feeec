"""What a mail says, row by row: charsets, headers, quotations, fiscal documents, machines, routing, clients."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from services.intake.commands import command
from services.intake.configuration import read_desk
from services.intake.domain.charset import decode
from services.intake.domain.contact import Contact, understand
from services.intake.domain.fiscal import access_keys, cnpjs, is_cnpj, parse_key, read_xml, rejections
from services.intake.domain.headers import address_of, text_of
from services.intake.domain.markup import text_of_html
from services.intake.domain.quotes import split
from shared.clients import Clients

AT = datetime(2026, 3, 5, 11, tzinfo=UTC)
DESK = read_desk(Path("deploy/config"))
KEY = "52060433009911002506550120000007800267301615"

CHARSETS = [
    ("olá".encode(), "iso-8859-1", "olá", "utf-8"),
    ("não emite".encode("latin-1"), "utf-8", "não emite", "detected"),
    ("não".encode("latin-1"), "iso-8859-1", "não", "declared"),
    (b"caf\x93x\x94", "us-ascii", "caf“x”", "declared"),
    ("emissão".encode("cp850"), None, "emissão", "detected"),
    ("こんにちは".encode("iso2022_jp"), "iso-2022-jp", "こんにちは", "declared"),
    ("ção".encode("utf-16"), "utf-16", "ção", "declared"),
    (b"a\x81\xb0", "latin-1", "a\ufffd\u00b0", "replaced"),
    (b"abc", "base64", "abc", "utf-8"),
    ("Здравствуйте, программа не работает".encode("koi8-r"), None, "Здравствуйте, программа не работает", "detected"),
    (
        "Здравствуйте, программа не работает".encode("cp1251"),
        "utf-8",
        "Здравствуйте, программа не работает",
        "detected",
    ),
    ("請問這個系統可以使用嗎，謝謝您的幫助".encode("big5"), None, "請問這個系統可以使用嗎，謝謝您的幫助", "detected"),
    ("mißliche Lage der Frösche".encode("cp1252"), None, "mißliche Lage der Frösche", "detected"),
    ("não emite".encode("utf-16"), None, "não emite", "detected"),
    ("não consigo a emissã".encode()[:-1], "utf-8", "não consigo a emiss\ufffd", "replaced"),
    ("emissão, emissão ".encode() + "Discussão".encode("cp1252"), "utf-8", "emissão, emissão Discussão", "replaced"),
    ("請問這個系統可以使用嗎".encode("big5") + b"\xff", "big5", "請問這個系統可以使用嗎\ufffd", "replaced"),
    (b"a+2AA-b", "utf-7", "a\ufffdb", "declared"),
    (b"+2AA-" + ("ã" * 40).encode("utf-7") + b"\xff", "utf-7", "\ufffd" + "ã" * 40 + "\ufffd", "replaced"),
]


@pytest.mark.parametrize(("raw", "declared", "text", "how"), CHARSETS)
def test_the_ladder_of_charsets(raw: bytes, declared: str | None, text: str, how: str) -> None:
    found = decode(raw, declared)
    assert (found.text, found.how) == (text, how)


HEADERS = [
    (b"=?utf-8?Q?n=C3?= =?utf-8?q?=A3o?=", "não"),
    (b"=?iso-8859-1?Q?emiss=E3o?= da nota", "emissão da nota"),
    (b"n\xe3o emite", "não emite"),
    ("não emite".encode(), "não emite"),
    (b"=?utf-8?B?w6E", "=?utf-8?B?w6E"),
    (b"=?x-y?q?a=E9?=", "aé"),
]


@pytest.mark.parametrize(("raw", "text"), HEADERS)
def test_header_values(raw: bytes, text: str) -> None:
    assert text_of(raw) == text


ADDRESSES = [
    ("Ana <ANA@cliente.example>", "ana@cliente.example"),
    ("Suporte, Loja <ana@cliente.example>", "ana@cliente.example"),
    ("Loja ,_<ana@cliente.example>", "ana@cliente.example"),
    ("Loja,(<ana@cliente.example>)", "ana@cliente.example"),
    ('"banco@banco.example" <x@y.example>', "x@y.example"),
    ("banco@banco.example <x@y.example>", "x@y.example"),
    ("a@b.example, <x@y.example>", "a@b.example"),
    ('"João" <ana@cliente.example', "ana@cliente.example"),
    ("undisclosed-recipients:;", ""),
    ("Ana", ""),
    ("<a\0na@cliente.example>", "ana@cliente.example"),
]


@pytest.mark.parametrize(("value", "address"), ADDRESSES)
def test_the_address_of_a_field(value: str, address: str) -> None:
    assert address_of(value.encode()) == address


def test_html_is_read_as_people_see_it() -> None:
    page = "<style>x</style><div>Olá,<br>não</div><div style='display:none'>x</div><p>a</p><blockquote>q</blockquote>"
    assert text_of_html(page) == "Olá,\nnão\na\n\n> q"
    outlook = split(text_of_html("<p>oi</p><div id=divRplyFwdMsg>De: Ana</div><div>antes</div>"))
    assert (outlook.fresh, outlook.quoted) == ("oi", "De: Ana\nantes")


@pytest.mark.parametrize("other", [";38", "@12", "²12"])
def test_no_other_character_counts_as_a_digit_of_a_key_whatever_the_check_digit_says(other: str) -> None:
    assert [parse_key(f"{KEY[:22]}{other}{KEY[25:43]}{digit}") for digit in range(10)] == [None] * 10


def test_access_keys_cnpjs_and_rejections() -> None:
    grouped = " ".join(KEY[n : n + 4] for n in range(0, 44, 4))
    assert [found.key for found in access_keys(f"chave {grouped}. e {KEY[:-1]}4")] == [KEY]
    found = parse_key(KEY)
    assert found is not None
    assert (found.state, found.cnpj, found.model, found.series, found.number) == (
        "GO",
        "33009911002506",
        "NF-e",
        12,
        780,
    )
    assert cnpjs("33.009.911/0025-06, 12.ABC.345/01DE-35, 11.111.111/1111-11") == ("33009911002506", "12ABC34501DE35")
    assert not is_cnpj("33009911002507")
    assert rejections("Rejeição 204: x; rejeicao [539]; 778 - Rejeição; cStat=232; nota 204 normal") == (
        *("204", "539", "778"),
        "232",
    )

    for text in (
        f"nota 2026 {grouped}",
        f'Id="NFe{KEY}"',
        grouped.replace(" ", "."),
        f"{grouped[:24]}\n{grouped[25:]}",
    ):
        assert [found.key for found in access_keys(text)] == [KEY]


def test_xml_is_known_by_its_root_and_entities_are_refused() -> None:
    document = read_xml(f'<NFe><infNFe Id="NFe{KEY}"><emit><CNPJ>33009911002506</CNPJ></emit></infNFe></NFe>'.encode())
    assert document is not None
    assert (document.kind, document.key, document.cnpj) == ("NF-e", KEY, "33009911002506")
    assert read_xml(b'<!DOCTYPE a [<!ENTITY b "c">]><NFe>&b;</NFe>') is None
    assert read_xml(b"<html/>") is None


def of(head: str, text: str = "oi") -> Contact:
    """Return a mail understood by the shipped configuration."""
    return understand(f"From: a@cliente.example\r\nSubject: x\r\n{head}\r\n\r\n{text}".encode(), DESK, AT)


OLDER = "De: Ana\nEnviada em: hoje\nPara: b\nAssunto: c\n\nqueremos um treinamento"
FORWARDS = [
    ("ENC: curso", f"Att,\nBia\n\n{OLDER}", "training", ""),
    ("ENC: curso", f"Segue.\n\n{OLDER}", "training", OLDER),
    ("RES: curso", f"Segue.\n\n{OLDER}", None, OLDER),
    ("RES: ENC: curso", f"Att,\nBia\n\n{OLDER}", None, OLDER),
]


@pytest.mark.parametrize(("subject", "text", "rule", "quoted"), FORWARDS)
def test_what_is_handed_on_is_what_the_mail_is_about(subject: str, text: str, rule: str | None, quoted: str) -> None:
    found = understand(f"From: a@cliente.example\nSubject: {subject}\n\n{text}".encode(), DESK, AT)
    assert (found.routing_rule, found.quoted) == (rule, quoted)


MACHINES = [
    ("Return-Path: <>", "null_sender"),
    ("Content-Type: multipart/report; boundary=b", "report"),
    ("Auto-Submitted: auto-replied (vacation)", "auto_replied"),
    ("Auto-Submitted: auto-generated", None),
    ("Precedence: list", None),
    ("X-Auto-Response-Suppress: All", None),
    ("List-Id: <x>", None),
    ("X-Autorespond: ferias", None),
    ("X-Failed-Recipients: a@b.example", None),
    ("Precedence: auto_reply", None),
    ("Content-Type: multipart/report; report-type=disposition-notification; boundary=b", "report"),
    ("Content-Type: multipart/report; report-type=feedback-report; boundary=b", "report"),
]


@pytest.mark.parametrize(("head", "discarded"), MACHINES)
def test_mail_of_machines(head: str, discarded: str | None) -> None:
    found = of(head)
    assert found.discarded == discarded
    assert found.automatic


def test_an_away_notice_that_answers_nothing_of_ours_opens_a_ticket() -> None:
    found = understand("Subject: Resposta automática: férias\r\n\r\noi".encode(), DESK, AT)
    assert (found.discarded, found.automatic) == (None, ("away_subject",))
    assert of("Auto-Submitted: no").automatic == ()


ROUTES = [
    ("Rejeição 539 na nota", "rejected", "nfe-emission", None),
    ("Queremos um TREINAMENTO para os novos", "training", "training", None),
    ("o sistema nao abre", "software-fault", "software-fault", None),
    ("qual CFOP devo usar?", "tax-question", "question", "tax_advice"),
    ("qual CFOP? deu rejeição 327", "rejected", "nfe-emission", None),
    ("bom dia", None, "triage", None),
    ("preciso falar sobre cteste", None, "triage", None),
]


@pytest.mark.parametrize(("text", "rule", "service", "hint"), ROUTES)
def test_the_first_rule_that_matches_names_the_service(
    text: str, rule: str | None, service: str, hint: str | None
) -> None:
    found = of("To: suporte@desk.example", text)
    assert (found.routing_rule, found.service, found.scope_hint) == (rule, service, hint)


CLIENT = {"id": "acme", "name": "Acme", "modality": "saas", "database": "postgresql"}
KNOWN: list[tuple[dict[str, Any], str, tuple[str | None, str, str]]] = [
    ({"domains": ["cliente.example"]}, "oi", ("acme", "domain", "unknown")),
    ({"domains": ["gmail.com"]}, "oi", (None, "", "unknown")),
    ({"cnpj": ["33.009.911/0025-06"]}, f"nota {KEY}", ("acme", "cnpj", "unknown")),
    ({"domains": ["cliente.example"], "contract": {"from": "2026-01-01"}}, "oi", ("acme", "domain", "covered")),
    ({"domains": ["cliente.example"], "contract": {"from": "2026-03-06"}}, "oi", ("acme", "domain", "none")),
    (
        {"domains": ["cliente.example"], "contract": {"from": "2026-01-01", "to": "2026-03-04"}},
        "oi",
        ("acme", "domain", "none"),
    ),
]


@pytest.mark.parametrize(("more", "text", "wanted"), KNOWN)
def test_whose_contact_it_is_and_what_the_contract_says(
    more: dict[str, Any], text: str, wanted: tuple[str | None, str, str]
) -> None:
    desk = DESK._replace(clients=Clients.model_validate({"clients": [{**CLIENT, **more}]}))
    sender = "a@gmail.com" if more.get("domains") == ["gmail.com"] else "a@cliente.example"
    found = understand(f"From: {sender}\r\nSubject: x\r\n\r\n{text}".encode(), desk, AT)
    assert (found.client_id, found.client_by, found.coverage) == wanted


def test_classify_prints_one_decision_a_mail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mail = tmp_path / "a.eml"
    mail.write_bytes("Subject: Rejeição 204\r\nFrom: a@b.example\r\n\r\nnão emite".encode())
    assert command(["classify", "--json", str(mail), str(mail)]) == 0
    lines = [orjson.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["decision"], one["service"], one["routing_rule"], one["auto_reply"]) for one in lines] == [
        ("open", "nfe-emission", "rejected", True)
    ] * 2
    assert command(["classify", str(mail), str(tmp_path / "none.eml")]) == 2
    said = capsys.readouterr()
    assert ("routing_rule: rejected" in said.out, "none.eml" in said.err) == (True, True)


def test_classify_reads_folders_and_odd_names_in_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "mails"
    (folder / "b").mkdir(parents=True)
    for name in ("b/2.eml", "a.eml"):
        (folder / name).write_bytes(b"Subject: " + name.encode() + b"\n\noi")
    odd = os.fsencode(tmp_path) + b"/emiss\xe3o.eml"
    Path(os.fsdecode(odd)).write_bytes(b"Subject: c\n\noi")
    assert command(["classify", "--json", os.fsdecode(odd), str(folder)]) == 0
    lines = [orjson.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(Path(one["file"]).name, one["title"]) for one in lines] == [
        ("emiss\ufffdo.eml", "c"),
        ("a.eml", "a.eml"),
        ("2.eml", "b/2.eml"),
    ]
