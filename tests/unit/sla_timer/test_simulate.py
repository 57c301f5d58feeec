"""Simulations from files: counts by services that the catalog knows, verdicts that change."""

import json
from pathlib import Path

import pytest

from services.sla_timer.commands import command
from tests.unit.sla_timer.desk import DESK, catalog

ENVELOPE = {"specversion": "1.0", "source": "s", "type": "ticket.opened", "time": "2026-03-05T08:00:00-03:00"}


def test_services_that_no_catalog_knows_are_counted_as_triage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = {"nfe": "nfe", "odd": "\x1b[2J", "odder": "none such"}
    rows = [
        {"id": t, "subject": t, "data": {"ticket_id": t, "service": s, "channel": "email", "title": "t"}}
        for t, s in said.items()
    ]
    (tmp_path / "e.jsonl").write_text("\n".join(json.dumps(ENVELOPE | row) for row in rows))
    old = catalog(tmp_path)
    slower = {**DESK["services"]["triage"]["targets"], "medium": {"response": "5bd", "action": "5bd"}}
    new = catalog(tmp_path, "t2", services__triage__targets=slower)
    files = ["--catalog", str(new), "--against", str(old), "--events", str(tmp_path / "e.jsonl")]
    assert command(["simulate", *files, "--at", "2026-03-06T12:00:00-03:00", "--json"]) == 0
    *changes, counts = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {(one["ticket_id"], one["service"]) for one in changes} == {("odd", "triage"), ("odder", "triage")}
    assert {(row["service"], row["metric"], row["breached"], row["would"]) for row in counts["breaches"]} == {
        ("nfe", "response", 1, 1),
        ("triage", "response", 2, 0),
    }
    assert command(["simulate", *files, "--at", "2026-03-06T12:00:00-03:00"]) == 0
    assert "\x1b" not in capsys.readouterr().out
