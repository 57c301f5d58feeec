"""What people read: mails and pages from templates, in the person's language and zone. Addresses are never in it."""

from collections.abc import Mapping
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from services.notifier.domain.escalation import Word
from services.notifier.domain.people import Person
from services.notifier.store import Content, Delivery
from services.notifier.texts import TEXTS
from shared.events import Event
from shared.templates import templates_in

LINK = "@@ACKNOWLEDGE@@"
SUBJECT_LENGTH = 60
_BRASILIA = "America/Sao_Paulo"

_templates = templates_in(Path(__file__).parent / "templates")


def render(template: str, **values: Any) -> str:
    """Return a rendered template; an undefined name is an error, never an empty string."""
    return _templates.get_template(template).render(**values)


def moment(at: datetime, person: Person, now: datetime) -> str:
    """Return a time in the person's zone with the zone's name, with the date unless it is today."""
    zone = ZoneInfo(person.zone)
    local = at.astimezone(zone)
    name = "BRT" if person.zone == _BRASILIA else local.strftime("%Z")
    same_day = local.date() == now.astimezone(zone).date()
    return f"{local:%H:%M} {name}" if same_day else f"{local:%d/%m %H:%M} {name}"


def line(text: str) -> str:
    """Return ``text`` on one line without control characters: no header can be injected."""
    return " ".join("".join(" " if ord(c) < 0x20 or c in "\x7f\x85\u2028\u2029" else c for c in text).split())


def subject(word: Word, event: Event[Any], person: Person, now: datetime) -> str:
    """Return the subject, at most 60 characters: what gives way is the client, then the ticket's middle."""
    texts, data = TEXTS[person.language], event.data
    due = "" if data.due_at is None else moment(data.due_at, person, now)
    verb = {Word.WARNING: texts["until"], Word.BREACHED: texts["overdue"], Word.ALL_CLEAR: texts["clear"]}[word]
    tail = line(f"{texts[data.metric]} {verb} {'' if word is Word.ALL_CLEAR else due}")
    room = SUBJECT_LENGTH - len(f"[SLA] # - {tail}")
    ticket, client = line(event.subject), line(data.client_id or "")
    if len(ticket) > room:
        ticket = f"{ticket[: max(room - 1, 1)]}…"
    client = client[: max(room - len(ticket) - 1, 0)]
    return line(f"[SLA] #{ticket} {client} - {tail}")


def facts(event: Event[Any], person: Person, now: datetime) -> Mapping[str, Any]:
    """Return what templates need of an alert's last event."""
    data = event.data
    return {
        "t": TEXTS[person.language],
        "language": person.language,
        "ticket": line(event.subject),
        "title": line(data.ticket.title),
        "client": line(data.client_id or "—"),
        "service": line(data.ticket.service),
        "priority": line(data.ticket.priority),
        "metric": TEXTS[person.language][data.metric],
        "due": "—" if data.due_at is None else moment(data.due_at, person, now),
        "opened": moment(data.ticket.opened_at, person, now),
        "counted": [
            {
                "from": moment(i.start, person, now),
                "to": moment(i.end, person, now),
                "minutes": f"{i.seconds // 60} min {i.seconds % 60:02d} s",
                "paused": i.kind == "paused",
            }
            for i in data.explanation[-6:]
        ],
    }


def bare_facts(ticket: str, metric: str, person: Person) -> Mapping[str, Any]:
    """Return what the page needs of an alert whose last event cannot be read any more."""
    unknown = dict.fromkeys(("title", "client", "service", "priority", "due", "opened"), "—")
    texts = TEXTS[person.language]
    return {
        **unknown,
        "t": texts,
        "language": person.language,
        "ticket": line(ticket),
        "metric": texts.get(metric, line(metric)),
    }


def page_mail(delivery: Delivery, person: Person, next_person: str | None) -> Content:
    """Return the mail of a delivery, with ``LINK`` where its acknowledgement link belongs."""
    if delivery.event is None:
        return plain_mail(delivery)
    values = {
        **facts(delivery.event, person, delivery.now),
        "word": delivery.word.value,
        "name": person.name,
        "next_person": next_person,
        "link": LINK,
        "ended_as": delivery.ended_as or "",
    }
    about = subject(delivery.word, delivery.event, person, delivery.now)
    return Content(about, render("mail.txt", **values), render("mail.html", subject=about, **values))


def plain_mail(delivery: Delivery) -> Content:
    """Return the built-in text for when a template or the event is broken: a page must leave all the same."""
    ticket = line(delivery.key[0])
    said = f"{delivery.word.value} {delivery.key[1]} #{ticket}"
    link = "" if delivery.word is Word.ALL_CLEAR else LINK
    return Content(
        f"[SLA] {said}"[:SUBJECT_LENGTH], f"Prazo: {said}\n\n{link}\n", f"<p>Prazo: {escape(said)}</p><p>{link}</p>"
    )
