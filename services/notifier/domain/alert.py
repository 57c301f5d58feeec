"""An alert: one clock that went wrong or is about to; warning and breach are one alert that gets louder.

quiet ──warning──► warned ──breached──► breached
  └───────────────breached──────────────►  │
any ──met · closed_late · cancelled · exempted · revised to not breached──► ended ──warning, breached: told anew──►

A telling is one run through the policy's steps: it begins anew after an end, and when a promise was broken. An
acknowledgement holds for its telling, until its promise ends or the alert gets louder. ``paused`` suspends the warnings of
an alert that is not breached; ``resumed`` and ``rescheduled`` lift that, and what was still to come of an old deadline's
warning is dropped: the clock warns again of the new one.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel

from services.notifier.domain.message import Word
from shared.events import (
    SlaBreached,
    SlaCancelled,
    SlaClosedLate,
    SlaExempted,
    SlaMet,
    SlaPaused,
    SlaRescheduled,
    SlaResumed,
    SlaRevised,
    SlaStarted,
    SlaWarning,
)


class Loudness(StrEnum):
    """How loud an alert is."""

    QUIET = "quiet"
    WARNED = "warned"
    BREACHED = "breached"
    ENDED = "ended"


class Effect(StrEnum):
    """What an event asks for."""

    NOTHING = "nothing"
    TELL_STARTED = "tell_started"
    TELL_WARNING = "tell_warning"
    TELL_BREACH = "tell_breach"
    DROP_WARNINGS = "drop_warnings"
    RESUME_WARNINGS = "resume_warnings"
    ALL_CLEAR = "all_clear"


@dataclass(frozen=True, slots=True)
class Taken:
    """An acknowledgement: a promise of ``by`` with an end; None: until the alert gets louder or ends."""

    by: str
    at: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Alert:
    """The state of one alert; ``ended_as`` is the word of the event that ended it, ``threshold`` the last warning's."""

    loudness: Loudness = Loudness.QUIET
    suspended: bool = False
    ended_as: str | None = None
    telling: int = 0
    threshold: str = ""
    taken: Taken | None = None


def hear(alert: Alert, data: BaseModel) -> tuple[Alert, Effect]:
    """Return the alert after an event of ``sla.v1``, and what is to be done about it."""
    loud = alert.loudness is Loudness.BREACHED
    match data:
        case SlaStarted():
            return alert, Effect.TELL_STARTED
        case SlaWarning() if not loud:
            woken = _woken(alert)
            over = woken.taken is not None and woken.taken.until is not None and woken.taken.until <= data.detected_at
            taken = None if over else woken.taken  # of a deadline that moved: its breach did not come to tell anew
            return replace(woken, loudness=Loudness.WARNED, threshold=data.threshold, taken=taken), Effect.TELL_WARNING
        case SlaBreached() if not loud:
            return _breached(alert), Effect.TELL_BREACH
        case SlaRevised(to="breached") if not loud:
            return _breached(alert), Effect.TELL_BREACH
        case SlaRevised() if data.to != "breached":
            return _end(alert, f"revised_{data.to}")
        case SlaMet() | SlaClosedLate() | SlaCancelled() | SlaExempted():
            return _end(alert, _WORDS[type(data)])
        case SlaPaused():
            return replace(alert, suspended=True), Effect.NOTHING
        case SlaRescheduled() if not loud:
            return replace(alert, suspended=False), Effect.DROP_WARNINGS
        case SlaResumed() if alert.suspended and not loud:
            return replace(alert, suspended=False), Effect.RESUME_WARNINGS
        case SlaResumed() | SlaRescheduled():
            return replace(alert, suspended=False), Effect.NOTHING
        case _:
            return alert, Effect.NOTHING


def unwanted(alert: Alert, word: Word, telling: int) -> str | None:
    """Return why a page of an alert is wanted no more, or None: the second look, at the claim and at the opening."""
    if telling < alert.telling:
        return "overtaken"
    if word not in (Word.WARNING, Word.BREACHED, Word.FINDING):
        return None
    if alert.loudness is Loudness.ENDED:
        return "ended"
    if word is Word.WARNING and alert.loudness is Loudness.BREACHED:
        return "overtaken"
    if alert.taken is not None:
        return "acknowledged"
    if word is Word.WARNING and alert.suspended:
        return "paused"
    return None


def take(alert: Alert, by: str, at: datetime, until: datetime | None) -> Alert:
    """Return the alert as taken; the first acknowledgement counts, its owner may change the promise."""
    if alert.loudness is Loudness.ENDED or (alert.taken is not None and alert.taken.by != by):
        return alert
    since = alert.taken.at if alert.taken is not None else at
    return replace(alert, taken=Taken(by, since, until))


def _woken(alert: Alert) -> Alert:
    """Return the alert that is told of again after its end."""
    if alert.loudness is not Loudness.ENDED:
        return alert
    return replace(alert, ended_as=None, telling=alert.telling + 1, taken=None)


def _breached(alert: Alert) -> Alert:
    return replace(_woken(alert), loudness=Loudness.BREACHED, suspended=False, taken=None)


def _end(alert: Alert, how: str) -> tuple[Alert, Effect]:
    if alert.loudness is Loudness.ENDED:
        return alert, Effect.NOTHING
    return replace(alert, loudness=Loudness.ENDED, suspended=False, ended_as=how), Effect.ALL_CLEAR


_WORDS = {SlaMet: "met", SlaClosedLate: "closed_late", SlaCancelled: "cancelled", SlaExempted: "exempted"}
