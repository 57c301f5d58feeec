"""``POST /v1/calls``: what a PBX tells of a call, signed. 202 only after it is durable; the decision follows at once.

Body: ``{"type": "call.started", "pbx": …, "call_id": …, "at": RFC 3339 with offset}`` and where it is known ``number``, ``trunk``,
``queue``, ``agent``, ``cause``, ``protocol``. Types: ``call.started`` (the caller entered the queue), ``call.left`` (the queue let
go of the caller), ``call.answered`` (by a human), ``call.ended``, ``call.outgoing`` (we dialled; ``call.answered`` follows if
somebody took it). Causes ``timeout``, ``no_agent``, ``key``, ``full``, ``closed`` say that it was no misdial. Words may come in any
order and twice. Headers: see ``domain/signature.py``.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.intake import metrics
from services.intake.domain.calls import CallEvent, CallId, Heard, Kind
from services.intake.domain.signature import Refused, Signed, verify
from services.intake.handlers.desk import Desk
from services.intake.sources.bodies import read_body, strict_json
from services.intake.sources.problems import Problem, ProblemType, answer, error_of, storing
from services.intake.store import queries
from services.intake.store.calls import hear
from shared import clock
from shared.events.envelope import INSTANT, YEARS, first_error, is_instant, is_of_our_time

BODY_LIMIT_BYTES = 16 * 1024
BODY_SECONDS = 10
STORE_SECONDS = 10


def _storable(text: str) -> str:
    if any(ord(c) < 0x20 or 0xD800 <= ord(c) <= 0xDFFF for c in text):
        raise ValueError("control characters and surrogates are not allowed")
    return text


def _instant(at: object) -> object:
    if not is_instant(at):
        raise ValueError(INSTANT)
    return at


def _of_our_time(at: datetime) -> datetime:
    if not is_of_our_time(at):
        raise ValueError(YEARS)
    return at


Word = Annotated[str, Field(max_length=100), AfterValidator(_storable)]
Id = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_storable)]


class CallReport(BaseModel):
    """One word of a PBX; more fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: Literal["call.started", "call.left", "call.answered", "call.ended", "call.outgoing"]
    pbx: Id
    call_id: Id
    at: Annotated[AwareDatetime, BeforeValidator(_instant), AfterValidator(_of_our_time)]
    number: Word = ""
    trunk: Word = ""
    queue: Word = ""
    agent: Word = ""
    cause: Word = ""
    protocol: Word = ""

    def heard(self, received_at: datetime) -> Heard:
        """Return it as a word of its call."""
        kind: Mapping[str, Kind] = {
            "call.started": "started",
            "call.left": "left",
            "call.answered": "answered",
            "call.ended": "ended",
            "call.outgoing": "outgoing",
        }
        said = (self.number, self.trunk, self.queue, self.agent, self.cause.lower(), self.protocol)
        return Heard(CallId(self.pbx, self.call_id), CallEvent(kind[self.type], self.at, received_at, *said))


@dataclass(slots=True)
class CallsEndpoint:
    """The endpoint: ``post`` is its Starlette handler. ``keys``: of each exchange, two while one replaces the other."""

    desk: Desk
    keys: Mapping[str, Sequence[bytes]]
    arrived: asyncio.Event

    async def post(self, request: Request) -> Response:
        """Answer one request."""
        response = await self._respond(request)
        metrics.call_posts.labels(str(response.status_code)).inc()
        return response

    async def _respond(self, request: Request) -> Response:
        try:
            body = await read_body(request, BODY_LIMIT_BYTES, BODY_SECONDS)
            received_at = clock.now()
            signed = self._signed(request, body, received_at)
            heard = _parse(body, signed.pbx).heard(received_at)
            await self._store(signed, heard)
        except Problem as problem:
            return answer(problem)
        self.arrived.set()
        return JSONResponse(heard.call._asdict(), status_code=202)

    def _signed(self, request: Request, body: bytes, now: datetime) -> Signed:
        timestamp = request.headers.get("prazo-timestamp", "")
        signatures = request.headers.get("prazo-signature", "")
        try:
            return verify(self.keys, timestamp, signatures, body, now)
        except Refused as refused:
            error = error_of(refused.field, refused.rule)
            challenge = {"www-authenticate": 'Prazo-Signature realm="prazo"'}
            raise Problem(
                ProblemType.UNAUTHENTICATED, "A valid signature is needed.", error, headers=challenge
            ) from None

    async def _store(self, signed: Signed, heard: Heard) -> None:
        """Store the word; the same signature again has no effect."""
        async with (
            storing("call"),
            asyncio.timeout(STORE_SECONDS),
            self.desk.pool.acquire() as connection,
            connection.transaction(),
        ):
            at = heard.event.received_at
            if await queries.sign_call(connection, signature=signed.signature, received_at=at):
                await hear(connection, [heard])


def _parse(body: bytes, pbx: str) -> CallReport:
    raw = strict_json(body)
    if not isinstance(raw, dict):
        raise Problem(ProblemType.INVALID, "Not a call.", error_of("body", "must be a JSON object"))
    try:
        report = CallReport.model_validate(raw)
    except ValidationError as error:
        raise Problem(ProblemType.INVALID, "Not a call.", error_of(*first_error(error))) from None
    if report.pbx != pbx:
        rule = "must be the exchange whose key signed the request"
        raise Problem(ProblemType.NOT_ALLOWED, "Not a call of this exchange.", error_of("pbx", rule))
    return report
