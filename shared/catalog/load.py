"""Catalog files → ``Catalogs``. Every error of every file is reported at once, with line, path and the rule broken."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays
import yaml
from pydantic import ValidationError

from shared.catalog.build import build, holiday_key
from shared.catalog.catalog import Catalog, Catalogs
from shared.catalog.model import CalendarPart, CatalogFile, ServicePart, window_minutes
from shared.config import Loader, parse_yaml
from shared.errors import Permanent

_SAMPLE_YEAR = 2025
Problem = tuple[tuple[Any, ...], str]
_RULE_3 = "targets hang on the service, never on a client (policy rule 3: the SLA is per service, not per client)"


class CatalogError(Permanent):
    """The catalog cannot be used; the message lists every error, one a line: file:line: path: rule."""


def load_directory(folder: Path) -> Catalogs:
    """Return every ``*.yaml`` of ``folder`` as one set of versions, or raise ``CatalogError`` with all errors of all files."""
    paths = sorted(folder.glob("*.yaml"))
    if not paths:
        raise CatalogError(f"{folder}: no catalog file (*.yaml)")
    return load_files(paths)


def load_files(paths: Sequence[Path]) -> Catalogs:
    """Return the files as one set of versions, or raise ``CatalogError`` with all errors of all files."""
    loaded: dict[str, Catalog] = {}
    errors: list[str] = []
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
    return build(file)


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
        yield from _service_problems(file, calendars, name, service)


def _service_problems(file: CatalogFile, calendars: set[str], name: str, service: ServicePart) -> Iterator[Problem]:
    if service.calendar is not None and service.calendar not in calendars:
        yield ("services", name, "calendar"), "no such calendar"
    if service.emergency is not None and service.emergency.calendar not in calendars:
        yield ("services", name, "emergency", "calendar"), "no such calendar"
    if service.priority is not None and service.priority not in file.priorities:
        yield ("services", name, "priority"), "not one of the priorities"
    if service.schedule_within is not None and service.scheduling == "none":
        yield ("services", name, "schedule_within"), "needs scheduling: required"
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
        return
    if part.holidays.state is not None and part.holidays.state not in states[country]:
        yield (*where, "holidays", "state"), "not a state of this country"
        return
    named = optional_holidays(country, part.holidays.state)
    for i, name in enumerate(part.holidays.optional):
        if holiday_key(name) not in named:
            yield (*where, "holidays", "optional", i), f"not an optional holiday there: {', '.join(sorted(named))}"


def optional_holidays(country: str, state: str | None) -> set[str]:
    """Return the optional holidays that the ``holidays`` package knows there, as ``holiday_key`` has them."""
    years = range(_SAMPLE_YEAR, _SAMPLE_YEAR + 3)
    try:
        found = holidays.country_holidays(country, subdiv=state, years=years, categories="optional", language="en_US")
    except ValueError:
        return set()
    return {holiday_key(name) for title in found.values() for name in title.split("; ")}
