"""Everything under /v1 as a client sees it on a real server: methods, paths, limits, headers, metrics, and what is logged."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import orjson
import pytest
from prometheus_client import REGISTRY

from services.intake.domain.limits import Rate
from services.intake.sources import events
from services.intake.sources.events import BODY_LIMIT_BYTES, SINGLE
from services.intake.sources.openapi_examples import example
from tests.intake_http import SECRET, serving, token

HEADERS = {"authorization": f"Bearer {SECRET}", "content-type": SINGLE}
CANARY = "canary-in-a-body"


async def ask(url: str, method: str, path: str, **more: Any) -> httpx.Response:
    """Send one request on a connection of its own."""
    async with httpx.AsyncClient(timeout=30) as client:
        return await client.request(method, url + path, **more)


async def post(url: str, id_: str = "1", secret: str = SECRET) -> httpx.Response:
    """Post one event."""
    body = orjson.dumps({**example("ticket.opened"), "id": id_, "note": CANARY})
    return await ask(url, "POST", "/v1/events", content=body, headers=HEADERS | {"authorization": f"Bearer {secret}"})


ASKED = [
    ("GET", "/v1/events", 405, "POST, OPTIONS"),
    ("HEAD", "/v1/events", 405, "POST, OPTIONS"),
    ("DELETE", "/v1/events", 405, "POST, OPTIONS"),
    ("BREW", "/v1/events", 405, "POST, OPTIONS"),
    ("PUT", "/v1/calls", 405, "POST, OPTIONS"),
    ("POST", "/v1/docs", 405, "GET, HEAD, OPTIONS"),
    ("OPTIONS", "/v1/events", 204, "POST, OPTIONS"),
    ("OPTIONS", "/v1/docs", 204, "GET, HEAD, OPTIONS"),
    ("GET", "/v1", 404, None),
    ("GET", "/v1/", 404, None),
    ("POST", "/v1/events/", 404, None),
    ("POST", "/v1/tickets/1", 404, None),
    ("GET", "/v1/%00", 404, None),
]


@pytest.mark.parametrize(("method", "path", "status", "allow"), ASKED)
async def test_every_method_and_path_gets_an_answer_of_ours(
    pool: Any, method: str, path: str, status: int, allow: str | None
) -> None:
    async with serving(pool) as url:
        answer = await ask(url, method, path)
    assert (answer.status_code, answer.headers.get("allow")) == (status, allow)
    if status != 204:
        assert answer.headers["content-type"] == "application/problem+json"
    if status != 204 and method != "HEAD":
        assert (answer.json()["status"], answer.json()["errors"]) == (status, [])


async def test_options_says_which_media_types_are_taken_and_head_is_get_without_a_body(pool: Any) -> None:
    async with serving(pool) as url:
        options = await ask(url, "OPTIONS", "/v1/events")
        head, get = await ask(url, "HEAD", "/v1/openapi.json"), await ask(url, "GET", "/v1/openapi.json")
    assert SINGLE in options.headers["accept-post"]
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"] == str(len(get.content))


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_that_is_too_large_is_refused_with_or_without_its_length(pool: Any, declared: bool) -> None:
    async def parts() -> Any:
        for _ in range(40):
            yield b"x" * 65536

    content: Any = b"x" * (BODY_LIMIT_BYTES + 1) if declared else parts()
    async with serving(pool) as url:
        answer = await ask(url, "POST", "/v1/events", content=content, headers=HEADERS)
    assert (answer.status_code, answer.json()["type"]) == (413, "/v1/docs#body-too-large")


async def test_a_body_that_does_not_arrive_in_time_is_waited_for_no_longer(
    pool: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "BODY_SECONDS", 0.2)
    head = [f"{name}: {value}" for name, value in HEADERS.items()]
    request = "\r\n".join(["POST /v1/events HTTP/1.1", "host: t", "content-length: 99", *head, "", "{"]).encode()
    async with serving(pool) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(request)
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n"), 10)
        writer.close()
    assert b"408" in answer


async def test_a_token_has_its_rate_and_is_told_when_to_come_again(pool: Any) -> None:
    busy = token(Rate(per_second=0.5, burst=2))
    async with serving(pool, [busy]) as url:
        answers = [await post(url, str(n)) for n in range(3)]
    assert [one.status_code for one in answers] == [202, 202, 429]
    limited = answers[2]
    assert limited.headers["retry-after"] in ("1", "2")
    assert "policy rule 6" in limited.json()["detail"]
    assert limited.json()["type"] == "/v1/docs#rate-limited"
    assert await pool.fetchval("SELECT count(*) FROM submitted") == 2


async def test_who_proves_nothing_is_limited_by_address_and_who_has_a_token_there_is_not(pool: Any) -> None:
    async with serving(pool, peer=Rate(per_second=0.01, burst=3)) as url:
        nobody = [
            await post(url, secret="wrong"),
            await ask(url, "GET", "/v1/nowhere"),
            await ask(url, "GET", "/v1/docs"),
            await post(url, secret="wrong"),
            await ask(url, "GET", "/v1/openapi.json"),
        ]
        known = [await post(url, str(n)) for n in range(5)]
    assert [one.status_code for one in nobody] == [401, 404, 200, 429, 429]
    assert int(nobody[3].headers["retry-after"]) > 50
    assert {one.status_code for one in known} == {202}


def counted() -> Mapping[tuple[str, ...], float]:
    """Return the HTTP metrics that count."""
    found = {}
    for metric in REGISTRY.collect():
        if metric.name in (
            "prazo_intake_http_requests",
            "prazo_intake_http_problems",
            "prazo_intake_http_rate_limited",
        ):
            for one in metric.samples:
                if one.name.endswith("_total"):
                    found[(metric.name.removeprefix("prazo_intake_http_"), *one.labels.values())] = one.value
    return found


async def test_requests_problems_and_limits_are_counted_with_closed_labels(pool: Any) -> None:
    before = counted()
    async with serving(pool, [token(Rate(per_second=0.01, burst=2))]) as url:
        for n in range(3):
            await post(url, str(n))
        await post(url, secret="wrong")
        await ask(url, "GET", "/v1/nowhere/at/all")
    after = counted()
    assert set(after) == set(before)  # every label was there from the start
    assert {name: after[name] - before[name] for name in after if after[name] != before[name]} == {
        ("requests", "events", "2xx"): 2,
        ("requests", "events", "4xx"): 2,
        ("requests", "other", "4xx"): 1,
        ("problems", "rate-limited"): 1,
        ("problems", "unauthenticated"): 1,
        ("problems", "not-found"): 1,
        ("rate_limited", "token"): 1,
    }


async def test_a_defect_of_ours_is_a_problem_too_and_its_text_stays_here(
    pool: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise KeyError(CANARY)

    monkeypatch.setattr(events, "bearer", broken)
    async with serving(pool) as url:
        answer = await post(url)
    assert (answer.status_code, answer.json()["type"]) == (500, "/v1/docs#internal")
    printed = capsys.readouterr()
    assert "request_failed" in printed.out
    assert CANARY not in answer.text + printed.out + printed.err


async def test_no_token_body_or_address_reaches_the_log(pool: Any, capsys: pytest.CaptureFixture[str]) -> None:
    async with serving(pool, [token(Rate(per_second=0.01, burst=3))]) as url:
        for secret in (SECRET, "another-canary", SECRET, SECRET, SECRET):
            await post(url, secret=secret)
        path = f"/v1/{CANARY}?{CANARY}"
        refused = await ask(url, "POST", path, headers=HEADERS | {"x-forwarded-for": "192.0.2.77"})
    printed = capsys.readouterr()
    said = printed.out + printed.err
    assert refused.json()["instance"] in said
    assert [word for word in (SECRET, "another-canary", CANARY, "127.0.0.1", "192.0.2.77") if word in said] == []
