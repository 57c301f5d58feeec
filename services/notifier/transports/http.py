"""One place over HTTPS: a POST, and what is known after it. No redirect, no proxy, no kept connection, no long answer.

What failed before the body was begun was certainly not taken; what failed after may have been.
"""

import asyncio
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import certifi
import httpx
import orjson

from services.notifier.domain.cause import Cause
from services.notifier.domain.message import Outcome, Result
from services.notifier.transports.guard import Forbidden, Guard
from shared import clock

ANSWER_BYTES = 16 * 1024
"""So much of an answer is read."""

SHORTEST_WAIT, LONGEST_WAIT = timedelta(seconds=1), timedelta(minutes=15)
"""Bounds of what a ``Retry-After`` can ask for."""

_CONNECT_SECONDS = 5.0  # so that another address of the host has a chance


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; ``body`` is empty when it was lost on the way, and at most 16 KiB of it."""

    status: int
    body: bytes
    retry_in: timedelta | None = None

    @property
    def json(self) -> Mapping[str, Any]:
        """The body as a JSON object; anything else is an empty one."""
        try:
            found = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return {}
        return found if isinstance(found, dict) else {}


@dataclass(slots=True)
class _Attempt:
    sent: bool = False
    status: int | None = None
    retry_in: timedelta | None = None
    body: bytearray = field(default_factory=bytearray)

    async def trace(self, event: str, _: object) -> None:
        """Hear of each step (httpx, extension ``trace``)."""
        self.sent = self.sent or event == "http11.send_request_body.started"

    def answer(self) -> Answer | None:
        """Return what came back so far, if a status did."""
        return None if self.status is None else Answer(self.status, bytes(self.body), self.retry_in)


class Endpoint:
    """A place that takes our POSTs, each over a connection of its own to an address that ``guard`` has checked."""

    def __init__(self, url: str, guard: Guard, timeout: timedelta, ca_file: Path | None = None) -> None:
        self._url, self._guard, self._timeout = httpx.URL(url), guard, timeout
        self._port = self._url.port or (443 if self._url.scheme == "https" else 80)
        self._client = httpx.AsyncClient(
            verify=trust_of(ca_file),
            trust_env=False,
            follow_redirects=False,
            limits=httpx.Limits(max_keepalive_connections=0),
            timeout=httpx.Timeout(timeout.total_seconds(), connect=_CONNECT_SECONDS),
        )

    async def close(self) -> None:
        """Close what is open."""
        await self._client.aclose()
        self._guard.close()

    async def post(self, content: bytes, headers: Mapping[str, str]) -> Answer | Result:
        """Send once, within the timeout; a ``Result`` says what is known when there was no answer."""
        attempt = _Attempt()
        try:
            async with asyncio.timeout(self._timeout.total_seconds()):
                addresses = await self._guard.addresses(self._url.scheme, self._url.host, self._port)
                await self._post(addresses, attempt, content, headers)
        except Forbidden:
            return Result(Outcome.FAILED_PERMANENT, Cause.FORBIDDEN_ADDRESS)
        except (httpx.HTTPError, OSError, UnicodeError) as error:  # UnicodeError: a name that IDNA refuses
            return attempt.answer() or _lost(error, attempt.sent)
        return attempt.answer() or Result(Outcome.UNKNOWN, Cause.UNEXPECTED_ANSWER)

    async def _post(
        self, addresses: Sequence[str], attempt: _Attempt, content: bytes, headers: Mapping[str, str]
    ) -> None:
        for address in addresses:
            try:
                await self._post_to(address, attempt, content, headers)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if address == addresses[-1]:
                    raise
            else:
                return

    async def _post_to(self, address: str, attempt: _Attempt, content: bytes, headers: Mapping[str, str]) -> None:
        own = {"Host": self._url.netloc.decode("ascii"), "User-Agent": "Prazo", "Accept-Encoding": "identity"}
        sent = {**headers, **own, "Connection": "close"}
        known = {"sni_hostname": self._url.host, "trace": attempt.trace}
        url = self._url.copy_with(host=address)
        async with self._client.stream("POST", url, content=content, headers=sent, extensions=known) as response:
            attempt.status, attempt.retry_in = response.status_code, retry_after(response.headers.get("retry-after"))
            async for chunk in response.aiter_raw():
                attempt.body += chunk[: ANSWER_BYTES - len(attempt.body)]
                if len(attempt.body) >= ANSWER_BYTES:
                    return


@lru_cache(maxsize=32)
def trust_of(ca_file: Path | None) -> ssl.SSLContext:
    """Return the certificate authorities that we trust: certifi's, and those of a file; read once."""
    trust = ssl.create_default_context(cafile=certifi.where())
    if ca_file is not None:
        trust.load_verify_locations(ca_file)
    return trust


def retry_after(value: str | None) -> timedelta | None:
    """Return how long a ``Retry-After`` (RFC 9110, section 10.2.3) asks us to wait, within our bounds; None if it is none."""
    if value is None:
        return None
    value = value.strip()
    try:
        wait = (
            timedelta(seconds=min(int(value), 86_400))
            if value.isascii() and value.isdigit()
            else parsedate_to_datetime(value) - clock.now()
        )
    except (ValueError, TypeError):  # no date, or one without a zone
        return None
    return min(max(wait, SHORTEST_WAIT), LONGEST_WAIT)


def by_status(answer: Answer, remote_error: Outcome = Outcome.FAILED_TEMPORARY) -> Result:
    """Return what a status says by HTTP's own rules (RFC 9110, 6585); ``remote_error``: what a 500 means at this remote.

    502 and 504 come from something between: whether the remote has the request nobody knows. 503 says that it has not.
    """
    match answer.status:
        case status if 200 <= status < 300:
            return Result(Outcome.ACCEPTED)
        case 429:
            return Result(Outcome.FAILED_TEMPORARY, Cause.RATE_LIMITED, retry_in=answer.retry_in)
        case 408 | 425 | 503:
            return Result(Outcome.FAILED_TEMPORARY, Cause.REMOTE_BUSY, retry_in=answer.retry_in)
        case 502 | 504:
            return Result(Outcome.UNKNOWN, Cause.REMOTE_ERROR, retry_in=answer.retry_in)
        case status if status >= 500:
            return Result(remote_error, Cause.REMOTE_ERROR, retry_in=answer.retry_in)
        case 401 | 403:
            return Result(Outcome.FAILED_PERMANENT, Cause.CREDENTIALS_REFUSED)
        case 404 | 410:
            return Result(Outcome.FAILED_PERMANENT, Cause.GONE)
        case 400 | 413 | 415 | 422:
            return Result(Outcome.FAILED_PERMANENT, Cause.CONTENT_REFUSED)
        case status if 300 <= status < 400:
            return Result(Outcome.FAILED_PERMANENT, Cause.REDIRECTED)
    return Result(Outcome.FAILED_PERMANENT, Cause.REFUSED)


def _lost(error: Exception, sent: bool) -> Result:
    if sent:
        late = isinstance(error, TimeoutError | httpx.TimeoutException)
        return Result(Outcome.UNKNOWN, Cause.TIMEOUT if late else Cause.DISCONNECTED)
    return Result(Outcome.FAILED_TEMPORARY, _cause(error))


def _cause(error: Exception) -> Cause:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, socket.gaierror | UnicodeError):
            return Cause.NAME_NOT_FOUND
        if isinstance(seen, ssl.SSLError):
            return Cause.TLS_FAILED
        seen = seen.__cause__ or seen.__context__
    return Cause.TIMEOUT if isinstance(error, TimeoutError | httpx.TimeoutException) else Cause.UNREACHABLE
