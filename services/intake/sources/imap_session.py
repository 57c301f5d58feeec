"""One connection to an IMAP server (RFC 3501, 2177, 4315, 6851), over imap-tools. All of it blocks, never for ever.

imap-tools connects, logs in, names folders and searches. What it would do otherwise is done here: INTERNALDATE is
fetched, only our own UIDs are expunged, and what comes before or together with the server's answer to IDLE is seen.
"""

import hashlib
import imaplib
import re
import select
import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from imap_tools import BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted
from imap_tools.errors import ImapToolsError
from imap_tools.utils import encode_folder

from services.intake.domain.mailboxes import Facts, Mailbox
from services.intake.domain.message import message_id_of
from services.intake.sources.imap_login import Refused, access_token, secret, tls_context
from shared.errors import Permanent, Transient

TIMEOUT_SECONDS = 20.0
HEAD_BYTES = 1024 * 1024
"""So much is kept of a mail that is too large: its header and, where it stands first as it does by custom, its text."""

_SLICE_SECONDS = 0.5
_UIDS_AT_ONCE = 200
_INTERNALDATE = re.compile(rb'INTERNALDATE "([^"]{1,40})"')
_UID = re.compile(rb"[ (]UID (\d{1,10})\b")
_SIZE = re.compile(rb"RFC822\.SIZE (\d{1,15})")
_BUSY = re.compile(rb"\[(?:UNAVAILABLE|INUSE|LIMIT|SERVERBUG)\]")  # RFC 5530: a NO that is not about the password


class Hangup(Transient):
    """The server said BYE, or does not keep to the protocol."""


class Unfetchable(Permanent):
    """The server does not give this mail out; it stays where it is."""


class Unmovable(Permanent):
    """The server does not move these mails; they stay where they are."""


@dataclass(frozen=True, slots=True)
class Folder:
    """What lies in the folder: UIDs in ascending order."""

    uidvalidity: int
    uids: Sequence[int]


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as the server gives it. Of one over the limit ``raw`` is the head, with a first line that says so."""

    raw: bytes
    sha256: bytes
    message_id: str


class ImapSession:
    """A connection that is logged in. After any error but ``Unfetchable`` and ``Unmovable`` it can only be closed."""

    def __init__(self, mailbox: Mailbox, secrets: Path) -> None:
        self._mailbox = mailbox
        self._copied: set[int] = set()
        self._box: Any = _connect(mailbox, secrets)
        try:
            _log_in(self._box, mailbox, secrets)
            capabilities = self._ask("CAPABILITY")[0].upper().split()  # those from before the login say less
        except BaseException:
            self.close()
            raise
        self.can_idle = b"IDLE" in capabilities
        self._has_move = b"MOVE" in capabilities
        self.can_move = self._has_move or b"UIDPLUS" in capabilities

    def _ask(self, name: str) -> list[Any]:
        """Return the untagged answer to a command that cannot be refused."""
        client = self._box.client
        kind, data = client._simple_command(name)
        if kind != "OK":
            raise Hangup(name)
        return list(client._untagged_response(kind, data, name)[1])

    def look(self) -> Folder:
        """Return what lies in the folder now; its UIDVALIDITY is read with it."""
        self._box.folder.set(self._mailbox.folder)
        _, said = self._box.client.response("UIDVALIDITY")
        if not said or not said[-1]:
            raise Hangup("no UIDVALIDITY")
        self._box.client.untagged_responses.pop("EXISTS", None)  # from here on it means that something came meanwhile
        since = self._mailbox.since
        criteria = f"SINCE {imaplib.Time2Internaldate(_midnight(since))[1:12]}" if since else "ALL"
        return Folder(int(said[-1]), sorted(map(int, self._box.uids(criteria, charset=None))))

    def facts(self, uids: Sequence[int]) -> dict[int, Facts]:
        """Return what the server says of each mail that is still there."""
        found = {}
        for n in range(0, len(uids), _UIDS_AT_ONCE):
            some = ",".join(map(str, uids[n : n + _UIDS_AT_ONCE]))
            for line in _texts(self._fetch(some, "(UID INTERNALDATE RFC822.SIZE)")):
                uid, size, date = _UID.search(line), _SIZE.search(line), _INTERNALDATE.search(line)
                if uid and size:
                    found[int(uid[1])] = Facts(_instant(date[1]) if date else None, int(size[1]))
        return found

    def fetch(self, uid: int, size_bytes: int, limit_bytes: int) -> Mail | None:
        """Return a mail without marking it as seen, or None when it is gone; of one over the limit its head."""
        whole = size_bytes <= limit_bytes
        raw = _body(self._fetch(str(uid), "(UID BODY.PEEK[])" if whole else f"(UID BODY.PEEK[]<0.{HEAD_BYTES}>)"))
        if raw is None:
            return None
        if not whole:
            raw = (
                b"Prazo-Truncated: %d of %d bytes; the whole mail is in the mailbox\r\n" % (len(raw), size_bytes) + raw
            )
        return Mail(raw, hashlib.sha256(raw).digest(), message_id_of(raw))

    def _fetch(self, uids: str, parts: str) -> list[Any]:
        kind, data = self._box.client.uid("FETCH", uids, parts)
        if kind != "OK":
            raise Unfetchable(kind)
        return list(data)

    def move(self, uids: Iterable[int]) -> None:
        """Move mails to the done folder, which is made when it is missing. A UID that is gone is no error."""
        moving = sorted(uids)
        if not self.can_move:
            return
        for n in range(0, len(moving), _UIDS_AT_ONCE):
            some = moving[n : n + _UIDS_AT_ONCE]
            if self._has_move:
                self._put("MOVE", some)
            else:
                self._copy_and_expunge(some)

    def _copy_and_expunge(self, uids: Sequence[int]) -> None:
        """Copy each once, also when what follows is refused again and again; expunge no mail but these."""
        if fresh := [uid for uid in uids if uid not in self._copied]:
            self._put("COPY", fresh)
            self._copied.update(fresh)
        some, client = ",".join(map(str, uids)), self._box.client
        for command in (("STORE", some, "+FLAGS.SILENT", r"(\Deleted)"), ("EXPUNGE", some)):
            if client.uid(*command)[0] != "OK":
                raise Unmovable(command[0])
        self._copied.difference_update(uids)

    def _put(self, command: str, uids: Sequence[int]) -> None:
        client, done = self._box.client, encode_folder(self._mailbox.done_folder)
        some = ",".join(map(str, uids))
        if client.uid(command, some, done)[0] == "OK":
            return
        if client.create(done)[0] == "OK":
            client.subscribe(done)
            if client.uid(command, some, done)[0] == "OK":
                return
        raise Unmovable(command)

    def wait(self, seconds: float) -> None:
        """Idle until the server says that something happened, at most ``seconds``."""
        client = self._box.client
        tag = _begin_idle(client)
        for _ in range(int(seconds / _SLICE_SECONDS) + 1):
            lines = list(_lines_there(client))
            if any(line.upper().startswith(b"* BYE") for line in lines):
                raise Hangup("BYE")
            if lines or client.untagged_responses.get("EXISTS") or _is_readable(client.sock, _SLICE_SECONDS):
                break
        client.send(b"DONE\r\n")
        self._box.consume_until_tagged_response(tag)

    def abort(self) -> None:
        """End the connection from another thread: a call that waits for the server raises at once."""
        with suppress(OSError):
            socket.socket.shutdown(self._box.client.sock, socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection, whatever state it is in."""
        with suppress(imaplib.IMAP4.error, ImapToolsError, OSError, ValueError):
            self._box.client.sock.settimeout(1)
            self._box.logout()
        with suppress(OSError, ValueError):
            self._box.client.shutdown()


def _connect(mailbox: Mailbox, secrets: Path) -> BaseMailBox:
    host, port = mailbox.host, mailbox.port_number
    if mailbox.tls == "none":
        return MailBoxUnencrypted(host, port, timeout=TIMEOUT_SECONDS)
    kind = MailBox if mailbox.tls == "implicit" else MailBoxStartTls
    return kind(host, port, timeout=TIMEOUT_SECONDS, ssl_context=tls_context(mailbox, secrets))


def _log_in(box: Any, mailbox: Mailbox, secrets: Path) -> None:
    token = access_token(mailbox, secrets)
    try:
        if token is not None:
            first = f"user={mailbox.user}\1auth=Bearer {token}\1\1"
            box.client.authenticate("XOAUTH2", lambda challenge: b"" if challenge else first)  # an error wants b""
            return
        password = secret(secrets, mailbox.password_file or "")
        plain = mailbox.user.isascii() and password.isascii()
        (box.login if plain else box.login_utf8)(mailbox.user, password, initial_folder=None)
    except imaplib.IMAP4.abort:
        raise
    except (imaplib.IMAP4.error, ImapToolsError) as error:
        if _BUSY.search(str(error).encode()):
            raise Hangup("busy") from None
        raise Refused("login") from None


def _midnight(day: Any) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _texts(data: Iterable[Any]) -> Iterator[bytes]:
    for item in data:
        if isinstance(item, tuple):
            yield from item
        elif item is not None:
            yield item


def _body(data: Iterable[Any]) -> bytes | None:
    """Return the body of a FETCH answer: a literal, or an empty string; None when the mail is gone."""
    for item in data:
        if isinstance(item, tuple) and b"BODY[" in item[0].upper():
            return bytes(item[1])
    return b"" if any(b"BODY[" in text.upper() for text in _texts(data)) else None


def _instant(text: bytes) -> datetime | None:
    try:
        return datetime.strptime(text.decode("ascii").strip(), "%d-%b-%Y %H:%M:%S %z").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _begin_idle(client: Any) -> Any:
    """Say IDLE and return the command's tag once the server idles; what it says before that (EXISTS) is no refusal."""
    tag = client._command("IDLE")
    while client._get_response() is not None:  # None is the "+"
        if client.tagged_commands[tag]:
            raise Hangup("no IDLE")
    return tag


def _lines_there(client: Any) -> Iterator[bytes]:
    """Return the lines that came already, also those that lie in a buffer, where no poll of the socket sees them."""
    client.sock.setblocking(False)
    try:
        while True:
            yield client._get_line()
    except imaplib.IMAP4.abort as error:
        if "EOF" not in str(error):  # which is what imaplib says when nothing came, too
            raise
    except OSError:  # nothing came yet; what is wrong with the connection shows at the next command
        pass
    finally:
        client.sock.settimeout(TIMEOUT_SECONDS)


def _is_readable(sock: socket.socket, seconds: float) -> bool:
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
