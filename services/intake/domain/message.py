"""A raw message read for its ticket. Nothing raises: what cannot be read still opens a ticket, with a typed reason."""

import re
import unicodedata
from dataclasses import dataclass
from email import policy
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import parseaddr

TITLE_LENGTH = 120
UNREADABLE = "Mensagem ilegível"
HEAD_BYTES = 64 * 1024
"""How much of a raw message is looked at: of any honest mail this holds the whole header."""

_NO_SUBJECT = "(sem assunto)"
_VALUE_LENGTH = 2048  # decoding and masking take more than linear time: a longer header value is cut before both
_MESSAGE_ID = re.compile(rb"^message-id:[ \t]*(?:\r?\n[ \t]+)?([^\s\0]{1,500})", re.IGNORECASE | re.MULTILINE)
_PREFIX = re.compile(r"^\s*(?:re|res|fw|fwd|enc)\s*:\s*", re.IGNORECASE)
_MASKS = (
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "[e-mail]"),
    (re.compile(r"(?<!\w)[0-9A-Z]{2}\.[0-9A-Z]{3}\.[0-9A-Z]{3}/[0-9A-Z]{4}-\d{2}(?!\w)"), "[CNPJ]"),
    (re.compile(r"(?<!\d)\d{3}\.\d{3}\.\d{3}-\d{2}(?!\d)"), "[CPF]"),
    (re.compile(r"(?<!\d)\d{14}(?!\d)"), "[CNPJ]"),
    (re.compile(r"(?<!\d)(?:\+?55[ -]?)?(?:\(\d{2}\) ?|\d{2}[ -])9?\d{4}[ -]?\d{4}(?!\d)"), "[telefone]"),
    (re.compile(r"(?<!\d)\d{10,13}(?!\d)"), "[telefone]"),
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a ticket needs of a message; ``unreadable`` is the reason when nothing could be read."""

    title: str
    sender: str
    unreadable: str | None = None


def read(raw: bytes) -> Reading:
    """Return the reading of ``raw``, of which only the first ``HEAD_BYTES`` are needed; never raises, a few ms at worst."""
    try:
        header = BytesHeaderParser(policy=policy.default).parsebytes(raw[:HEAD_BYTES])
        subject, sender = _value(header, "subject"), parseaddr(_value(header, "from"))[1].lower()
    except Exception as error:  # noqa: BLE001  # the edge: the parser raises whatever a hostile header makes it raise
        return Reading(UNREADABLE, "", type(error).__name__)
    return Reading(title_of(subject), _plain(sender)[:320])


def _value(header: Message, name: str) -> str:
    """Return the first value of a header field, decoded, "" without one; ``name`` is in lower case."""
    found = next((value for field, value in header.raw_items() if field.lower() == name), "")
    return str(policy.default.header_fetch_parse(name, found[:_VALUE_LENGTH]))[:_VALUE_LENGTH]


def message_id_of(raw: bytes) -> str:
    """Return the Message-ID (RFC 5322, section 3.6.4) of the raw header, "" without one; parses nothing, cannot fail."""
    header = re.split(rb"\r?\n\r?\n", raw[:HEAD_BYTES], maxsplit=1)[0]
    found = _MESSAGE_ID.search(header)
    return found[1].decode("ascii", "backslashreplace") if found else ""


def title_of(subject: str) -> str:
    """Return a title of at most 120 characters without reply prefixes, addresses, phone numbers, CPF and CNPJ."""
    text = _plain(subject[:_VALUE_LENGTH])
    while (shorter := _PREFIX.sub("", text)) != text:
        text = shorter
    for pattern, word in _MASKS:
        text = pattern.sub(word, text)
    return text[:TITLE_LENGTH].strip() or _NO_SUBJECT


def _plain(text: str) -> str:
    """Return ``text`` on one line without control characters and surrogates."""
    kept = (
        " " if unicodedata.category(c) in {"Cc", "Zl", "Zp"} else c for c in text if unicodedata.category(c) != "Cs"
    )
    return " ".join("".join(kept).split())
