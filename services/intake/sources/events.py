"""``POST /v1/events``: ticket events for systems without a Kafka client. 202 only after the event is durable.

One CloudEvent in structured or binary mode, or a JSON batch of up to 100, all or nothing. Errors are RFC 9457 problem details
that name index, field and rule. Idempotent by ``source`` + ``id`` for 30 days.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.intake.domain.discretion import discreet, indiscreet
from services.intake.domain.limits import broken_limit
from services.intake.domain.tokens import Token, bearer
from services.intake.handlers.desk import Desk
from services.intake.sources.binary import attributes_of
from services.intake.sources.bodies import media_type, read_body, strict_json
from services.intake.sources.limits import Limiter
from services.intake.sources.problems import Problem, ProblemType, answer, error_of, storing
from services.intake.sources.publishers import Publishers
from services.intake.store import queries
from shared import clock, outbox
from shared.events import (
    Event,
    Outgoing,
    TicketRefused,
    Undecodable,
    check_arrival,
    content_hash,
    decode_json,
    encode,
    event_id,
    new_event,
)
from shared.events.policy import RULE_8, by_messenger

log = structlog.get_logger(__name__)

BODY_LIMIT_BYTES = 900 * 1024
EVENT_LIMIT_BYTES = 900 * 1024  # as it is published, so that it fits into a record of Kafka's usual 1 MiB
BODY_SECONDS = 30
STORE_SECONDS = 10
BATCH_LIMIT = 100
BATCH = "application/cloudevents-batch+json"
SINGLE = "application/cloudevents+json"
BINARY = "application/json"
TAKEN = (SINGLE, BATCH, BINARY)


class Checked(NamedTuple):
    """An event that may be taken: itself, the hash that a repetition must have, and what is published."""

    event: Event[Any]
    digest: bytes
    outgoing: Outgoing


@dataclass(frozen=True, slots=True)
class EventsEndpoint:
    """The endpoint: ``post`` is its Starlette handler."""

    desk: Desk
    publishers: Publishers
    limiter: Limiter

    async def post(self, request: Request) -> Response:
        """Answer one request; never raises for what the request is."""
        try:
            token = self._proven(request.headers.get("authorization"))
            self.limiter.admit(token.name, token.rate, "one system")
            ids = await self._take(_checked(await _events(request), token))
            return JSONResponse({"ids": ids}, status_code=202)
        except Problem as problem:
            return answer(problem)

    def _proven(self, header: str | None) -> Token:
        token = bearer(header, self.publishers.tokens)
        if token is None:  # RFC 6750, section 3: no error code for who said nothing
            challenge = 'Bearer realm="prazo"' + (', error="invalid_token"' if header else "")
            detail = "A valid bearer token is needed."
            raise Problem(ProblemType.UNAUTHENTICATED, detail, headers={"www-authenticate": challenge})
        return token

    async def _take(self, events: Sequence[Checked]) -> list[str]:
        """Record what is new of ``events``; of a batch with a refused one only the refusals, so nothing else is known."""
        refused = [i for i, one in enumerate(events) if by_messenger(one.event)]
        submitted = refused or range(len(events))
        async with (
            storing("event"),
            asyncio.timeout(STORE_SECONDS),
            self.desk.pool.acquire() as connection,
            connection.transaction(),
        ):
            new = await _new(connection, events, submitted)
            outgoing = [_refusal(events[i].event) if refused else events[i].outgoing for i in new]
            if outgoing:
                await outbox.enqueue(connection, self.desk.tickets_topic, outgoing)
        if refused:
            errors = [error_of("data.channel", RULE_8, i) for i in refused]
            raise Problem(ProblemType.REFUSED_BY_POLICY, "The event came over a channel that policy refuses.", *errors)
        return [one.event.id for one in events]


async def _events(request: Request) -> Sequence[object]:
    """Return the events of a request in structured form, not looked at yet."""
    kind = media_type(request, TAKEN)
    attributes = attributes_of(request.headers.raw) if kind == BINARY else {}
    parsed = strict_json(await read_body(request, BODY_LIMIT_BYTES, BODY_SECONDS))
    if kind == BINARY:
        return [{**attributes, "data": parsed}]
    if kind == SINGLE:
        return [parsed]
    if not isinstance(parsed, list) or not 0 < len(parsed) <= BATCH_LIMIT:
        raise Problem(ProblemType.MALFORMED, f"A batch is a JSON array of 1 to {BATCH_LIMIT} events.")
    return parsed


def _checked(items: Sequence[object], token: Token) -> Sequence[Checked]:
    """Return the events, or raise ``Problem`` with the first error of each that may not be taken."""
    checked, errors = [], []
    for index, raw in enumerate(items):
        try:
            checked.append(_check(raw))
        except Undecodable as wrong:
            errors.append(error_of(wrong.field, wrong.detail, index))
    if errors:
        raise Problem(ProblemType.INVALID, "Not every event keeps the contract; nothing was taken.", *errors)
    asked = [(index, token.refuses(one.event.source, one.event.type)) for index, one in enumerate(checked)]
    forbidden = [error_of(field, "this token may not send it", index) for index, field in asked if field is not None]
    if forbidden:
        raise Problem(ProblemType.NOT_ALLOWED, "This token may not send it; nothing was taken.", *forbidden)
    return checked


def _check(raw: object) -> Checked:
    if not isinstance(raw, Mapping):
        raise Undecodable("invalid", "event", "must be a JSON object")
    event = decode_json(raw)
    check_arrival(raw, event)
    broken = broken_limit(event) or indiscreet(event)
    if broken is not None:
        raise Undecodable("invalid", *broken)
    if not event.type.startswith("ticket.") or event.type == "ticket.refused":
        raise Undecodable("invalid", "type", "must be ticket.*, and not intake's own ticket.refused")
    outgoing = Outgoing(event.subject, encode(discreet(event)), event.traceparent)
    if len(outgoing.body) > EVENT_LIMIT_BYTES:
        raise Undecodable("invalid", "event", f"has more than {EVENT_LIMIT_BYTES} bytes as compact JSON")
    return Checked(event, content_hash(raw), outgoing)


async def _new(connection: Any, events: Sequence[Checked], submitted: Sequence[int]) -> list[int]:
    """Take the identities of ``submitted`` and return, in their order, those that were not known.

    They are taken in one order for every request, so that two of them never wait for each other.
    """
    new, conflicts = [], []
    for i in sorted(submitted, key=lambda i: (events[i].event.source, events[i].event.id)):
        event, digest, _ = events[i]
        known = await queries.submit(
            connection, source=event.source, event_id=event.id, content_hash=digest, received_at=clock.now()
        )
        if not known:
            new.append(i)
        elif known != digest:
            conflicts.append(error_of("id", "this source and id exist with other content", i))
    if conflicts:
        raise Problem(
            ProblemType.CONFLICT,
            "Another event of this source and id was taken before.",
            *sorted(conflicts, key=_index),
        )
    return sorted(new)


def _index(error: Mapping[str, Any]) -> int:
    return int(error["index"])


def _refusal(event: Event[Any]) -> Outgoing:
    """Return intake's record of a contact that policy refuses."""
    refusal = new_event(
        TicketRefused(ticket_id=event.subject, rule=8, reason=RULE_8, channel=event.data.channel),
        id=event_id("ticket.refused", event.source, event.id),
        source="prazo/intake",
        subject=event.subject,
        time=event.time,
    )
    return Outgoing(refusal.subject, encode(refusal), refusal.traceparent)
