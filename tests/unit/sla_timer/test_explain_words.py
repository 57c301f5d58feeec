"""What people ask of an explanation is in it: exemptions, emergencies, versions, scope, pauses that cost nothing."""

import pytest

from services.sla_timer.commands.explain import text
from services.sla_timer.domain.assess import assess
from services.sla_timer.domain.journal import history
from services.sla_timer.domain.story import stories
from shared.catalog import Catalogs
from tests.builders import us
from tests.unit.sla_timer.desk import WAITING, Said, journal, opened
from tests.unit.sla_timer.test_explain import two_versions, versions

__all__ = ["two_versions", "versions"]


def explained(catalogs: Catalogs, at: str, *said: Said) -> list[str]:
    """Return the English explanation of a journal, without blanks that only align."""
    found, at_us = history(journal(*said)), us(f"2026-{at}")
    assert found is not None
    assessment = assess(found, catalogs, at_us, breaching=True)
    return [
        " ".join(line.split())
        for line in text("T1", assessment, list(stories(assessment, catalogs, at_us)), "en", at_us)
    ]


EXEMPTION = {"metric": "action", "reason_code": "storm", "approved_by": "bia"}
OUT = {"scope": "out_of_scope", "scope_reason": "tax advice"}
SAYS: list[tuple[str, list[Said], str, list[str]]] = [
    (
        "what the catalog does not know",
        [opened(service="nobody", priority="odd")],
        "03-05 08:10",
        ["The catalog does not know the service nobody: it is timed as triage.", "does not know the priority odd"],
    ),
    (
        "late, resolved, then exempted",
        [opened(), ("resolved", "03-05 13:00"), ("exempted", "03-05 18:30", EXEMPTION)],
        "03-05 19:00",
        ["ACTION: EXEMPTED by authorisation", "Thu 2026-03-05 18:30 EXEMPTED: storm, approved by bia"],
    ),
    ("an emergency by phone", [opened("03-07 10:00", service="nfe", channel="phone")], "03-07 10:10", ["EMERGENCY: opened by phone"]),
    ("always one", [opened(service="incident")], "03-05 08:10", ["EMERGENCY: this service always is one"]),
    ("a wish", [opened(service="nfe", emergency=True)], "03-05 08:10", ["the opening asked for an emergency, which decides nothing"]),
    ("out of scope", [opened(**OUT)], "03-05 08:10", ["Out of scope: only the response is timed: tax advice"]),
    (
        "put out of scope",
        [opened(scope_reason="bought"), ("reclassified", "03-05 08:05", {**OUT, "scope_reason": "a question about ICMS"})],
        "03-05 08:10",
        ["only the response is timed: a question about ICMS"],
    ),
    ("not covered", [opened(coverage="none")], "03-05 08:10", ["Not covered by a contract: only the response is timed"]),
    ("opened twice", [opened(), opened("03-05 08:05", title="again")], "03-05 08:10", ["more than one opening"]),
    ("older than the catalog", [opened("1999-12-31 10:00")], "03-05 08:10", ["older than every version of the catalog"]),
    ("merged", [opened(), ("merged", "03-05 08:30", {"into": "T9"})], "03-05 08:40", ["ticket merged into another: T9"]),
    (
        "a pause before the appointment",
        [
            opened(service="update"),
            ("scheduled", "03-05 08:30", {"starts_at": "2026-03-10T10:00:00-03:00"}),
            ("paused", "03-05 09:00", WAITING),
            ("resumed", "03-05 10:00", WAITING),
        ],
        "03-10 11:00",
        ["before the appointment, nothing to subtract"],
    ),
    (
        "a pause while nothing is counted",
        [opened(service="update"), ("paused", "03-05 09:00", WAITING), ("resumed", "03-05 10:00", WAITING)],
        "03-05 11:00",
        ["nothing is counted yet, nothing to subtract"],
    ),
    (
        "a pause at night",
        [opened(priority="medium"), ("paused", "03-05 20:00", WAITING), ("resumed", "03-05 21:00", WAITING)],
        "03-05 22:00",
        ["outside opening hours, nothing to subtract"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("said", "at", "wanted"), [row[1:] for row in SAYS], ids=[row[0] for row in SAYS])
def test_what_people_ask_is_said(versions: Catalogs, said: list[Said], at: str, wanted: list[str]) -> None:
    found = explained(versions, at, *said)
    assert [words for words in wanted if not any(words in line for line in found)] == []


def test_the_oldest_version_takes_nothing_over(versions: Catalogs) -> None:
    assert not any("takes over" in line for line in explained(versions, "03-05 08:10", opened("1999-12-31 10:00")))


def test_a_version_that_took_over_is_said(two_versions: Catalogs) -> None:
    found = explained(two_versions, "03-06 13:00", opened("03-06 11:30", priority="high"))
    assert sum("catalog t2 takes over: everything since the start is counted by it" in line for line in found) == 2


def test_one_business_day_is_one(versions: Catalogs) -> None:
    found = explained(versions, "03-05 08:10", opened(priority="medium"))
    assert any("12h = 1 business day, counted in business hours" in line for line in found)
