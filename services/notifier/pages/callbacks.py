"""``POST /v1/callbacks/{channel}/{proof}``: an SMS provider tells what became of a message that it had accepted.

The URL is a secret that only the provider is given (``notifier callbacks`` prints it). What it says is Twilio's form or Zenvia's
JSON document; a message that did not arrive moves on at once.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

import asyncpg
import orjson
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from services.notifier import metrics
from services.notifier.domain.channel_config import SmsConfig
from services.notifier.domain.message import Outcome
from services.notifier.domain.token import proves, token
from services.notifier.handlers.duty import Duty
from services.notifier.handlers.reports import report
from services.notifier.transports.sms_providers import delivery_report
from shared.web import body_within

log = structlog.get_logger(__name__)

BODY_LIMIT_BYTES = 16 * 1024
_SECONDS = 15
_ACTION = "callback"


def callback_path(key: bytes, channel: str) -> str:
    """Return the path that proves, by its last part, that its caller was told it by us."""
    return f"/v1/callbacks/{channel}/{token(key, 0, channel, _ACTION)}"


@dataclass(frozen=True, slots=True)
class Callbacks:
    """The endpoint; ``keys`` prove its URLs."""

    duty: Duty
    keys: Sequence[bytes]

    def routes(self) -> list[BaseRoute]:
        """Return the route."""
        return [Route("/v1/callbacks/{channel}/{proof}", self.answer, methods=["POST"])]

    async def answer(self, request: Request) -> Response:
        """Record a report: 204 when it was understood, 404 for a wrong URL, 4xx for what is no report, 503 to come again."""
        channel, proof = request.path_params["channel"], request.path_params["proof"]
        config = self.duty.oncall.channels.get(channel)
        if not isinstance(config, SmsConfig) or not any(proves(key, proof, 0, channel, _ACTION) for key in self.keys):
            metrics.callbacks.labels("wrong_url").inc()
            return Response(status_code=404)
        try:
            async with asyncio.timeout(_SECONDS):
                body = await body_within(request, BODY_LIMIT_BYTES)
                found = None if body is None else delivery_report(config.provider, _read(body))
                if found is None:
                    metrics.callbacks.labels("no_report").inc()
                    return Response(status_code=413 if body is None else 422)
                provider_id, outcome, cause = found
                if outcome is not Outcome.ACCEPTED:  # a step on the way is no news
                    await report(self.duty, outcome, cause, channel=channel, provider_id=provider_id)
        except ClientDisconnect:
            return Response(status_code=400)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            log.warning("callback_failed", channel=channel, error=type(error).__name__)
            return Response(status_code=503, headers={"retry-after": "5"})
        metrics.callbacks.labels("taken").inc()
        return Response(status_code=204)


def _read(body: bytes) -> Mapping[str, object]:
    """Return a JSON object's or a form's fields; {} for anything else."""
    if body.lstrip()[:1] == b"{":
        try:
            found = orjson.loads(body)
        except orjson.JSONDecodeError:
            return {}
        return found if isinstance(found, dict) else {}
    try:
        return dict(parse_qsl(body.decode("ascii"), max_num_fields=100))
    except ValueError:
        return {}
