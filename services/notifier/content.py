"""What people read: mails, short messages and pages from templates, in the person's language and zone. No address is in it."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from services.notifier.domain.message import Content, Word
from services.notifier.domain.people import Person
from services.notifier.store.notices import Claimed, Member
from services.notifier.texts import TEXTS
from shared.events import Event
from shared.templates import templates_in

LINK = "@@ACKNOWLEDGE@@"
SUBJECT_LENGTH = 60
SHORT_LENGTH = 160
SHOWN = 50
"""So many alerts of a page that gathers stand in its message; the page shows all of them."""

_BRASILIA = "America/Sao_Paulo"
_VERBS = {Word.WARNING: "until", Word.BREACHED: "overdue", Word.ALL_CLEAR: "clear", Word.ACKNOWLEDGED: "taken_short"}
_ASKS = (Word.WARNING, Word.BREACHED, Word.FINDING)

_templates = templates_in(Path(__file__).parent / "templates")


@dataclass(frozen=True, slots=True)
class View:
    """What one message is about: ``events`` are those of the worst members that are shown; names are people's names.

    ``link_length``: of the link that will stand where ``LINK`` is.
    """

    claimed: Claimed
    person: Person
    events: Mapping[int, Event[Any] | None]
    next_person: str | None
    next_at: datetime | None
    taken_by: str | None
    broken_by: str | None
    link_length: int


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
    due = "" if data.due_at is None or word not in (Word.WARNING, Word.BREACHED) else moment(data.due_at, person, now)
    tail = line(f"{texts[data.metric]} {texts[_VERBS[word]] if word in _VERBS else texts[word.value]} {due}")
    room = SUBJECT_LENGTH - len(f"[SLA] # - {tail}")
    ticket, client = line(event.subject), line(data.client_id or "")
    if len(ticket) > room:
        ticket = f"{ticket[: max(room - 1, 1)]}…"
    client = client[: max(room - len(ticket) - 1, 0)]
    return line(f"[SLA] #{ticket} {client} - {tail}")[:SUBJECT_LENGTH]


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
        "counted": [],
    }


def compose(view: View) -> Content:
    """Return the message of a claimed notice, with ``LINK`` where its acknowledgement link belongs."""
    return _of_many(view) if len(view.claimed.members) > 1 else _of_one(view)


def _of_one(view: View) -> Content:
    claimed, person = view.claimed, view.person
    member = claimed.members[0]
    event = view.events.get(member.alert_id)
    if event is None:
        return built_in(claimed)
    about = subject(claimed.word, event, person, claimed.now)
    taken = member.alert.taken
    values = {
        **facts(event, person, claimed.now),
        "word": claimed.word.value,
        "asks": claimed.word in _ASKS,
        "name": person.name,
        "next_person": view.next_person,
        "next_at": "" if view.next_at is None else moment(view.next_at, person, claimed.now),
        "taken_by": view.taken_by,
        "until": "" if taken is None or taken.until is None else moment(taken.until, person, claimed.now),
        "broken_by": view.broken_by,
        "link": LINK,
        "ended_as": member.alert.ended_as or "",
        "subject": about,
    }
    return Content(about, render("mail.txt", **values), render("mail.html", **values), _short(about, view))


def _of_many(view: View) -> Content:
    claimed, person, texts = view.claimed, view.person, TEXTS[view.person.language]
    total = len(claimed.members)
    about = line(f"[SLA] {total} {texts['many_' + claimed.word.value]}")[:SUBJECT_LENGTH]
    values = {
        "t": texts,
        "language": person.language,
        "word": claimed.word.value,
        "asks": claimed.word in _ASKS,
        "name": person.name,
        "total": total,
        "hidden": max(0, total - SHOWN),
        "rows": rows(claimed.members[:SHOWN], view.events, person, claimed.now),
        "link": LINK,
        "subject": about,
    }
    return Content(about, render("many.txt", **values), render("many.html", **values), _short(about, view))


def rows(
    members: Sequence[Member], events: Mapping[int, Event[Any] | None], person: Person, now: datetime
) -> list[Mapping[str, Any]]:
    """Return one line of facts for each alert, in their order."""
    found: list[Mapping[str, Any]] = []
    for member in members:
        event = events.get(member.alert_id)
        known = bare_facts(member.key[0], member.key[1], person) if event is None else facts(event, person, now)
        found.append({**known, "late": member.due_at is not None and member.due_at <= now})
    return found


def _short(text: str, view: View) -> str:
    """Return an SMS of one GSM-7 segment: letters without accents, then the link, where there is something to do."""
    asks = view.claimed.word in _ASKS
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().replace("[SLA] ", "SLA ")
    room = SHORT_LENGTH - (view.link_length + 1 if asks else 0)
    return f"{folded[:room].rstrip()} {LINK}" if asks else folded[:room]


def built_in(claimed: Claimed) -> Content:
    """Return the text for when a template or the event is broken: a page must leave all the same."""
    ticket, metric, _ = claimed.members[0].key if claimed.members else ("?", "?", 0)
    more = f" +{len(claimed.members) - 1}" if len(claimed.members) > 1 else ""
    said = f"{claimed.word.value} {metric} #{line(ticket)[:30]}{more}"
    link = LINK if claimed.word in _ASKS else ""
    return Content(
        f"[SLA] {said}"[:SUBJECT_LENGTH],
        f"Prazo: {said}\n\n{link}\n",
        f"<p>Prazo: {escape(said)}</p><p>{link}</p>",
        f"SLA {said} {link}".encode("ascii", "ignore").decode().strip(),
    )
