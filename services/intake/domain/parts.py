"""The parts of a mail (RFC 2045, RFC 2046), found by the standard library and bounded by us."""

import hashlib
import posixpath
import re
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from email.utils import collapse_rfc2231_value
from typing import NamedTuple

from services.intake.domain.headers import text_of

PARTS_LIMIT = 500
DEPTH_LIMIT = 20
_NAME_LENGTH = 200
_SIGNED = frozenset({"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"})
_ENCRYPTED = frozenset({"multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"})


class Part(NamedTuple):
    """A leaf of a mail: its content as bytes, decoded from its transfer encoding.

    ``charset`` is what it says of itself; ``depth`` counts the mails that it is attached in: 0 is the mail's own.
    """

    type: str
    name: str
    attached: bool
    charset: str | None
    data: bytes
    depth: int
    related: bool  # an image of a page and the like

    @property
    def sha256(self) -> str:
        """Return the SHA-256 of the content in hexadecimal digits."""
        return hashlib.sha256(self.data).hexdigest()


class Anatomy(NamedTuple):
    """Every part in order; ``flaws`` are words for what was wrong with the mail or was left out."""

    parts: tuple[Part, ...]
    flaws: tuple[str, ...]
    report: bool = False  # a bounce: multipart/report (RFC 6522)
    encrypted: bool = False
    signed: bool = False


def dissect(raw: bytes) -> Anatomy:
    """Return the parts of a whole message. Raises what the standard library raises of a hostile one."""
    message = message_from_bytes(raw)
    parts: list[Part] = []
    flaws: set[str] = set()
    types: set[str] = set()
    for leaf, depth, related in _leaves(message, flaws, types):
        if len(parts) == PARTS_LIMIT:
            flaws.add("too_many_parts")
            break
        parts.append(_part(leaf, depth, related))
    return Anatomy(
        tuple(parts),
        tuple(sorted(flaws)),
        report=message.get_content_type() == "multipart/report",
        encrypted=bool(types & _ENCRYPTED),
        signed=bool(types & _SIGNED),
    )


def _leaves(root: Message, flaws: set[str], types: set[str]) -> Iterator[tuple[Message, int, bool]]:
    """Yield the leaves in order of the mail, without recursion."""
    waiting = [(root, 0, 0, False)]
    while waiting:
        message, level, depth, related = waiting.pop()
        kind = message.get_content_type()
        types.add(kind)
        flaws.update(word_of(defect) for defect in message.defects)
        payload = message.get_payload()
        if not isinstance(payload, list):
            yield message, depth, related
        elif level == DEPTH_LIMIT:
            flaws.add("too_deep")
        else:
            inside = depth + (kind == "message/rfc822")
            related = related or kind == "multipart/related"
            children = [(child, level + 1, inside, related) for child in payload if isinstance(child, Message)]
            waiting += reversed(children)


def word_of(error: Exception) -> str:
    """Return the name of an error's class as a word: StartBoundaryNotFoundDefect → start_boundary_not_found."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(error).__name__.removesuffix("Defect")).lower()


def _part(leaf: Message, depth: int, related: bool) -> Part:
    data = leaf.get_payload(decode=True)
    name = _name(leaf)
    return Part(
        leaf.get_content_type(),
        name,
        bool(name) or leaf.get_content_disposition() == "attachment",
        _parameter(leaf, "charset", "content-type"),
        data if isinstance(data, bytes) else b"",
        depth,
        related,
    )


def _name(leaf: Message) -> str:
    found = _parameter(leaf, "filename", "content-disposition") or _parameter(leaf, "name", "content-type") or ""
    text = text_of(found.encode("utf-8", "surrogateescape"))
    last = posixpath.basename(text.replace("\\", "/"))
    return "".join(c for c in last if c.isprintable())[:_NAME_LENGTH].strip()


def _parameter(leaf: Message, name: str, header: str) -> str | None:
    """Return a parameter; one that is encoded as RFC 2231 forbids is read as if it were not there."""
    try:
        found = leaf.get_param(name, None, header)
        return None if found is None else collapse_rfc2231_value(found).strip()
    except (LookupError, ValueError, TypeError, UnicodeError):
        return None
