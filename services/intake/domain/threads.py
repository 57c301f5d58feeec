"""Which ticket a mail is about: our signed Message-IDs, other Message-IDs that it answers, and the tag in its subject."""

import hashlib
import hmac
import re
from collections.abc import Sequence

from services.intake.domain.headers import Header

_REFERENCES_LIMIT = 50
_PROOF_DIGITS = 32
_ID = re.compile(rb"<([^<>\s\0]{3,500})>")
_OURS = re.compile(r"^prazo\.([^@\s]{1,200}?)\.([0-9]{1,19})\.([0-9a-f]{32})@")
_TAG = re.compile(r"\[#\s*([0-9]{8}-[0-9]{6,12})\s*\]")
_TICKET = re.compile(r"[0-9]{8}-[0-9]{6,12}")


def message_id(key: bytes, ticket_id: str, number: int, domain: str) -> str:
    """Return the Message-ID of mail ``number`` that we write about a ticket, in angle brackets; it proves itself."""
    return f"<prazo.{ticket_id}.{number}.{_proof(key, ticket_id, number)}@{domain}>"


def ticket_of(key: bytes, identifiers: Sequence[str]) -> str | None:
    """Return the ticket of the first of ``identifiers`` (in angle brackets) that we signed, in constant time for each."""
    for one in identifiers:
        found = _OURS.match(one[1:])
        if found is not None and key and hmac.compare_digest(_proof(key, found[1], int(found[2])), found[3]):
            return found[1]
    return None


def _proof(key: bytes, ticket_id: str, number: int) -> str:
    text = f"thread\x1f{ticket_id}\x1f{number}".encode()
    return hmac.new(key, text, hashlib.sha256).hexdigest()[:_PROOF_DIGITS]


def references(header: Header) -> tuple[str, ...]:
    """Return the Message-IDs that a mail answers, in angle brackets, the nearest first (RFC 5322, section 3.6.4)."""
    nearest = [*_ids(header, "in-reply-to"), *reversed(_ids(header, "references"))]
    return tuple(dict.fromkeys(nearest))[:_REFERENCES_LIMIT]


def _ids(header: Header, name: str) -> list[str]:
    return [f"<{one.decode('ascii', 'backslashreplace')}>" for one in _ID.findall(header.raw(name))]


def subject_tag(subject: str) -> str | None:
    """Return the ticket that a subject names: [#20260305-000007]; anybody can write that, so it proves nothing."""
    found = _TAG.search(subject)
    return found[1] if found else None


def named_ticket(header: Header) -> str | None:
    """Return the ticket in the field ``Prazo-Ticket``, which a help desk sets; it proves as little."""
    found = _TICKET.fullmatch(header.text("prazo-ticket").strip())
    return found[0] if found else None
