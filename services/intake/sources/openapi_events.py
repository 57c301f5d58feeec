"""How the OpenAPI document describes ``POST /v1/events``: made of the contract's models, narrowed to what is taken over HTTP."""

from collections.abc import Mapping
from typing import Any, cast

from pydantic import BaseModel

from services.intake.domain.limits import TRACEPARENT_LENGTH
from services.intake.domain.tokens import PUBLISHABLE
from services.intake.sources.api import Operation, Resource
from services.intake.sources.events import BATCH, BATCH_LIMIT, BINARY, BODY_LIMIT_BYTES, SINGLE, TAKEN, EventsEndpoint
from services.intake.sources.openapi import problem_responses
from services.intake.sources.openapi_examples import DATA, example
from services.intake.sources.problems import ProblemType
from shared.events import MODELS

_REF = "#/components/schemas/"
_ABOUT = f"""Takes one CloudEvent 1.0 in structured mode (`{SINGLE}`) or binary mode (`{BINARY}` with `ce-` headers), or a batch of 1
to {BATCH_LIMIT} (`{BATCH}`), all or nothing, in at most {BODY_LIMIT_BYTES} bytes.

202 means that every event of the request is durable. `source` and `id` are an event's identity for 30 days: the same event again is
answered with 202 and taken once; another one under that identity is a conflict. `subject` equals `data.ticket_id`. `time` is when it
happened: an RFC 3339 instant with its offset, of the years 1970 to 2099, without leap seconds.

The token says which `source` prefix and which types a system may send. A ticket whose `channel` is a messenger (whatsapp, telegram,
skype, messenger, signal) is refused and recorded (policy rule 8)."""
_NO_NUL = r"^[^\u0000]*$"
_PRINTABLE = r"^[^\u0000-\u001f\u007f-\u009f]*$"
_YEARS = r"^(19[7-9][0-9]|20[0-9]{2})-"
_REFUSALS = (
    ProblemType.MALFORMED,
    ProblemType.UNAUTHENTICATED,
    ProblemType.NOT_ALLOWED,
    ProblemType.BODY_TIMEOUT,
    ProblemType.CONFLICT,
    ProblemType.BODY_TOO_LARGE,
    ProblemType.UNSUPPORTED_MEDIA_TYPE,
    ProblemType.UNSUPPORTED_ENCODING,
    ProblemType.INVALID,
    ProblemType.REFUSED_BY_POLICY,
    ProblemType.UNAVAILABLE,
)


def events_resource(endpoint: EventsEndpoint) -> Resource:
    """Return ``/v1/events``."""
    bearer = {"type": "http", "scheme": "bearer", "description": "A token that `intake token` made (RFC 6750)."}
    return Resource(
        "events",
        "/v1/events",
        {"POST": Operation(endpoint.post, _described())},
        TAKEN,
        {"schemas": _schemas(), "securitySchemes": {"bearer": bearer}},
    )


def _described() -> dict[str, Any]:
    event, data = {"$ref": f"{_REF}TicketEvent"}, {"$ref": f"{_REF}TicketEventData"}
    batch = {"type": "array", "minItems": 1, "maxItems": BATCH_LIMIT, "items": event}
    taken = {"description": "Durable.", "content": {"application/json": {"schema": {"$ref": f"{_REF}Taken"}}}}
    opened = example("ticket.opened", "batch")
    return {
        "operationId": "publishEvents",
        "summary": "Publish ticket events.",
        "description": _ABOUT,
        "security": [{"bearer": []}],
        "parameters": _attributes(),
        "requestBody": {
            "required": True,
            "content": {
                SINGLE: {"schema": event, "examples": {name: {"value": example(name)} for name in PUBLISHABLE}},
                BATCH: {
                    "schema": batch,
                    "examples": {"two": {"value": [opened, example("ticket.responded", "batch")]}},
                },
                BINARY: {"schema": data, "examples": {"ticket.opened": {"value": DATA["ticket.opened"]}}},
            },
        },
        "responses": {"202": taken, **problem_responses(*_REFUSALS)},
    }


def _attributes() -> list[dict[str, Any]]:
    """Return the headers of binary mode; structured mode does not look at them, so their schema can refuse nothing."""
    shown = example("ticket.opened", "binary")
    about = "Binary mode only, and needed there: the event's `{}`, percent-encoded UTF-8."
    return [
        {
            "name": f"ce-{name}",
            "in": "header",
            "description": about.format(name),
            "schema": {"type": "string"},
            "example": shown[name],
        }
        for name in ("specversion", "id", "source", "type", "subject", "time")
    ]


def _schemas() -> dict[str, Any]:
    schemas: dict[str, Any] = {}
    for name in PUBLISHABLE:
        made = MODELS[name].model_json_schema(by_alias=True, ref_template=_REF + "{model}")
        schemas |= {model: _data(schema) for model, schema in made.pop("$defs").items()}
        schemas[name] = _event(name, made)
    data = [{"$ref": f"{_REF}{_data_model(name).__name__}"} for name in PUBLISHABLE]
    mapping = {name: f"{_REF}{name}" for name in PUBLISHABLE}
    schemas["TicketEvent"] = {
        "oneOf": [{"$ref": reference} for reference in mapping.values()],
        "discriminator": {"propertyName": "type", "mapping": mapping},
    }
    schemas["TicketEventData"] = {"anyOf": data, "description": "The `data` of the type that the header ce-type names."}
    ids = {"type": "array", "items": {"type": "string"}, "description": "Of the events, in their order."}
    schemas["Taken"] = {"type": "object", "required": ["ids"], "properties": {"ids": ids}}
    return schemas


def _data_model(name: str) -> type[BaseModel]:
    model: Any = MODELS[name].model_fields["data"].annotation
    return cast("type[BaseModel]", model)


def _event(name: str, made: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of one type with the limits of ``domain/limits.py`` and ``check_arrival``."""
    properties = {field: dict(schema) for field, schema in made["properties"].items()}
    for field in ("id", "source"):
        properties[field]["pattern"] = _NO_NUL
    properties["subject"]["pattern"] = _PRINTABLE
    properties["time"]["pattern"] = _YEARS
    properties["traceparent"]["anyOf"] = [
        {"type": "string", "maxLength": TRACEPARENT_LENGTH, "pattern": _NO_NUL},
        {"type": "null"},
    ]
    properties["type"] = {"const": name}
    about = _data_model(name).__doc__
    return {**made, "title": name, "description": about, "properties": properties}


def _data(schema: Mapping[str, Any]) -> dict[str, Any]:
    properties = {field: dict(one) for field, one in schema["properties"].items()}
    properties["ticket_id"]["pattern"] = _PRINTABLE
    if "starts_at" in properties:
        properties["starts_at"]["pattern"] = _YEARS
        properties["ends_at"]["anyOf"] = [
            {**one, "pattern": _YEARS} if "format" in one else one for one in properties["ends_at"]["anyOf"]
        ]
    return {**schema, "properties": properties}
