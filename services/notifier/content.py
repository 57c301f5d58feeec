"""What people read: mails and short messages from templates, in the person's language and zone. No address is in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

from services.notifier.domain.gsm7 import SEGMENT, septets, to_gsm7
from services.notifier.domain.message import Content, Word
from services.notifier.domain.people import Person
from services.notifier.store.notices import Claimed, Member
from services.notifier.story import Told
from services.notifier.texts import TEXTS
from services.notifier.wording import ending, facts, line, moment, verdict
from shared.events import Event
from shared.templates import templates_in

LINK = "@@ACKNOWLEDGE@@"
SUBJECT_LENGTH = 60
SHOWN = 50
"""So many alerts of a page that gathers stand in its message; the page shows all of them."""

ASKS = (Word.WARNING, Word.BREACHED, Word.FINDING)
"""The words that ask somebody to take an alert."""

_LEADS = (*ASKS, Word.ACKNOWLEDGED)  # whose message carries a link
_TIMED = (Word.WARNING, Word.BREACHED)  # whose subject says the deadline
_VERBS = {Word.ALL_CLEAR: "clear", Word.ACKNOWLEDGED: "taken_short"}

_templates = templates_in(Path(__file__).parent / "templates")


@dataclass(frozen=True, slots=True)
class View:
    """What one message is about: ``events`` are those of the worst members that are shown; names are people's names.

    ``next``: what happens next, in a sentence; ``tried``: who could not be told, of a finding. ``link_septets``: of the link that
    will stand where ``LINK`` is.
    """

    claimed: Claimed
    person: Person
    events: Mapping[int, Event[Any] | None]
    next: str
    taken_by: str | None
    broken_by: str | None
    why: str
    tried: Sequence[Told]
    link_septets: int


def render(template: str, **values: Any) -> str:
    """Return a rendered template; an undefined name is an error, never an empty string."""
    return _templates.get_template(template).render(**values)


def subject(word: Word, event: Event[Any], person: Person, now: datetime, taken_by: str = "") -> str:
    """Return the subject, at most 60 characters: what gives way is the client, then the end of the ticket's number."""
    texts, data = TEXTS[person.language], event.data
    timed = word in _TIMED and data.due_at is not None
    if timed:
        tail = f"{texts[data.metric]} {verdict(data.due_at, person, now)}"
    else:
        said = texts[_VERBS.get(word, word.value)].format(line(taken_by)[:16] or texts["somebody"])
        tail = said if word is Word.ACCOUNT else f"{texts[data.metric]}: {said}"
    room = SUBJECT_LENGTH - len(f"[SLA] # - {tail}")
    ticket, client = line(event.subject), line(data.client_id or "")
    if len(ticket) > room:
        ticket = f"{ticket[: max(room - 1, 1)]}…"
    client = client[: max(room - len(ticket) - 1, 0)]
    return line(f"[SLA] #{ticket} {client} - {tail}")[:SUBJECT_LENGTH]


def compose(view: View) -> Content:
    """Return the message of a claimed notice, with ``LINK`` where its acknowledgement link belongs."""
    if not view.claimed.members:
        return _of_none(view)
    return _of_many(view) if len(view.claimed.members) > 1 else _of_one(view)


def _of_one(view: View) -> Content:
    claimed, person, now = view.claimed, view.person, view.claimed.now
    member = claimed.members[0]
    event = view.events.get(member.alert_id)
    if event is None:
        return built_in(claimed)
    about = subject(claimed.word, event, person, now, view.taken_by or "")
    known = facts(event, member.key[0], member.key[1], person, now)
    values = {
        **known,
        **_shared(view, about),
        "said": _said(view, member, event),
        "next": view.next,
        "broken_by": line(view.broken_by or "") if claimed.word in ASKS else "",
        "tried": [(line(told.name), "; ".join(told.said)) for told in view.tried],
    }
    short = _short(f"{about}: {known['title']}", view)
    return Content(about, render("mail.txt", **values), render("mail.html", **values), short)


def _shared(view: View, about: str) -> dict[str, Any]:
    word = view.claimed.word
    return {
        "t": TEXTS[view.person.language],
        "language": view.person.language,
        "word": word.value,
        "asks": word in ASKS,
        "link": LINK if word in _LEADS else "",
        "why": view.why,
        "subject": about,
    }


def _said(view: View, member: Member, event: Event[Any] | None) -> str:
    """Return the sentence of a message that is not about a deadline; a warning and a breach need none."""
    texts, person, taken = TEXTS[view.person.language], view.person, member.alert.taken
    match view.claimed.word:
        case Word.ACKNOWLEDGED if taken is not None and view.taken_by is not None:
            if taken.until is None:
                return texts["said_acknowledged"].format(line(view.taken_by))
            until = moment(taken.until, person, view.claimed.now)
            return texts["said_acknowledged_until"].format(line(view.taken_by), until)
        case Word.ACKNOWLEDGED:
            return texts["said_acknowledged_nobody"]
        case Word.ALL_CLEAR:
            return ending(member.alert, event, person.language)
        case Word.ACCOUNT:
            none = event is None or event.data.ticket.coverage == "none"
            return texts["said_account_none" if none or event is None else f"said_account_{_charge(event)}"]
        case Word.FINDING:
            return texts["said_finding"] if view.tried else f"{texts['said_nobody']} {texts['said_finding']}"
        case _:
            return ""


def _charge(event: Event[Any]) -> str:
    return "yes" if event.data.ticket.chargeable == "yes" else "maybe"


def _of_many(view: View) -> Content:
    claimed, person, texts = view.claimed, view.person, TEXTS[view.person.language]
    total = len(claimed.members)
    about = line(f"[SLA] {total} {texts['many_' + claimed.word.value]}")[:SUBJECT_LENGTH]
    hidden = max(0, total - SHOWN)
    values = {
        **_shared(view, about),
        "head": f"{total} {texts['many_' + claimed.word.value]}",
        "more": texts["more"].format(hidden) if hidden else "",
        "rows": [
            facts(view.events.get(m.alert_id), m.key[0], m.key[1], person, claimed.now) for m in claimed.members[:SHOWN]
        ],
    }
    return Content(about, render("many.txt", **values), render("many.html", **values), _short(about, view))


def _of_none(view: View) -> Content:
    """A test: it is about no alert."""
    texts = TEXTS[view.person.language]
    about = f"[SLA] {texts['test']}"
    values = {**_shared(view, about), "said": texts["said_test"]}
    return Content(about, render("test.txt", **values), render("test.html", **values), _short(about, view))


def _short(text: str, view: View) -> str:
    """Return an SMS of one GSM-7 segment, cut before its link; a link only where there is something to do."""
    asks = view.claimed.word in ASKS
    room = SEGMENT - (view.link_septets + 1 if asks else 0)
    kept = to_gsm7(text.replace("[SLA] ", "SLA ", 1).replace("…", "..")).replace("\n", " ")
    while kept and septets(kept) > room:
        kept = kept[:-1]
    return f"{kept.rstrip()} {LINK}".lstrip() if asks else kept.rstrip()


def built_in(claimed: Claimed) -> Content:
    """Return the text for when a template or the event is broken: a page must leave all the same."""
    ticket, metric, _ = claimed.members[0].key if claimed.members else ("?", "?", 0)
    more = f" +{len(claimed.members) - 1}" if len(claimed.members) > 1 else ""
    said = f"{claimed.word.value} {line(metric)[:12]} #{line(ticket)[:24]}{more}"
    link = LINK if claimed.word in ASKS else ""
    return Content(
        f"[SLA] {said}"[:SUBJECT_LENGTH],
        f"Prazo: {said}\n\n{link}\n",
        f"<p>Prazo: {escape(said)}</p><p>{link}</p>",
        f"SLA {to_gsm7(said).replace(chr(10), ' ')} {link}".strip(),
    )
