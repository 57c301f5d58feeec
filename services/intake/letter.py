"""The automatic answer: protocol number, due date, and what helps until a person answers; plain text and HTML, RFC 3834."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import EmailPolicy, Policy
from email.utils import format_datetime
from pathlib import Path
from typing import Any, NamedTuple

from services.intake.domain.desk_time import DESK_ZONE
from services.intake.domain.identity import AutoReply
from services.intake.domain.threads import message_id
from services.intake.letter_texts import TEXTS
from shared.catalog import Catalogs
from shared.clock import to_us
from shared.templates import templates_in

_templates = templates_in(Path(__file__).parent / "templates")


class _Identifiers(UnstructuredHeader, BaseHeader):
    """Message-IDs as they are, one a line: the standard library makes encoded words of those beyond 78 characters, which
    Microsoft's are, and no mailer finds the thread again."""

    def fold(self, *, policy: Policy) -> str:
        """Return the field with its line ends."""
        return f"{self.name}: {f'{policy.linesep} '.join(str(self).split())}{policy.linesep}"


_fields = HeaderRegistry()
for _name in ("Message-ID", "In-Reply-To", "References"):
    _fields.map_to_type(_name, _Identifiers)
_policy = EmailPolicy(header_factory=_fields)


class Facts(NamedTuple):
    """What an answer says: about the ticket, about its response clock (None: not known), and about the mail it answers."""

    ticket_id: str
    service: str
    opened_at: datetime
    counts_from: datetime | None
    due_at: datetime | None
    clock_state: str | None
    mail: Mapping[str, Any]


class Paragraph(NamedTuple):
    """A sentence or two, and links below it."""

    text: str
    links: Sequence[str] = ()


def letter(
    number: int, facts: Facts, to: str, settings: AutoReply, key: bytes, catalogs: Catalogs, now: datetime
) -> EmailMessage:
    """Return answer ``number``; the same number gives the same Message-ID, which proves the ticket that it is about."""
    language = facts.mail["language"]
    name, remote = _service(facts, language, catalogs)
    sender = settings.sender or ""
    plain, html = _bodies(facts, name, list(_paragraphs(facts, settings, remote)), settings)
    message = EmailMessage(_policy)
    user, _, domain = sender.rpartition("@")
    message["From"] = Address(settings.name, user, domain)
    message["To"] = to
    message["Subject"] = f"Re: {facts.mail['title']} [#{facts.ticket_id}]"
    message["Date"] = format_datetime(now)
    message["Message-ID"] = message_id(key, facts.ticket_id, number, domain) if key else f"<reply.{number}@{domain}>"
    answered = facts.mail["message_id"]
    if answered:
        message["In-Reply-To"] = answered
        message["References"] = " ".join([*reversed(facts.mail["references"]), answered])
    message["Auto-Submitted"] = "auto-replied"
    message["X-Auto-Response-Suppress"] = "All"
    message["Prazo-Ticket"] = facts.ticket_id
    message.set_content(plain)
    message.add_alternative(html, subtype="html")
    message["Content-Language"] = language  # last: a part that is set takes the Content- fields along
    return message


def _service(facts: Facts, language: str, catalogs: Catalogs) -> tuple[str, bool]:
    service = catalogs.for_start(to_us(facts.opened_at)).service(facts.service)
    return service.names.get(language) or service.names.get("pt-BR") or service.id, service.remote_access


def _paragraphs(facts: Facts, settings: AutoReply, remote: bool) -> Iterator[Paragraph]:
    texts, waits = TEXTS[facts.mail["language"]], facts.counts_from is not None and facts.counts_from > facts.opened_at
    if waits and facts.counts_from is not None:
        yield Paragraph(texts["counts_from"].format(at=_moment(facts.counts_from, texts)))
        if settings.emergency_phone:
            yield Paragraph(texts["emergency"].format(phone=settings.emergency_phone))
    if facts.mail["scope_hint"] == "tax_advice":
        yield Paragraph(texts["tax"])
    links = [*facts.mail["articles"], *([settings.knowledge_base] if settings.knowledge_base else [])]
    if links:
        yield Paragraph(texts["articles"], links)
    if remote and settings.remote_access:
        yield Paragraph(texts["remote"], [settings.remote_access])
    if not facts.mail["registered"] and settings.registration:
        yield Paragraph(texts["register"], [settings.registration])


def _bodies(facts: Facts, service: str, paragraphs: Sequence[Paragraph], settings: AutoReply) -> tuple[str, str]:
    texts = TEXTS[facts.mail["language"]]
    due = "" if facts.due_at is None else _moment(facts.due_at, texts)
    opened = _moment(facts.opened_at, texts)
    rows = [(texts["subject"], facts.mail["title"]), (texts["service"], service), (texts["opened"], opened)]
    if due:
        rows.append((texts["respond_by"], f"{due} ({texts['zone']})"))
    values = {
        "t": texts,
        "language": facts.mail["language"],
        "ticket": facts.ticket_id,
        "title": facts.mail["title"],
        "service": service,
        "opened": opened,
        "due": due,
        "no_due": texts["paused"] if facts.clock_state == "paused" else texts["no_due"],
        "rows": rows,
        "paragraphs": paragraphs,
        "answer": texts["answer"].format(ticket=facts.ticket_id),
        "name": settings.name,
    }
    return _templates.get_template("reply.txt").render(**values), _templates.get_template("reply.html").render(**values)


def _moment(at: datetime, texts: Mapping[str, Any]) -> str:
    local = at.astimezone(DESK_ZONE)
    return local.strftime(texts["moment"].format(day=texts["days"][local.weekday()]))
