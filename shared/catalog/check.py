"""What more than one field of a catalog file shows. Everything that can be said at once is said at once.

What single fields break is said by the model; here the rest of the file is looked at as if those fields were not there.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from shared.catalog.duration import parse_duration
from shared.catalog.faults import Problem, Where
from shared.catalog.model import CalendarPart, CatalogFile, DefaultsPart, ServicePart, week_days, window_minutes
from shared.catalog.public_holidays import holiday_problems

_DAY_MINUTES = 1_440
_DEPTH = 5  # services, a service, targets, a priority, a metric
_RULE_3 = "targets hang on the service, never on a client (policy rule 3: the SLA is per service, not per client)"
_CLIENT_WORDS = ("client", "customer", "cnpj", "account")
M = TypeVar("M", bound=BaseModel)
_STAND_INS: Mapping[type[BaseModel], Mapping[str, Any]] = {
    CalendarPart: {"zone": "UTC", "day": "24h", "week": {}},
    DefaultsPart: {"priority": "", "calendar": "", "triage": ""},
    ServicePart: {"name": {}, "targets": {}},
}
"""For what is required and wrong or missing, so that the rest of a part can be looked at."""


class _Draft(NamedTuple):
    """What of a file can be understood; ``names`` are those that it gives, whether or not what is under them is right."""

    calendars: Mapping[str, CalendarPart]
    calendar_names: Container[str]
    priorities: Sequence[str] | None
    defaults: DefaultsPart | None
    services: Mapping[str, ServicePart]
    service_names: Container[str]
    written: Mapping[str, Any]
    wrong: frozenset[Where]

    def sound(self, *where: Any) -> bool:
        """Tell whether nothing at, under or above a place is wrong in itself."""
        return not any(found[: len(where)] == where[: len(found)] for found in self.wrong)


def validate(raw: Any) -> tuple[CatalogFile | None, list[Problem]]:
    """Return the file, None if a field of it is wrong in itself, and every problem."""
    try:
        file = CatalogFile.model_validate(raw)
        found: list[Problem] = []
    except ValidationError as error:
        file, found = None, [(e["loc"], _message(e)) for e in error.errors(include_url=False)]
    if not isinstance(raw, dict):
        return None, [((), "a catalog is a mapping: schema, version, effective_from, …")]
    found += _problems(_draft(raw, frozenset(where for where, _ in found)))
    return file, found


def _message(error: Any) -> str:
    last = str(error["loc"][-1]).lower() if error["loc"] else ""
    if error["type"] == "extra_forbidden":
        of_client = "targets" in error["loc"] or any(word in last for word in _CLIENT_WORDS)
        return _RULE_3 if of_client else "unknown key"
    return str(error["msg"]).removeprefix("Value error, ")


def _draft(raw: Mapping[str, Any], wrong: frozenset[Where]) -> _Draft:
    rest = _without(raw, {_whole(where) for where in wrong})
    calendars, services = _mapping(rest.get("calendars")), _mapping(rest.get("services"))
    priorities = rest.get("priorities")
    return _Draft(
        calendars=_understood_of(CalendarPart, calendars),
        calendar_names={*map(str, _mapping(raw.get("calendars"))), "always"},
        priorities=[str(p) for p in priorities] if isinstance(priorities, list) else None,
        defaults=_understood(DefaultsPart, rest.get("defaults")),
        services=_understood_of(ServicePart, services),
        service_names=set(map(str, _mapping(raw.get("services")))),
        written=raw,
        wrong=wrong,
    )


def _mapping(value: Any) -> Mapping[Any, Any]:
    return value if isinstance(value, dict) else {}


def _understood_of(model: type[M], raw: Mapping[Any, Any]) -> dict[str, M]:
    found = {str(name): _understood(model, part) for name, part in raw.items()}
    return {name: part for name, part in found.items() if part is not None}


def _understood(model: type[M], raw: Any) -> M | None:
    try:
        return model.model_validate({**_STAND_INS[model], **_mapping(raw)})
    except ValidationError:
        return None


def _whole(where: Where) -> Where:
    """Return the way to what cannot do without a part of it that is wrong."""
    return where[:4] if where[2:3] == ("targets",) else where[:3] if where[2:3] == ("emergency",) else where


def _without(value: Any, wrong: Container[Where], where: Where = ()) -> Any:
    """Return a copy of ``value`` without what stands at the ways ``wrong``."""
    if isinstance(value, dict):
        kept = {k: v for k, v in value.items() if (*where, k) not in wrong and (*where, k, "[key]") not in wrong}
        return {k: _without(v, wrong, (*where, k)) for k, v in kept.items()} if len(where) < _DEPTH else kept
    if isinstance(value, list):
        return [v for n, v in enumerate(value) if (*where, n) not in wrong]
    return value


def _problems(draft: _Draft) -> Iterator[Problem]:
    for name, calendar in draft.calendars.items():
        yield from _calendar_problems(draft, name, calendar)
    if draft.defaults is not None:
        yield from _default_problems(draft, draft.defaults)
    for name, service in draft.services.items():
        yield from _service_problems(draft, name, service)
        yield from _target_problems(draft, name, service)


def _default_problems(draft: _Draft, defaults: DefaultsPart) -> Iterator[Problem]:
    if draft.sound("defaults", "calendar") and defaults.calendar not in draft.calendar_names:
        yield ("defaults", "calendar"), "no such calendar"
    if draft.sound("defaults", "priority") and not _is_priority(draft, defaults.priority):
        yield ("defaults", "priority"), "not one of the priorities"
    if draft.sound("defaults", "triage") and defaults.triage not in draft.service_names:
        yield ("defaults", "triage"), "no such service: what nothing matches would have no clock"


def _is_priority(draft: _Draft, name: str | None) -> bool:
    return name is None or draft.priorities is None or name in draft.priorities


def _service_problems(draft: _Draft, name: str, service: ServicePart) -> Iterator[Problem]:
    where = ("services", name)
    if service.calendar is not None and service.calendar not in draft.calendar_names:
        yield (*where, "calendar"), "no such calendar"
    if service.emergency is not None and service.emergency.calendar not in draft.calendar_names:
        yield (*where, "emergency", "calendar"), "no such calendar"
    if not _is_priority(draft, service.priority):
        yield (*where, "priority"), "not one of the priorities"
    if service.schedule_within is not None and service.scheduling == "none" and draft.sound(*where, "scheduling"):
        yield (*where, "schedule_within"), "needs scheduling: required"


def _target_problems(draft: _Draft, name: str, service: ServicePart) -> Iterator[Problem]:
    where = ("services", name, "targets")
    written = {str(key) for key in _mapping(draft.written["services"].get(name, {}).get("targets"))}
    if draft.priorities is not None:
        for priority in draft.priorities:
            if priority not in written:
                yield where, f"priority {priority} is missing"
        for priority in written:
            if priority not in draft.priorities:
                yield (*where, priority), f"not one of the priorities; {_RULE_3}"
    grace = service.reclassify_grace or (draft.defaults.reclassify_grace if draft.defaults else "0%")
    if grace.endswith("%"):
        for priority, times in service.targets.items():
            for metric in ("response", "action"):
                target = parse_duration(getattr(times, metric))
                if not target.share(int(grace[:-1])).is_reachable:
                    yield (*where, priority, metric), f"the grace of {grace} of it is more than ten years"


def _calendar_problems(draft: _Draft, name: str, part: CalendarPart) -> Iterator[Problem]:
    where = ("calendars", name)
    yield from _overlaps(where, part)
    if not any((*part.week.values(), *part.days.values())) and draft.sound(*where, "week"):
        yield (*where, "week"), "the calendar is never open"
    if name == "always" and draft.sound(*where) and not _is_24x7(part):
        yield where, "always is reserved: it is 24x7"
    if draft.sound(*where, "holidays"):
        yield from holiday_problems((*where, "holidays"), part.holidays)


def _is_24x7(part: CalendarPart) -> bool:
    """Tell whether it never closes, however that is written."""
    days = [
        [window for key, windows in part.week.items() if n in week_days(key) for window in windows] for n in range(7)
    ]
    minutes = [sorted(window_minutes(window) for window in windows) for windows in [*days, *part.days.values()]]
    whole = all(
        spans and spans[0][0] == 0 and spans[-1][1] == _DAY_MINUTES and all(a[1] == b[0] for a, b in pairwise(spans))
        for spans in minutes
    )
    return whole and part.holidays.country is None


def _overlaps(where: Where, part: CalendarPart) -> Iterator[Problem]:
    """Yield what overlaps within one day; different keys may name the same weekday."""
    of_weekday: dict[int, list[tuple[int, int, str]]] = {}
    for key, windows in part.week.items():
        for number in week_days(key):
            of_weekday.setdefault(number, []).extend((*window_minutes(w), key) for w in windows)
    for key in sorted({key for spans in of_weekday.values() for key in _overlapping(spans)}):
        yield (*where, "week", key), "windows overlap"
    for day, windows in part.days.items():
        for _ in _overlapping([(*window_minutes(w), "") for w in windows]):
            yield (*where, "days", str(day)), "windows overlap"


def _overlapping(spans: Sequence[tuple[int, int, str]]) -> Iterator[str]:
    return (b[2] for a, b in pairwise(sorted(spans)) if b[0] < a[1])
