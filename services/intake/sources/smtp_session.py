"""One connection: aiosmtpd's commands, with our own DATA, replies, time limits and STARTTLS."""

import asyncio
import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from services.intake import metrics
from services.intake.sources.reception import Reception
from services.intake.sources.smtp_data import message_of, parts_of

log = structlog.get_logger(__name__)

NAME = "prazo"
_COMMAND_BYTES = 1024  # RFC 5321, section 4.5.3.1.4 asks for 512, its extensions for some more
_READ_BYTES = 64 * 1024
_HANDSHAKE_SECONDS = 30
_FAREWELL_SECONDS = 5.0
_REPLIES_AT_ONCE = 50
_CODES = {
    "500": "5.5.2",
    "501": "5.5.4",
    "502": "5.5.1",
    "503": "5.5.1",
    "530": "5.7.0",
    "552": "5.3.4",
    "555": "5.5.4",
}
_PLAIN = re.compile(rf"220 |250 {NAME}$|2\d\d 2\.|4\d\d 4\.|5\d\d 5\.|...-|3")
_PATH = re.compile(r"\s*<([\w.!#$%&'*+/=?^`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255})>(?:\s+(.*))?$", re.ASCII)


def coded(reply: str) -> str:
    """Return a reply with an enhanced status code (RFC 2034); a greeting, the answer to HELO and EHLO and 354 have none."""
    if _PLAIN.match(reply):
        return reply
    code, _, text = reply.partition(" ")
    return f"{code} {_CODES.get(code, f'{code[0]}.0.0')} {text}"


class Hooks:
    """What aiosmtpd asks; the sessions of one listener share it."""

    def __init__(self, reception: Reception) -> None:
        self._reception = reception

    async def handle_EHLO(  # noqa: N802  # aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, name: str, lines: list[str]
    ) -> list[str]:
        """Greet with what this server can; nobody logs in here."""
        session.host_name = name
        kept = [line[4:] for line in lines if not line.startswith("250-AUTH")]
        kept[1:1] = ["PIPELINING", "ENHANCEDSTATUSCODES"]
        return ["\r\n".join([f"250-{line}" for line in kept[:-1]] + [f"250 {kept[-1]}"])]

    async def handle_MAIL(  # noqa: N802  # aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Begin a message, or defer it before its body."""
        deferred = self._reception.begin(peer_of(session.peer), session.loop.time())
        if deferred is None:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return deferred or "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient of ours."""
        refusal = self._reception.refusal(address, len(envelope.rcpt_tos))
        if refusal is None:
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
        return refusal or "250 2.1.5 OK"


def peer_of(name: Any) -> str:
    """Return the address of a socket's peer, "" of a Unix socket."""
    return str(name[0]) if isinstance(name, tuple) and name else ""


def _heard(task: "asyncio.Task[None]") -> None:
    """Take note of how a session's task ended: a connection that was reset is nothing to be logged."""
    if not task.cancelled():
        task.exception()


class SmtpSession(SMTP):
    """One connection. A line may be as long as a message: mailers that break RFC 5321's 1,000 octets lose nothing."""

    command_size_limit = _COMMAND_BYTES
    line_length_limit = _READ_BYTES
    transport: Any  # aiosmtpd's types know none of what a session has from its first moment on
    session: Any
    envelope: Any
    _reader: Any
    _writer: Any
    _tls_protocol: Any
    _tls = True

    def __init__(self, reception: Reception, hooks: Hooks) -> None:
        self.reception, settings = reception, reception.settings
        self.command_size_limits = defaultdict(lambda: _COMMAND_BYTES)  # aiosmtpd's is shared by all sessions
        self._began_at = self._heard_at = 0.0
        self._storing, self._replies, self._taken = False, 0, False
        self._abort: asyncio.TimerHandle | None = None
        certificate = reception.certificate if self._tls else None
        super().__init__(
            hooks,
            data_size_limit=settings.smtp_size_limit_bytes,
            enable_SMTPUTF8=True,
            hostname=NAME,
            ident="Prazo",
            tls_context=certificate.context() if certificate else None,
            require_starttls=settings.smtp_require_starttls,
            timeout=settings.smtp_idle_seconds,
        )

    def connection_made(self, transport: Any) -> None:
        """Begin the session, or turn the sender away until later."""
        self._began_at = self._heard_at = self.loop.time()
        peer = peer_of(transport.get_extra_info("peername"))
        if (reply := self.reception.enter(self, peer)) is not None:
            transport.write(f"{reply}\r\n".encode())
            transport.close()
            return
        self._taken, self._peer = True, peer
        super().connection_made(transport)
        if self._handler_coroutine is not None:
            self._handler_coroutine.add_done_callback(_heard)

    def data_received(self, data: bytes) -> None:
        """Note that the sender is alive."""
        self._heard_at = self.loop.time()
        super().data_received(data)

    def connection_lost(self, error: Exception | None) -> None:
        """End the session; one that was turned away never began."""
        if not self._taken:
            return
        self._taken = False
        self.reception.leave(self, self._peer)
        if self._abort is not None:
            self._abort.cancel()
        super().connection_lost(error)

    def _reset_timeout(self, duration: float | None = None) -> None:
        if self._timeout_handle is None:  # one timer that looks again, instead of one for each command
            self._look_again_at(min(self._heard_at + self._timeout_duration, self._ends_at))

    @property
    def _ends_at(self) -> float:
        return self._began_at + self.reception.settings.smtp_session_seconds

    def _look_again_at(self, at: float) -> None:
        self._timeout_handle = self.loop.call_at(at, self._timeout_cb)

    def _timeout_cb(self) -> None:
        """End a session that is silent or too long; one that waits for us may."""
        now, silent_at = self.loop.time(), self._heard_at + self._timeout_duration
        if self._storing:
            self._look_again_at(now + self._timeout_duration)
        elif now < min(silent_at, self._ends_at):
            self._look_again_at(min(silent_at, self._ends_at))
        elif now >= self._ends_at:
            self.end("session_time", "421 4.4.2 This session took too long, please try again")
        else:
            self.end("idle", "421 4.4.2 Nothing was heard for too long, please try again")

    def end(self, reason: str, reply: str) -> None:
        """Say why and close; a message without 250 stays with its sender."""
        if self.transport is None or self.transport.is_closing():
            return
        metrics.smtp_deferred.labels(reason).inc()
        self.transport.write(f"{reply}\r\n".encode())
        self.transport.close()
        self._abort = self.loop.call_later(_FAREWELL_SECONDS, self.transport.abort)

    @property
    def storing(self) -> bool:
        """Whether a message is being stored, whose answer is still to come."""
        return self._storing

    async def push(self, status: Any) -> None:
        """Send a reply; now and then give way, for commands that are there already are read without ever waiting."""
        text = status if isinstance(status, str) else status.decode()
        self._writer.write(coded(text).encode("utf-8", "replace") + b"\r\n")
        self._replies += 1
        if self._replies % _REPLIES_AT_ONCE == 0:
            await asyncio.sleep(0)
        await self._writer.drain()

    async def handle_exception(self, error: Exception) -> str:
        """Answer what nobody foresaw: the sender keeps its message."""
        metrics.smtp_deferred.labels("error").inc()
        log.warning("smtp_command_failed", error=type(error).__name__)
        return "451 4.3.0 Something went wrong here, please try again"

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """Return address and parameters; the plain form without the parser, which takes as long as all the rest."""
        if (plain := _PATH.match(arg)) is not None:
            return plain[1], plain[2] or ""
        try:
            return super()._getaddr(arg)
        except (IndexError, ValueError):  # "<" and the like
            return None, None

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802  # aiosmtpd's name
        """Take a message and answer once it is stored."""
        if await self.check_helo_needed():
            return
        if arg or not self.envelope.rcpt_tos:
            await self.push("501 Syntax: DATA" if arg else "503 Need RCPT command")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        replies = await self._take(self.envelope)
        self.envelope = self._create_envelope()
        for reply in replies:
            await self.push(reply)

    async def _take(self, envelope: Envelope) -> Sequence[str]:
        with self.reception.room() as room:
            parts: list[bytes] = []
            async for part in parts_of(self._reader):
                if room.take(part):
                    parts.append(part)
                else:
                    parts.clear()
            raw = b"" if room.refused else message_of(parts)
            parts.clear()
            if room.refused or room.too_large(raw):
                return [room.refusal()] * self._answers(envelope)
            self._storing = True
            try:
                return await self._stored(envelope, raw)
            finally:
                self._storing, self._heard_at = False, self.loop.time()

    def _answers(self, envelope: Envelope) -> int:
        return 1

    async def _stored(self, envelope: Envelope, raw: bytes) -> Sequence[str]:
        return [await self.reception.store(raw, envelope.mail_from, envelope.rcpt_tos)]

    async def smtp_STARTTLS(self, arg: str | None) -> None:  # noqa: N802  # aiosmtpd's name
        """Go on in TLS and forget what was said before it (RFC 3207, section 4.2).

        aiosmtpd's own way reaches into a transport of asyncio's before Python 3.11.
        """
        if arg or self.tls_context is None or self._tls_protocol is not None:
            await self.push("501 Syntax: STARTTLS" if arg else "454 4.7.0 TLS not available")
            return
        await self.push("220 Ready to start TLS")
        self._reader._buffer.clear()  # what came in clear text after STARTTLS is a stranger's (CVE-2024-34083)
        try:
            transport = await self.loop.start_tls(
                self.transport, self, self.tls_context, server_side=True, ssl_handshake_timeout=_HANDSHAKE_SECONDS
            )
        except (OSError, TimeoutError) as error:
            log.info("tls_handshake_failed", error=type(error).__name__)
            transport = None
        if transport is None:  # or the sender went as soon as it was done
            self.transport.abort()
            self.connection_lost(None)
            return
        self.transport = self._reader._transport = self._writer._transport = self._tls_protocol = transport
        self.session.ssl, self.session.host_name = {}, None
        self.envelope = self._create_envelope()


class LmtpSession(SmtpSession, LMTP):
    """One connection by LMTP (RFC 2033): after DATA one reply for each recipient."""

    _tls = False

    async def check_helo_needed(self, helo: str = "LHLO") -> bool:
        """Ask for LHLO."""
        return bool(await super().check_helo_needed("LHLO"))

    def _answers(self, envelope: Envelope) -> int:
        return len(envelope.rcpt_tos)

    async def _stored(self, envelope: Envelope, raw: bytes) -> Sequence[str]:
        to = dict.fromkeys(envelope.rcpt_tos)
        answers = await asyncio.gather(*(self.reception.store(raw, envelope.mail_from, [one]) for one in to))
        found = dict(zip(to, answers, strict=True))
        return [found[one] for one in envelope.rcpt_tos]
