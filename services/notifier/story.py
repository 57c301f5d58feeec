"""What a message and its page tell of an alert's telling: who was told by what, why this person, who is next."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from services.notifier.causes import CAUSES
from services.notifier.domain.alert import Alert, Loudness
from services.notifier.domain.facts import Facts
from services.notifier.domain.message import Word
from services.notifier.domain.people import Person
from services.notifier.domain.policies import ACCOUNT_MANAGER, ASSIGNEE, MANAGER
from services.notifier.handlers.duty import Duty
from services.notifier.store import queries
from services.notifier.texts import TEXTS
from services.notifier.wording import line, moment

_OF_THE_TICKET = {ASSIGNEE: "why_assignee", ACCOUNT_MANAGER: "why_account_manager", MANAGER: "why_manager"}


class Told(NamedTuple):
    """One person, and what became of the messages to them, one sentence for each contact method."""

    name: str
    said: tuple[str, ...]


class Then(StrEnum):
    """What happens next of an alert that nobody takes."""

    TELL = "next_is"
    AGAIN = "next_again"
    BREACH = "next_breach"
    NOTHING = "next_none"


class Next(NamedTuple):
    """What happens next if nobody takes an alert, and when; ``people``: whom it tells, as the rota stands now."""

    then: Then
    at: datetime | None = None
    people: tuple[str, ...] = ()


def name_of(duty: Duty, person: str) -> str:
    """Return a person's name; of one who left the configuration their id."""
    known = duty.oncall.people.get(person)
    return person if known is None else known.name


async def told_of(
    connection: Any, duty: Duty, alert_id: int, telling: int, reader: Person, now: datetime, *, coming: bool
) -> Sequence[Told]:
    """Return who was told of one telling of an alert, first told first; what was never tried because it was not needed is
    left out unless it is all there is of a person. ``coming``: what is planned will be sent, if nobody takes it. Of the newest 100 messages."""
    rows = defaultdict[str, list[Any]](list)
    async for row in queries.story(connection, alert_id=alert_id, telling=telling):
        if coming or row["state"] != "planned" or row["attempt"]:
            rows[row["person"]].append(row)
    return [Told(name_of(duty, person), tuple(_said(duty, found, reader, now))) for person, found in rows.items()]


def _said(duty: Duty, rows: Sequence[Any], reader: Person, now: datetime) -> Iterable[str]:
    """Yield one sentence for each channel: what is known of its newest message that was not spared."""
    newest: dict[str, Any] = {}
    for row in sorted(rows, key=lambda r: (r["state"] != "suppressed", r["notice_no"])):
        newest[row["channel"]] = row
    tried = [row for row in newest.values() if row["state"] != "suppressed"] or list(newest.values())[:1]
    for row in sorted(tried, key=lambda r: (r["due_at"], r["notice_no"])):
        yield f"{_channel(duty, row['channel'], reader)} {_state(row, reader, now)}"


def _channel(duty: Duty, name: str, reader: Person) -> str:
    config = duty.oncall.channels.get(name)
    return name if config is None else TEXTS[reader.language].get(config.kind, name)


def _state(row: Any, reader: Person, now: datetime) -> str:
    texts, state = TEXTS[reader.language], row["state"]
    if state == "planned" and row["attempt"]:
        said = texts["state_again"].format(moment(row["next_at"], reader, now))
    elif state == "planned":
        said = texts["state_planned"].format(moment(row["next_at"], reader, now))
    else:
        at = row["accepted_at"] or row["due_at"]
        said = texts[f"state_{state}"].format(moment(at, reader, now))
    cause = CAUSES.get(row["reason"] or "") if state not in ("suppressed", "accepted") else None
    return said if cause is None else f"{said} ({cause[reader.language]})"


def why_of(
    duty: Duty, reader: Person, person: str, word: Word, targets: Sequence[str] | None, facts: Facts, at: datetime
) -> str:
    """Return why ``person`` was told at ``at``: the first target of the step that means them; None: it had no step."""
    texts = TEXTS[reader.language]
    if word in (Word.ACKNOWLEDGED, Word.ALL_CLEAR):
        return texts["why_informed"]
    if targets is None:
        return texts["why_passed"]
    meant = [target for target in targets if person in duty.people(target, at, facts)]
    target = meant[0] if meant else targets[0] if targets else ""
    if target in _OF_THE_TICKET:
        return texts[_OF_THE_TICKET[target]]
    return texts["why_person"] if target in ("", person) else texts["why_group"].format(target)


async def next_of(connection: Any, duty: Duty, alert_id: int, alert: Alert, facts: Facts, but: str) -> Next:
    """Return what happens next of an open alert: a step that tells people beside ``but``, all steps anew, or the breach."""
    word = "breached" if alert.loudness is Loudness.BREACHED else "warning"
    row = await queries.next_step(connection, alert_id=alert_id, telling=alert.telling, word=word)
    if row is not None and row["act"] == "again":
        return Next(Then.AGAIN, row["due_at"])
    if row is not None:
        people = dict.fromkeys(p for target in row["targets"] for p in duty.people(target, row["due_at"], facts))
        return Next(Then.TELL, row["due_at"], tuple(person for person in people if person != but))
    if alert.loudness is Loudness.WARNED and facts.due_at is not None and not alert.suspended:
        return Next(Then.BREACH, facts.due_at)
    return Next(Then.NOTHING)


def next_in_words(duty: Duty, following: Next, reader: Person, now: datetime) -> str:
    """Return what happens next in a sentence."""
    texts, at = TEXTS[reader.language], "" if following.at is None else moment(following.at, reader, now)
    if following.then is not Then.TELL:
        return texts[following.then].format(at)
    names = ", ".join(line(name_of(duty, person)) for person in following.people[:5])
    return texts["next_is"].format(names or texts["next_nobody"], at)
