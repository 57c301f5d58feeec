"""SEFAZ rejection codes among all the numbers that people write."""

import time
from datetime import UTC, datetime

import pytest

from services.intake.domain.contact import Known, understand
from services.intake.domain.fiscal import rejections
from services.intake.domain.routing import Article, Routing, Rule, When
from shared.clients import Clients

CODES = [
    ("Rejeição: 539", "539"),
    ("Rejeicao 204 - Duplicidade", "204"),
    ("<cStat>204</cStat>", "204"),
    ("código 539 ao emitir a nota", "539"),
    ("Rejeição nº 215", "215"),
    ("Rejeição da SEFAZ, código 610", "610"),
    ("Rejeição de 204 itens", ""),
    ("rejeição de R$ 350,00", ""),
    ("rejeição 350,00", ""),
    ("rejeição em 2026", ""),
    ("código 539 do produto na nota", ""),
    ("o código do produto é 539", ""),
    ("código 300", ""),
    ("Rejeição 1115 - IBS/CBS não informado", "1115"),
    ("a nota deu rejeição 1102", "1102"),
    ("<cStat>1115</cStat>", "1115"),
    ("Erro 610 ao emitir NF-e", "610"),
    ("Erro: 610 - Total da NF difere do somatório", "610"),
    ("NF-e rejeitada: 204 - Duplicidade", "204"),
    ("Rej. 539 na NF-e", "539"),
    ("Motivo: 204 - Duplicidade de NF-e", "204"),
    ("Retorno SEFAZ: 204", "204"),
    ("a rejeição é a 539", "539"),
    ("rejeição que aparece: 539", "539"),
    ("Rejeição: Duplicidade de NF-e (539)", "539"),
    ("Rejeições 539, 204 e 610 nas notas", "539 204 610"),
    ("Denegada: 301 - Uso denegado", "301"),
    ("erro 404 no portal da nota fiscal", ""),
    ("HTTP status 500 ao enviar a NF-e", ""),
    ("erro 1053 do serviço do Windows que emite a nota", ""),
    ("erro 610 ao abrir o Excel", ""),
    ("rejeição 2026", ""),
    ("Nota 539 foi rejeitada", ""),
]


@pytest.mark.parametrize(("text", "codes"), CODES)
def test_rejection_codes_are_told_from_other_numbers(text: str, codes: str) -> None:
    assert rejections(text) == tuple(codes.split())


@pytest.mark.parametrize("text", ["nota erro de da do é que " * 8_000, "rejeição (" * 20_000, "erro 610, " * 20_000])
def test_codes_are_looked_for_in_linear_time(text: str) -> None:
    began = time.perf_counter()
    rejections(text)
    assert time.perf_counter() - began < 5


def test_a_rule_and_an_article_may_name_a_code_of_four_digits() -> None:
    rule = Rule(name="ibs", when=When(rejection=("1115",)), service="nfe-emission")
    routing = Routing(rules=(rule,), articles=(Article(url="https://x.example/1115", codes=("1115",)),))
    raw = "From: a@x.example\nSubject: x\n\nRejeição 1115 na NF-e".encode()
    found = understand(raw, Known(routing, Clients(), "triage"), datetime(2026, 3, 5, tzinfo=UTC))
    assert (found.routing_rule, found.articles) == ("ibs", ("https://x.example/1115",))
