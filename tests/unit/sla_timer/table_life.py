"""Verdicts of answers, ends, reopenings and exemptions: rows (case, journal, instant, what is printed of each clock). See ``desk.py`` for the catalog."""

from tests.unit.sla_timer.desk import Row, opened

LIFE: list[Row] = [
    (
        "27 a response after the breach is late by counted seconds",
        [opened("03-05 18:30"), ("responded", "03-06 08:00", {"by": "ana"})],
        "03-06 09:00",
        {
            "response": {
                "verdict": "breached",
                "state": "done",
                "breached_at": "03-06 07:30",
                "met_at": "03-06 08:00",
                "late_seconds": 1800,
                "elapsed_seconds": 5400,
                "remaining_seconds": -1800,
            }
        },
    ),
    (
        "28 a bot's answer is no response",
        [opened(), ("responded", "03-05 08:10", {"automatic": True})],
        "03-05 08:20",
        {"response": {"verdict": "open", "remaining_seconds": 2400}},
    ),
    (
        "29 opened by an agent on the phone starts responded",
        [opened(channel="phone", responded=True)],
        "03-05 09:00",
        {"response": {"verdict": "met", "met_at": "03-05 08:00", "elapsed_seconds": 0, "due_at": "03-05 09:00"}},
    ),
    (
        "a person's resolution without an answer meets the response",
        [opened(), ("resolved", "03-05 08:30", {"by": "ana"})],
        "03-05 09:00",
        {"response": {"verdict": "met", "met_at": "03-05 08:30"}, "action": {"verdict": "met"}},
    ),
    (
        "a robot that closes everything does not hide that nobody answered",
        [opened(), ("resolved", "03-05 08:30", {"automatic": True})],
        "03-05 09:30",
        {"response": {"verdict": "breached", "state": "running"}, "action": {"verdict": "met", "state": "done"}},
    ),
    (
        "a recovered system ticket cancels the open response",
        [opened(channel="system"), ("resolved", "03-05 08:30", {"automatic": True})],
        "03-05 09:30",
        {"response": {"verdict": "cancelled", "met_at": None, "due_at": "03-05 09:00"}, "action": {"verdict": "met"}},
    ),
    (
        "30 reopened soon: the action goes on, the closed span is a pause, the response stays met",
        [opened(), ("resolved", "03-05 10:00"), ("reopened", "03-06 10:00")],
        "03-06 11:00",
        {
            "action": {"state": "running", "verdict": "open", "elapsed_seconds": 10800, "due_at": "03-06 12:00"},
            "response": {"verdict": "breached", "met_at": "03-05 10:00"},
        },
    ),
    (
        "30 reopened exactly reopen_within after the resolution",
        [opened(), ("resolved", "03-05 10:00"), ("reopened", "03-08 10:00")],
        "03-08 11:00",
        {"action": {"state": "running", "elapsed_seconds": 7200, "due_at": "03-09 09:00"}},
    ),
    (
        "30 reopened days later: a new cycle of both clocks",
        [opened(), ("resolved", "03-05 10:00"), ("reopened", "03-08 10:00:01")],
        "03-09 07:30",
        {
            "action": {"verdict": "met", "state": "done"},
            "action2": {"verdict": "open", "due_at": "03-09 11:00", "elapsed_seconds": 1800},
            "response2": {"verdict": "open", "due_at": "03-09 08:00"},
        },
    ),
    (
        "30 closed by an auto-close timer: the resolution counts",
        [opened(), ("responded", "03-05 08:30"), ("resolved", "03-05 11:00", {"automatic": True})],
        "03-06 11:00",
        {"action": {"verdict": "met", "met_at": "03-05 11:00"}},
    ),
    (
        "30 reopened with nothing left: breached at its deadline, the closed span is not late time",
        [opened(), ("resolved", "03-05 12:00"), ("reopened", "03-05 15:00")],
        "03-05 16:00",
        {"action": {"verdict": "breached", "breached_at": "03-05 12:00", "late_seconds": 3600}},
    ),
    (
        "a new cycle cancels what is still open of the old one",
        [opened(), ("resolved", "03-05 08:30", {"automatic": True}), ("reopened", "03-09 08:00")],
        "03-09 08:10",
        {"response": {"verdict": "breached", "state": "done", "met_at": None}, "response2": {"verdict": "open"}},
    ),
    (
        "reclassified while closed: the reopened action has the new target",
        [
            opened(),
            ("resolved", "03-05 10:00"),
            ("reclassified", "03-05 11:00", {"priority": "high"}),
            ("reopened", "03-05 12:00"),
        ],
        "03-05 13:00",
        {"action": {"due_at": "03-05 18:00", "elapsed_seconds": 10800, "target_seconds": 28800}},
    ),
    (
        "out of scope while closed: the reopened action is cancelled",
        [
            opened(),
            ("resolved", "03-05 10:00"),
            ("reclassified", "03-05 11:00", {"scope": "out_of_scope"}),
            ("reopened", "03-05 12:00"),
        ],
        "03-05 13:00",
        {"action": {"verdict": "cancelled", "elapsed_seconds": 7200}},
    ),
    (
        "an appointment that the client moved while the ticket was closed",
        [
            opened(service="update"),
            ("scheduled", "03-05 09:00", {"starts_at": "2026-03-09T10:00:00-03:00"}),
            ("resolved", "03-05 10:00"),
            ("scheduled", "03-05 11:00", {"starts_at": "2026-03-10T10:00:00-03:00", "moved_by": "client"}),
            ("reopened", "03-05 12:00"),
        ],
        "03-05 13:00",
        {"action": {"due_at": "03-10 14:00", "state": "running"}},
    ),
    (
        "reopening an open ticket does nothing",
        [opened(), ("reopened", "03-05 09:00")],
        "03-05 10:00",
        {"action": {"elapsed_seconds": 7200, "cycle": 1}},
    ),
    (
        "32 moved out of scope: the action is cancelled, the response goes on",
        [opened(), ("reclassified", "03-05 08:30", {"scope": "out_of_scope"})],
        "03-05 08:40",
        {"action": {"verdict": "cancelled", "state": "done", "elapsed_seconds": 1800}, "response": {"verdict": "open"}},
    ),
    (
        "32 out of scope after the breach: it stands",
        [opened(), ("reclassified", "03-05 13:00", {"scope": "out_of_scope"})],
        "03-05 15:00",
        {"action": {"verdict": "breached", "state": "done", "late_seconds": 3600, "met_at": None}},
    ),
    (
        "32 in scope again: from the original start, due not before change + grace",
        [
            opened(),
            ("reclassified", "03-05 08:30", {"scope": "out_of_scope"}),
            ("reclassified", "03-05 11:00", {"scope": "in_scope"}),
        ],
        "03-05 11:00",
        {"action": {"verdict": "open", "due_at": "03-05 15:00", "elapsed_seconds": 10800, "remaining_seconds": 14400}},
    ),
    (
        "without coverage only the response is watched",
        [opened(coverage="none")],
        "03-05 08:40",
        {"response": {"verdict": "open"}},
    ),
    (
        "33 merged: the clocks are cancelled, an earlier breach stands",
        [opened(), ("merged", "03-05 10:00", {"into": "T2"})],
        "03-05 15:00",
        {"response": {"verdict": "breached", "state": "done"}, "action": {"verdict": "cancelled"}},
    ),
    (
        "33 merged exactly at the deadline acts before the breach",
        [opened(), ("merged", "03-05 09:00", {"into": "T2"})],
        "03-05 15:00",
        {"response": {"verdict": "cancelled"}, "action": {"verdict": "cancelled"}},
    ),
    (
        "36 spam cancelled",
        [opened(), ("cancelled", "03-05 08:05")],
        "03-05 15:00",
        {"response": {"verdict": "cancelled", "due_at": "03-05 09:00"}, "action": {"verdict": "cancelled"}},
    ),
    (
        "35 an exemption ends an open clock",
        [opened(), ("exempted", "03-05 08:30", {"metric": "action", "reason_code": "x", "approved_by": "b"})],
        "03-05 15:00",
        {
            "action": {
                "verdict": "exempted",
                "state": "done",
                "met_at": None,
                "breached_at": None,
                "elapsed_seconds": 1800,
            }
        },
    ),
    (
        "35 an exemption changes the verdict of a breach and keeps the facts",
        [
            opened(),
            ("resolved", "03-05 13:00"),
            ("exempted", "03-05 14:00", {"metric": "action", "reason_code": "x", "approved_by": "b"}),
        ],
        "03-05 15:00",
        {
            "action": {
                "verdict": "exempted",
                "breached_at": "03-05 12:00",
                "late_seconds": 3600,
                "met_at": "03-05 13:00",
            }
        },
    ),
    (
        "35 what was met in time stays met",
        [
            opened(),
            ("resolved", "03-05 11:00"),
            ("exempted", "03-05 14:00", {"metric": "action", "reason_code": "x", "approved_by": "b"}),
        ],
        "03-05 15:00",
        {"action": {"verdict": "met"}},
    ),
]
