"""Verdicts by the rows of the semantics: what ``assess`` prints. Thursday 2026-03-05; business is Mon-Fri 07:00-19:00.

triage: urgent 1h/4h, high 2h/8h, medium 1bd/5bd (1bd = 12h), low 3bd/15d. Numbers are those of the edge cases.
"""

import random
from pathlib import Path
from typing import Any

import pytest

from tests.unit.sla_timer.desk import Said, catalog, journal, lines, local

O = "opened"  # noqa: E741  # short, for the tables
Row = tuple[str, list[Said], str, dict[str, dict[str, Any]]]
URGENT, HIGH = {"priority": "urgent"}, {"priority": "high"}
WAITING = {"reason": "waiting_customer"}


def opened(at: str = "03-05 08:00", **data: Any) -> Said:
    """Return an opening, urgent unless said otherwise."""
    return O, at, {"priority": "urgent", **data}


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

TABLE = [*PAUSES, *LIFE, *CHANGES, *EMERGENCIES]
INSTANTS = {"due_at", "breached_at", "met_at", "counts_from"}


def seen(found: dict[str, dict[str, Any]], wanted: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return of ``found`` what ``wanted`` asks for, in local time."""
    return {
        key: {name: local(found[key][name]) if name in INSTANTS else found[key][name] for name in fields}
        for key, fields in wanted.items()
    }


@pytest.mark.parametrize(("case", "said", "at", "wanted"), TABLE, ids=[row[0] for row in TABLE])
def test_verdict(tmp_path: Path, case: str, said: list[Said], at: str, wanted: dict[str, dict[str, Any]]) -> None:
    versions = [catalog(tmp_path)]
    facts = list(journal(*said))
    found = lines(versions, at, facts)
    assert seen(found, wanted) == wanted, case
    if "coverage" in case or "32" in case:
        assert ("action" in found) == ("action" in wanted)
    random.Random(3).shuffle(facts)
    assert lines(versions, at, facts) == found


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


@pytest.mark.parametrize(
    ("case", "applies_to", "changes", "said", "at", "wanted"), VERSIONS, ids=[row[0] for row in VERSIONS]
)
def test_verdict_of_versions(
    tmp_path: Path,
    case: str,
    applies_to: str,
    changes: dict[str, Any],
    said: list[Said],
    at: str,
    wanted: dict[str, dict[str, Any]],
) -> None:
    versions = [catalog(tmp_path), catalog(tmp_path, "t2", "2026-03-05 18:00", applies_to=applies_to, **changes)]
    assert seen(lines(versions, at, journal(*said)), wanted) == wanted, case


def test_45_a_holiday_removed_puts_a_deadline_into_the_past_and_dates_the_breach(tmp_path: Path) -> None:
    closed = catalog(tmp_path, **HOLIDAY)
    opened_again = catalog(tmp_path, "t2", "2026-03-06 12:00", applies_to="open")
    found = lines([closed, opened_again], "03-06 12:00", journal(opened("03-05 18:00")))
    assert seen(found, {"action": {"breached_at": "", "late_seconds": 0}})["action"] == {
        "breached_at": "03-06 10:00",
        "late_seconds": 7200,
    }


def test_14_the_clients_place_decides_nothing(tmp_path: Path) -> None:
    versions = [catalog(tmp_path)]
    here = lines(versions, "03-05 09:00", journal(opened()))
    there = lines(versions, "03-05 09:00", journal(opened(client_id="acre", note="America/Rio_Branco")))
    assert here == there


def test_50_a_journal_of_10_000_events(tmp_path: Path) -> None:
    said: list[Said] = [opened(priority="low")]
    for n in range(2500):
        at = f"03-05 08:{n // 60 % 60:02}:{n % 60:02}"
        said += [("paused", at, WAITING), ("responded", at, {"automatic": True}), ("assigned", at, {"assignee": "a"})]
        said += [("reclassified", at, {"priority": ["high", "low"][n % 2]})]
    found = lines([catalog(tmp_path)], "03-05 12:00", journal(*said))
    assert found["action"]["state"] == "paused"
