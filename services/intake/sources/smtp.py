"""Mail by SMTP (RFC 5321): 250 only after the raw message is committed; a database that is away means 451, not loss."""

import asyncio
import hashlib
from contextlib import suppress
from typing import Any

import asyncpg
import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from services.intake import metrics
from services.intake.domain.message import message_id_of
from services.intake.settings import Settings
from services.intake.store.mail import Received, store_message
from shared import clock
from shared.observability import new_traceparent

log = structlog.get_logger(__name__)

_STORE_SECONDS = 10
_IDLE_SECONDS = 120
_LINES_AT_ONCE = 1000
_RECIPIENTS = 100  # RFC 5321, section 4.5.3.1.8: the least that a server must take, and all that this one does


def _storable(address: str) -> str:
    """Return an address as PostgreSQL can hold it, "" for the null sender: aiosmtpd gives bytes that are not UTF-8 as
    surrogates, and the null sender as <>."""
    if address == "<>":
        return ""
    return address.lower().replace("\0", "").encode("utf-8", "surrogateescape").decode("utf-8", "replace")


class _Handler:
    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", arrived: asyncio.Event) -> None:
        self._pool, self._arrived = pool, arrived

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take up to 100 recipients; the sender sends the mail again to the others (RFC 5321, section 4.5.3.1.10)."""
        if len(envelope.rcpt_tos) >= _RECIPIENTS:
            return "452 4.5.3 Too many recipients, please send to the others separately"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's name
        """Store one copy per mailbox, then say 250."""
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        received_at, trace, message_id = clock.now(), new_traceparent(), message_id_of(raw)
        envelope_from = _storable(envelope.mail_from or "")
        sha256 = (await asyncio.to_thread(hashlib.sha256, raw)).digest()
        try:
            async with asyncio.timeout(_STORE_SECONDS), self._pool.acquire() as connection, connection.transaction():
                for mailbox in sorted({_storable(str(rcpt)) for rcpt in envelope.rcpt_tos}):
                    message = Received(mailbox, message_id, raw, sha256, received_at, trace, envelope_from)
                    await store_message(connection, message)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            metrics.deferred.inc()
            log.warning("message_deferred", error=type(error).__name__)
            return "451 4.3.0 The message could not be stored now, please try again"
        metrics.stored.inc()
        self._arrived.set()
        return "250 2.0.0 Stored"


class _Lines:
    """A reader that gives way now and then: lines that are there already are read without ever waiting."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader, self._lines = reader, 0
        self.read, self.readline = reader.read, reader.readline

    async def readuntil(self, separator: bytes = b"\n") -> bytes:
        """Return what the reader returns."""
        self._lines += 1
        if self._lines % _LINES_AT_ONCE == 0:
            await asyncio.sleep(0)
        return await self._reader.readuntil(separator)


class _Session(SMTP):
    """One connection. A line may be as long as a message: mailers that break RFC 5321's 1,000 octets lose nothing."""

    def __init__(self, handler: _Handler, settings: Settings, taken: "set[_Session]") -> None:
        self._taken, self._limit = taken, settings.smtp_sessions_limit
        self.line_length_limit = settings.smtp_size_limit_bytes
        super().__init__(
            handler,
            data_size_limit=settings.smtp_size_limit_bytes,
            enable_SMTPUTF8=True,
            hostname="prazo",
            ident="Prazo",
            timeout=_IDLE_SECONDS,
        )

    def _cb_client_connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines: Any = _Lines(reader)  # all of a reader that aiosmtpd uses
        self._reader, self._writer = lines, writer

    def connection_made(self, transport: Any) -> None:
        """Begin the session, or turn the sender away until later when there are too many."""
        if len(self._taken) >= self._limit:
            metrics.turned_away.inc()
            transport.write(b"421 4.3.2 Too many connections, please try again later\r\n")
            transport.close()
            return
        self._taken.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """End the session; one that was turned away never began."""
        if self in self._taken:
            self._taken.remove(self)
            super().connection_lost(error)


class SmtpServer:
    """The listening server, as a resource of the service."""

    def __init__(self, settings: Settings, pool: "asyncpg.Pool[asyncpg.Record]", arrived: asyncio.Event) -> None:
        self._settings = settings
        self._handler = _Handler(pool, arrived)
        self._taken: set[_Session] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> "SmtpServer":
        """Listen."""
        s = self._settings
        self._server = await asyncio.get_running_loop().create_server(self._protocol, s.smtp_host, s.smtp_port)
        return self

    def _protocol(self) -> _Session:
        return _Session(self._handler, self._settings, self._taken)

    async def __aexit__(self, *_: object) -> None:
        """Stop listening; a message without 250 stays with its sender."""
        if self._server is not None:
            self._server.close()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._server.wait_closed(), 5)
