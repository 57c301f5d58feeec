"""POST /v1/events on a real PostgreSQL: what is taken, what is refused, and that repeating it changes nothing."""

import asyncio
import gzip
import hashlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import asyncpg
import httpx
import orjson
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from services.intake.domain.tokens import Token
from services.intake.handlers.desk import Desk
from services.intake.sources.events import BATCH, BINARY, SINGLE, EventsEndpoint
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


def raw_event(more: str) -> bytes:
    """Return an opening with JSON of its own before the rest."""
    return b"{" + more.encode() + b"," + orjson.dumps(event())[1:]


def scheduled(starts_at: str) -> dict[str, Any]:
    """Return an appointment by the CRM."""
    return {**event(), "type": "ticket.scheduled", "data": {"ticket_id": "T1", "starts_at": starts_at}}


@pytest.fixture
async def pool(postgres: str, database: str) -> AsyncIterator[Any]:
    made = create_pool(dsn_for(postgres, "intake_app", database), "intake")
    await made
    yield made
    await made.close()


async def post(
    pool: Any, body: Any, *, kind: str = SINGLE, secret: str = SECRET, more: Mapping[str, str] | None = None
) -> httpx.Response:
    """Post ``body`` to the endpoint, with ``more`` headers."""
    desk = Desk(pool, "tickets.v1", "notices.v1", NOTHING_KNOWN, read)
    endpoint = EventsEndpoint(desk, Publishers([TOKEN]), Limiter("token", lambda: 0.0))
    app = Starlette(routes=[Route("/v1/events", endpoint.post, methods=["POST"])])
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t") as client:
        headers = {"content-type": kind, "authorization": f"Bearer {secret}", **(more or {})}
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
    ("intake's own type", event(type="ticket.refused", data={"rule": 8, "reason": "x"}), SINGLE, SECRET, 422, "type"),
    ("an entry of a list", event(data={"documents": ["x", "x" * 201]}), SINGLE, SECRET, 422, "data.documents[1]"),
    ("endless traceparent", event(traceparent="0" * 257), SINGLE, SECRET, 422, "traceparent"),
    ("data not an object", event() | {"data": "x"}, SINGLE, SECRET, 422, "data"),
    ("a word for a boolean", event(data={"emergency": "yes"}), SINGLE, SECRET, 422, "data.emergency"),
    ("a batch of 101", [event()] * 101, BATCH, SECRET, 400, None),
    ("empty", b"", SINGLE, SECRET, 400, "body"),
    ("a name twice", raw_event('"id":"1","id":"2"'), SINGLE, SECRET, 400, "id"),
    ("a name twice, deep", raw_event('"a":[{"b":1,"b":1}]'), SINGLE, SECRET, 400, "b"),
    ("NaN", raw_event('"a":NaN'), SINGLE, SECRET, 400, "body"),
    ("Infinity", raw_event('"a":-Infinity'), SINGLE, SECRET, 400, "body"),
    ("an infinite number", raw_event('"a":1e999'), SINGLE, SECRET, 400, "body"),
    ("65 bits", raw_event(f'"a":{2**64}'), SINGLE, SECRET, 400, "body"),
    ("10,000 digits", raw_event(f'"a":-{"9" * 10_000}'), SINGLE, SECRET, 400, "body"),
    ("nested 201 times", raw_event(f'"a":{"[" * 201}{"]" * 201}'), SINGLE, SECRET, 400, "body"),
    ("nested 100,000 times", b"[" * 100_000, SINGLE, SECRET, 400, "body"),
    ("half a surrogate", raw_event(r'"a":"\ud800"'), SINGLE, SECRET, 400, "body"),
    ("not UTF-8", raw_event('"a":"%"').replace(b"%", b"\xe9"), SINGLE, SECRET, 400, "body"),
    ("UTF-16", orjson.dumps(event()).decode().encode("utf-16"), SINGLE, SECRET, 400, "body"),
    ("Latin-1", event(), f"{SINGLE}; charset=iso-8859-1", SECRET, 415, None),
    ("no media type", event(), "", SECRET, 415, None),
    ("grown when written", raw_event(f'"a":[{",".join(["1e15"] * 150_000)}]'), SINGLE, SECRET, 422, "event"),
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


TAKEN = [
    ("a byte order mark", b"\xef\xbb\xbf" + orjson.dumps(event()), SINGLE),
    ("charset UTF-8", orjson.dumps(event()), f'{SINGLE};charset="UTF-8"'),
    ("upper case", orjson.dumps(event()), SINGLE.upper()),
    ("64 bits", raw_event(f'"a":{2**64 - 1},"b":{-(2**63)}'), SINGLE),
    ("nested 199 times", raw_event(f'"a":{"[" * 199}{"]" * 199}'), SINGLE),
    ("a pair of surrogates", raw_event(r'"a":"\ud83e\uddfe"'), SINGLE),
    ("U+0000 in a title", orjson.dumps(event(data={"title": "a\0b"})), SINGLE),
    ("100 of them", orjson.dumps([event(str(n)) for n in range(100)]), BATCH),
]


@pytest.mark.parametrize(("body", "kind"), [r[1:] for r in TAKEN], ids=[r[0] for r in TAKEN])
async def test_what_is_unusual_and_clear_is_taken(pool: Any, body: bytes, kind: str) -> None:
    assert (await post(pool, body, kind=kind)).status_code == 202


async def test_a_compressed_body_is_refused_and_the_sender_told_what_is_taken(pool: Any) -> None:
    answer = await post(pool, gzip.compress(orjson.dumps(event())), more={"content-encoding": "gzip"})
    assert (answer.status_code, answer.headers["accept-encoding"]) == (415, "identity")
    assert answer.json()["type"] == "/v1/docs#unsupported-encoding"
    assert (await post(pool, event(), more={"content-encoding": "identity"})).status_code == 202


async def test_a_problem_says_what_it_is_about_and_has_an_instance_of_its_own(pool: Any) -> None:
    first, second = [(await post(pool, event(time="x" * 30))).json() for _ in range(2)]
    assert first.pop("instance").startswith("urn:uuid:")
    assert first == {
        "type": "/v1/docs#invalid",
        "title": "The content breaks the contract",
        "status": 422,
        "detail": "Not every event keeps the contract; nothing was taken.",
        "errors": [{"index": 0, "field": "time", "rule": first["errors"][0]["rule"]}],
    }
    assert second["instance"] not in (first, None)
    assert "xxx" not in str(first)


async def test_refusals_carry_the_headers_that_a_sender_needs(pool: Any) -> None:
    nobody, wrong = await post(pool, event(), secret=""), await post(pool, event(), secret="wrong")
    assert nobody.headers["www-authenticate"].startswith('Bearer realm="prazo"')
    assert wrong.headers["www-authenticate"] == 'Bearer realm="prazo", error="invalid_token"'
    media = await post(pool, event(), kind="text/plain")
    assert media.headers["accept-post"] == f"{SINGLE}, {BATCH}, {BINARY}"
    assert {one.headers["cache-control"] for one in (nobody, wrong, media)} == {"no-store"}


async def test_of_a_batch_every_wrong_event_is_named(pool: Any) -> None:
    wrong = [event("1"), event("2", time="x"), 3, event("4", subject="T2")]
    errors = (await post(pool, wrong, kind=BATCH)).json()["errors"]
    assert [(e["index"], e["field"]) for e in errors] == [(1, "time"), (2, "event"), (3, "subject")]
    foreign = [event("1"), event("2", source="x"), event("3", source="y")]
    errors = (await post(pool, foreign, kind=BATCH)).json()["errors"]
    assert [(e["index"], e["field"]) for e in errors] == [(1, "source"), (2, "source")]
    assert (await post(pool, [event("1"), event("2")], kind=BATCH)).status_code == 202
    changed = [event(n, data={"title": "other"}) for n in ("2", "3", "1")]
    answer = await post(pool, changed, kind=BATCH)
    assert (answer.status_code, [e["index"] for e in answer.json()["errors"]]) == (409, [0, 2])
    assert await outbox_types(pool) == ["ticket.opened"] * 2


async def test_the_same_event_twice_in_one_batch_is_one_and_another_one_a_conflict(pool: Any) -> None:
    assert (await post(pool, [event(), event()], kind=BATCH)).json() == {"ids": ["1", "1"]}
    assert await outbox_types(pool) == ["ticket.opened"]
    twins = [event("2"), event("2", data={"title": "other"})]
    assert (await post(pool, twins, kind=BATCH)).status_code == 409
    assert await outbox_types(pool) == ["ticket.opened"]


async def test_events_of_a_batch_are_published_in_its_order_whatever_their_ids(pool: Any) -> None:
    batch = [event("9"), event("1", type="ticket.responded", data={}), event("5", data={"title": "x"})]
    assert (await post(pool, batch, kind=BATCH)).status_code == 202
    rows = await pool.fetch("SELECT body FROM outbox ORDER BY id")
    assert [orjson.loads(row["body"])["id"] for row in rows] == ["9", "1", "5"]


async def test_two_batches_of_the_same_events_in_another_order_do_not_wait_for_each_other(pool: Any) -> None:
    batch = [event(str(n)) for n in range(50)]
    answers = await asyncio.gather(
        *(post(pool, batch[:: 1 if n % 2 else -1], kind=BATCH) for n in range(6)), return_exceptions=True
    )
    assert [getattr(answer, "status_code", answer) for answer in answers] == [202] * 6
    assert len(await outbox_types(pool)) == 50


async def test_without_a_database_the_sender_is_told_to_try_again() -> None:
    away = asyncpg.create_pool("postgresql://x@127.0.0.1:1/x", min_size=0, timeout=1)
    await away
    answer = await post(away, event())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
