"""POST /v1/events on a real PostgreSQL: what is taken, what is refused, and that repeating it changes nothing."""

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import orjson
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from services.intake.domain.tokens import Token
from services.intake.handlers.desk import Desk
from services.intake.sources.events import BATCH, SINGLE, EventsEndpoint
from services.intake.sources.limits import Limiter
from services.intake.sources.publishers import Publishers
from shared.postgres import create_pool
from tests.conftest import dsn_for
from tests.reading import NOTHING_KNOWN, read

SECRET = "s3cret-of-a-test"
TOKEN = Token(
    name="crm",
    sha256=hashlib.sha256(SECRET.encode()).hexdigest(),
    source_prefix="crm/",
    types=("ticket.opened", "ticket.responded", "ticket.scheduled"),
)


def event(id_: str = "1", **changes: Any) -> dict[str, Any]:
    """Return an opening by the CRM."""
    data = {"ticket_id": "T1", "service": "triage", "channel": "portal", "title": "t", **changes.pop("data", {})}
    head = {"specversion": "1.0", "id": id_, "source": "crm/a", "type": "ticket.opened", "subject": "T1"}
    return {**head, "time": "2026-03-05T08:00:00-03:00", "data": data, **changes}


def scheduled(starts_at: str) -> dict[str, Any]:
    """Return an appointment by the CRM."""
    return {**event(), "type": "ticket.scheduled", "data": {"ticket_id": "T1", "starts_at": starts_at}}


@pytest.fixture
async def pool(postgres: str, database: str) -> AsyncIterator[Any]:
    made = create_pool(dsn_for(postgres, "intake_app", database), "intake")
    await made
    yield made
    await made.close()


async def post(pool: Any, body: Any, *, kind: str = SINGLE, secret: str = SECRET) -> httpx.Response:
    """Post ``body`` to the endpoint."""
    desk = Desk(pool, "tickets.v1", "notices.v1", NOTHING_KNOWN, read)
    endpoint = EventsEndpoint(desk, Publishers([TOKEN]), Limiter("token", lambda: 0.0))
    app = Starlette(routes=[Route("/v1/events", endpoint.post, methods=["POST"])])
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t") as client:
        headers = {"content-type": kind, "authorization": f"Bearer {secret}"}
        return await client.post("/v1/events", content=content, headers=headers)


async def outbox_types(pool: Any) -> list[str]:
    """Return the types that wait to be published."""
    return [orjson.loads(r["body"])["type"] for r in await pool.fetch("SELECT body FROM outbox ORDER BY id")]


REFUSED = [
    ("wrong token", event(), SINGLE, "wrong", 401, None),
    ("foreign source", event(source="other/a"), SINGLE, SECRET, 403, "source"),
    ("type not allowed", event(type="ticket.resolved", data={}), SINGLE, SECRET, 403, "type"),
    ("not JSON", b"{", SINGLE, SECRET, 400, "body"),
    ("not an object", [1], BATCH, SECRET, 422, "event"),
    ("empty batch", [], BATCH, SECRET, 400, None),
    ("too large", b"x" * (900 * 1024 + 1), SINGLE, SECRET, 413, None),
    ("other media type", event(), "text/plain", SECRET, 415, None),
    ("time without offset", event(time="2026-03-05T08:00:00"), SINGLE, SECRET, 422, "time"),
    ("title too long", event(data={"title": "x" * 121}), SINGLE, SECRET, 422, "data.title"),
    ("channel too long", event(data={"channel": "x" * 201}), SINGLE, SECRET, 422, "data.channel"),
    ("NUL in id", event("a\0"), SINGLE, SECRET, 422, "id"),
    ("NUL in source", event(source="crm/\0"), SINGLE, SECRET, 422, "source"),
    ("NUL in subject", event(subject="T\0"), SINGLE, SECRET, 422, "subject"),
    ("NUL in traceparent", event(traceparent="00-\0"), SINGLE, SECRET, 422, "traceparent"),
    ("before 1970", event(time="1969-12-31T23:59:59Z"), SINGLE, SECRET, 422, "time"),
    ("after 2099", event(time="2099-12-31T21:00:00-03:00"), SINGLE, SECRET, 422, "time"),
    ("the first instant of all", event(time="0001-01-01T00:00:00+14:00"), SINGLE, SECRET, 422, "time"),
    ("appointment in 2100", scheduled("2100-01-01T00:00:00Z"), SINGLE, SECRET, 422, "data.starts_at"),
    ("unknown type", event(type="ticket.exploded"), SINGLE, SECRET, 422, "type"),
]


@pytest.mark.parametrize(
    ("body", "kind", "secret", "status", "field"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED]
)
async def test_what_is_wrong_is_refused_with_the_field(
    pool: Any, body: Any, kind: str, secret: str, status: int, field: str | None
) -> None:
    answer = await post(pool, body, kind=kind, secret=secret)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert [e["field"] for e in answer.json()["errors"]] == ([field] if field else [])
    assert await outbox_types(pool) == []


@pytest.mark.parametrize("time", ["1970-01-01T00:00:00Z", "2099-12-31T23:59:59.999999Z"])
async def test_an_event_at_the_edge_of_the_calendars_is_taken(pool: Any, time: str) -> None:
    assert (await post(pool, event(time=time))).status_code == 202


async def test_an_event_is_taken_once_and_a_conflict_is_refused(pool: Any) -> None:
    for _ in range(2):
        answer = await post(pool, event())
        assert (answer.status_code, answer.json()) == (202, {"ids": ["1"]})
    assert (await post(pool, event(data={"title": "other"}))).status_code == 409
    assert await outbox_types(pool) == ["ticket.opened"]


async def test_a_batch_is_all_or_nothing(pool: Any) -> None:
    bad = await post(pool, [event("1"), event("2", time="yesterday")], kind=BATCH)
    assert [(e["index"], e["field"]) for e in bad.json()["errors"]] == [(1, "time")]
    assert await outbox_types(pool) == []
    good = await post(pool, [event("1"), event("2")], kind=BATCH)
    assert good.json() == {"ids": ["1", "2"]}


async def test_a_messenger_is_refused_with_rule_8_and_recorded(pool: Any) -> None:
    answer = await post(pool, event(data={"channel": "WhatsApp"}))
    assert answer.status_code == 422
    assert "policy rule 8" in answer.json()["errors"][0]["rule"]
    assert await outbox_types(pool) == ["ticket.refused"]


async def test_of_a_batch_with_a_messenger_the_good_event_is_taken_when_it_is_sent_alone(pool: Any) -> None:
    batch = [event("1"), event("2", data={"channel": "telegram"})]
    for _ in range(2):
        answer = await post(pool, batch, kind=BATCH)
        assert (answer.status_code, [e["index"] for e in answer.json()["errors"]]) == (422, [1])
    assert await outbox_types(pool) == ["ticket.refused"]
    for _ in range(2):
        assert (await post(pool, event("1"))).json() == {"ids": ["1"]}
    assert await outbox_types(pool) == ["ticket.refused", "ticket.opened"]


async def test_without_a_database_the_sender_is_told_to_try_again() -> None:
    away = asyncpg.create_pool("postgresql://x@127.0.0.1:1/x", min_size=0, timeout=1)
    await away
    assert (await post(away, event())).status_code == 503
