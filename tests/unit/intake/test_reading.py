"""What a mail says, row by row: charsets, headers, quotations, fiscal documents, machines, routing, clients."""

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
from services.intake.domain.headers import text_of
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


SPLITS = [
    ("oi\n\nEm seg., 2 de mar. de 2026, Ana <a@b> escreveu:\n> antes", "oi", True, ""),
    ("oi\n\nEm seg., 2 de mar. de 2026, Ana da Silva Sauro\n<a@b> escreveu:\n> antes", "oi", True, ""),
    ("> pergunta\nresposta", "resposta", True, ""),
    ("oi\n-----Mensagem original-----\nDe: a\ntexto", "oi", True, ""),
    ("oi\nDe: Ana\nEnviada em: hoje\nPara: b\nAssunto: c\n\ntexto", "oi", True, ""),
    ("De: hoje em diante nada funciona\nsegue", "De: hoje em diante nada funciona\nsegue", False, ""),
    ("-----Mensagem encaminhada-----\nDe: a\ntexto", "-----Mensagem encaminhada-----\nDe: a\ntexto", False, ""),
    ("oi\n\nAtenciosamente,\nAna", "oi", False, "Atenciosamente,\nAna"),
    ("oi\n\nEnviado do meu iPhone", "oi", False, "Enviado do meu iPhone"),
    ("oi\n-- \nAna", "oi", False, "-- \nAna"),
    ("oi\nAVISO DE CONFIDENCIALIDADE: não leia", "oi", False, "AVISO DE CONFIDENCIALIDADE: não leia"),
    ("Obrigado pela ajuda de ontem, mas voltou", "Obrigado pela ajuda de ontem, mas voltou", False, ""),
    ("", "", False, ""),
]


@pytest.mark.parametrize(("text", "fresh", "quoted", "signature"), SPLITS)
def test_what_is_new_is_told_from_quotations_and_signatures(
    text: str, fresh: str, quoted: bool, signature: str
) -> None:
    found = split(text)
    assert (found.fresh, bool(found.quoted), found.signature) == (fresh, quoted, signature)


def test_html_is_read_as_people_see_it() -> None:
    page = "<style>x</style><div>Olá,<br>não</div><div style='display:none'>x</div><p>a</p><blockquote>q</blockquote>"
    assert text_of_html(page) == "Olá,\nnão\na\n\n> q"
    outlook = split(text_of_html("<p>oi</p><div id=divRplyFwdMsg>De: Ana</div><div>antes</div>"))
    assert (outlook.fresh, outlook.quoted) == ("oi", "De: Ana\nantes")


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


def test_xml_is_known_by_its_root_and_entities_are_refused() -> None:
    document = read_xml(f'<NFe><infNFe Id="NFe{KEY}"><emit><CNPJ>33009911002506</CNPJ></emit></infNFe></NFe>'.encode())
    assert document is not None
    assert (document.kind, document.key, document.cnpj) == ("NF-e", KEY, "33009911002506")
    assert read_xml(b'<!DOCTYPE a [<!ENTITY b "c">]><NFe>&b;</NFe>') is None
    assert read_xml(b"<html/>") is None


def of(head: str, text: str = "oi") -> Contact:
    """Return a mail understood by the shipped configuration."""
    return understand(f"From: a@cliente.example\r\nSubject: x\r\n{head}\r\n\r\n{text}".encode(), DESK, AT)


MACHINES = [
    ("Return-Path: <>", "null_sender"),
    ("Content-Type: multipart/report; boundary=b", "report"),
    ("Auto-Submitted: auto-replied (vacation)", "auto_replied"),
    ("Auto-Submitted: auto-generated", None),
    ("Precedence: list", None),
    ("X-Auto-Response-Suppress: All", None),
    ("List-Id: <x>", None),
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
