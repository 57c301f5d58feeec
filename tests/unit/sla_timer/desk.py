"""A desk for the tables of verdicts: one catalog with every kind of service, journals in few words, lines out."""

import copy
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from services.sla_timer.commands.report import line_of
from services.sla_timer.domain.assess import assess
from services.sla_timer.domain.journal import Fact, history
from shared.catalog import Catalogs, load
from tests.builders import CATALOG, catalog_file, facts, ticket_event, us

Said = tuple[str, str] | tuple[str, str, dict[str, Any]]
"""(type, local instant, data) of a ticket event; the year 2026 may be left out."""

Row = tuple[str, list[Said], str, dict[str, dict[str, Any]]]
"""(case, journal, local instant, what is printed by metric)"""

URGENT = {"priority": "urgent"}
WAITING = {"reason": "waiting_customer"}

_TIMES = {
    "urgent": {"response": "1h", "action": "4h"},
    "high": {"response": "2h", "action": "8h"},
    "medium": {"response": "1bd", "action": "5bd"},
    "low": {"response": "3bd", "action": "15d"},
}
_PAUSES = ["waiting_customer", "customer_infrastructure", "third_party"]
DESK: dict[str, Any] = {
    "calendars": {
        **CATALOG["calendars"],
        "long": {"zone": "America/Sao_Paulo", "day": "24h", "week": {"mon-sun": ["06:00-22:00"]}},
    },
    "priorities": list(_TIMES),
    "defaults": {
        "priority": "medium",
        "calendar": "business",
        "triage": "triage",
        "warnings": ["50%", "80%", "30m"],
        "reopen_within": "3d",
        "reclassify_grace": "100%",
        "action_met_by": "resolved",
        "pauses": {"response": [], "action": _PAUSES},
    },
    "services": {
        "triage": {"name": {"en": "Triage"}, "targets": _TIMES},
        "nfe": {
            "name": {"en": "NF-e"},
            "emergency": {"calendar": "always", "response": "30m", "action": "4h", "when": "window"},
            "targets": _TIMES,
        },
        "incident": {
            "name": {"en": "Incident"},
            "emergency": {"calendar": "always", "response": "30m", "action": "4h", "when": "always"},
            "targets": _TIMES,
        },
        "update": {
            "name": {"en": "Update"},
            "scheduling": "required",
            "schedule_within": "2bd",
            "targets": _TIMES,
        },
        "visit": {"name": {"en": "Visit"}, "action_met_by": "action_started", "calendar": "long", "targets": _TIMES},
        "strict": {"name": {"en": "Strict"}, "pauses": {"action": ["third_party"]}, "targets": _TIMES},
    },
}


def opened(at: str = "03-05 08:00", **data: Any) -> Said:
    """Return an opening, urgent unless said otherwise."""
    return "opened", at, {"priority": "urgent", **data}


def catalog(folder: Path, version: str = "t1", effective: str = "2000-01-01 00:00", **changes: Any) -> Path:
    """Write a version of the desk's catalog; dotted ``changes`` such as ``defaults__priority`` go into a copy of it."""
    made = copy.deepcopy(DESK)
    for path, value in changes.items():
        *way, last = path.split("__")
        part = made
        for step in way:
            part = part.setdefault(step, {})
        part[last] = value
    made |= {"version": version, "effective_from": f"{effective.replace(' ', 'T')}:00-03:00"}
    (folder / version).mkdir(exist_ok=True)
    return catalog_file(folder / version, **made)


def journal(*said: Said) -> Sequence[Fact]:
    """Return the facts of events that arrived when they happened."""
    events = [
        ticket_event(
            row[0], row[1] if row[1][:2] in ("19", "20") else f"2026-{row[1]}", **(row[2] if len(row) == 3 else {})
        )
        for row in said
    ]
    named = [event.model_copy(update={"id": f"{i}-{event.id}"}) for i, event in enumerate(events)]
    return facts(*named)


def lines(versions: Sequence[Path], at: str, journal_: Sequence[Fact]) -> dict[str, dict[str, Any]]:
    """Return what ``assess`` prints at a local instant, by metric (``action2`` is the action of cycle 2)."""
    at_us = us(at if at[:2] == "20" else f"2026-{at}")
    found = history(fact for fact in journal_ if fact.at_us <= at_us)
    assert found is not None
    clocks = assess(found, Catalogs([load(path) for path in versions]), at_us, breaching=True).clocks
    printed = [line_of("T1", clock, at_us) for clock in clocks]
    return {f"{p['metric']}{p['cycle'] if p['cycle'] > 1 else ''}": p for p in printed}


def local(text: str | None) -> str | None:
    """Return an instant of a line as a local ``MM-DD HH:MM[:SS]``."""
    if text is None:
        return None
    at = datetime.fromisoformat(text) - timedelta(hours=3)
    return at.strftime("%m-%d %H:%M:%S").removesuffix(":00")
