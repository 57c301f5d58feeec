"""``POST /v1/events``: ticket events for systems without a Kafka client. 202 only after the event is durable.

One CloudEvent in structured mode or a JSON batch of up to 100, all or nothing. Errors are RFC 9457 problem details
that name index, field and rule. Idempotent by ``source`` + ``id`` for 30 days.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.intake.domain.discretion import discreet, indiscreet
from services.intake.domain.limits import broken_limit
from services.intake.domain.tokens import Token, bearer
from services.intake.handlers.desk import Desk
from services.intake.sources.problems import Problem, answer, body_of
from services.intake.store import queries
from shared import clock, outbox
from shared.events import (
    Event,
    TicketRefused,
    Undecodable,
    check_arrival,
    content_hash,
    decode_json,
    event_id,
    loads,
    new_event,
)
from shared.events.policy import RULE_8, by_messenger

log = structlog.get_logger(__name__)

BODY_LIMIT_BYTES = 900 * 1024  # so that every event fits into a record of Kafka's usual 1 MiB
BODY_SECONDS = 30
STORE_SECONDS = 10
BATCH_LIMIT = 100
BATCH = "application/cloudevents-batch+json"
SINGLE = "application/cloudevents+json"


@dataclass(slots=True)
class EventsEndpoint:
    """The endpoint: ``post`` is its Starlette handler."""

    desk: Desk
    tokens: Sequence[Token]

    async def post(self, request: Request) -> Response:
        """Answer one request."""
        try:
            token = bearer(request.headers.get("authorization"), self.tokens)
            if token is None:
                raise Problem(401, "A valid bearer token is needed")
            raw = _parse(
                request.headers.get("content-type", ""), await body_of(request, BODY_LIMIT_BYTES, BODY_SECONDS)
            )
            ids = await self._take([_check(i, item, token) for i, item in enumerate(raw)], raw)
            return JSONResponse({"ids": ids}, status_code=202)
        except Problem as problem:
            return answer(problem)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            log.warning("events_deferred", error=type(error).__name__)
            return answer(Problem(503, "The event could not be stored now, please try again"))

    async def _take(self, events: Sequence[Event[Any]], raw: Sequence[Mapping[str, Any]]) -> list[str]:
        """Record what is new of ``events``; of a batch with a refused one only the refusals, so nothing else is known."""
        refused = [i for i, event in enumerate(events) if by_messenger(event)]
        submitted = refused or range(len(events))
        async with (
            asyncio.timeout(STORE_SECONDS),
            self.desk.pool.acquire() as connection,
            connection.transaction(),
        ):
            new = [events[i] for i in submitted if await self._is_new(connection, i, events[i], content_hash(raw[i]))]
            if new:
                taken = [_refusal(event) for event in new] if refused else new
                await outbox.record(connection, self.desk.tickets_topic, taken)
        if refused:
            errors = [{"index": i, "field": "data.channel", "rule": RULE_8} for i in refused]
            raise Problem(422, "A channel that policy refuses", *errors)
        return [event.id for event in events]

    async def _is_new(self, connection: Any, index: int, event: Event[Any], digest: bytes) -> bool:
        known = await queries.submit(
            connection, source=event.source, event_id=event.id, content_hash=digest, received_at=clock.now()
        )
        if known and known != digest:
            error = {"index": index, "field": "id", "rule": "this source and id exist with other content"}
            raise Problem(409, "Conflict with an earlier event", error)
        return not known


def _parse(content_type: str, body: bytes) -> Sequence[Mapping[str, Any]]:
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in (SINGLE, BATCH):
        raise Problem(415, f"Content-Type must be {SINGLE} or {BATCH}")
    try:
        parsed = loads(body)
    except Undecodable as wrong:
        raise Problem(
            400, "The body is not JSON" if wrong.reason == "not_json" else f"The body {wrong.detail}"
        ) from None
    items = parsed if kind == BATCH else [parsed]
    if not isinstance(items, list) or not 0 < len(items) <= BATCH_LIMIT:
        raise Problem(400, f"A batch is a JSON array of 1 to {BATCH_LIMIT} events")
    return items


def _check(index: int, raw: object, token: Token) -> Event[Any]:
    if not isinstance(raw, dict):
        raise Problem(422, "Not an event", {"index": index, "field": "event", "rule": "must be a JSON object"})
    try:
        event = decode_json(raw)
        check_arrival(raw, event)
    except Undecodable as wrong:
        raise Problem(422, "Not an event", {"index": index, "field": wrong.field, "rule": wrong.detail}) from None
    broken = broken_limit(event) or indiscreet(event)
    if broken is not None:
        raise Problem(422, "Not an event", {"index": index, "field": broken[0], "rule": broken[1]})
    if not event.type.startswith("ticket."):
        raise Problem(422, "Not a ticket event", {"index": index, "field": "type", "rule": "must be ticket.*"})
    field = token.refuses(event.source, event.type)
    if field is not None:
        raise Problem(403, "Not allowed", {"index": index, "field": field, "rule": "this token may not send it"})
    return discreet(event)


def _refusal(event: Event[Any]) -> Event[Any]:
    """Return intake's record of a contact that policy refuses."""
    data = TicketRefused(ticket_id=event.subject, rule=8, reason=RULE_8, channel=event.data.channel)
    return new_event(
        data,
        id=event_id("ticket.refused", event.source, event.id),
        source="prazo/intake",
        subject=event.subject,
        time=event.time,
    )
