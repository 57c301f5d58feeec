"""The catalog file as written: shapes and names. What needs more than one field is checked in ``load.py``."""

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, WithJsonSchema

from shared.catalog.duration import parse_duration

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_REAL_TIME = re.compile(r"^(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,9})s)?$")
_WINDOW = re.compile(r"^([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|(24):(00))$")


def window_minutes(text: str) -> tuple[int, int]:
    """Return (opens, closes) in minutes of a window ``HH:MM-HH:MM``; a close at or before the opening is the next day's."""
    found = _WINDOW.match(text)
    if found is None:
        raise ValueError("a window is HH:MM-HH:MM, the end up to 24:00")
    hour, minute = (int(part) for part in found.groups()[:2])
    end_hour, end_minute = (int(part) for part in found.groups()[2:] if part is not None)
    opens, closes = hour * 60 + minute, end_hour * 60 + end_minute
    return opens, closes if closes > opens else closes + 1440


def _window(text: str) -> str:
    window_minutes(text)
    return text


def _duration(text: str) -> str:
    if parse_duration(text).amount <= 0:
        raise ValueError("a target must be more than zero")
    return text


def week_days(text: str) -> tuple[int, ...]:
    """Return the weekday numbers (Monday 0) of ``mon`` or ``mon-fri``."""
    first, _, last = text.partition("-")
    if first not in DAYS or (last or first) not in DAYS:
        raise ValueError("days are mon … sun, or a range such as mon-fri")
    a, b = DAYS.index(first), DAYS.index(last or first)
    if b < a:
        raise ValueError("a range of days goes forward, such as mon-fri")
    return tuple(range(a, b + 1))


def _days(text: str) -> str:
    week_days(text)
    return text


def _grace(text: str) -> str:
    if not re.fullmatch(r"\d{1,4}%", text):
        parse_duration(text)
    return text


def _real_time(text: str) -> str:
    real_time_us(text)
    return text


def real_time_us(text: str) -> int:
    """Return microseconds of a setting of real time, ``[Nd][Nh][Nm][Ns]``; 0 is allowed."""
    found = _REAL_TIME.match(text)
    if not text or found is None:
        raise ValueError("a setting of real time is [Nd][Nh][Nm][Ns], whole numbers")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000_000


def _warning(text: str) -> str:
    if not re.fullmatch(r"[1-9]\d?%", text):
        _duration(text)
    return text


def _like(pattern: str, *examples: str) -> WithJsonSchema:
    """Tell editors the shape; the validator beside it decides."""
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": list(examples)})


_OPEN_TIME = r"(?:[0-9]+h)?(?:[0-9]+m)?(?:[0-9]+s)?|[0-9]+(?:bd|d)"
Window = Annotated[str, AfterValidator(_window), _like(r"^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$", "07:00-19:00")]
Days = Annotated[str, AfterValidator(_days)]
TargetDuration = Annotated[str, AfterValidator(_duration), _like(f"^(?:{_OPEN_TIME})$", "4h", "5bd", "15d")]
WarningText = Annotated[str, AfterValidator(_warning), _like(f"^(?:[1-9][0-9]?%|{_OPEN_TIME})$", "80%", "30m")]
Grace = Annotated[str, AfterValidator(_grace), _like(f"^(?:[0-9]{{1,4}}%|{_OPEN_TIME})$", "100%", "2h")]
RealTime = Annotated[
    str, AfterValidator(_real_time), _like(r"^(?:[0-9]+d)?(?:[0-9]+h)?(?:[0-9]+m)?(?:[0-9]+s)?$", "3d")
]
Chargeable = Literal["no", "maybe", "yes"]
PauseReason = Literal["waiting_customer", "customer_infrastructure", "third_party"]
Metric = Literal["response", "action", "scheduling"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class HolidaysPart(_Part):
    """Public holidays of the ``holidays`` package, by country and state, with the optional ones by name."""

    country: str | None = None
    state: str | None = None
    optional: tuple[str, ...] = ()


class CalendarPart(_Part):
    """Open hours of a week in a zone; ``days`` override holidays and week; ``day`` is what 1bd is worth."""

    zone: str
    day: TargetDuration
    week: dict[Days, tuple[Window, ...]]
    holidays: HolidaysPart = HolidaysPart()
    days: dict[date, tuple[Window, ...]] = {}


class TargetsPart(_Part):
    """Response and action time of one priority."""

    response: TargetDuration
    action: TargetDuration


class DefaultsPart(_Part):
    """What holds where a service says nothing."""

    priority: str
    calendar: str
    triage: str
    warnings: tuple[WarningText, ...] = ()
    reopen_within: RealTime = "3d"
    reclassify_grace: Grace = "100%"
    action_met_by: Literal["resolved", "action_started"] = "resolved"
    pauses: dict[Metric, tuple[PauseReason, ...]] = {}


class EmergencyPart(_Part):
    """What holds in an emergency: ``window`` by a call outside the business calendar, or ``always``."""

    calendar: str
    response: TargetDuration
    action: TargetDuration
    when: Literal["window", "always"] = "window"


class ServicePart(_Part):
    """One service of the catalog; a key of the defaults given here replaces the default's whole."""

    name: dict[Literal["pt-BR", "en"], str]
    chargeable: Chargeable = "no"
    remote_access: bool = False
    scheduling: Literal["none", "required"] = "none"
    schedule_within: TargetDuration | None = None
    emergency: EmergencyPart | None = None
    priority: str | None = None
    calendar: str | None = None
    warnings: tuple[WarningText, ...] | None = None
    reopen_within: RealTime | None = None
    reclassify_grace: Grace | None = None
    action_met_by: Literal["resolved", "action_started"] | None = None
    pauses: dict[Metric, tuple[PauseReason, ...]] | None = None
    targets: dict[str, TargetsPart]


class CatalogFile(_Part):
    """One version of the catalog. A target per client does not exist: policy rule 3."""

    schema_: Literal["prazo.catalog/1"] = Field(alias="schema")
    version: str = Field(min_length=1, max_length=64)
    effective_from: AwareDatetime
    applies_to: Literal["new", "open"] = "new"
    calendars: dict[str, CalendarPart]
    priorities: tuple[str, ...] = Field(min_length=1)
    defaults: DefaultsPart
    services: dict[str, ServicePart] = Field(min_length=1)
