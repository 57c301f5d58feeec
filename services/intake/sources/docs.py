"""``GET /v1/docs``: the OpenAPI document as one page without scripts, and the place that problem types lead to."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from services.intake.sources.api import Operation, Resource
from services.intake.sources.openapi import problem_responses
from services.intake.sources.problems import ProblemType
from shared.templates import templates_in

_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_LIMITS = ("format", "pattern", "minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum", "default")
DESCRIBED = {
    "operationId": "getDocs",
    "summary": "This page.",
    "security": [],
    "responses": {
        "200": {"description": "HTML.", "content": {"text/html": {"schema": {"type": "string"}}}},
        **problem_responses(),
    },
}


class DocsPage:
    """The page; ``render`` it once the document is made."""

    def __init__(self) -> None:
        self._page = b""
        self.resource = Resource("docs", "/v1/docs", {"GET": Operation(self._respond, DESCRIBED, public=True)})

    async def _respond(self, _: Request) -> Response:
        return HTMLResponse(self._page, headers=_HEADERS)

    def render(self, document: Mapping[str, Any]) -> None:
        """Render the page of a document."""
        templates = templates_in(Path(__file__).parents[1] / "templates")
        templates.filters |= {"prose": _prose, "shown": _shown, "kind": _kind, "limits": _limits, "anchor": _anchor}
        page = templates.get_template("docs.html").render(
            document=document, operations=list(_operations(document)), problems=list(ProblemType)
        )
        self._page = page.encode("utf-8")


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _prose(text: str) -> Markup:
    """Return paragraphs; what stands in backticks is code."""
    code = re.compile(r"`+([^`]+)`+")
    paragraphs = [code.sub(r"<code>\1</code>", str(escape(part))) for part in text.strip().split("\n\n")]
    return Markup("".join(f"<p>{part}</p>" for part in paragraphs))  # noqa: S704  # escaped above


def _shown(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def _anchor(name: str) -> str:
    return "schema-" + name.rpartition("/")[2]


def _kind(schema: Mapping[str, Any]) -> Markup:
    """Return what a value may be, in words; another schema as a link to it."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return Markup('<a href="#{}">{}</a>').format(_anchor(name), name)
    if "const" in schema:
        return Markup("<code>{}</code>").format(_compact(schema["const"]))
    if "enum" in schema:
        return Markup(" · ").join(Markup("<code>{}</code>").format(_compact(one)) for one in schema["enum"])
    for several in ("oneOf", "anyOf"):
        if several in schema:
            return Markup(" or ").join(_kind(one) for one in schema[several])
    if schema.get("type") == "array":
        return Markup("list of {}").format(_kind(schema.get("items", {})))
    return Markup("{}").format(schema.get("type", "any value"))


def _limits(schema: Mapping[str, Any]) -> str:
    parts: Sequence[Mapping[str, Any]] = [schema, *schema.get("anyOf", ())]
    found = {name: part[name] for part in reversed(parts) for name in _LIMITS if part.get(name) is not None}
    return ", ".join(f"{name} {_compact(found[name])}" for name in _LIMITS if name in found)


def _compact(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
