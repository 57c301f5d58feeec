"""A message as a mail: the same headers in every attempt, so that a repetition is known by its Message-ID."""

import hashlib
import re
from email.message import EmailMessage
from email.utils import format_datetime

from services.notifier.domain.message import Outgoing

_DOT_ATOM = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
_ADDRESS = re.compile(r"[^@\s<>,;]{1,64}@[^@\s<>,;]{1,255}")
_ATOM_LENGTH = 100


def mail_of(message: Outgoing, mail_from: str) -> EmailMessage:
    """Return the mail: plain text complete by itself, HTML beside it, one thread per alert (RFC 5322, 3834).

    Raises ``ValueError`` for what is no address of one person.
    """
    if not _ADDRESS.fullmatch(message.to):
        raise ValueError("no address")
    facts, domain, mail = message.facts, mail_from.rpartition("@")[2], EmailMessage()
    mail["From"], mail["To"] = f"Prazo <{mail_from}>", message.to
    mail["Subject"] = _line(message.content.subject)
    mail["Date"] = format_datetime(message.sent_at)
    mail["Message-ID"] = f"<notice.{_atom(message.notice_id)}@{domain}>"
    thread = f"<alert.{_atom(message.thread)}@{domain}>"
    mail["In-Reply-To"], mail["References"] = thread, thread
    mail["Auto-Submitted"] = "auto-generated"
    mail["Prazo-Ticket"] = _line(facts.get("ticket_id", ""))
    mail["Prazo-Clock"] = _line(f"{facts.get('metric', '')}/{facts.get('cycle', '')}")
    mail["Prazo-Event"] = message.word.value
    mail.set_content(message.content.plain)
    if message.content.html:
        mail.add_alternative(message.content.html, subtype="html")
    return mail


def _atom(text: str) -> str:
    """Return ``text`` as a part of a Message-ID: itself, or its digest where the syntax takes no such text."""
    if len(text) <= _ATOM_LENGTH and _DOT_ATOM.fullmatch(text):
        return text
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _line(text: str) -> str:
    """Return ``text`` on one line without control characters: no header can be injected."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
