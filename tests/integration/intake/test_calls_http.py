"""POST /v1/calls on a real PostgreSQL: who may speak, what is refused, and that repeating it changes nothing."""

import asyncio
import hashlib
import hmac
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
import orjson
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from services.intake.domain.signature import timestamp_of
from services.intake.handlers.desk import Desk
from services.intake.handlers.retention import SIGNATURES_KEPT
from services.intake.sources.calls import BODY_LIMIT_BYTES, CallsEndpoint
from services.intake.store import queries
from shared import clock
from shared.postgres import create_pool
from tests.reading import NOTHING_KNOWN, read

OLD, NEW = b"k" * 32, b"n" * 32
KEYS = {"matriz": [OLD, NEW], "filial": [b"f" * 32]}


def call(**changes: Any) -> dict[str, Any]:
    """Return a call that entered the queue."""
    report = {"type": "call.started", "pbx": "matriz", "call_id": "1774.1", "at": "2026-03-05T22:00:00-03:00"}
    return {**report, "number": "062988887777", "trunk": "operadora", "queue": "suporte", **changes}


def signed(body: bytes, key: bytes = OLD, late: timedelta = timedelta(0)) -> Mapping[str, str]:
    """Return the headers of a request, as any PBX would make them: with nothing of ours."""
    stamp = timestamp_of(clock.now() - late)
    proof = hmac.new(key, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"Prazo-Timestamp": stamp, "Prazo-Signature": f"v1={proof}"}


async def post(pool: Any, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
    """Post to the endpoint."""
    endpoint = CallsEndpoint(Desk(pool, "tickets.v1", "notices.v1", NOTHING_KNOWN, read), KEYS, asyncio.Event())
    app = Starlette(routes=[Route("/v1/calls", endpoint.post, methods=["POST"])])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t") as client:
        return await client.post("/v1/calls", content=body, headers=dict(headers))


@pytest.mark.parametrize("key", [OLD, NEW])
async def test_either_live_key_is_taken_and_the_word_is_stored(pool: Any, key: bytes) -> None:
    body = orjson.dumps(call())
    answer = await post(pool, body, signed(body, key))
    assert (answer.status_code, answer.json()) == (202, {"pbx": "matriz", "call_id": "1774.1"})
    row = await pool.fetchrow("SELECT kind, number, trunk, queue FROM call_event")
    assert tuple(row) == ("started", "062988887777", "operadora", "suporte")


async def test_the_same_signature_again_has_the_same_answer_and_no_effect(pool: Any) -> None:
    body = orjson.dumps(call())
    headers = signed(body)
    first = await post(pool, body, headers)
    await pool.execute("DELETE FROM call")
    again = await post(pool, body, headers)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert await pool.fetchval("SELECT count(*) FROM call") == 0


UNPROVEN = [
    ("another key", {"key": b"x" * 32}, {}, "Prazo-Signature"),
    ("too old", {"late": timedelta(seconds=302)}, {}, "Prazo-Timestamp"),
    ("from the future", {"late": -timedelta(seconds=302)}, {}, "Prazo-Timestamp"),
    ("no timestamp", {}, {"Prazo-Timestamp": ""}, "Prazo-Timestamp"),
    ("another timestamp", {}, {"Prazo-Timestamp": timedelta(seconds=9)}, "Prazo-Signature"),
    ("no signature", {}, {"Prazo-Signature": ""}, "Prazo-Signature"),
    ("half a signature", {}, {"Prazo-Signature": "v1=ab"}, "Prazo-Signature"),
]


@pytest.mark.parametrize(("how", "headers", "field"), [r[1:] for r in UNPROVEN], ids=[r[0] for r in UNPROVEN])
async def test_what_proves_nothing_is_refused(pool: Any, how: Any, headers: Any, field: str) -> None:
    body = orjson.dumps(call())
    sent = {k: timestamp_of(clock.now() + v) if isinstance(v, timedelta) else v for k, v in headers.items()}
    answer = await post(pool, body, {**signed(body, **how), **sent})
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert [e["field"] for e in answer.json()["errors"]] == [field]
    assert await pool.fetchval("SELECT count(*) FROM call") == 0


WRONG: list[tuple[str, bytes, int, str | None]] = [
    ("another exchange's call", orjson.dumps(call(pbx="filial")), 403, "pbx"),
    ("not JSON", b"{", 400, "body"),
    ("not an object", b"[]", 422, "body"),
    ("unknown type", orjson.dumps(call(type="call.exploded")), 422, "type"),
    ("no call id", orjson.dumps(call(call_id="")), 422, "call_id"),
    ("no offset", orjson.dumps(call(at="2026-03-05T22:00:00")), 422, "at"),
    ("an instant as a number", orjson.dumps(call(at=1774000000)), 422, "at"),
    ("beyond the calendars", orjson.dumps(call(at="2100-01-01T00:00:00Z")), 422, "at"),
    ("NUL", orjson.dumps(call(agent="a\0")), 422, "agent"),
    ("too long", orjson.dumps(call(number="1" * 101)), 422, "number"),
    ("too large", b"x" * (BODY_LIMIT_BYTES + 1), 413, None),
]


@pytest.mark.parametrize(("body", "status", "field"), [r[1:] for r in WRONG], ids=[r[0] for r in WRONG])
async def test_what_is_wrong_is_refused_with_the_field(pool: Any, body: bytes, status: int, field: str | None) -> None:
    answer = await post(pool, body, signed(body))
    assert answer.status_code == status
    assert [e["field"] for e in answer.json()["errors"]] == ([field] if field else [])
    assert await pool.fetchval("SELECT count(*) FROM call") == 0


async def test_a_database_that_is_away_means_503() -> None:
    away = create_pool("postgresql://x@127.0.0.1:1/x", "intake")
    await away
    body = orjson.dumps(call())
    assert (await post(away, body, signed(body))).status_code == 503


async def test_old_signatures_are_forgotten_step_by_step(pool: Any) -> None:
    now = clock.now()
    ages = [SIGNATURES_KEPT + timedelta(seconds=1)] * 3 + [timedelta(0)]
    rows = [(n.to_bytes(32, "big"), now - age) for n, age in enumerate(ages)]
    await pool.executemany("INSERT INTO call_signature VALUES ($1, $2)", rows)
    gone = [await queries.forget_signatures(pool, before=now - SIGNATURES_KEPT, at_most=2) for _ in range(2)]
    assert gone == [2, 1]
    assert await pool.fetchval("SELECT count(*) FROM call_signature") == 1
