"""How instants, lengths and what came from outside are put into words, in a person's language and zone. No address is in it."""

import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from services.notifier.domain.alert import Alert
from services.notifier.domain.people import Person
from services.notifier.texts import TEXTS
from shared.events import Event

_BRASILIA = "America/Sao_Paulo"
_BREAKS = ("Cc", "Zl", "Zp")  # control characters, and what separates lines and paragraphs (Unicode general category)
_TURNS = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Marks that turn the direction of what follows: a title could make a deadline look like another one."""


def line(text: str) -> str:
    """Return ``text`` on one line without control characters: no header can be injected (RFC 5322, section 2.2)."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    kept = (" " if unicodedata.category(c) in _BREAKS else c for c in text if c not in _TURNS)
    return " ".join("".join(kept).split())


def clip(text: str, most_bytes: int) -> str:
    """Return ``text`` cut so that it takes at most ``most_bytes`` in an HTML page in UTF-8; a cut shows."""
    if len(text) * 6 <= most_bytes or len(escape(text).encode()) <= most_bytes:
        return text
    left, kept = most_bytes - len("…".encode()), list[str]()
    for char in text:
        left -= len(escape(char).encode())
        if left < 0:
            break
        kept.append(char)
    return f"{''.join(kept).rstrip()}…"


def moment(at: datetime, person: Person, now: datetime) -> str:
    """Return a time in the person's zone with the zone's name, with the date unless it is today."""
    zone = ZoneInfo(person.zone)
    local = at.astimezone(zone)
    name = "BRT" if person.zone == _BRASILIA else local.strftime("%Z")
    if local.date() == now.astimezone(zone).date():
        return f"{local:%H:%M} {name}"
    return f"{local:%d/%m %H:%M} {name}" if person.language == "pt-BR" else f"{local:%d %b %H:%M} {name}"


def is_today(at: datetime, person: Person, now: datetime) -> bool:
    """Tell whether an instant is of the person's today."""
    zone = ZoneInfo(person.zone)
    return at.astimezone(zone).date() == now.astimezone(zone).date()


def length(span: timedelta, language: str) -> str:
    """Return a length in whole minutes, without its sign; of a day and more in days and hours."""
    minutes = abs(span) // timedelta(minutes=1)
    hours, minutes = divmod(minutes, 60)
    days, hours_left = divmod(hours, 24)
    if days:
        return f"{days} d {hours_left} h"
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min" if minutes else TEXTS[language]["under_a_minute"]


def distance(due_at: datetime, now: datetime, language: str) -> str:
    """Return how far a deadline is, or how long it has been missed."""
    texts = TEXTS[language]
    return texts["left" if due_at > now else "late"].format(length(due_at - now, language))


def verdict(due_at: datetime | None, person: Person, now: datetime) -> str:
    """Return a deadline as a half sentence: until when, or since when it has been missed."""
    texts = TEXTS[person.language]
    if due_at is None:
        return texts["no_due"]
    word = "until" if due_at > now else "overdue" if is_today(due_at, person, now) else "overdue_on"
    return f"{texts[word]} {moment(due_at, person, now)}"


def ending(alert: Alert, event: Event[Any] | None, language: str) -> str:
    """Return how an alert's clock ended, in a sentence."""
    texts, how = TEXTS[language], alert.ended_as or ""
    if how == "closed_late":
        late_seconds = getattr(event.data, "late_seconds", None) if event is not None else None
        if late_seconds is None:
            return texts["ended_"]
        return texts["ended_closed_late"].format(length(timedelta(seconds=late_seconds), language))
    key = "ended_revised" if how.startswith("revised_") else f"ended_{how}"
    return texts.get(key, texts["ended_"])


def facts(event: Event[Any] | None, ticket: str, metric: str, person: Person, now: datetime) -> Mapping[str, Any]:
    """Return what templates say of a clock, from its alert's last event; where that cannot be read any more, dashes."""
    texts = TEXTS[person.language]
    known: dict[str, Any] = {
        "t": texts,
        "language": person.language,
        "ticket": line(ticket),
        "metric": texts.get(metric, line(metric)),
    }
    known["clock"] = known["metric"][:1].upper() + known["metric"][1:]
    if event is None:
        unknown = dict.fromkeys(("title", "client", "service", "priority", "opened", "due", "verdict"), "—")
        return {**known, **unknown, "distance": "", "late": False, "emergency": False, "counted": []}
    data = event.data
    return {
        **known,
        "title": line(data.ticket.title) or "—",
        "client": line(data.client_id or "") or "—",
        "service": line(data.ticket.service),
        "priority": line(data.ticket.priority),
        "emergency": data.ticket.emergency,
        "opened": moment(data.ticket.opened_at, person, now),
        "due": "—" if data.due_at is None else moment(data.due_at, person, now),
        "verdict": verdict(data.due_at, person, now),
        "distance": "" if data.due_at is None else distance(data.due_at, now, person.language),
        "late": data.due_at is not None and data.due_at <= now,
        "counted": _counted(data.explanation[-6:], person, now),
    }


def _counted(explanation: Any, person: Person, now: datetime) -> list[Mapping[str, Any]]:
    return [
        {
            "from": moment(one.start, person, now),
            "to": moment(one.end, person, now),
            "length": length(timedelta(seconds=one.seconds), person.language),
            "paused": one.kind == "paused",
        }
        for one in explanation
    ]
