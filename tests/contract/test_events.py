"""The public contract: golden messages parse for ever, schemas agree with the models and change only compatibly."""

import json
import uuid
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest

from shared.events import MODELS, Undecodable, content_hash, decode, decode_json, encode, event_id
from shared.events.envelope import NAMESPACE
from shared.events.schema import schemas

GOLDEN = sorted(Path("tests/contract/golden").glob("*.json"))
SCHEMAS = Path("shared/events/schemas")


def golden(name: str = "ticket.opened") -> dict[str, Any]:
    """Return one golden message."""
    found: dict[str, Any] = json.loads(Path(f"tests/contract/golden/{name}.json").read_text(encoding="utf-8"))
    return found


def test_every_type_has_a_golden_message() -> None:
    assert {path.stem for path in GOLDEN} == set(MODELS)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_golden_message_parses_fits_its_schema_and_survives_a_round_trip(path: Path) -> None:
    raw = path.read_bytes()
    event = decode(raw)
    schema = json.loads((SCHEMAS / f"{path.stem}.v1.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(json.loads(raw), schema)
    again = orjson.loads(encode(event))
    jsonschema.validate(again, schema)
    assert encode(decode_json(again)) == encode(event)
    assert decode_json(again).data.model_extra == event.data.model_extra


def test_the_checked_in_schemas_are_those_of_the_models() -> None:
    made = dict(schemas())
    assert {path.name: path.read_text(encoding="utf-8") for path in SCHEMAS.glob("*.json")} == made


def test_binary_mode_says_the_same_as_structured_mode() -> None:
    whole = golden()
    headers = [(f"ce_{k}", str(v).encode()) for k, v in whole.items() if k not in ("data", "datacontenttype")]
    headers.append(("content-type", b"application/json"))
    assert decode(orjson.dumps(whole["data"]), headers).data == decode_json(whole).data


WRONG = [
    (b"", [], "empty", "event"),
    (b"[1]", [], "not_json", "event"),
    (b"{", [], "not_json", "event"),
    (b"{}", [("ce_specversion", b"\xff")], "not_utf8", "headers"),
    ({"type": "ticket.exploded"}, [], "unknown_type", "type"),
    ({"time": "2026-03-05T08:00:00"}, [], "invalid", "time"),
    ({"id": ""}, [], "invalid", "id"),
    ({"specversion": "0.3"}, [], "invalid", "specversion"),
    ({"subject": "another"}, [], "invalid", "subject"),
    ({"data": {"ticket_id": "4821"}}, [], "invalid", "data.service"),
    ({"data": {**golden()["data"], "ticket_id": "a\u0007"}, "subject": "a\u0007"}, [], "invalid", "data.ticket_id"),
    ({"data": {**golden()["data"], "ticket_id": "x" * 201}, "subject": "x" * 201}, [], "invalid", "subject"),
]


@pytest.mark.parametrize(("change", "headers", "reason", "field"), WRONG)
def test_what_is_not_an_event_is_refused_with_reason_and_field(
    change: Any, headers: list[tuple[str, bytes]], reason: str, field: str
) -> None:
    value = change if isinstance(change, bytes) else orjson.dumps({**golden(), **change})
    with pytest.raises(Undecodable) as refused:
        decode(value, headers)
    assert (refused.value.reason, refused.value.field) == (reason, field)


def test_an_appointment_that_ends_before_it_starts_is_refused() -> None:
    bad = golden("ticket.scheduled")
    bad["data"]["ends_at"] = bad["data"]["starts_at"]
    with pytest.raises(Undecodable, match="ends_at must be after starts_at"):
        decode_json(bad)


def test_49_a_ticket_id_of_any_unicode_is_taken() -> None:
    for ticket in ("é", "日本", "🧾" * 100, "a b", "x" * 200):
        raw = golden()
        raw["subject"] = raw["data"]["ticket_id"] = ticket
        assert decode_json(raw).data.ticket_id == ticket


def test_content_is_the_same_whatever_the_order_of_keys_and_the_tracing() -> None:
    raw = golden()
    shuffled = dict(reversed(raw.items())) | {"traceparent": "00-x", "receivedat": "2026-01-01T00:00:00Z"}
    assert content_hash(raw) == content_hash(shuffled)
    assert content_hash(raw) != content_hash({**raw, "id": "2"})


def test_event_ids_are_deterministic_and_differ_by_every_part() -> None:
    assert event_id("T", "response", 1, "paused", None, 1) == event_id("T", "response", 1, "paused", None, 1)
    assert event_id("T", "response", 1, "paused", None, 1) != event_id("T", "response", 1, "paused", None, 2)
    words = json.dumps(["T", "é", 1, None], separators=(",", ":"), ensure_ascii=False)
    assert event_id("T", "é", 1, None) == str(uuid.uuid5(NAMESPACE, words))
