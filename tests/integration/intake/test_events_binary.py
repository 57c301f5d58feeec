"""POST /v1/events in binary mode (CloudEvents HTTP binding 1.0.2) on a real server."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import orjson
import pytest

from services.intake.sources.events import BINARY, SINGLE
from services.intake.sources.openapi_examples import example
from tests.intake_http import SECRET, serving


@pytest.fixture
async def url(pool: Any) -> AsyncIterator[str]:
    """Return the URL of a server."""
    async with serving(pool) as served:
        yield served


async def post(url: str, body: Any, headers: Mapping[str, str], kind: str = BINARY) -> httpx.Response:
    """Post a body with headers of its own."""
    every = {"authorization": f"Bearer {SECRET}", "content-type": kind, **headers}
    async with httpx.AsyncClient() as client:
        return await client.post(f"{url}/v1/events", content=orjson.dumps(body), headers=every)


BINARY_EVENT = {
    "ce-specversion": "1.0",
    "ce-id": "1",
    "ce-source": "crm/a",
    "ce-type": "ticket.opened",
    "ce-subject": "T%C3%A9%20%22",
    "ce-time": '"2026-03-05T08:00:00-03:00"',
    "ce-myextension": "kept",
}
BINARY_DATA = {"ticket_id": 'Té "', "service": "triage", "channel": "portal", "title": "t"}


async def test_an_event_in_binary_mode_is_the_same_as_in_structured_mode(url: str, pool: Any) -> None:
    answer = await post(url, BINARY_DATA, BINARY_EVENT)
    assert (answer.status_code, answer.json()) == (202, {"ids": ["1"]})
    head = {name.removeprefix("ce-"): value.strip('"') for name, value in BINARY_EVENT.items()}
    whole = {**head, "subject": 'Té "', "data": BINARY_DATA}
    assert (await post(url, whole, {}, SINGLE)).status_code == 202
    bodies = [orjson.loads(row["body"]) for row in await pool.fetch("SELECT body FROM outbox")]
    assert [(b["subject"], b["myextension"], b["data"]["title"]) for b in bodies] == [('Té "', "kept", "t")]


WRONG_BINARY: list[tuple[str, dict[str, str], str]] = [
    ("no specversion", {"ce-specversion": ""}, "specversion"),
    ("of another version", {"ce-specversion": "0.3"}, "specversion"),
    ("not UTF-8", {"ce-subject": "%ff"}, "ce-subject"),
    ("no attribute", {"ce-a_b": "x"}, "ce-a_b"),
    ("data is the body", {"ce-data": "x"}, "ce-data"),
    ("another subject", {"ce-subject": "T2"}, "subject"),
    ("NUL", {"ce-id": "%00"}, "id"),
]


@pytest.mark.parametrize(("change", "field"), [r[1:] for r in WRONG_BINARY], ids=[r[0] for r in WRONG_BINARY])
async def test_wrong_headers_of_binary_mode_are_named(url: str, change: dict[str, str], field: str) -> None:
    answer = await post(url, BINARY_DATA, BINARY_EVENT | change)
    assert (answer.status_code, [e["field"] for e in answer.json()["errors"]]) == (422, [field])


async def test_plain_json_without_the_headers_is_told_of_binary_mode(url: str) -> None:
    answer = await post(url, example("ticket.opened"), {})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "ce-specversion")


async def test_a_header_that_stands_twice_is_refused(url: str) -> None:
    headers = [("authorization", f"Bearer {SECRET}"), ("content-type", BINARY), *BINARY_EVENT.items(), ("ce-id", "2")]
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"{url}/v1/events", content=orjson.dumps(BINARY_DATA), headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "ce-id")
