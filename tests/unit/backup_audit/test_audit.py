"""Slots, verdicts, whose fault, and what an outage asks for: as tables."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from services.backup_audit.domain.outage import Act, Progress, advance, onward
from services.backup_audit.domain.slots import last_slot, next_slot
from services.backup_audit.domain.verdict import (
    Fail,
    File,
    InProgress,
    Listing,
    NotDue,
    Observation,
    Pass,
    ProbeFailed,
    Receipt,
    Unreachable,
    judge,
)
from shared.clients import Clients, Routine


def at(text: str) -> datetime:
    """Return a UTC instant ``DD HH:MM`` of March 2026."""
    return datetime.strptime(f"2026-03-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=UTC)


ROUTINE = Routine(id="n", directory="/x", pattern="acme-*.dump", cron="0 2 * * *", zone="UTC")
SLOT = at("05 02:00")
GOOD = File("acme-1.dump", 100, at("05 02:40"))


def listing(*files: File, receipt: Receipt | None = None) -> Listing:
    """Return a healthy directory."""
    return Listing(files, receipt, 10**9)


VERDICTS: list[tuple[str, Observation, str, object]] = [
    ("there", listing(GOOD), "05 03:00", Pass(GOOD)),
    ("nothing yet", listing(), "05 03:29", NotDue()),
    ("nothing at all", listing(), "05 03:30", Fail("overdue", "unknown", 0.5, "no_file")),
    (
        "nothing and the routine says it failed",
        listing(receipt=Receipt(True, at("05 02:10"))),
        "05 03:30",
        Fail("overdue", "vendor", 0.95, "routine_failed"),
    ),
    (
        "an old failing receipt says nothing of this slot",
        listing(receipt=Receipt(True, at("04 02:10"))),
        "05 03:30",
        Fail("overdue", "unknown", 0.5, "no_file"),
    ),
    (
        "yesterday's file copied again",
        listing(File("acme-0.dump", 9, at("04 03:00"))),
        "05 03:30",
        Fail("overdue", "unknown", 0.5, "no_file"),
    ),
    (
        "another client's name",
        listing(File("other.dump", 9, at("05 02:30"))),
        "05 03:30",
        Fail("overdue", "unknown", 0.5, "no_file"),
    ),
    ("being written", listing(File("acme-1.dump.partial", 9, at("05 02:30"))), "05 03:00", InProgress()),
    (
        "left partial",
        listing(File("acme-1.dump.partial", 9, at("05 02:30"))),
        "05 03:30",
        Fail("incomplete", "unknown", 0.5, "short_or_partial", File("acme-1.dump.partial", 9, at("05 02:30"))),
    ),
    (
        "empty",
        listing(File("acme-1.dump", 0, at("05 02:30"))),
        "05 03:30",
        Fail("incomplete", "unknown", 0.5, "short_or_partial", File("acme-1.dump", 0, at("05 02:30"))),
    ),
    (
        "other size than the receipt",
        listing(GOOD, receipt=Receipt(False, at("05 02:41"), 101)),
        "05 03:30",
        Fail("incomplete", "unknown", 0.5, "short_or_partial", GOOD),
    ),
    (
        "there and the routine says afterwards that it failed",
        listing(GOOD, receipt=Receipt(True, at("05 02:41"))),
        "05 03:30",
        Fail("incomplete", "vendor", 0.9, "routine_failed", GOOD),
    ),
    (
        "there and the routine says in the same second that it failed",
        listing(GOOD, receipt=Receipt(True, GOOD.modified_at)),
        "05 03:30",
        Fail("incomplete", "vendor", 0.9, "routine_failed", GOOD),
    ),
    (
        "failed, and the routine may run again until it is expected",
        listing(GOOD, receipt=Receipt(True, at("05 02:41"))),
        "05 03:29",
        InProgress(),
    ),
    ("failed, then run again", listing(GOOD, receipt=Receipt(True, at("05 02:10"))), "05 03:30", Pass(GOOD)),
    (
        "the earlier slot's failure is written as this one begins",
        listing(receipt=Receipt(True, at("05 01:50"))),
        "05 03:29",
        NotDue(),
    ),
    (
        "the earlier slot's failure, then this one's file",
        listing(GOOD, receipt=Receipt(True, at("05 01:50"))),
        "05 03:00",
        Pass(GOOD),
    ),
    (
        "this slot's file beside the earlier slot's failure",
        listing(GOOD, receipt=Receipt(True, at("04 02:41"))),
        "05 03:00",
        Pass(GOOD),
    ),
    (
        "late but there",
        listing(File("acme-1.dump", 9, at("05 09:00"))),
        "05 09:01",
        Pass(File("acme-1.dump", 9, at("05 09:00"))),
    ),
    (
        "no permission",
        Unreachable("permission"),
        "05 02:10",
        Fail("directory_unreachable", "client", 0.9, "permission"),
    ),
    ("our probe hung", ProbeFailed("timeout"), "05 02:10", Fail("unverified", "vendor", 0.9, "timeout")),
]


@pytest.mark.parametrize(("seen", "now", "verdict"), [r[1:] for r in VERDICTS], ids=[r[0] for r in VERDICTS])
def test_a_slot_is_judged_by_what_was_seen(seen: Observation, now: str, verdict: object) -> None:
    assert judge(ROUTINE, SLOT, seen, at(now)) == verdict


def test_a_late_run_does_not_satisfy_the_next_slot() -> None:
    late = listing(File("acme-1.dump", 9, at("05 23:00")))
    assert judge(ROUTINE, at("06 02:00"), late, at("06 03:30")) == Fail("overdue", "unknown", 0.5, "no_file")


def test_slots_follow_the_zone_over_a_dst_change() -> None:
    berlin = ROUTINE.model_copy(update={"zone": "Europe/Berlin", "cron": "30 4 * * *"})
    assert next_slot(berlin, at("28 12:00")) == at("29 02:30")
    assert next_slot(berlin, at("27 12:00")) == at("28 03:30")
    assert last_slot(berlin, at("29 02:30")) == at("29 02:30")
    assert last_slot(berlin, at("29 02:29")) == at("28 03:30")


OVERDUE = Fail("overdue", "vendor", 0.95, "routine_failed")
AWAY = Fail("directory_unreachable", "client", 0.9, "permission")


def play(*steps: tuple[str, Any]) -> list[list[str]]:
    """Return the acts of each verdict in turn."""
    progress, said = Progress(SLOT), []
    for now, verdict in steps:
        progress, acts = advance(ROUTINE, progress, verdict, at(now))
        said.append([act.value for act in acts])
    return said


def test_an_overdue_backup_opens_one_ticket_and_recovery_resolves_it() -> None:
    assert play(("05 03:30", OVERDUE), ("05 03:31", OVERDUE), ("05 09:00", Pass(GOOD)), ("05 09:01", Pass(GOOD))) == [
        ["failed", "open_ticket"],
        [],
        ["verified", "recovered", "resolve_ticket"],
        [],
    ]


def test_a_clients_fault_pauses_the_ticket_after_one_grace_and_a_changed_attribution_resumes_it() -> None:
    steps = [("05 02:00", AWAY), ("05 02:29", AWAY), ("05 02:30", AWAY), ("05 03:30", OVERDUE), ("05 03:31", AWAY)]
    assert play(*steps) == [
        ["failed"],
        [],
        ["open_ticket", "pause_ticket"],
        ["failed", "resume_ticket"],
        ["failed", "pause_ticket"],
    ]


def test_a_failure_shorter_than_one_grace_opens_nothing() -> None:
    assert play(("05 02:10", AWAY), ("05 02:20", Pass(GOOD))) == [["failed"], ["verified", "recovered"]]


def test_every_slot_has_its_turn_after_an_absence_and_one_outage_is_one_ticket() -> None:
    now, progress, tickets = at("08 12:00"), Progress(SLOT), 0
    slots = []
    for _ in range(10):
        slots.append(progress.slot.day)
        progress, acts = advance(ROUTINE, progress, judge(ROUTINE, progress.slot, listing(), now), now)
        tickets += acts.count(Act.OPEN_TICKET)
        following = onward(ROUTINE, progress, now)
        if following == progress:
            break
        progress = following
    assert (slots, tickets) == ([5, 6, 7, 8], 1)


CLIENT: dict[str, Any] = {"id": "a", "name": "A", "modality": "in_house", "database": "postgresql"}
ROW: dict[str, Any] = {"id": "n", "directory": "/x", "cron": "0 2 * * *"}


@pytest.mark.parametrize(
    ("client", "said"),
    [
        ({**CLIENT, "database": "oracle", "routines": [ROW]}, "policy rule 10"),
        ({**CLIENT, "modality": "saas", "routines": [ROW]}, "policy rule 10"),
        ({**CLIENT, "routines": [{**ROW, "cron": "every night"}]}, "cron"),
        ({**CLIENT, "routines": [{**ROW, "directory": "relative"}]}, "directory"),
        ({**CLIENT, "routines": [{**ROW, "pattern": "../x"}]}, "not paths"),
        ({**CLIENT, "routines": [{**ROW, "grace": "soon"}]}, "a duration is"),
        ({**CLIENT, "routines": [ROW, ROW]}, "twice"),
    ],
)
def test_a_wrong_clients_file_is_refused(client: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Clients.model_validate({"clients": [client]})
    assert said in str(refused.value)


def test_every_client_has_somebody_responsible_for_its_backup() -> None:
    kinds = [("saas", "postgresql"), ("in_house", "postgresql"), ("in_house", "oracle")]
    clients = Clients.model_validate(
        {"clients": [{**CLIENT, "id": f"c{i}", "modality": m, "database": d} for i, (m, d) in enumerate(kinds)]}
    )
    assert [c.responsibility for c in clients.clients] == ["vendor_managed", "audited", "client_responsibility"]
    assert clients.clients[0].routines == ()
    assert ROUTINE.grace == timedelta(minutes=30)
