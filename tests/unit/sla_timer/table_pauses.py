"""Verdicts of pauses: rows (case, journal, instant, what is printed of each clock). See ``desk.py`` for the catalog."""

from tests.unit.sla_timer.desk import WAITING, Row, opened

PAUSES: list[Row] = [
    (
        "16 a pause wholly outside hours costs nothing",
        [opened("03-05 17:00"), ("paused", "03-05 19:00", WAITING), ("resumed", "03-06 06:00", WAITING)],
        "03-06 06:30",
        {"action": {"due_at": "03-06 09:00", "elapsed_seconds": 7200, "state": "running"}},
    ),
    (
        "17 a pause over a weekend costs only business time",
        [opened("03-06 17:00"), ("paused", "03-06 18:00", WAITING), ("resumed", "03-09 08:00", WAITING)],
        "03-09 09:00",
        {"action": {"due_at": "03-09 11:00", "elapsed_seconds": 7200}},
    ),
    (
        "18 overlapping reasons are united",
        [
            opened(),
            ("paused", "03-05 09:00", WAITING),
            ("paused", "03-05 09:30", {"reason": "third_party"}),
            ("resumed", "03-05 10:00", WAITING),
            ("resumed", "03-05 10:30", {"reason": "third_party"}),
        ],
        "03-05 11:00",
        {"action": {"due_at": "03-05 13:30", "elapsed_seconds": 5400}},
    ),
    (
        "19 a pause of seconds",
        [opened(), ("paused", "03-05 09:00:10", WAITING), ("resumed", "03-05 09:00:27", WAITING)],
        "03-05 10:00",
        {"action": {"due_at": "03-05 12:00:17", "elapsed_seconds": 7183}},
    ),
    (
        "20 nothing pauses the response by default",
        [opened(), ("paused", "03-05 08:10", WAITING)],
        "03-05 09:00",
        {
            "response": {"verdict": "breached", "breached_at": "03-05 09:00", "late_seconds": 0},
            "action": {"state": "paused", "due_at": None, "remaining_seconds": 4 * 3600 - 600},
        },
    ),
    (
        "21 opened while paused: a pause dated before the opening begins at it",
        [("paused", "03-05 07:30", WAITING), opened(), ("resumed", "03-05 09:00", WAITING)],
        "03-05 09:00",
        {"action": {"due_at": "03-05 13:00", "elapsed_seconds": 0}},
    ),
    (
        "21 before the opening, pause and resume in their own order leave nothing",
        [("paused", "03-05 07:00", WAITING), ("resumed", "03-05 07:30", WAITING), opened()],
        "03-05 09:00",
        {"action": {"due_at": "03-05 12:00", "elapsed_seconds": 3600}},
    ),
    (
        "22 paused, then resolved directly",
        [opened(), ("paused", "03-05 09:00", WAITING), ("resolved", "03-05 18:00")],
        "03-06 09:00",
        {
            "action": {
                "verdict": "met",
                "elapsed_seconds": 3600,
                "remaining_seconds": 10800,
                "due_at": "03-06 09:00",
                "met_at": "03-05 18:00",
            }
        },
    ),
    (
        "23 a resume without a pause, a pause twice, a resume lost",
        [
            opened(),
            ("resumed", "03-05 08:10"),
            ("paused", "03-05 09:00", WAITING),
            ("paused", "03-05 09:30", WAITING),
        ],
        "03-05 18:00",
        {"action": {"state": "paused", "due_at": None, "elapsed_seconds": 3600, "verdict": "open"}},
    ),
    (
        "24 a pause after the breach stops the lateness and nothing else",
        [opened(), ("paused", "03-05 13:00", WAITING), ("resumed", "03-05 14:00", WAITING)],
        "03-05 15:00",
        {
            "action": {
                "verdict": "breached",
                "breached_at": "03-05 12:00",
                "late_seconds": 7200,
                "due_at": "03-05 12:00",
            }
        },
    ),
    (
        "24 a breached clock may be paused and keeps its due date",
        [opened(), ("paused", "03-05 13:00", WAITING)],
        "03-05 15:00",
        {"action": {"verdict": "breached", "state": "paused", "due_at": "03-05 12:00", "remaining_seconds": -3600}},
    ),
    (
        "25 a pause that starts exactly at the deadline",
        [opened(), ("paused", "03-05 12:00", WAITING)],
        "03-05 15:00",
        {"action": {"verdict": "breached", "breached_at": "03-05 12:00", "late_seconds": 0}},
    ),
    (
        "25 a pause one second before the deadline",
        [opened(), ("paused", "03-05 11:59:59", WAITING)],
        "03-05 15:00",
        {"action": {"verdict": "open", "remaining_seconds": 1}},
    ),
    (
        "a pause and a resume of one instant leave a paused clock paused",
        [
            opened(),
            ("paused", "03-05 09:00", WAITING),
            ("resumed", "03-05 10:00", WAITING),
            ("paused", "03-05 10:00", WAITING),
        ],
        "03-05 11:00",
        {"action": {"state": "paused", "elapsed_seconds": 3600}},
    ),
    (
        "a resume of all ends the pause that begins at its instant",
        [opened(), ("paused", "03-05 09:00", WAITING), ("resumed", "03-05 09:00")],
        "03-05 11:00",
        {"action": {"state": "running", "elapsed_seconds": 3 * 3600}},
    ),
    (
        "a pause that begins while closed counts from the reopening",
        [
            opened(),
            ("resolved", "03-05 09:00"),
            ("paused", "03-05 09:30", WAITING),
            ("reopened", "03-05 10:00"),
            ("resumed", "03-05 11:00", WAITING),
        ],
        "03-05 11:30",
        {"action": {"state": "running", "elapsed_seconds": 5400, "due_at": "03-05 14:00"}},
    ),
    (
        "each second is paused by the table in force at it",
        [
            opened(),
            ("paused", "03-05 09:00", WAITING),
            ("reclassified", "03-05 10:00", {"service": "strict"}),
            ("reclassified", "03-05 11:00", {"service": "triage"}),
            ("resumed", "03-05 11:30", WAITING),
        ],
        "03-05 11:30",
        {"action": {"elapsed_seconds": 7200, "due_at": "03-05 13:30"}},
    ),
]
