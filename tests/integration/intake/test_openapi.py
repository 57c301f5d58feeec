"""The OpenAPI document and its page: valid, about the paths that are there, with examples that the service takes."""

import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from typing import Any

import httpx
import jsonschema
import orjson
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from services.intake.domain.tokens import PUBLISHABLE
from services.intake.sources.problems import ProblemType
from shared.events import MODELS
from tests.intake_http import SECRET, serving

OWN_PATHS = {"/v1/events", "/v1/calls", "/v1/openapi.json", "/v1/docs"}


@pytest.fixture
async def client(pool: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of a server."""
    headers = {"authorization": f"Bearer {SECRET}"}
    async with serving(pool) as url, httpx.AsyncClient(base_url=url, headers=headers) as made:
        yield made


async def document(client: httpx.AsyncClient) -> dict[str, Any]:
    """Return the document as it is served."""
    answer = await client.get("/v1/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    found: dict[str, Any] = answer.json()
    return found


async def test_the_document_is_valid_and_about_every_path(client: httpx.AsyncClient) -> None:
    found = await document(client)
    OpenAPIV31SpecValidator(found).validate()
    assert found["openapi"].startswith("3.1.")
    assert set(found["paths"]) == OWN_PATHS
    schemas = found["components"]["schemas"]
    mapping = schemas["TicketEvent"]["discriminator"]["mapping"]
    assert set(mapping) == {name for name in MODELS if name.startswith("ticket.")} - {"ticket.refused"}
    assert [one["$ref"] for one in schemas["TicketEvent"]["oneOf"]] == list(mapping.values())


async def test_every_status_that_can_be_answered_is_described(client: httpx.AsyncClient) -> None:
    paths = (await document(client))["paths"]
    statuses = {path: set(next(iter(one.values()))["responses"]) for path, one in paths.items()}
    refusals = {"400", "401", "403", "408", "413", "422", "429", "500", "503"}
    assert statuses["/v1/events"] == refusals | {"202", "409", "415"}
    assert statuses["/v1/calls"] == refusals | {"202"}
    assert statuses["/v1/docs"] == statuses["/v1/openapi.json"] == {"200", "429", "500"}


def examples(found: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return (media type, value) of each example of events."""
    content = found["paths"]["/v1/events"]["post"]["requestBody"]["content"]
    return [(kind, one["value"]) for kind, body in content.items() for one in body["examples"].values()]


async def test_every_example_is_taken_by_the_service_and_fits_its_schema(client: httpx.AsyncClient, pool: Any) -> None:
    found = await document(client)
    operation = found["paths"]["/v1/events"]["post"]
    binary = {one["name"]: one["example"] for one in operation["parameters"]}
    shown = examples(found)
    assert {value["type"] for kind, value in shown if kind == "application/cloudevents+json"} == set(PUBLISHABLE)
    for kind, value in shown:
        schema = operation["requestBody"]["content"][kind]["schema"]
        jsonschema.Draft202012Validator({**schema, "components": found["components"]}).validate(value)
        headers = {"content-type": kind, **(binary if kind == "application/json" else {})}
        answer = await client.post("/v1/events", content=orjson.dumps(value), headers=headers)
        assert answer.status_code == 202, answer.text
    assert await pool.fetchval("SELECT count(*) FROM submitted") == len(PUBLISHABLE) + 2 + 1


async def test_problems_are_what_the_document_says_of_them(client: httpx.AsyncClient) -> None:
    found = await document(client)
    answer = await client.post("/v1/events", content=b"{}", headers={"content-type": "application/cloudevents+json"})
    schema = found["paths"]["/v1/events"]["post"]["responses"]["422"]["content"]["application/problem+json"]["schema"]
    checker = jsonschema.Draft202012Validator({**schema, "components": found["components"]})
    checker.validate(answer.json())
    assert not checker.is_valid({**answer.json(), "type": "about:blank"})


class Page(HTMLParser):
    """What a page is made of: tags with attributes, and the targets and sources of links."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.links: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.add(tag)
        found = dict(attrs)
        self.ids += [found["id"] or ""] if "id" in found else []
        self.links |= {found[name] or "" for name in ("href", "src", "action") if name in found}


async def test_the_page_stands_by_itself_and_explains_every_problem_type(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/docs")
    page = Page(answer.text)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "script" not in page.tags
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert re.findall(r"https?://", answer.text) == []
    assert len(page.ids) == len(set(page.ids))
    assert {link for link in page.links if not link.startswith("#")} == {"/v1/openapi.json"}
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert {one.type.partition("#")[2] for one in ProblemType} <= set(page.ids)
    for path in OWN_PATHS:
        assert path in answer.text
    for name in PUBLISHABLE:
        assert f'id="schema-{name}"' in answer.text
