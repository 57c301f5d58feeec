"""What all sessions share: who may come in, whom mail is for, how much is held in memory, and where it is stored."""

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import structlog

from services.intake import metrics
from services.intake.domain.message import message_id_of
from services.intake.settings import Settings
from services.intake.sources.batch import GroupCommit
from services.intake.sources.smtp_limits import Peers, Recipients
from services.intake.sources.smtp_tls import Certificate
from services.intake.store.mail import Received
from shared import clock
from shared.config import Misconfigured
from shared.observability import new_traceparent

log = structlog.get_logger(__name__)

_RECIPIENTS = 100  # RFC 5321, section 4.5.3.1.8: the least that a server must take, and all that this one does
_ADDRESS_BYTES = 500  # section 4.5.3.1.3 asks for 256; the index holds no row of much more
_HASHED_AT_ONCE = 256 * 1024  # bytes; more of them are hashed by a thread


def _storable(address: str) -> str:
    """Return an address as PostgreSQL can hold it, "" for the null sender: aiosmtpd gives bytes that are not UTF-8 as
    surrogates, and the null sender as <>."""
    if address == "<>":
        return ""
    return address.lower().replace("\0", "").encode("utf-8", "surrogateescape").decode("utf-8", "replace")


class Room:
    """The memory of one message that is being received."""

    def __init__(self, reception: "Reception") -> None:
        self._reception = reception
        self._size, self.held = 0, 0
        self.refused = ""

    def take(self, part: bytes) -> bool:
        """Return whether to keep a part; once one is not kept, none is, and what was held is free."""
        settings = self._reception.settings
        self._size += len(part) - part.count(b"\r\n.")  # RFC 1870: guarding dots and the last one do not count
        self.held += len(part)
        self._reception.held += len(part)
        if self._size > settings.smtp_size_limit_bytes + len(b"\r\n\r\n."):
            self.refused = "size"
        elif not self.refused and settings.smtp_memory_limit_bytes < self._reception.held != self.held:
            self.refused = "memory"
        if self.refused:
            self.free()
        return not self.refused

    def too_large(self, raw: bytes) -> bool:
        """Return whether the message as it was sent is over the limit, to the byte."""
        if len(raw) > self._reception.settings.smtp_size_limit_bytes:
            self.refused = "size"
        return bool(self.refused)

    def refusal(self) -> str:
        """Return the answer to a message that was not kept."""
        if self.refused == "size":
            metrics.smtp_refused.labels("size").inc()
            return f"552 5.3.4 A message may have {self._reception.settings.smtp_size_limit_bytes} bytes"
        metrics.smtp_deferred.labels("memory").inc()
        return "452 4.3.1 Too much is being received now, please try again"

    def free(self) -> None:
        """Hold nothing any more."""
        self._reception.held -= self.held
        self.held = 0


class Reception:
    """The state of a server; raises ``Misconfigured`` for a certificate that cannot be used."""

    def __init__(self, settings: Settings, pool: Any, arrived: asyncio.Event) -> None:
        self.settings, self._arrived = settings, arrived
        self._peers = Peers(
            settings.smtp_peer_connections_limit, settings.smtp_peer_messages_per_minute, settings.smtp_trusted_networks
        )
        self._recipients = Recipients(settings.smtp_domains, settings.smtp_mailboxes)
        self._commit = GroupCommit(pool)
        self.sessions: set[Any] = set()
        self.held = 0
        cert_file = settings.smtp_tls_cert_file
        self.certificate = Certificate(cert_file, settings.smtp_tls_key_file) if cert_file else None
        if settings.smtp_require_starttls and self.certificate is None:
            raise Misconfigured("smtp_require_starttls: needs smtp_tls_cert_file")

    def enter(self, session: Any, peer: str) -> str | None:
        """Count a session, or return why it may not begin; each counted one leaves."""
        if len(self.sessions) >= self.settings.smtp_sessions_limit:
            metrics.turned_away.inc()
            metrics.smtp_deferred.labels("sessions").inc()
            return "421 4.3.2 Too many connections, please try again later"
        if not self._peers.connect(peer):
            metrics.smtp_deferred.labels("peer_connections").inc()
            return "421 4.7.0 Too many connections from your address, please try again later"
        self.sessions.add(session)
        return None

    def leave(self, session: Any, peer: str) -> None:
        """Count a session no more."""
        self.sessions.discard(session)
        self._peers.leave(peer)

    def begin(self, peer: str, at_seconds: float) -> str | None:
        """Return why a message may not begin now."""
        if self._peers.begin_message(peer, at_seconds):
            return None
        metrics.smtp_deferred.labels("peer_messages").inc()
        return "451 4.7.1 Too many messages from your address, please try again later"

    def refusal(self, address: str, recipients: int) -> str | None:
        """Return why an address is not taken beside so many others; the sender sends the mail again to those that were
        one too many (RFC 5321, section 4.5.3.1.10)."""
        if recipients >= _RECIPIENTS:
            metrics.smtp_deferred.labels("recipients").inc()
            return "452 4.5.3 Too many recipients, please send to the others separately"
        long = len(_storable(address).encode()) > _ADDRESS_BYTES
        refusal = "553 5.1.3 The address is too long" if long else self._recipients.refusal(address)
        if refusal is not None:
            metrics.smtp_refused.labels("recipient").inc()
        return refusal

    @contextmanager
    def room(self) -> Iterator[Room]:
        """Yield the memory for one message, and free it."""
        room = Room(self)
        try:
            yield room
        finally:
            room.free()

    async def store(self, raw: bytes, mail_from: str | None, to: Sequence[str]) -> str:
        """Store one copy per mailbox and return the answer: 250 only when all are committed."""
        received_at, trace, message_id = clock.now(), new_traceparent(), message_id_of(raw)
        sender = _storable(mail_from or "")
        hashing = hashlib.sha256(raw) if len(raw) < _HASHED_AT_ONCE else await asyncio.to_thread(hashlib.sha256, raw)
        sha256, mailboxes = hashing.digest(), sorted({_storable(address) for address in to})
        copies = [Received(mailbox, message_id, raw, sha256, received_at, trace, sender) for mailbox in mailboxes]
        try:
            await self._commit.store(copies)
        except Exception as error:  # noqa: BLE001  # the edge: whatever it is, the sender keeps the message
            metrics.deferred.inc()
            metrics.smtp_deferred.labels("store").inc()
            log.warning("message_deferred", error=type(error).__name__)
            return "451 4.3.0 The message could not be stored now, please try again"
        metrics.stored.inc()
        self._arrived.set()
        return "250 2.0.0 Stored"
