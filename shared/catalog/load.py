"""Catalog files → ``Catalogs``. Every error of every file is reported at once, with line, path and the rule broken."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import cache
from importlib.metadata import version as package_version
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays
import yaml
from pydantic import ValidationError

from shared.catalog.calendar import Calendar
from shared.catalog.catalog import Catalog, Catalogs, Target, Warning  # noqa: A004  # the field's own word
from shared.catalog.duration import parse_duration
from shared.catalog.model import CalendarPart, CatalogFile, ServicePart, TargetsPart, week_days, window_minutes
from shared.clock import to_us
from shared.config import Loader, parse_yaml
from shared.errors import Permanent

Problem = tuple[tuple[Any, ...], str]
_RULE_3 = "targets hang on the service, never on a client (policy rule 3: the SLA is per service, not per client)"


class CatalogError(Permanent):
    """The catalog cannot be used; the message lists every error, one a line: file:line: path: rule."""


def load_directory(folder: Path) -> Catalogs:
    """Return every ``*.yaml`` of ``folder`` as one set of versions, or raise ``CatalogError`` with all errors of all files."""
    loaded: dict[str, Catalog] = {}
    errors: list[str] = []
    paths = sorted(folder.glob("*.yaml"))
    for path in paths:
        try:
            catalog = load(path)
        except CatalogError as error:
            errors.append(str(error))
            continue
        if catalog.version in loaded:
            errors.append(
                f"{path.name}:1: version: {catalog.version} is there twice; a changed catalog is a new version"
            )
        loaded[catalog.version] = catalog
    if not paths:
        errors.append(f"{folder}: no catalog file (*.yaml)")
    if errors:
        raise CatalogError("\n".join(errors))
    return Catalogs(list(loaded.values()))


def load(path: Path) -> Catalog:
    """Return the catalog of one file, or raise ``CatalogError`` with all its errors."""
    text = path.read_text(encoding="utf-8")
    try:
        node = yaml.compose(text, Loader=Loader)
        raw = parse_yaml(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise CatalogError(
            f"{path.name}:{mark.line + 1 if mark else 1}: YAML: {getattr(error, 'problem', error)}"
        ) from None
    problems: list[Problem] = [(where, "the key is there twice") for where in _repeated_keys(node)]
    try:
        file = CatalogFile.model_validate(raw)
    except ValidationError as error:
        problems += [(e["loc"], _message(e)) for e in error.errors(include_url=False)]
        raise _all_of(path, node, problems) from None
    problems += _problems(file)
    if problems:
        raise _all_of(path, node, problems)
    return _catalog(file)


def _message(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return _RULE_3 if "client" in str(error["loc"][-1]) else "unknown key"
    return str(error["msg"]).removeprefix("Value error, ")


def _all_of(path: Path, node: Any, problems: Sequence[Problem]) -> CatalogError:
    lines = [
        f"{path.name}:{_line(node, where)}: {'.'.join(str(w) for w in where if w != '[key]')}: {rule}"
        for where, rule in problems
    ]
    return CatalogError("\n".join(lines))


def _line(node: Any, where: tuple[Any, ...]) -> int:
    """Return the 1-based line of the deepest node on the way ``where`` that exists in the file."""
    line = node.start_mark.line if node is not None else 0
    for step in where:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == str(step)), None)
            if found is None:
                break
            line, node = found[0].start_mark.line, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line
    return int(line) + 1


def _repeated_keys(node: Any, where: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield (*where, key.value)
            seen.add(key.value)
            yield from _repeated_keys(value, (*where, key.value))


def _problems(file: CatalogFile) -> Iterator[Problem]:
    """Yield what more than one field shows."""
    for name, calendar in file.calendars.items():
        yield from _calendar_problems(name, calendar)
    calendars = {*file.calendars, "always"}
    if file.defaults.calendar not in calendars:
        yield ("defaults", "calendar"), "no such calendar"
    if file.defaults.priority not in file.priorities:
        yield ("defaults", "priority"), "not one of the priorities"
    if file.defaults.triage not in file.services:
        yield ("defaults", "triage"), "no such service: what nothing matches would have no clock"
    for name, service in file.services.items():
        if service.calendar is not None and service.calendar not in calendars:
            yield ("services", name, "calendar"), "no such calendar"
        for priority in file.priorities:
            if priority not in service.targets:
                yield ("services", name, "targets"), f"priority {priority} is missing"
        for priority in service.targets:
            if priority not in file.priorities:
                rule = _RULE_3 if "client" in priority else "not one of the priorities"
                yield ("services", name, "targets", priority), rule


def _calendar_problems(name: str, part: CalendarPart) -> Iterator[Problem]:
    where = ("calendars", name)
    try:
        ZoneInfo(part.zone)
    except (ZoneInfoNotFoundError, ValueError):
        yield (*where, "zone"), "no such time zone"
    for key, windows in [*part.week.items(), *part.days.items()]:
        spans = sorted(window_minutes(w) for w in windows)
        if any(b[0] < a[1] for a, b in pairwise(spans)):
            yield (*where, "week" if isinstance(key, str) else "days", str(key)), "windows overlap"
    if not any(part.week.values()):
        yield (*where, "week"), "the calendar is never open"
    if name == "always" and (dict(part.week) != {"mon-sun": ("00:00-24:00",)} or part.days or part.holidays.country):
        yield where, "always is reserved: it is 24x7"
    yield from _holiday_problems(where, part)


def _holiday_problems(where: tuple[str, ...], part: CalendarPart) -> Iterator[Problem]:
    country = part.holidays.country
    if country is None:
        if part.holidays.state or part.holidays.optional:
            yield (*where, "holidays"), "state and optional need a country"
        return
    states = holidays.list_supported_countries(include_aliases=False)
    if country not in states:
        yield (*where, "holidays", "country"), "not a country of the holidays package"
    elif part.holidays.state is not None and part.holidays.state not in states[country]:
        yield (*where, "holidays", "state"), "not a state of this country"


_ALWAYS = CalendarPart(zone="UTC", day="24h", week={"mon-sun": ("00:00-24:00",)})


def _catalog(file: CatalogFile) -> Catalog:
    parts = {"always": _ALWAYS, **file.calendars}
    calendars = {name: _calendar(name, part) for name, part in parts.items()}
    targets = {
        (service_id, priority, metric): _target(file, calendars, (service_id, priority, metric))
        for service_id, service in file.services.items()
        for priority in service.targets
        for metric in ("response", "action")
    }
    return Catalog(
        version=file.version,
        effective_from_us=to_us(file.effective_from),
        tzdata=package_version("tzdata"),
        triage=file.defaults.triage,
        priority=file.defaults.priority,
        targets={**targets, **_default_priority(file, targets)},
        services=frozenset(file.services),
        priorities=frozenset(file.priorities),
    )


def _default_priority(
    file: CatalogFile, targets: dict[tuple[str, str, str], Target]
) -> dict[tuple[str, str, str], Target]:
    """An absent priority ("") is the default one."""
    default = file.defaults.priority
    return {(s, "", metric): targets[s, default, metric] for s in file.services for metric in ("response", "action")}


def _target(file: CatalogFile, calendars: dict[str, Calendar], key: tuple[str, str, str]) -> Target:
    service_id, priority, metric = key
    service: ServicePart = file.services[service_id]
    part: TargetsPart = service.targets[priority]
    duration = parse_duration(part.response if metric == "response" else part.action)
    name = "always" if duration.unit == "real_days" else service.calendar or file.defaults.calendar
    calendar = calendars[name]
    target_us = duration.us(calendar.day_us)
    texts = file.defaults.warnings if service.warnings is None else service.warnings
    warnings = (_warning(text, target_us, calendar.day_us) for text in texts)
    pauses = file.defaults.pauses if service.pauses is None else service.pauses
    return Target(
        service=service_id,
        priority=priority,
        calendar=calendar,
        calendar_name=name,
        target_us=target_us,
        warnings=tuple(w for w in warnings if 0 < w.consumed_us < target_us),
        pauses=frozenset(pauses.get(metric, ())),  # type: ignore[call-overload]  # metric is one of its two keys
        action_met_by=service.action_met_by or file.defaults.action_met_by,
        chargeable=service.chargeable,
    )


def _warning(text: str, target_us: int, day_us: int) -> Warning:
    if text.endswith("%"):
        return Warning(text, -(-target_us * int(text[:-1]) // 100))
    return Warning(text, target_us - parse_duration(text).us(day_us))


def _calendar(name: str, part: CalendarPart) -> Calendar:
    return Calendar(name, part.zone, parse_duration(part.day).us(0), _windows_of(part))


def _windows_of(part: CalendarPart) -> Callable[[date], Sequence[tuple[int, int]]]:
    week: dict[int, list[tuple[int, int]]] = {}
    for days, windows in part.week.items():
        for number in week_days(days):
            week.setdefault(number, []).extend(window_minutes(w) for w in windows)
    special = {day: [window_minutes(w) for w in windows] for day, windows in part.days.items()}

    @cache
    def closed(year: int) -> frozenset[date]:
        country = part.holidays.country
        if country is None:
            return frozenset()
        categories = ("public", "optional") if part.holidays.optional else ("public",)
        found = holidays.country_holidays(
            country, subdiv=part.holidays.state, years=year, categories=categories, language="en_US"
        )
        public = holidays.country_holidays(country, subdiv=part.holidays.state, years=year, language="en_US")
        wanted = {name.lower() for name in part.holidays.optional}
        return frozenset(day for day, title in found.items() if day in public or title.lower() in wanted)

    def windows_of(day: date) -> Sequence[tuple[int, int]]:
        if day in special:
            return special[day]
        return () if day in closed(day.year) else week.get(day.weekday(), ())

    return windows_of
