"""Verdicts of several versions of the catalog: rows (case, journal, instant, what is printed of each clock). See ``desk.py`` for the catalog."""

from typing import Any

from tests.unit.sla_timer.desk import WAITING, Said, opened

HOLIDAY: dict[str, Any] = {"calendars__business__days": {"2026-03-06": []}}
SHORTER = {"services__triage__targets__urgent": {"response": "30m", "action": "2h"}}
VERSIONS: list[tuple[str, str, dict[str, Any], list[Said], str, dict[str, dict[str, Any]]]] = [
    (
        "44 a new version leaves open clocks alone unless it says otherwise",
        "new",
        SHORTER,
        [opened("03-05 17:00")],
        "03-05 18:30",
        {"response": {"due_at": "03-05 18:00", "catalog": "t1"}, "action": {"due_at": "03-06 09:00", "catalog": "t1"}},
    ),
    (
        "44 an opening at the effective instant gets the new one",
        "new",
        SHORTER,
        [opened("03-05 18:00")],
        "03-05 18:10",
        {"response": {"due_at": "03-05 18:30", "catalog": "t2"}},
    ),
    (
        "44 applies_to open judges open clocks anew, their whole journal",
        "open",
        SHORTER,
        [opened("03-05 17:30"), ("paused", "03-05 17:45", WAITING), ("resumed", "03-05 18:15", WAITING)],
        "03-05 18:30",
        {
            "response": {"due_at": "03-05 18:00", "verdict": "breached", "catalog": "t2"},
            "action": {"due_at": "03-06 08:00", "catalog": "t2", "elapsed_seconds": 1800},
        },
    ),
    (
        "44 a clock that breached by then, or ended, keeps its version",
        "open",
        SHORTER,
        [opened("03-05 17:00"), ("resolved", "03-05 17:30")],
        "03-05 18:30",
        {"response": {"verdict": "met", "catalog": "t1"}, "action": {"verdict": "met", "catalog": "t1"}},
    ),
    (
        "44 a breach at the effective instant is a breach of the old version",
        "open",
        SHORTER,
        [opened("03-05 17:00")],
        "03-05 18:30",
        {
            "response": {"breached_at": "03-05 18:00", "catalog": "t1"},
            "action": {"due_at": "03-05 19:00", "catalog": "t2"},
        },
    ),
    (
        "45 a holiday added late",
        "open",
        HOLIDAY,
        [opened("03-05 18:00")],
        "03-05 18:30",
        {"action": {"due_at": "03-09 10:00", "catalog": "t2"}},
    ),
]
