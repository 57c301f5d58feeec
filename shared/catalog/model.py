"""The catalog file as written: shapes and names. What needs more than one field is checked in ``check.py``."""

import re
from datetime import date, datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from shared.catalog.duration import parse_duration

_DAY_US = 86_400 * 1_000_000
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_REAL_TIME = re.compile(r"(?:([0-9]{1,6})d)?(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,9})s)?")
_MOST_GRACE_PERCENT = 1000
_WINDOW = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-(?:([01][0-9]|2[0-3]):([0-5][0-9])|(24):(00))")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_BLANK_BEFORE_OFFSET = re.compile(r" +(?=[+-][0-9:]{2,5}$)")  # as YAML writes timestamps
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}.*")


def window_minutes(text: str) -> tuple[int, int]:
    """Return (opens, closes) in minutes of a window ``HH:MM-HH:MM``; a close at or before the opening is the next day's."""
    found = _WINDOW.fullmatch(text)
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
    duration = parse_duration(text)
    if duration.amount <= 0:
        raise ValueError("a target must be more than zero")
    if not duration.is_reachable:
        raise ValueError("a target is at most ten years")
    return text


def _day(text: str) -> str:
    duration = parse_duration(text)
    if duration.unit == "business_days" or not 0 < duration.us(0) <= _DAY_US:
        raise ValueError("what a business day is worth is [Nh][Nm][Ns], more than zero and at most 24h")
    return text


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of zones and a long name are errors of the system
        raise ValueError("no such time zone") from None
    return text


def _iso_date(value: object) -> object:
    if isinstance(value, str) and not _DATE.fullmatch(value):
        raise ValueError("a day is YYYY-MM-DD")
    return value


def _iso_instant(value: object) -> object:
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        return _BLANK_BEFORE_OFFSET.sub("", value)
    if not isinstance(value, datetime):
        raise ValueError("an instant is RFC 3339, with its offset")
    return value


def _word(text: str) -> str:
    if not text or not text.isprintable():
        raise ValueError("a name has at least one character and no control characters")
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
    share = re.fullmatch(r"([0-9]{1,4})%", text)
    if share is None and not parse_duration(text).is_reachable:
        raise ValueError("a grace is at most ten years")
    if share is not None and int(share[1]) > _MOST_GRACE_PERCENT:
        raise ValueError(f"a grace is at most {_MOST_GRACE_PERCENT}%")
    return text


def _real_time(text: str) -> str:
    real_time_us(text)
    return text


def real_time_us(text: str) -> int:
    """Return microseconds of a setting of real time, ``[Nd][Nh][Nm][Ns]``; 0 is allowed."""
    found = _REAL_TIME.fullmatch(text)
    if not text or found is None:
        raise ValueError("a setting of real time is [Nd][Nh][Nm][Ns], whole numbers")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000_000


def _warning(text: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]?%", text):
        _duration(text)
    return text


def _like(pattern: str, *examples: str) -> WithJsonSchema:
    """Tell editors the shape; the validator beside it decides."""
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": list(examples)})


_RANGES = "|".join([*DAYS, *(f"{a}-{b}" for i, a in enumerate(DAYS) for b in DAYS[i + 1 :])])
_SOME = r"(?=.*[1-9])"  # more than zero
_HMS = r"(?=.)(?:[0-9]{1,9}h)?(?:[0-9]{1,9}m)?(?:[0-9]{1,9}s)?"
_OPEN_TIME = rf"{_HMS}|[0-9]{{1,9}}(?:bd|d)"
_HOUR = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"

Name = Annotated[str, AfterValidator(_word), Field(max_length=200)]
Window = Annotated[str, AfterValidator(_window), _like(rf"^{_HOUR}-(?:{_HOUR}|24:00)$", "07:00-19:00")]
Days = Annotated[str, AfterValidator(_days), _like(rf"^(?:{_RANGES})$", "mon-fri", "sat")]
Day = Annotated[date, BeforeValidator(_iso_date)]
Instant = Annotated[AwareDatetime, BeforeValidator(_iso_instant)]
Zone = Annotated[str, AfterValidator(_zone)]
DayLength = Annotated[str, AfterValidator(_day), _like(rf"^{_SOME}(?:{_HMS}|1d)$", "12h")]
TargetDuration = Annotated[str, AfterValidator(_duration), _like(rf"^{_SOME}(?:{_OPEN_TIME})$", "4h", "5bd", "15d")]
WarningText = Annotated[
    str, AfterValidator(_warning), _like(rf"^(?:[1-9][0-9]?%|{_SOME}(?:{_OPEN_TIME}))$", "80%", "30m")
]
Grace = Annotated[str, AfterValidator(_grace), _like(rf"^(?:[0-9]{{1,4}}%|{_OPEN_TIME})$", "100%", "2h")]
RealTime = Annotated[
    str,
    AfterValidator(_real_time),
    _like(r"^(?=.)(?:[0-9]{1,6}d)?(?:[0-9]{1,6}h)?(?:[0-9]{1,6}m)?(?:[0-9]{1,9}s)?$", "3d"),
]
Chargeable = Literal["no", "maybe", "yes"]
PauseReason = Literal["waiting_customer", "customer_infrastructure", "third_party"]
Metric = Literal["response", "action", "scheduling"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, use_attribute_docstrings=True)


class HolidaysPart(_Part):
    """Public holidays of the ``holidays`` package, by country and state, with the optional ones by name."""

    country: str | None = None
    """ISO 3166-1 code, such as BR; null: no public holiday closes this calendar."""
    state: str | None = None
    """Code of the state, such as GO: its holidays count too."""
    optional: tuple[str, ...] = ()
    """Optional holidays that close it as well, by their English name, such as carnival."""


class CalendarPart(_Part):
    """Open hours of a week in a zone."""

    zone: Zone
    """IANA time zone, such as America/Sao_Paulo."""
    day: DayLength
    """What one business day (1bd) is worth, such as 12h."""
    week: dict[Days, tuple[Window, ...]]
    """Windows by weekday or range of weekdays; one that ends before it begins crosses midnight."""
    holidays: HolidaysPart = HolidaysPart()
    """Public holidays on which it is closed."""
    days: dict[Day, tuple[Window, ...]] = {}
    """Own exceptions by date, instead of week and holidays; an empty list is closed."""


class TargetsPart(_Part):
    """Response and action time of one priority."""

    response: TargetDuration
    """Until somebody has answered the customer."""
    action: TargetDuration
    """Until it is resolved."""


class DefaultsPart(_Part):
    """What holds where a service says nothing."""

    priority: str
    """The priority of a ticket that names none, or an unknown one."""
    calendar: str
    """The calendar in which h, m, s and bd are counted."""
    triage: str
    """The service as which an unknown one is timed."""
    warnings: tuple[WarningText, ...] = ()
    """When to warn: a share of the target consumed (80%), or counted time left (30m)."""
    reopen_within: RealTime = "3d"
    """Real time after which a reopened ticket begins a new cycle."""
    reclassify_grace: Grace = "100%"
    """The least that is left after a reclassification: a share of the new target, or a duration."""
    action_met_by: Literal["resolved", "action_started"] = "resolved"
    """What ends the action clock."""
    pauses: dict[Metric, tuple[PauseReason, ...]] = {}
    """Which reasons stop which clock."""


class EmergencyPart(_Part):
    """What holds in an emergency."""

    calendar: str
    """The calendar in which its targets are counted."""
    response: TargetDuration
    """Until somebody has answered the customer."""
    action: TargetDuration
    """Until it is resolved."""
    when: Literal["window", "always"] = "window"
    """``window``: by a call outside the business calendar; ``always``: at any time and by any channel."""


class ServicePart(_Part):
    """One service of the catalog; a key of the defaults given here replaces the default's whole."""

    name: dict[Literal["pt-BR", "en"], str]
    """What people read, by language."""
    chargeable: Chargeable = "no"
    """Whether it is charged."""
    remote_access: bool = False
    """Whether a remote session is usually needed."""
    scheduling: Literal["none", "required"] = "none"
    """``required``: a scheduling clock runs until an appointment is agreed; the action clock then counts from it."""
    schedule_within: TargetDuration | None = None
    """The target of the scheduling clock."""
    emergency: EmergencyPart | None = None
    """Absent: no emergency is possible for this service."""
    priority: str | None = None
    """Instead of the default one."""
    calendar: str | None = None
    """Instead of the default one."""
    warnings: tuple[WarningText, ...] | None = None
    """Instead of the default ones."""
    reopen_within: RealTime | None = None
    """Instead of the default one."""
    reclassify_grace: Grace | None = None
    """Instead of the default one."""
    action_met_by: Literal["resolved", "action_started"] | None = None
    """Instead of the default one."""
    pauses: dict[Metric, tuple[PauseReason, ...]] | None = None
    """Instead of the default ones."""
    targets: dict[Name, TargetsPart]
    """Response and action time by priority: each of the priorities must be there."""


class CatalogFile(_Part):
    """One version of the catalog. A target per client does not exist: policy rule 3."""

    schema_: Literal["prazo.catalog/1"] = Field(alias="schema")
    """The format of this file."""
    version: Annotated[Name, Field(max_length=64)]
    """The name of this version; other content is another version."""
    effective_from: Instant
    """RFC 3339 with offset: cycles that start from then on are judged by this version."""
    applies_to: Literal["new", "open"] = "new"
    """``open``: clocks that run then are judged anew, visibly."""
    calendars: dict[Name, CalendarPart]
    """By name; ``always`` is 24x7 and need not be defined."""
    priorities: tuple[Name, ...] = Field(min_length=1)
    """From the most urgent down."""
    defaults: DefaultsPart
    """What holds where a service says nothing."""
    services: dict[Name, ServicePart] = Field(min_length=1)
    """By id. What is not here is not supported, and is timed as triage."""
