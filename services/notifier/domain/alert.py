"""An alert: one clock that went wrong or is about to; warning and breach are one alert that gets louder.

quiet ──warning──► warned ──breached──► breached ──acknowledge──► breached, acknowledged
  └───────────────breached──────────────►  │
any ──met · closed_late · cancelled · exempted · revised to not breached──► ended ──warning, breached: told anew──►
paused suspends the warnings of an alert that is not breached; resumed and rescheduled lift that.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from pydantic import BaseModel

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
    TELL_WARNING = "tell_warning"
    TELL_BREACH = "tell_breach"
    ALL_CLEAR = "all_clear"


@dataclass(frozen=True, slots=True)
class Alert:
    """The state of one alert; ``ended_as`` is the word of the event that ended it."""

    loudness: Loudness = Loudness.QUIET
    suspended: bool = False
    ended_as: str | None = None


def hear(alert: Alert, data: BaseModel) -> tuple[Alert, Effect]:
    """Return the alert after an event of ``sla.v1``, and what is to be done about it."""
    match data:
        case SlaWarning() if alert.loudness is not Loudness.BREACHED:
            return Alert(Loudness.WARNED, alert.suspended), Effect.TELL_WARNING
        case SlaBreached() if alert.loudness is not Loudness.BREACHED:
            return Alert(Loudness.BREACHED), Effect.TELL_BREACH
        case SlaRevised(to="breached") if alert.loudness is not Loudness.BREACHED:
            return Alert(Loudness.BREACHED), Effect.TELL_BREACH
        case SlaRevised() if data.to not in ("breached", "open"):
            return _end(alert, f"revised_{data.to}")
        case SlaRevised(to="open"):
            return _end(alert, "revised_open")
        case SlaMet() | SlaClosedLate() | SlaCancelled() | SlaExempted():
            return _end(alert, type(data).__name__.removeprefix("Sla").lower())
        case SlaPaused():
            return replace(alert, suspended=True), Effect.NOTHING
        case SlaResumed() | SlaRescheduled():
            return replace(alert, suspended=False), Effect.NOTHING
        case _:
            return alert, Effect.NOTHING


def _end(alert: Alert, how: str) -> tuple[Alert, Effect]:
    if alert.loudness is Loudness.ENDED:
        return alert, Effect.NOTHING
    return Alert(Loudness.ENDED, ended_as=how), Effect.ALL_CLEAR
