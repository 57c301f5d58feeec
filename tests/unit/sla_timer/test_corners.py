"""Corners that an independent reading of the semantics found: each was judged otherwise once."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.sla_timer.desk import Row, catalog, journal, lines, opened
from tests.unit.sla_timer.test_verdicts import seen

OUT, IN = {"scope": "out_of_scope"}, {"scope": "in_scope"}


def on_day(hour: str) -> str:
    """Return an instant of Thursday 2026-03-05 in Brasília."""
    return f"2026-03-05T{hour}:00-03:00"


CORNERS: list[Row] = [
    (
        "34 a move by the vendor does not take the grace of a clock that came back",
        [
            opened(service="update"),
            ("reclassified", "03-05 08:30", OUT),
            ("scheduled", "03-05 09:00", {"starts_at": on_day("07:30")}),
            ("reclassified", "03-05 11:00", IN),
            ("scheduled", "03-05 11:30", {"starts_at": on_day("18:00"), "moved_by": "vendor"}),
        ],
        "03-05 11:45",
        {"action": {"due_at": "03-05 15:00", "verdict": "open"}},
    ),
    (
        "34 the grace of an appointment is a share of the appointment",
        [
            opened(priority="low"),
            ("scheduled", "03-05 08:30", {"starts_at": on_day("11:00"), "ends_at": on_day("12:00")}),
            ("reclassified", "03-05 10:30", {"service": "update"}),
        ],
        "03-05 10:45",
        {"action": {"due_at": "03-05 12:00", "target_seconds": 3600}},
    ),
    (
        "32 the closed span is no time of a clock that comes into being after the reopening",
        [
            opened(scope="out_of_scope"),
            ("resolved", "03-05 09:00"),
            ("reopened", "03-05 12:00"),
            ("reclassified", "03-05 13:00", IN),
        ],
        "03-05 14:00",
        {"action": {"elapsed_seconds": 3 * 3600}},
    ),
    (
        "32 what is in scope again while closed is watched from the reopening on",
        [
            opened(scope="out_of_scope"),
            ("resolved", "03-05 09:00"),
            ("reclassified", "03-05 10:00", IN),
            ("reopened", "03-05 12:00"),
        ],
        "03-05 12:30",
        {"action": {"due_at": "03-05 16:00", "state": "running", "elapsed_seconds": 5400}},
    ),
]


@pytest.mark.parametrize(("case", "said", "at", "wanted"), CORNERS, ids=[row[0] for row in CORNERS])
def test_corner(tmp_path: Path, case: str, said: Any, at: str, wanted: dict[str, dict[str, Any]]) -> None:
    assert seen(lines([catalog(tmp_path)], at, journal(*said)), wanted) == wanted, case


def test_44_a_clock_that_a_version_drops_while_paused_has_the_due_date_it_had(tmp_path: Path) -> None:
    pausing: dict[str, Any] = {"defaults__pauses": {"scheduling": ["third_party"]}}
    pausing |= {"services__update__schedule_within": "8h"}
    old = catalog(tmp_path, **pausing)
    new = catalog(tmp_path, "t2", "2026-03-06 12:00", applies_to="open", services__update__schedule_within=None)
    said = journal(opened("03-05 17:00", service="update"), ("paused", "03-05 18:00", {"reason": "third_party"}))
    wanted = {"scheduling": {"state": "done", "verdict": "cancelled", "due_at": "03-06 19:00"}}
    assert seen(lines([old, new], "03-06 13:00", said), wanted) == wanted


@pytest.mark.parametrize("end", ["merged", "resolved", "cancelled"])
def test_44_a_version_brings_no_clock_to_a_ticket_that_has_ended(tmp_path: Path, end: str) -> None:
    old = catalog(tmp_path, services__update__schedule_within=None)
    new = catalog(tmp_path, "t2", "2026-03-06 12:00", applies_to="open")
    data = {"into": "OTHER"} if end == "merged" else {}
    said = journal(opened("03-05 08:00", service="update"), (end, "03-05 09:00", data))
    assert "scheduling" not in lines([old, new], "03-06 13:00", said)
    assert "scheduling" in lines([old, new], "03-06 13:00", said[:1])
