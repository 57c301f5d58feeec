"""A checked catalog file → ``Catalog``: every target becomes a span of open time of one calendar."""

from collections.abc import Callable, Sequence
from datetime import date
from hashlib import sha256
from importlib.metadata import version as package_version
from typing import Any

from shared.catalog.calendar import Calendar
from shared.catalog.catalog import Catalog, Service, Span, Target, Warning  # noqa: A004  # the field's own word
from shared.catalog.duration import parse_duration
from shared.catalog.model import (
    CalendarPart,
    CatalogFile,
    DefaultsPart,
    ServicePart,
    real_time_us,
    week_days,
    window_minutes,
)
from shared.catalog.public_holidays import public_holidays
from shared.clock import to_us

_ALWAYS = CalendarPart(zone="UTC", day="24h", week={"mon-sun": ("00:00-24:00",)})


def build(file: CatalogFile) -> Catalog:
    """Return the catalog of a checked file: names resolved, every target a span of one calendar."""
    parts = {"always": _ALWAYS, **file.calendars}
    calendars = {name: _calendar(name, part) for name, part in parts.items()}
    return Catalog(
        version=file.version,
        content=sha256(file.model_dump_json(by_alias=True).encode()).hexdigest(),
        effective_from_us=to_us(file.effective_from),
        applies_to_open=file.applies_to == "open",
        tzdata=package_version("tzdata"),
        triage=file.defaults.triage,
        business=calendars[file.defaults.calendar],
        always=calendars["always"],
        calendars=calendars,
        services={name: _service(name, part, file.defaults, calendars) for name, part in file.services.items()},
        priorities=frozenset(file.priorities),
    )


def _service(name: str, part: ServicePart, defaults: DefaultsPart, calendars: dict[str, Calendar]) -> Service:
    def said(key: str) -> Any:
        own = getattr(part, key)
        return getattr(defaults, key) if own is None else own

    def target(duration: str, calendar: str) -> Target:
        span = _span(duration, calendars[calendar], calendars["always"])
        grace: str = said("reclassify_grace")
        share = int(grace[:-1]) if grace.endswith("%") else None
        return Target(
            span=span,
            grace=_span(grace, calendars[calendar], calendars["always"])
            if share is None
            else Span(span.calendar, span.us * share // 100),
            grace_percent=share,
            warnings=tuple(_warning(text, span.calendar.day_us) for text in dict.fromkeys(said("warnings"))),
        )

    own: str = said("calendar")
    urgent = part.emergency
    return Service(
        id=name,
        names={str(language): text for language, text in part.name.items()},
        chargeable=part.chargeable,
        remote_access=part.remote_access,
        priority=said("priority"),
        targets={
            (priority, metric): target(getattr(times, metric), own)
            for priority, times in part.targets.items()
            for metric in ("response", "action")
        },
        emergency={m: target(getattr(urgent, m), urgent.calendar) for m in ("response", "action")} if urgent else {},
        emergency_always=urgent is not None and urgent.when == "always",
        scheduled=part.scheduling == "required",
        scheduling=target(part.schedule_within, own) if part.schedule_within else None,
        pauses={metric: frozenset(reasons) for metric, reasons in said("pauses").items()},
        action_met_by=said("action_met_by"),
        reopen_within_us=real_time_us(said("reopen_within")),
    )


def _span(text: str, calendar: Calendar, always: Calendar) -> Span:
    duration = parse_duration(text)
    counting = always if duration.unit == "real_days" else calendar
    return Span(counting, duration.us(calendar.day_us))


def _warning(text: str, day_us: int) -> Warning:
    if text.endswith("%"):
        return Warning(text, int(text[:-1]))
    return Warning(text, None, parse_duration(text).us(day_us))


def _calendar(name: str, part: CalendarPart) -> Calendar:
    return Calendar(name, part.zone, parse_duration(part.day).us(0), _windows_of(part))


def _windows_of(part: CalendarPart) -> Callable[[date], Sequence[tuple[int, int]]]:
    week: dict[int, list[tuple[int, int]]] = {}
    for days, windows in part.week.items():
        for number in week_days(days):
            week.setdefault(number, []).extend(window_minutes(w) for w in windows)
    special = {day: [window_minutes(w) for w in windows] for day, windows in part.days.items()}

    def windows_of(day: date) -> Sequence[tuple[int, int]]:
        if day in special:
            return special[day]
        return () if day in public_holidays(part.holidays, day.year) else week.get(day.weekday(), ())

    return windows_of
