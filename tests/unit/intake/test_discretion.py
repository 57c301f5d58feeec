"""What other systems say over HTTP is masked before it reaches a topic; nothing else of it changes."""

from typing import Any

import pytest

from services.intake.domain.discretion import discreet, indiscreet
from shared.events import Event, decode_json, encode, loads

HEAD = {"specversion": "1.0", "id": "1", "source": "crm/a", "subject": "T1", "time": "2026-03-05T08:00:00-03:00"}


def event(type_: str, data: dict[str, Any], **extensions: Any) -> Event[Any]:
    """Return an event as a system sent it."""
    return decode_json({**HEAD, "type": f"ticket.{type_}", "data": {"ticket_id": "T1", **data}, **extensions})


def said(event: Event[Any]) -> Any:
    """Return an event as it is published."""
    return loads(encode(event))


OPENING = {"service": "triage", "channel": "portal", "title": "t"}


def test_texts_and_unknown_fields_are_masked_at_any_depth() -> None:
    more = {"crm_mail": "ana@x.example", "who": {"phones": ["(62) 98765-4321", 5], "at": "2026-03-05T14:30:00-03:00"}}
    one = event(
        "opened", {**OPENING, "title": "ligar 62987654321", "scope_reason": "a@x.example", **more}, origin="a@x.example"
    )
    found = said(discreet(one))
    assert found["origin"] == "[e-mail]"
    assert found["data"] == {
        **OPENING,
        "ticket_id": "T1",
        "title": "ligar [telefone]",
        "scope_reason": "[e-mail]",
        "crm_mail": "[e-mail]",
        "who": {"phones": ["[telefone]", 5], "at": "2026-03-05T14:30:00-03:00"},
    }
    why = discreet(event("reclassified", {"service": "x", "why": "disse ana@x.example"}))
    assert said(why)["data"] == {"ticket_id": "T1", "service": "x", "why": "disse [e-mail]"}


@pytest.mark.parametrize("type_", ["opened", "responded"])
def test_what_names_nobody_stays_to_the_byte(type_: str) -> None:
    data = OPENING if type_ == "opened" else {"by": "ana"}
    more = {
        "note": "  two  spaces\nand a line",
        "order": "12345",
        "deep": [{"a": None}, 1.5, True],
        "traceparent": "00-1",
    }
    one = event(type_, {**data, **more}, tracestate="a=12345678901")
    assert encode(discreet(one)) == encode(one)


def test_a_masked_title_keeps_to_its_length() -> None:
    found = discreet(event("opened", {**OPENING, "title": "987654321 " * 12}))
    assert len(found.data.title) <= 120


@pytest.mark.parametrize(
    ("ref", "wrong"), [("ana@x.example", True), ("+5562987654321", True), ("c-4711", False), (None, False)]
)
def test_a_contact_ref_that_names_somebody_is_refused(ref: str | None, wrong: bool) -> None:
    assert (indiscreet(event("opened", {**OPENING, "contact_ref": ref})) is not None) is wrong
