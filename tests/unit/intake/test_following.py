"""The fold of a ticket's events into what the desk shows, and the last word on a clock. Tables of given and then."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from services.intake.domain.following import RANK, ClockWord, Happened, Ticket, fold, hear
from shared.events import MODELS

START = datetime(2026, 3, 5, 11, tzinfo=UTC)


def at(minutes: int) -> datetime:
    """Return an instant of the story."""
    return START + timedelta(minutes=minutes)


def happened(minutes: int, type_: str, **data: Any) -> Happened:
    """Return one event of the ticket T."""
    name = f"ticket.{type_}"
    if type_ == "opened":
        data = {"service": "triage", "channel": "email", "title": "t", **data}
    model = MODELS[name].model_fields["data"].annotation
    assert model is not None
    made = model(ticket_id="T", **data)
    return Happened(at(minutes), RANK[name], "test", f"{type_}{minutes}{data.get('reason', '')}", made)


def row(**changes: Any) -> Ticket:
    """Return the ticket as it was opened, but for ``changes``."""
    return Ticket(
        **{"ticket_id": "T", "opened_at": START, "channel": "email", "service": "triage", "title": "t", **changes}
    )


OPENED = happened(0, "opened")
PAUSED = happened(1, "paused", reason="third_party")
STORIES: list[tuple[str, Sequence[Happened], Ticket]] = [
    ("opened", [OPENED], row()),
    ("opened while speaking", [happened(0, "opened", responded=True)], row(responded_at=START)),
    ("assigned twice", [OPENED, happened(1, "assigned", assignee="a"), happened(2, "assigned", assignee="b")], row(assignee="b")),
    ("a machine's answer is none", [OPENED, happened(1, "responded", automatic=True)], row()),
    ("the first answer counts", [OPENED, happened(1, "responded"), happened(2, "responded")], row(responded_at=at(1))),
    ("paused for two reasons", [OPENED, PAUSED, happened(2, "paused", reason="waiting_customer")], row(pauses=("third_party", "waiting_customer"))),
    ("one pause ended", [OPENED, PAUSED, happened(2, "paused", reason="waiting_customer"), happened(3, "resumed", reason="third_party")], row(pauses=("waiting_customer",))),
    ("every pause ended", [OPENED, PAUSED, happened(3, "resumed")], row()),
    ("a pause and a resume at one instant", [OPENED, PAUSED, happened(1, "resumed", reason="third_party")], row()),
    ("resolved by a person is answered", [OPENED, PAUSED, happened(2, "resolved")], row(state="resolved", closed_at=at(2), responded_at=at(2))),
    ("resolved by a machine is not", [OPENED, happened(2, "resolved", automatic=True)], row(state="resolved", closed_at=at(2))),
    ("reopened", [OPENED, happened(2, "resolved"), happened(3, "reopened")], row(responded_at=at(2))),
    ("merged", [OPENED, happened(2, "merged", into="U")], row(state="merged", merged_into="U", closed_at=at(2))),
    ("cancelled after the resolution", [OPENED, happened(2, "resolved", automatic=True), happened(3, "cancelled")], row(state="cancelled", closed_at=at(3))),
    ("reclassified", [OPENED, happened(1, "reclassified", service="x", emergency=False), happened(2, "reclassified", scope="out_of_scope")], row(service="x", emergency=False, scope="out_of_scope")),
    ("an appointment", [OPENED, happened(1, "scheduled", starts_at=at(90))], row(scheduled_at=at(90))),
    ("dated before the opening", [OPENED, happened(-5, "responded")], row(responded_at=START)),
    ("two openings", [happened(5, "opened", service="late"), OPENED], row()),
    ("U+0000", [happened(0, "opened", title="a\0b")], row(title="a\ufffdb")),
]  # fmt: skip


@pytest.mark.parametrize(("events", "expected"), [s[1:] for s in STORIES], ids=[s[0] for s in STORIES])
def test_a_ticket_is_the_fold_of_its_events_in_any_order(events: Sequence[Happened], expected: Ticket) -> None:
    assert {fold(order) for order in permutations(events)} == {expected}


def test_events_without_an_opening_are_no_ticket_and_act_on_one_that_is_known() -> None:
    assert fold([PAUSED]) is None
    assert fold([PAUSED], row(title="known")) == row(title="known", pauses=("third_party",))


def word(state: str, sequence: int = 1, **changes: Any) -> ClockWord:
    """Return a word on the clock."""
    return ClockWord(
        "T", "action", 1, state, START, changes.get("due_at", at(60)), 3600, changes.get("left", 3600), sequence
    )


def said(kind: str, sequence: int, **data: Any) -> Any:
    """Return the data of one event of sla.v1."""
    model = MODELS[f"sla.{kind}"].model_fields["data"].annotation
    assert model is not None
    shown = {"title": "t", "service": "s", "priority": "p", "emergency": False, "channel": "email", "assignee": None}
    summary = {**shown, "coverage": "unknown", "chargeable": "no", "opened_at": START}
    plan = dict.fromkeys(("catalog", "calendar", "tzdata", "engine"), "x")
    numbers = {"target_seconds": 3600, "elapsed_seconds": 0, "remaining_seconds": 3600}
    common = {"ticket_id": "T", "client_id": None, "metric": "action", "cycle": 1, "sequence": sequence}
    instants = {"due_at": at(60), "occurred_at": START, "detected_at": START, "detected_late": False}
    return model.model_validate({**common, **numbers, **instants, "plan": plan, "ticket": summary, **data})


WORDS: list[tuple[str, ClockWord | None, str, dict[str, Any], str]] = [
    ("begins", None, "started", {"counts_from": START, "calendar": "c"}, "running"),
    ("is warned", word("running"), "warning", {"threshold": "50%"}, "running"),
    ("pauses", word("running"), "paused", {"due_at": None}, "paused"),
    ("resumes", word("paused"), "resumed", {}, "running"),
    ("breaches", word("running"), "breached", {}, "breached"),
    ("moves after its breach", word("breached"), "rescheduled", {"previous_due_at": at(50), "cause": "x"}, "breached"),
    ("is met", word("running"), "met", {}, "met"),
    ("ends late", word("breached"), "closed_late", {"late_seconds": 1}, "closed_late"),
    ("was no breach", word("breached"), "revised", {"replaces": "x", "from": "breached", "to": "met", "cause": "x"}, "met"),
    ("is open after all", word("breached"), "revised", {"replaces": "x", "from": "breached", "to": "open", "cause": "x"}, "running"),
    ("is open and paused", word("met"), "revised", {"replaces": "x", "from": "met", "to": "open", "cause": "x", "due_at": None}, "paused"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "kind", "data", "state"), [w[1:] for w in WORDS], ids=[w[0] for w in WORDS])
def test_a_clock_is_in_the_state_that_was_said_last(
    before: ClockWord | None, kind: str, data: dict[str, Any], state: str
) -> None:
    after = hear(before, kind, said(kind, 2, **data))
    assert (after.state, after.sequence, after.counts_from) == (state, 2, START)


def test_an_older_word_changes_nothing() -> None:
    assert hear(word("met", 5), "breached", said("breached", 4)) == word("met", 5)
