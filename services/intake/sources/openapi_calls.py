"""How the OpenAPI document describes ``POST /v1/calls``."""

from typing import Any

from services.intake.domain.signature import VALID_SECONDS
from services.intake.sources.api import Operation, Resource
from services.intake.sources.calls import BODY_LIMIT_BYTES, CallReport, CallsEndpoint
from services.intake.sources.openapi import problem_responses
from services.intake.sources.problems import ProblemType

_ABOUT = f"""Takes one word of a telephone exchange about a call, in at most {BODY_LIMIT_BYTES} bytes: `call.started` (the caller entered
the queue), `call.left` (the queue let go of the caller), `call.answered` (by a human), `call.ended`, `call.outgoing` (we dialled).
Words may come in any order and twice. 202 means that it is durable.

`Prazo-Timestamp` is the seconds since 1970 in digits, within {VALID_SECONDS} seconds of our clock. `Prazo-Signature` is `v1=` and the
HMAC-SHA256, in hex, of the timestamp, a full stop and the body as it is sent, under the exchange's key; several are parted by
commas while one key replaces another. The same signature again has the same answer and no effect."""
_REFUSALS = (
    ProblemType.MALFORMED,
    ProblemType.UNAUTHENTICATED,
    ProblemType.NOT_ALLOWED,
    ProblemType.BODY_TIMEOUT,
    ProblemType.BODY_TOO_LARGE,
    ProblemType.INVALID,
    ProblemType.UNAVAILABLE,
)
_EXAMPLE = {
    "type": "call.started",
    "pbx": "matriz",
    "call_id": "1774000000.17",
    "at": "2026-03-05T22:00:00-03:00",
    "number": "62988887777",
    "queue": "suporte",
}
_WORDS = r"^[^\u0000-\u001f]*$"


def calls_resource(endpoint: CallsEndpoint) -> Resource:
    """Return ``/v1/calls``."""
    schemes = {
        name: {"type": "apiKey", "in": "header", "name": header}
        for name, header in (("callTimestamp", "Prazo-Timestamp"), ("callSignature", "Prazo-Signature"))
    }
    made = CallReport.model_json_schema()
    for field in made["properties"].values():
        if field.get("type") == "string" and "maxLength" in field:
            field["pattern"] = _WORDS
    made["properties"]["at"]["pattern"] = "^(19[7-9][0-9]|20[0-9]{2})-"
    return Resource(
        "calls",
        "/v1/calls",
        {"POST": Operation(endpoint.post, _described())},
        ("application/json",),
        {"schemas": {"CallReport": made}, "securitySchemes": schemes},
    )


def _described() -> dict[str, Any]:
    properties = {"pbx": {"type": "string"}, "call_id": {"type": "string"}}
    taken = {"type": "object", "required": [*properties], "properties": properties}
    body = {"schema": {"$ref": "#/components/schemas/CallReport"}, "examples": {"started": {"value": _EXAMPLE}}}
    return {
        "operationId": "reportCall",
        "summary": "Report a call.",
        "description": _ABOUT,
        "security": [{"callTimestamp": [], "callSignature": []}],
        "requestBody": {"required": True, "content": {"application/json": body}},
        "responses": {
            "202": {"description": "Durable.", "content": {"application/json": {"schema": taken}}},
            **problem_responses(*_REFUSALS),
        },
    }
