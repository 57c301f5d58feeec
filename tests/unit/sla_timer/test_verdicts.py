"""Verdicts by the rows of the semantics: what ``assess`` prints. Thursday 2026-03-05; business is Mon-Fri 07:00-19:00.

triage: urgent 1h/4h, high 2h/8h, medium 1bd/5bd (1bd = 12h), low 3bd/15d. Numbers are those of the edge cases.
"""

import random
from pathlib import Path
from typing import Any

import pytest

from tests.unit.sla_timer.desk import WAITING, Said, catalog, journal, lines, local, opened
from tests.unit.sla_timer.table_changes import CHANGES, EMERGENCIES
from tests.unit.sla_timer.table_life import LIFE
from tests.unit.sla_timer.table_pauses import PAUSES
from tests.unit.sla_timer.table_versions import HOLIDAY, VERSIONS

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


@pytest.mark.parametrize("ends", [[("resolved", "03-05 17:00"), ("reopened", "03-06 08:00")], []])
def test_44_a_clock_that_had_ended_when_a_version_came_gets_the_next_one(tmp_path: Path, ends: list[Said]) -> None:
    scope: list[Said] = [
        ("reclassified", "03-05 17:00", {"scope": "out_of_scope"}),
        ("reclassified", "03-06 08:00", {"scope": "in_scope"}),
    ]
    later = {"applies_to": "open", "services__triage__targets__urgent": {"response": "1h", "action": "12h"}}
    versions = [
        catalog(tmp_path),
        catalog(tmp_path, "t2", "2026-03-05 18:00", applies_to="open"),
        catalog(tmp_path, "t3", "2026-03-06 09:00", **later),
    ]
    before = lines(versions, "03-06 08:30", journal(opened("03-05 16:00"), *(ends or scope)))
    assert before["action"]["catalog"] == "t1"
    after = lines(versions, "03-06 09:30", journal(opened("03-05 16:00"), *(ends or scope)))
    assert (after["action"]["catalog"], after["action"]["target_seconds"]) == ("t3", 12 * 3600)


def test_44_a_reopening_at_the_effective_instant_is_judged_by_the_limit_of_the_old_version(tmp_path: Path) -> None:
    scope = {"scope": "out_of_scope"}
    versions = [
        catalog(tmp_path),
        catalog(tmp_path, "t2", "2026-03-06 12:00", applies_to="open", defaults__reopen_within="1h"),
    ]
    said: list[Said] = [opened("03-05 16:00", **scope), ("resolved", "03-05 17:00"), ("reopened", "03-06 12:00")]
    assert set(lines(versions, "03-06 12:30", journal(*said))) == {"response"}
    said[-1] = ("reopened", "03-06 12:00:01")
    assert set(lines(versions, "03-06 12:30", journal(*said))) == {"response", "response2"}


def test_14_the_clients_place_decides_nothing(tmp_path: Path) -> None:
    versions = [catalog(tmp_path)]
    here = lines(versions, "03-05 09:00", journal(opened()))
    there = lines(versions, "03-05 09:00", journal(opened(client_id="acre", note="America/Rio_Branco")))
    assert here == there


def test_11_a_holiday_of_the_clients_municipality_changes_nothing_the_desks_does(tmp_path: Path) -> None:
    said = [opened("03-05 18:00", client_id="salvador")]
    plain = lines([catalog(tmp_path)], "03-06 09:00", journal(*said))
    bahia = {"zone": "America/Bahia", "day": "12h", "week": {"mon-fri": ["07:00-19:00"]}, "days": {"2026-03-06": []}}
    theirs = lines([catalog(tmp_path, "t2", calendars__bahia=bahia)], "03-06 09:00", journal(*said))
    desks = lines([catalog(tmp_path, "t3", **HOLIDAY)], "03-06 09:00", journal(*said))
    assert theirs["action"]["due_at"] == plain["action"]["due_at"] != desks["action"]["due_at"]


def test_50_a_journal_of_10_000_events(tmp_path: Path) -> None:
    said: list[Said] = [opened(priority="low")]
    for n in range(2500):
        at = f"03-05 08:{n // 60 % 60:02}:{n % 60:02}"
        said += [("paused", at, WAITING), ("responded", at, {"automatic": True}), ("assigned", at, {"assignee": "a"})]
        said += [("reclassified", at, {"priority": ["high", "low"][n % 2]})]
    found = lines([catalog(tmp_path)], "03-05 12:00", journal(*said))
    assert found["action"]["state"] == "paused"
