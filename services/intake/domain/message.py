"""The title of a ticket without personal data, and the Message-ID of a raw mail. Nothing here can fail."""

import re
import unicodedata

from services.intake.domain.headers import HEAD_BYTES

TITLE_LENGTH = 120
UNREADABLE = "Mensagem ilegível"

_NO_SUBJECT = "(sem assunto)"
_VALUE_LENGTH = 2048  # decoding and masking take more than linear time: a longer header value is cut before both
_MESSAGE_ID = re.compile(rb"^message-id:[ \t]*(?:\r?\n[ \t]+)?([^\s\0]{1,500})", re.IGNORECASE | re.MULTILINE)
_PREFIX = re.compile(r"^\s*(?:re|res|fw|fwd|enc|rv|aw|wg|tr)\s*(?:\[\d{1,3}\]|\(\d{1,3}\))?\s*:\s*", re.IGNORECASE)
_FORWARD = re.compile(r"\s*(?:enc|fwd?|rv|wg|encaminhad[oa])\s*:", re.IGNORECASE)
_MASKS = (
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "[e-mail]"),
    (re.compile(r"(?<!\w)[0-9A-Z]{2}\.[0-9A-Z]{3}\.[0-9A-Z]{3}/?[0-9A-Z]{4}-?\d{2}(?!\w)"), "[CNPJ]"),
    (re.compile(r"(?<![\w.])\d{2}[. ]?\d{3}[. ]?\d{3}[/ ]\d{4}[- ]?\d{2}(?!\w)"), "[CNPJ]"),
    (re.compile(r"(?<!\d)(?:\d{3}[. ]?){2}\d{3}-\d{2}(?!\d)"), "[CPF]"),
    (re.compile(r"(?<!\d)\d{3}\.\d{3}\.\d{3}[. ]?\d{2}(?!\d)"), "[CPF]"),
    (re.compile(r"(?<!\d)\d{14}(?!\d)"), "[CNPJ]"),
    (
        re.compile(r"(?<![\d.])(?:\+?55[ .-]?)?(?:\(0?\d{2}\) ?|0?\d{2}[ .-])(?:9[ .-]?)?\d{4}[ .-]?\d{4}(?!\d)"),
        "[telefone]",
    ),
    (re.compile(r"(?<![\d.])0[38]00[ -]?\d{3}[ -]?\d{4}(?!\d)"), "[telefone]"),
    (re.compile(r"(?<![\d./-])(?!20\d\d-20)9?\d{4}-\d{4}(?![\d/-])"), "[telefone]"),
    (re.compile(r"(?<!\d)\d{10,13}(?!\d)"), "[telefone]"),
)


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
    text = _plain(subject[:_VALUE_LENGTH])
    while (shorter := _PREFIX.sub("", text)) != text:
        text = shorter
    return masked(text)[:TITLE_LENGTH].strip() or _NO_SUBJECT


def masked(text: str) -> str:
    """Return a text on one line without addresses, phone numbers, CPF and CNPJ, as it may stand in an event."""
    text = _plain(text[:_VALUE_LENGTH])
    for pattern, word in _MASKS:
        text = pattern.sub(word, text)
    return text


def _plain(text: str) -> str:
    """Return ``text`` on one line without control characters and surrogates."""
    kept = (
        " " if unicodedata.category(c) in {"Cc", "Zl", "Zp"} else c for c in text if unicodedata.category(c) != "Cs"
    )
    return " ".join("".join(kept).split())
