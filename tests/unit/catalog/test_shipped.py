"""The shipped example covers the policy, rule by rule, in both languages, and says that it is an example."""

import json
from pathlib import Path

import jsonschema
import orjson
import pytest

from services.sla_timer.commands import command
from shared.catalog import load
from shared.catalog.schema import schema
from shared.config import parse_yaml

SCHEMA = Path("deploy/config/catalog/catalog.schema.json")
SHIPPED = Path("deploy/config/catalog/2026-01.yaml")


def test_the_shipped_catalog_says_in_its_first_line_that_it_is_an_example() -> None:
    assert SHIPPED.read_text(encoding="utf-8").startswith("# EXAMPLE. Not the vendor's")


def test_the_shipped_catalog_covers_the_policy() -> None:
    catalog = load(SHIPPED)
    services = catalog.services
    assert all(set(service.names) == {"pt-BR", "en"} for service in services.values())
    emergency = {name for name, service in services.items() if service.emergency}
    assert {"nfe-emission", "emergency-line", "security-incident"} <= emergency  # rules 1, 2
    assert [name for name, s in services.items() if s.emergency_always] == ["security-incident"]
    assert all("customer_infrastructure" in s.pauses["action"] and not s.pauses["response"] for s in services.values())
    scheduled = {name for name, service in services.items() if service.scheduling is not None}
    assert scheduled == {"update", "migration", "reinstallation", "training", "danfe-layout"}  # rules 9, 11, 12
    charged = {name: s.chargeable for name, s in services.items() if s.chargeable != "no"}
    assert charged == {"migration": "yes", "reinstallation": "yes", "training": "yes", "danfe-layout": "maybe"}
    assert {"backup-routine", "triage", "callback"} <= set(services)  # rules 2, 3, 10


def test_the_schema_for_editors_is_current_takes_the_shipped_catalog_and_refuses_an_unknown_key() -> None:
    kept = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert kept == schema(), (
        "run: python -m services.sla_timer catalog schema > deploy/config/catalog/catalog.schema.json"
    )
    raw = json.loads(orjson.dumps(parse_yaml(SHIPPED.read_text(encoding="utf-8")), option=orjson.OPT_NON_STR_KEYS))
    checker = jsonschema.Draft202012Validator(kept)
    assert [error.message for error in checker.iter_errors(raw)] == []
    raw["services"]["triage"]["client_targets"] = {}
    assert [error.validator for error in checker.iter_errors(raw)] == ["additionalProperties"]


def test_check_says_every_error_with_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "wrong.yaml"
    text = SHIPPED.read_text(encoding="utf-8")
    wrong.write_text(
        text.replace("triage: triage", "triage: nowhere").replace("urgent: {response: 1h", "urgent: {response: 0h")
    )
    assert command(["catalog", "check", str(SHIPPED), str(wrong), "--json"]) == 1
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {(Path(one["file"]).name, one["rule"]) for one in found} == {
        ("wrong.yaml", "a target must be more than zero"),
        ("wrong.yaml", "no such service: what nothing matches would have no clock"),
    }
    assert all(one["line"] > 1 for one in found)
    assert command(["catalog", "check", str(SHIPPED)]) == 0
    assert command(["catalog", "check", str(tmp_path / "none.yaml")]) == 2
    assert command(["catalog", "check", str(tmp_path / "none.yaml"), str(wrong)]) == 2
    printed = capsys.readouterr()
    assert ("wrong.yaml:" in printed.out, "none.yaml:1: No such file" in printed.out) == (True, True)
