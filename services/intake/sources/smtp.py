"""Mail by SMTP (RFC 5321) and LMTP (RFC 2033): 250 only after the raw message is committed; a database that is away means
451, not loss.

What is stored is what was sent, to the byte: no Received or Return-Path line is put before it. Nothing is sent on from here,
so nobody needs a trace; the null sender and the envelope stand beside the message, and equal bytes are how a repetition is
known.
"""

import asyncio
import logging
from contextlib import suppress
from typing import Any

from services.intake.settings import Settings
from services.intake.sources.reception import Reception
from services.intake.sources.smtp_session import Hooks, LmtpSession, SmtpSession

_FAREWELL_SECONDS = 5.0
_SOCKET_MODE = 0o660


class SmtpServer:
    """The listening servers, as a resource of the service."""

    def __init__(self, settings: Settings, pool: Any, arrived: asyncio.Event) -> None:
        self._settings = settings
        self._reception = Reception(settings, pool, arrived)
        self._servers: list[asyncio.AbstractServer] = []

    async def __aenter__(self) -> "SmtpServer":
        """Listen."""
        logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # aiosmtpd logs addresses and what senders say
        loop, s, hooks = asyncio.get_running_loop(), self._settings, Hooks(self._reception)

        def smtp() -> SmtpSession:
            return SmtpSession(self._reception, hooks)

        def lmtp() -> LmtpSession:
            return LmtpSession(self._reception, hooks)

        self._servers.append(await loop.create_server(smtp, s.smtp_host, s.smtp_port))
        if s.lmtp_port:
            self._servers.append(await loop.create_server(lmtp, s.lmtp_host, s.lmtp_port))
        if s.lmtp_socket is not None:
            self._servers.append(await loop.create_unix_server(lmtp, str(s.lmtp_socket)))
            s.lmtp_socket.chmod(_SOCKET_MODE)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening, answer for what is being stored; a message without 250 stays with its sender."""
        for server in self._servers:
            server.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL_SECONDS):
                while self._reception.sessions:
                    for session in [each for each in self._reception.sessions if not each.storing]:
                        session.end("stopping", "421 4.3.2 The service stops, please try again")
                    await asyncio.sleep(0.02)
        if self._settings.lmtp_socket is not None:
            self._settings.lmtp_socket.unlink(missing_ok=True)
