"""Mail to a person by SMTP (RFC 5321): what is known after an attempt, by how far it came.

Before DATA nothing was taken, whatever happens. From DATA on a lost connection leaves the outcome unknown: the same Message-ID
goes out again. A refusal before MAIL is about the server, not about the person: never for good. Connections are kept for a
while and used again; one on which anything but a clean acceptance was said is closed, so that no mail gets another's answer.
"""

import asyncio
import re
import ssl
from collections import deque
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

import aiosmtplib
from aiosmtplib import SMTPResponse

from services.notifier.domain.cause import Cause
from services.notifier.domain.message import Outcome, Outgoing, Result
from services.notifier.transports.mail import mail_of

_IDLE_SECONDS = 20.0  # servers hang up after a minute or more
_ANSWER_LENGTH = 200
_CLOSING = 421  # RFC 5321, section 3.8: the server hangs up after it
_ENHANCED = re.compile(r"[245]\.(\d{1,3}\.\d{1,3})\b")
_CAUSES = {
    **dict.fromkeys(("1.1", "1.2", "1.3", "1.6", "1.10", "2.1"), Cause.UNDELIVERABLE),
    "2.2": Cause.MAILBOX_FULL,
    **dict.fromkeys(("7.1", "7.20", "7.23", "7.25", "7.26"), Cause.FILTERED),
}


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail goes and how. ``start_tls`` None takes what is offered, True requires it; ``kept`` idle connections at most;
    ``timeout_seconds`` is for the whole attempt."""

    host: str
    port: int
    mail_from: str
    timeout_seconds: float = 15.0
    use_tls: bool = False
    start_tls: bool | None = None
    user: str | None = None
    password: str | None = None
    trust: ssl.SSLContext | None = None
    kept: int = 20


@dataclass(slots=True)
class _Attempt:
    greeted: bool = False
    in_data: bool = False


class _Connection(aiosmtplib.SMTP):
    """A connection that tells an attempt how far its mail came."""

    attempt = _Attempt()

    async def data(self, *arguments: Any, **options: Any) -> SMTPResponse:
        """Send the mail itself; from here on it may have been taken."""
        self.attempt.in_data = True
        return await super().data(*arguments, **options)

    async def rset(self, **_: Any) -> SMTPResponse:
        """Say nothing: after a refusal the connection is closed."""
        return SMTPResponse(250, "")


class Email:
    """Sends by one server, one mail at a time over each connection."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._idle: deque[tuple[_Connection, float]] = deque()

    async def close(self) -> None:
        """Close the connections that were kept."""
        while self._idle:
            self._idle.pop()[0].close()

    async def send(self, message: Outgoing) -> Result:
        """Try once; ``provider_id`` is the server's answer, which mostly names its queue's id."""
        attempt = _Attempt()
        try:
            async with asyncio.timeout(self._server.timeout_seconds):
                answer = await self._deliver(mail_of(message, self._server.mail_from), message.to, attempt)
        except (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPResponseException) as error:
            return _refused(error, attempt)
        except (aiosmtplib.SMTPNotSupported, ValueError):  # an address that no header, or not this server, takes
            return Result(Outcome.FAILED_PERMANENT, Cause.BAD_ADDRESS)
        except (aiosmtplib.SMTPException, OSError) as error:
            return _lost(error, attempt)
        return Result(Outcome.ACCEPTED, provider_id=_storable(answer[:_ANSWER_LENGTH]) or None)

    async def _deliver(self, mail: EmailMessage, to: str, attempt: _Attempt) -> str:
        kept = self._take()
        if kept is not None:
            attempt.greeted = True
            try:
                return await self._over(kept, mail, to, attempt)
            except (aiosmtplib.SMTPException, OSError) as error:
                if attempt.in_data or not _hung_up(error):
                    raise
                attempt.greeted = False
        fresh = self._new()
        fresh.attempt = attempt
        try:
            await fresh.connect()  # with the greetings, TLS and the log-in
        except BaseException:
            fresh.close()
            raise
        attempt.greeted = True
        return await self._over(fresh, mail, to, attempt)

    async def _over(self, connection: _Connection, mail: EmailMessage, to: str, attempt: _Attempt) -> str:
        connection.attempt, clean = attempt, False
        try:
            _, answer = await connection.send_message(mail, sender=self._server.mail_from, recipients=[to])
            clean = True
        finally:
            if clean and connection.is_connected and len(self._idle) < self._server.kept:
                self._idle.append((connection, asyncio.get_running_loop().time()))
            else:
                connection.close()
        return answer

    def _take(self) -> _Connection | None:
        """Return the connection that was used last, if it is young enough; close the old ones."""
        now = asyncio.get_running_loop().time()
        while self._idle and now - self._idle[0][1] > _IDLE_SECONDS:
            self._idle.popleft()[0].close()
        while self._idle:
            connection, _ = self._idle.pop()
            if connection.is_connected:
                return connection
        return None

    def _new(self) -> _Connection:
        server = self._server
        return _Connection(
            hostname=server.host,
            port=server.port,
            timeout=server.timeout_seconds,
            use_tls=server.use_tls,
            start_tls=server.start_tls,
            username=server.user,
            password=server.password,
            tls_context=server.trust,
        )


def _hung_up(error: Exception) -> bool:
    """Tell whether a kept connection was closed by the server meanwhile: another one is worth trying at once."""
    code = getattr(error, "code", None)
    return code == _CLOSING or (code is None and not isinstance(error, aiosmtplib.SMTPRecipientsRefused))


def _lost(error: Exception, attempt: _Attempt) -> Result:
    late = isinstance(error, TimeoutError | aiosmtplib.SMTPTimeoutError)
    if attempt.in_data:
        return Result(Outcome.UNKNOWN, Cause.TIMEOUT if late else Cause.DISCONNECTED)
    if late:
        return Result(Outcome.FAILED_TEMPORARY, Cause.TIMEOUT)
    if isinstance(error, ssl.SSLError):
        return Result(Outcome.FAILED_TEMPORARY, Cause.TLS_FAILED)
    return Result(Outcome.FAILED_TEMPORARY, Cause.DISCONNECTED if attempt.greeted else Cause.UNREACHABLE)


def _refused(error: Exception, attempt: _Attempt) -> Result:
    recipients = error.recipients if isinstance(error, aiosmtplib.SMTPRecipientsRefused) else []
    told = recipients[0] if recipients else error
    code, text = getattr(told, "code", 0), str(getattr(told, "message", ""))
    if code < 400:  # no answer of SMTP, or none that fits: it says nothing
        outcome = Outcome.UNKNOWN if attempt.in_data else Outcome.FAILED_TEMPORARY
        return Result(outcome, Cause.UNEXPECTED_ANSWER)
    if not attempt.greeted:
        refused = isinstance(error, aiosmtplib.SMTPAuthenticationError)
        return Result(Outcome.FAILED_TEMPORARY, Cause.CREDENTIALS_REFUSED if refused else Cause.REMOTE_BUSY)
    enhanced = _ENHANCED.match(text)
    cause = _CAUSES.get(enhanced[1]) if enhanced else None
    if code >= 500:
        return Result(Outcome.FAILED_PERMANENT, cause or (Cause.UNDELIVERABLE if recipients else Cause.REFUSED))
    return Result(Outcome.FAILED_TEMPORARY, cause or Cause.REMOTE_BUSY)


def _storable(answer: str) -> str:
    """Return an answer as PostgreSQL takes it: no NUL, and no surrogate of a byte that is not UTF-8."""
    return "".join(c if c.isprintable() else "\ufffd" for c in answer)
