"""What is rendered without models is what the models say: every field of every kind, nothing else."""

from pathlib import Path

import orjson
import pytest

from services.sla_timer.domain.announce import Kind, Milestone, Told, fire, schedule
from services.sla_timer.domain.assess import assess
from services.sla_timer.domain.journal import history
from services.sla_timer.domain.publish import Telling, publish
from shared.catalog import Catalogs, load
from shared.clock import from_us
from shared.events import decode, encode
from tests.builders import us
from tests.unit.sla_timer.desk import WAITING, catalog, journal, opened

SUMMARY = {"title": "é", "service": "triage", "priority": "urgent", "emergency": False, "channel": "email"}
SUMMARY |= {"assignee": None, "coverage": "covered", "chargeable": "no", "opened_at": "2026-03-05T11:00:00Z"}
NOT_OPTIONAL = {"reason_code"}  # of sla.exempted: the journal's exemption has it, the clock does not


@pytest.mark.parametrize("kind", list(Kind), ids=lambda kind: kind.value)
def test_every_kind_is_rendered_as_its_model_says(tmp_path: Path, kind: Kind) -> None:
    story = journal(opened(), ("paused", "03-05 09:00", WAITING), ("resumed", "03-05 09:30", {}))
    found = history(story)
    assert found is not None
    clocks = assess(found, Catalogs([load(catalog(tmp_path))]), us("2026-03-05 18:00"), breaching=True).clocks
    clock = next(clock for clock in clocks if clock.metric == "action")
    telling = Telling("T1", "acme", clock, orjson.dumps(SUMMARY), "2026a", "00-1-2-01", us("2026-03-05 18:00"), 1, 0.5)
    replaces = ("breached", 1) if kind is Kind.REVISED else ("", 0)
    words = {"before": "breached", "after": "met", "cause": "late_event", "replaces": replaces}
    milestone = Milestone(kind, 1, us("2026-03-05 12:30"), "80%" if kind is Kind.WARNING else "", **words)  # type: ignore[arg-type]  # words of two types
    sent = publish(telling, milestone, 7)
    event = decode(sent.body)
    assert (event.type, event.subject, event.traceparent) == (f"sla.{kind.value}", "T1", "00-1-2-01")
    assert orjson.loads(encode(event)) == orjson.loads(sent.body)
    missing = set(type(event.data).model_fields) - event.data.model_fields_set - NOT_OPTIONAL
    assert (missing, event.data.model_extra) == (set(), {})
    explained = {part.kind for part in event.data.explanation}
    assert explained == ({"counted", "paused"} if kind.value in "warning breached met closed_late revised" else set())


def test_40_a_breach_seen_late_is_dated_when_it_happened_and_says_when_it_was_seen(tmp_path: Path) -> None:
    found = history(journal(opened()))
    assert found is not None
    clock = assess(found, Catalogs([load(catalog(tmp_path))]), us("2026-03-05 08:00")).clocks[0]
    (due,) = [m for m in schedule(clock, Told(), ()) if m.kind is Kind.BREACHED]
    seen_us = due.at_us + 3 * 3_600_000_000
    ((spoken,), ahead) = fire([due], seen_us)
    assert ahead == ()
    telling = Telling("T1", None, clock, orjson.dumps(SUMMARY), "2026a", None, seen_us)
    event = decode(publish(telling, spoken, 1).body)
    assert event.time == event.data.occurred_at == event.data.due_at == from_us(due.at_us)
    assert (event.data.detected_at, event.data.detected_late) == (from_us(seen_us), True)
