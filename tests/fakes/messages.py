"""A message for tests, with canaries in everything that may never be told."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from services.notifier.domain.message import Content, Outgoing, Word

NUMBER, ADDRESS = "+5562988887777", "canary.ana@x.example"
LINK = "https://prazo.example/a/1/canaryToken"
FACTS = {
    "ticket_id": "4821",
    "metric": "response",
    "cycle": "1",
    "client": "Acme <&> Cia",
    "service": "nfe-emission",
    "priority": "urgent",
    "due_at": "14:05 BRT",
}
CONTENT = Content(
    "[SLA] #4821 Acme - 1ª resposta até 14:05 BRT",
    f"Chamado 4821, canaryBody.\n{LINK}\n",
    f"<p>Chamado 4821, canaryBody</p><a href='{LINK}'>Assumir</a>",
    f"Prazo: #4821 Acme, 1a resposta vence 14:05 BRT. {LINK}",
)
_MESSAGE = Outgoing(
    notice_id="8a3c1f5e-0000-5000-8000-000000000001",
    thread="prazo/4821/response/1",
    word=Word.BREACHED,
    attempt=1,
    repeated=False,
    person="ana",
    to="",
    language="pt-BR",
    content=CONTENT,
    link=LINK,
    facts=FACTS,
    sent_at=datetime(2026, 3, 5, 17, 5, tzinfo=UTC),
)


def message(**changes: Any) -> Outgoing:
    """Return a page about a breach, changed as told."""
    return replace(_MESSAGE, **changes)
