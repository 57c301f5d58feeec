"""The title of a ticket without personal data, and the Message-ID of a raw mail. Nothing here can fail."""

import re

from services.intake.domain.headers import HEAD_BYTES
from services.intake.domain.masks import masked, on_one_line

TITLE_LENGTH = 120
UNREADABLE = "Mensagem ilegível"

_NO_SUBJECT = "(sem assunto)"
_MESSAGE_ID = re.compile(rb"^message-id:[ \t]*(?:\r?\n[ \t]+)?([^\s\0]{1,500})", re.IGNORECASE | re.MULTILINE)
_PREFIX = re.compile(r"^\s*(?:re|res|fw|fwd|enc|rv|aw|wg|tr)\s*(?:\[\d{1,3}\]|\(\d{1,3}\))?\s*:\s*", re.IGNORECASE)
_FORWARD = re.compile(r"\s*(?:enc|fwd?|rv|wg|encaminhad[oa])\s*:", re.IGNORECASE)


def message_id_of(raw: bytes) -> str:
    """Return the Message-ID (RFC 5322, section 3.6.4) of the raw header, "" without one; parses nothing, cannot fail."""
    header = re.split(rb"\r?\n\r?\n", raw[:HEAD_BYTES], maxsplit=1)[0]
    found = _MESSAGE_ID.search(header)
    return found[1].decode("ascii", "backslashreplace") if found else ""


def is_forward(subject: str) -> bool:
    """Tell whether a subject says that the mail hands on another one: "ENC:" and the like, before any other prefix."""
    return _FORWARD.match(subject) is not None


def title_of(subject: str) -> str:
    """Return a title of at most 120 characters without reply prefixes, addresses, phone numbers, CPF and CNPJ."""
    text = on_one_line(subject)
    while (shorter := _PREFIX.sub("", text)) != text:
        text = shorter
    return masked(text)[:TITLE_LENGTH].strip() or _NO_SUBJECT
