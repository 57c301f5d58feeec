"""Verdicts of changes, appointments and emergencies: rows (case, journal, instant, what is printed of each clock). See ``desk.py`` for the catalog."""

from tests.unit.sla_timer.desk import URGENT, WAITING, Row, opened

CHANGES: list[Row] = [
    (
        "31 up: due = min(old, max(new, change + grace))",
        [opened(priority="medium"), ("reclassified", "03-05 10:00", URGENT)],
        "03-05 10:00",
        {
            "response": {
                "due_at": "03-05 11:00",
                "target_seconds": 3600,
                "elapsed_seconds": 7200,
                "remaining_seconds": 3600,
            },
            "action": {"due_at": "03-05 14:00"},
        },
    ),
    (
        "31 an upgrade never gives more time than before",
        [opened(priority="high"), ("reclassified", "03-05 09:30", URGENT)],
        "03-05 09:30",
        {"response": {"due_at": "03-05 10:00"}, "action": {"due_at": "03-05 13:30"}},
    ),
    (
        "31 down: the new due date holds, from the original start",
        [opened(), ("reclassified", "03-05 08:30", {"priority": "medium"})],
        "03-05 10:00",
        {"response": {"due_at": "03-06 08:00", "verdict": "open"}},
    ),
    (
        "31 up, down, up",
        [
            opened(priority="medium"),
            ("reclassified", "03-05 09:00", URGENT),
            ("reclassified", "03-05 09:30", {"priority": "medium"}),
            ("reclassified", "03-05 11:00", URGENT),
        ],
        "03-05 11:30",
        {"response": {"due_at": "03-05 12:00", "verdict": "open"}},
    ),
    (
        "31 while paused: the grace is paused too",
        [
            opened(priority="medium"),
            ("paused", "03-05 09:00", WAITING),
            ("reclassified", "03-05 10:00", URGENT),
            ("resumed", "03-05 12:00", WAITING),
        ],
        "03-05 12:00",
        {"action": {"due_at": "03-05 16:00", "state": "running"}},
    ),
    (
        "31 after the breach nothing moves",
        [opened(), ("reclassified", "03-05 10:00", {"priority": "low"})],
        "03-05 11:00",
        {"response": {"verdict": "breached", "due_at": "03-05 09:00", "target_seconds": 3600, "late_seconds": 7200}},
    ),
    (
        "a change at the deadline acts before the breach",
        [opened(), ("reclassified", "03-05 09:00", {"priority": "medium"})],
        "03-05 10:00",
        {"response": {"verdict": "open", "due_at": "03-06 08:00"}},
    ),
    (
        "34 never made: the action is pending and the scheduling clock breaches",
        [opened(service="update")],
        "03-09 09:00",
        {
            "scheduling": {"verdict": "breached", "breached_at": "03-09 08:00"},
            "action": {
                "state": "pending",
                "verdict": "open",
                "counts_from": None,
                "due_at": None,
                "remaining_seconds": 14400,
            },
        },
    ),
    (
        "34 an appointment: the action counts from it",
        [opened(service="update"), ("scheduled", "03-05 09:00", {"starts_at": "2026-03-09T10:00:00-03:00"})],
        "03-06 09:00",
        {
            "scheduling": {"verdict": "met", "met_at": "03-05 09:00"},
            "action": {"state": "running", "due_at": "03-09 14:00", "elapsed_seconds": 0, "remaining_seconds": 14400},
        },
    ),
    (
        "34 an appointment with an end is due at it, on the 24x7 line",
        [
            opened(service="update"),
            (
                "scheduled",
                "03-05 09:00",
                {"starts_at": "2026-03-07T22:00:00-03:00", "ends_at": "2026-03-08T02:00:00-03:00"},
            ),
        ],
        "03-08 00:00",
        {"action": {"due_at": "03-08 02:00", "elapsed_seconds": 7200, "remaining_seconds": 7200, "calendar": "always"}},
    ),
    (
        "34 moved by the client: the due moves",
        [
            opened(service="update"),
            ("scheduled", "03-05 09:00", {"starts_at": "2026-03-09T10:00:00-03:00"}),
            ("scheduled", "03-06 09:00", {"starts_at": "2026-03-10T10:00:00-03:00", "moved_by": "client"}),
        ],
        "03-06 10:00",
        {"action": {"due_at": "03-10 14:00"}},
    ),
    (
        "34 moved by the vendor: it stays",
        [
            opened(service="update"),
            ("scheduled", "03-05 09:00", {"starts_at": "2026-03-09T10:00:00-03:00"}),
            ("scheduled", "03-06 09:00", {"starts_at": "2026-03-10T10:00:00-03:00", "moved_by": "vendor"}),
        ],
        "03-06 10:00",
        {"action": {"due_at": "03-09 14:00"}},
    ),
    (
        "34 an appointment and a change to a scheduled service, both while closed: the change is an upgrade with its grace",
        [
            opened(),
            ("resolved", "03-05 08:30"),
            ("scheduled", "03-05 09:00", {"starts_at": "2026-03-04T07:00:00-03:00"}),
            ("reclassified", "03-05 09:30", {"service": "update"}),
            ("reopened", "03-05 10:00"),
        ],
        "03-05 10:30",
        {"action": {"verdict": "open", "due_at": "03-05 13:30"}},
    ),
    (
        "34 a pause before the appointment costs nothing, a later one is subtracted",
        [
            opened(service="update"),
            ("scheduled", "03-05 09:00", {"starts_at": "2026-03-09T10:00:00-03:00"}),
            ("paused", "03-06 09:00", WAITING),
            ("resumed", "03-09 11:00", WAITING),
        ],
        "03-09 12:00",
        {"action": {"due_at": "03-09 15:00", "elapsed_seconds": 3600}},
    ),
]

EMERGENCIES: list[Row] = [
    (
        "a call in the emergency window runs on the 24x7 calendar",
        [opened("03-06 19:00", service="nfe", channel="phone")],
        "03-06 19:10",
        {"response": {"due_at": "03-06 19:30", "calendar": "always"}, "action": {"due_at": "03-06 23:00"}},
    ),
    (
        "in the overlap 07:00-07:59 business targets apply",
        [opened("03-06 07:00", service="nfe", channel="phone")],
        "03-06 07:10",
        {"response": {"due_at": "03-06 08:00", "calendar": "business"}},
    ),
    (
        "a mail at night waits for the opening",
        [opened("03-06 19:00", service="nfe", channel="email", emergency=True)],
        "03-06 19:10",
        {"response": {"due_at": "03-09 08:00", "counts_from": "03-09 07:00"}},
    ),
    (
        "an agent's word decides: a call about an open business ticket",
        [opened("03-06 18:50", service="nfe"), ("reclassified", "03-06 19:00", {"emergency": True})],
        "03-06 19:10",
        {"response": {"due_at": "03-06 19:30"}, "action": {"due_at": "03-06 23:00"}},
    ),
    (
        "a service whose emergency is always",
        [opened("03-07 10:00", service="incident", channel="system")],
        "03-07 10:10",
        {"response": {"due_at": "03-07 10:30"}},
    ),
    (
        "an unknown service is timed as triage, an unknown priority as the default",
        [opened(service="nobody", priority="odd")],
        "03-05 09:00",
        {"response": {"due_at": "03-06 08:00"}},
    ),
    (
        "15d is real time on the 24x7 line",
        [opened(priority="low")],
        "03-05 09:00",
        {"action": {"due_at": "03-20 08:00", "calendar": "always"}, "response": {"due_at": "03-10 08:00"}},
    ),
    (
        "39 an action met by the start of work",
        [opened(service="visit"), ("action_started", "03-05 09:00", {"by": "ana"})],
        "03-05 10:00",
        {"action": {"verdict": "met", "met_at": "03-05 09:00", "calendar": "long"}},
    ),
]
