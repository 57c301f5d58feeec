"""What a page shows: the alerts of a notice as they stand now, for its person. Reading changes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.notifier.composing import Composer
from services.notifier.domain.alert import Alert, Loudness
from services.notifier.domain.facts import facts_of
from services.notifier.domain.message import Word
from services.notifier.domain.people import Person
from services.notifier.handlers.duty import Duty
from services.notifier.handlers.taking import UNDO
from services.notifier.pages.acts import promises
from services.notifier.pages.choice import choice_of
from services.notifier.store import queries
from services.notifier.store.alerts import alert_of, event_of
from services.notifier.story import Told, name_of, next_in_words, next_of, told_of, why_of
from services.notifier.texts import TEXTS
from services.notifier.wording import clip, ending, facts, line, moment
from shared.events import Event

AT_ONCE = 50
"""Alerts on one page of the list."""

_TOLD = 8  # people on one page
_TEXT_BYTES, _ROW_BYTES = 600, 48  # of what came from outside: a page stays below 15 kB


class Standing(StrEnum):
    """How an alert stands for the person of a page. ``newer``: a later page told of it again; ``quiet``: it is none yet."""

    OPEN = "open"
    YOURS = "yours"
    TAKEN = "taken"
    ENDED = "ended"
    NEWER = "newer"
    QUIET = "quiet"


def standing(alert: Alert, told: int, person: str) -> Standing:
    """Return how an alert stands for ``person`` on a page that told of its telling ``told``."""
    if alert.loudness is Loudness.ENDED:
        return Standing.ENDED
    if told < alert.telling:
        return Standing.NEWER
    if alert.loudness is Loudness.QUIET:
        return Standing.QUIET
    if alert.taken is None:
        return Standing.OPEN
    return Standing.YOURS if alert.taken.by == person else Standing.TAKEN


def holds_until(alert: Alert, due_at: datetime | None) -> datetime | None:
    """Return until when a taken alert is its owner's: the promise, but a breach ends that of a warning."""
    until = None if alert.taken is None else alert.taken.until
    if until is not None and due_at is not None and alert.loudness is Loudness.WARNED:
        return min(until, due_at)
    return until


@dataclass(frozen=True, slots=True)
class Sight:
    """One look at a page: ``shown`` is its notice, ``tally`` counts its alerts, ``rows`` are those from ``first`` on."""

    shown: Any
    person: Person
    now: datetime
    tally: Any
    rows: Sequence[Any]
    first: int

    @property
    def me(self) -> str:
        """Return the person's id."""
        return str(self.shown["person"])

    @property
    def texts(self) -> Mapping[str, str]:
        """Return the words of the person's language."""
        return TEXTS[self.person.language]

    def at(self, at: datetime | None) -> str:
        """Return an instant as the person reads it."""
        return "" if at is None else moment(at, self.person, self.now)

    def stands(self, row: Any) -> Standing:
        """Return how one of the alerts stands."""
        return standing(alert_of(row), row["told"], self.me)


async def look(connection: Any, shown: Any, person: Person, first: int, now: datetime) -> Sight:
    """Return how the page of a notice stands."""
    tally = await queries.tally(connection, page_no=shown["page_no"], person=shown["person"])
    rows = queries.shown_alerts(connection, page_no=shown["page_no"], at_most=AT_ONCE, offset=first)
    return Sight(shown, person, now, tally, [row async for row in rows], first)


def as_data(sight: Sight) -> Mapping[str, Any]:
    """Return what a program reads; people are ids, instants are UTC."""
    alerts = [
        {
            "ticket_id": row["ticket_id"],
            "metric": row["metric"],
            "cycle": row["cycle"],
            "state": sight.stands(row).value,
            "due_at": _utc(row["due_at"]),
            "taken_by": row["acknowledged_by"],
            "held_until": _utc(holds_until(alert_of(row), row["due_at"])),
        }
        for row in sight.rows
    ]
    counts = {key: sight.tally[key] for key in ("total", "free", "mine", "others")}
    return {"notice_id": str(sight.shown["notice_id"]), "person": sight.me, **counts, "alerts": alerts}


def _utc(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")


async def values_of_one(connection: Any, duty: Duty, composer: Composer, sight: Sight) -> Mapping[str, Any]:
    """Return what the page of one alert shows."""
    row, texts, person, now = sight.rows[0], sight.texts, sight.person, sight.now
    alert, stands, event = alert_of(row), sight.stands(row), event_of(row["event"], row["alert_id"])
    known = facts_of(row["metric"], event)
    telling = alert.telling
    told = await told_of(connection, duty, row["alert_id"], telling, person, now, coming=stands is Standing.OPEN)
    following = None
    if stands is Standing.OPEN:
        following = await next_of(connection, duty, row["alert_id"], alert, known, but=sight.me)
    steps = queries.steps_of_pages(connection, page_nos=[sight.shown["page_no"]], alert_ids=[row["alert_id"]])
    (step,) = [one async for one in steps]
    broken = row["broken_by"] if stands is Standing.OPEN else None
    word = Word(sight.shown["word"])
    return {
        **_clipped(facts(event, row["ticket_id"], row["metric"], person, now)),
        **shared(sight),
        "head": texts[_head(alert, word)],
        "stands": stands.value,
        "loud": alert.loudness is Loudness.BREACHED,
        "state": _state(duty, sight, row, alert, stands),
        "ending": clip(_ending(sight, row, event, stands), _TEXT_BYTES),
        "broken": "" if broken is None else texts["broken"].format(line(name_of(duty, broken))),
        "newer": await _newer(connection, composer, sight, row) if stands is Standing.NEWER else "",
        "why": why_of(duty, person, sight.me, word, step["targets"], known, step["opened_at"]),
        "told": [Told(line(one.name), one.said) for one in told[-_TOLD:]],
        "untold": texts["who_more"].format(len(told) - _TOLD) if len(told) > _TOLD else "",
        "next": "" if following is None else next_in_words(duty, following, person, now),
        "people": choice_of(duty, sight.me, known, following, now) if stands in (Standing.OPEN, Standing.YOURS) else [],
    }


def _head(alert: Alert, word: Word) -> str:
    match alert.loudness:
        case Loudness.ENDED:
            return "head_all_clear"
        case Loudness.BREACHED:
            return "head_breached"
        case Loudness.WARNED:
            return "head_warning"
        case Loudness.QUIET:
            return "head_account" if word is Word.ACCOUNT else "ticket"


def _state(duty: Duty, sight: Sight, row: Any, alert: Alert, stands: Standing) -> str:
    """Return in one sentence who has it; nothing while nobody has."""
    texts, taken = sight.texts, alert.taken
    until = sight.at(holds_until(alert, row["due_at"]))
    if stands is Standing.YOURS:
        return texts["yours_until"].format(until) if until else texts["yours"]
    if stands is Standing.TAKEN and taken is not None:
        name, since = line(name_of(duty, taken.by)), sight.at(taken.at)
        return texts["taken_until"].format(name, since, until) if until else texts["taken"].format(name, since)
    return {Standing.ENDED: texts["ended"], Standing.NEWER: texts["newer"], Standing.QUIET: texts["said_quiet"]}.get(
        stands, ""
    )


def _ending(sight: Sight, row: Any, event: Event[Any] | None, stands: Standing) -> str:
    return ending(alert_of(row), event, sight.person.language) if stands is Standing.ENDED else ""


async def _newer(connection: Any, composer: Composer, sight: Sight, row: Any) -> str:
    """Return the link of the person's newest notice of the alert, relative to this page's; "" without one."""
    notice_no = await queries.newer_notice(connection, alert_id=row["alert_id"], told=row["told"], person=sight.me)
    return "" if notice_no is None else f"../{'/'.join(composer.link(notice_no, sight.me).split('/')[-2:])}"


def values_of_many(duty: Duty, sight: Sight) -> Mapping[str, Any]:
    """Return what a page of many alerts shows: 50 of them, worst first."""
    texts, total = sight.texts, sight.tally["total"]
    last = sight.first + len(sight.rows)
    worst = sight.rows[0] if sight.rows else None
    known = facts_of("", None) if worst is None else facts_of(worst["metric"], event_of(worst["event"], None))
    acts = sight.tally["free"] + sight.tally["mine"] > 0
    over = total - sight.tally["free"] - sight.tally["mine"] - sight.tally["others"]
    counted = {"some_yours": "mine", "some_free": "free", "some_taken": "others"}
    sums = [texts[key].format(sight.tally[count]) for key, count in counted.items() if sight.tally[count]]
    until = sight.at(sight.tally["yours_until"])
    return {
        **shared(sight),
        "head": f"{total} {texts['many_' + sight.shown['word']]}",
        "loud": sight.shown["word"] in (Word.BREACHED, Word.FINDING),
        "sums": " · ".join([*sums, *([texts["some_over"].format(over)] if over else [])]),
        "state": texts["all_yours_until"].format(until) if until else texts["all_yours"],
        "stands": _stands_together(sight).value,
        "rows": [_row(duty, sight, row) for row in sight.rows],
        "people": choice_of(duty, sight.me, known, None, sight.now) if acts else [],
        "where": texts["of"].format(sight.first + 1, last, total) if total > AT_ONCE else "",
        "back": max(0, sight.first - AT_ONCE) if sight.first else None,
        "forth": last if last < total else None,
    }


def _stands_together(sight: Sight) -> Standing:
    if sight.tally["free"]:
        return Standing.OPEN
    if sight.tally["mine"]:
        return Standing.YOURS
    return Standing.TAKEN if sight.tally["others"] else Standing.ENDED


def _row(duty: Duty, sight: Sight, row: Any) -> Mapping[str, Any]:
    event, stands, texts = event_of(row["event"], row["alert_id"]), sight.stands(row), sight.texts
    known = facts(event, row["ticket_id"], row["metric"], sight.person, sight.now)
    note = "" if stands is Standing.OPEN else texts[f"is_{stands}"]
    if stands is Standing.TAKEN:
        note = note.format(line(name_of(duty, row["acknowledged_by"])))
    return {
        "due": known["due"],
        "late": known["late"] and stands is not Standing.ENDED,
        "ticket": clip(known["ticket"], _ROW_BYTES),
        "client": clip(known["client"], _ROW_BYTES),
        "title": clip(f"{known['metric']} · {known['title']}", _ROW_BYTES),
        "note": clip(note, _ROW_BYTES),
        "alert_id": row["alert_id"] if stands is Standing.OPEN else None,
    }


def _clipped(known: Mapping[str, Any]) -> Mapping[str, Any]:
    names = ("ticket", "title", "client", "service", "priority")
    return {**known, **{name: clip(known[name], _TEXT_BYTES) for name in names}}


def shared(sight: Sight) -> dict[str, Any]:
    """Return what both pages show: promises, until when there is an undo, of which instant all of it is."""
    texts, tally = sight.texts, sight.tally
    undo_until = None if tally["taken_at"] is None else tally["taken_at"] + UNDO
    next_due_at = tally["next_due_at"]
    return {
        "t": texts,
        "language": sight.person.language,
        "title_of_page": f"{texts['deadline']} · Prazo",
        "as_of": texts["as_of"].format(sight.at(sight.now)),
        "undo_until": sight.at(undo_until) if undo_until is not None and undo_until > sight.now else "",
        "promises": [
            promise // timedelta(minutes=1)
            for promise in promises(tally["action"])
            if tally["mine"] and (next_due_at is None or sight.now + promise <= next_due_at)
        ],
        "free": tally["free"],
        "mine": tally["mine"],
        "from": sight.first,
    }
