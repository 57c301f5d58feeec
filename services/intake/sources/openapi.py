"""The OpenAPI 3.1 document of ``/v1``, made of what each resource says of itself, served at ``/v1/openapi.json``."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from services.intake.sources.api import Operation, Resource
from services.intake.sources.problems import PROBLEM_JSON, ProblemType

_ABOUT = """Ticket events and calls for Prazo, which watches the service levels of a support desk.

Every error is an RFC 9457 problem detail (`application/problem+json`). Its `type` says what to do and is compared as it stands;
its `errors` name the event of a batch (`index`, from 0), the `field` and the `rule` that it breaks; its `instance` stands in our
log. After 408, 429, 500 and 503, and when no answer came, send the same bytes again: nothing is taken twice. After any
other 4xx the same request fails again.

JSON is UTF-8 (a byte order mark is taken off), without Content-Encoding, in at most 200 levels; a name that stands twice in one
object, NaN, lone surrogates and integers beyond 64 bits are refused. Unknown fields are kept and ignored.

A limit counts requests of one system, or of one address without valid credentials, never tickets (policy rule 6).
"""

_HEADERS: Mapping[ProblemType, Mapping[str, str]] = {
    ProblemType.UNAUTHENTICATED: {"WWW-Authenticate": "What proves who asks (RFC 9110, RFC 6750)."},
    ProblemType.RATE_LIMITED: {"Retry-After": "Seconds until the same request may be sent again."},
    ProblemType.UNAVAILABLE: {"Retry-After": "Seconds until the same request may be sent again."},
}
ALWAYS = (ProblemType.RATE_LIMITED, ProblemType.INTERNAL)


def problem_responses(*types: ProblemType) -> dict[str, Any]:
    """Return the responses object of problem types, by status, with those that every operation may give."""
    by_status: dict[int, list[ProblemType]] = defaultdict(list)
    for one in [*types, *ALWAYS]:
        by_status[one.status].append(one)
    return {str(status): _response(by_status[status]) for status in sorted(by_status)}


def _response(types: Sequence[ProblemType]) -> dict[str, Any]:
    narrowed = {"status": {"const": types[0].status}, "type": {"enum": [one.type for one in types]}}
    schema = {"allOf": [{"$ref": "#/components/schemas/Problem"}, {"properties": narrowed}]}
    headers = {name: text for one in types for name, text in _HEADERS.get(one, {}).items()}
    return {
        "description": " Or: ".join(f"{one.title}. {one.remedy}" for one in types),
        "headers": {
            name: {"description": text, "required": True, "schema": {"type": "string"}}
            for name, text in headers.items()
        },
        "content": {PROBLEM_JSON: {"schema": schema}},
    }


def _problem_schema() -> dict[str, Any]:
    index = {"type": "integer", "minimum": 0, "description": "Of the event in its batch, from 0."}
    field = {"type": "string", "description": "Its path, such as `data.title` or `data.documents[0]`, or a header."}
    entry = {
        "type": "object",
        "required": ["field", "rule"],
        "properties": {"index": index, "field": field, "rule": {"type": "string"}},
    }
    properties = {
        "type": {"enum": [one.type for one in ProblemType]},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "instance": {"type": "string", "pattern": "^urn:uuid:", "description": "Of this one answer, as in our log."},
        "errors": {"type": "array", "items": entry},
    }
    about = "RFC 9457 problem details. It repeats no value of the request."
    return {"type": "object", "description": about, "required": [*properties], "properties": properties}


def document(resources: Sequence[Resource]) -> dict[str, Any]:
    """Return the document of every resource, in their order."""
    components: dict[str, dict[str, Any]] = {"schemas": {"Problem": _problem_schema()}, "securitySchemes": {}}
    for resource in resources:
        for kind, parts in resource.components.items():
            components.setdefault(kind, {}).update(parts)
    return {
        "openapi": "3.1.1",
        "info": {"title": "Prazo intake", "version": "1", "description": _ABOUT},
        "servers": [{"url": "/"}],
        "paths": {one.path: {m.lower(): o.described for m, o in one.operations.items()} for one in resources},
        "components": components,
    }


def openapi_resource(resources: Sequence[Resource]) -> tuple[Resource, dict[str, Any]]:
    """Return ``GET /v1/openapi.json`` for ``resources`` and itself, and the document that it serves."""
    served: list[bytes] = []

    async def respond(_: Request) -> Response:
        return Response(served[0], media_type="application/json")

    described = {
        "operationId": "getOpenApi",
        "summary": "This document.",
        "security": [],
        "responses": {
            "200": {"description": "OpenAPI 3.1.", "content": {"application/json": {"schema": {"type": "object"}}}},
            **problem_responses(),
        },
    }
    own = Resource("openapi", "/v1/openapi.json", {"GET": Operation(respond, described, public=True)})
    made = document([*resources, own])
    served.append(orjson.dumps(made))
    return own, made
