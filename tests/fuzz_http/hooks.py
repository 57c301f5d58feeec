"""What schemathesis has to know to fuzz intake beyond its schema (a hooks module, named by ``SCHEMATHESIS_HOOKS``).

Data that is meant to be valid is given what no JSON Schema says: the subject is the ticket, an appointment ends after its start,
headers of binary mode fit the body. Data that is meant to be wrong stays as it is. ``PRAZO_FUZZ_TYPES`` names the event types to
try, for a short run; without it every type is tried.
"""

import hashlib
import hmac
import os
from collections.abc import MutableMapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import requests
import schemathesis
from hypothesis import strategies as st
from pydantic import ValidationError
from requests.auth import AuthBase

from services.intake.domain.signature import timestamp_of
from services.intake.domain.tokens import PUBLISHABLE
from services.intake.sources.events import BATCH, BINARY, SINGLE
from shared import clock
from shared.events import MODELS
from tests.intake_http import CALL_KEY, SECRET

_FIRST, _LAST = datetime(1970, 1, 2), datetime(2099, 12, 30)
_TYPES = os.environ.get("PRAZO_FUZZ_TYPES", "").split()

schemathesis.openapi.format(
    "date-time",
    st.datetimes(_FIRST, _LAST, timezones=st.sampled_from([UTC])).map(lambda at: at.isoformat().replace("+00:00", "Z")),
)


class Signed(AuthBase):
    """Signs what is sent, as an exchange does."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add both headers."""
        stamp, body = timestamp_of(clock.now()), request.body or b""
        raw = body.encode() if isinstance(body, str) else body
        assert isinstance(raw, bytes)
        proof = hmac.new(CALL_KEY, stamp.encode() + b"." + raw, hashlib.sha256).hexdigest()
        request.headers.update({"Prazo-Timestamp": stamp, "Prazo-Signature": f"v1={proof}"})
        return request


class Bearer(AuthBase):
    """Sends the token."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the header."""
        request.headers["Authorization"] = f"Bearer {SECRET}"
        return request


_auth: Any = schemathesis.auth  # whose types leave this method out
_auth.set_from_requests(Signed()).apply_to(path="/v1/calls")
_auth.set_from_requests(Bearer()).apply_to(path="/v1/events")


@schemathesis.hook
def before_load_schema(context: schemathesis.HookContext, raw_schema: dict[str, Any]) -> None:
    """Leave out the types that are not to be tried."""
    schemas = raw_schema["components"]["schemas"]
    kept = set(_TYPES or PUBLISHABLE)
    kept |= {_data_name(name) for name in kept}
    for union, choices in (("TicketEvent", "oneOf"), ("TicketEventData", "anyOf")):
        every = schemas[union][choices]
        schemas[union][choices] = [one for one in every if one["$ref"].rpartition("/")[2] in kept]


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case[Any], kwargs: dict[str, Any]) -> None:
    """Complete what is meant to be valid."""
    if case.meta is None or case.meta.generation.mode is not schemathesis.GenerationMode.POSITIVE:
        return
    body: Any = _kept(case.body)
    case.body = body
    if case.path == "/v1/calls":
        body["pbx"] = "matriz"
    elif case.media_type == SINGLE:
        _complete(body)
    elif case.media_type == BATCH:
        for event in body:
            _complete(event)
    elif case.media_type == BINARY:
        case.headers.update(_attributes(body))


def _kept(value: Any) -> Any:
    """Return a value without integers of more than 64 bits, which are refused wherever they stand."""
    if isinstance(value, dict):
        return {name: _kept(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_kept(one) for one in value]
    return value % 2**64 if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**63 else value


def _complete(event: MutableMapping[str, Any]) -> None:
    event["subject"] = event["data"]["ticket_id"]
    event["source"] = f"crm/{event['source']}"[:200]
    _order(event["data"])
    event["id"] = hashlib.sha256(repr(event).encode()).hexdigest()  # equal ones are one event, others are others


def _attributes(data: MutableMapping[str, Any]) -> dict[str, str]:
    _order(data)
    found = {
        "specversion": "1.0",
        "id": hashlib.sha256(repr(data).encode()).hexdigest(),
        "source": "crm/fuzz",
        "type": next(name for name in PUBLISHABLE if _is_of(name, data)),
        "subject": data["ticket_id"],
        "time": "2026-03-05T08:00:00Z",
    }
    return {f"ce-{name}": quote(value, safe="") for name, value in found.items()}


def _order(data: MutableMapping[str, Any]) -> None:
    if data.get("ends_at") is not None and "starts_at" in data:
        data["ends_at"] = (datetime.fromisoformat(data["starts_at"]) + timedelta(hours=1)).isoformat()


def _data_name(name: str) -> str:
    model: Any = MODELS[name].model_fields["data"].annotation
    return str(model.__name__)


def _is_of(name: str, data: MutableMapping[str, Any]) -> bool:
    model: Any = MODELS[name].model_fields["data"].annotation
    try:
        model.model_validate(data)
    except ValidationError:
        return False
    return True
