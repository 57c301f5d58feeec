"""Which mails machines wrote."""

from datetime import UTC, datetime

import pytest

from services.intake.domain.automatic import automatic
from services.intake.domain.contact import understand
from services.intake.domain.headers import read_header
from tests.reading import NOTHING_KNOWN

SUBJECTS = [
    ("Resposta automática: RE: nota", True),
    ("Resposta Automatica", True),
    ("RES: Resposta automática: nota", True),
    ("Automatic reply: nota", True),
    ("Ausência", True),
    ("AUSÊNCIA: Re: nota", True),
    ("Ausência temporária", True),
    ("Ausente do escritório: nota", True),
    ("Ausente até 12/01", True),
    ("Aviso de ausência - Re: nota", True),
    ("Mensagem automática de férias", True),
    ("Notificação de ausência", True),
    ("Férias", True),
    ("FÉRIAS - João", True),
    ("Férias até 10/01", True),
    ("Estou de férias", True),
    ("Em férias até 10/01: nota", True),
    ("Fora do escritório: Re: nota", True),
    ("Fora de escritório", True),
    ("Estou fora do escritório", True),
    ("Não estou no escritório", True),
    ("Auto-resposta: nota", True),
    ("Autoresposta", True),
    ("[Auto-Reply] nota", True),
    ("Out of the Office Re: nota", True),
    ("I am out of the office", True),
    ("Ausência de tag no XML da NF-e", False),
    ("Re: Ausência de protocolo na NF-e [#20260305-000007]", False),
    ("Ausente o campo vProd", False),
    ("Férias coletivas: como parar o envio?", False),
    ("Em férias coletivas o sistema não abre", False),
    ("Resposta automática não está sendo enviada", False),
    ("Mensagem automática do sistema com erro 610", False),
    ("NF-e não entregue", False),
]


@pytest.mark.parametrize(("subject", "away"), SUBJECTS)
def test_an_away_notice_is_told_from_words_that_begin_alike(subject: str, away: bool) -> None:
    header = read_header(f"From: ana@cliente.example\r\nSubject: {subject}\r\n\r\n".encode())
    found = automatic(header, null_sender=False, report=False, answers_ours=True)
    assert found == ("away" if away else None, ("away_subject",) if away else ())


REPORTS = [
    ("From: Mail Delivery System <MAILER-DAEMON@uol.example>", "Hi. This is the qmail-send program.", "report"),
    ("From: postmaster@x.example", "Não foi possível entregar a NF-e ao cliente", None),
    ("From: ana@x.example", "mailer-daemon@x.example diz: não entregue", None),
]


@pytest.mark.parametrize(("head", "text", "discarded"), REPORTS)
def test_what_a_mail_server_reports_in_its_own_words_is_a_report(head: str, text: str, discarded: str | None) -> None:
    raw = f"{head}\r\nSubject: failure notice\r\n\r\n{text}".encode()
    assert understand(raw, NOTHING_KNOWN, datetime(2026, 3, 5, tzinfo=UTC)).discarded == discarded
