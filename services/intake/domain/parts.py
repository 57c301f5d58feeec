"""The parts of a mail (RFC 2045, RFC 2046), found by the standard library and bounded by us."""

import hashlib
import posixpath
import re
from collections.abc import Iterator
from email.message import Message
from email.utils import collapse_rfc2231_value
from typing import NamedTuple

from services.intake.domain import mime
from services.intake.domain.headers import text_of
from services.intake.domain.inline import parted
from services.intake.domain.opaque import content_of as opaque_content
from services.intake.domain.tnef import is_tnef, read_tnef

PARTS_LIMIT = 500
DEPTH_LIMIT = 20
_NAME_LENGTH = 200
_UNDISSECTED_BYTES = 200_000
_SIGNED = frozenset({"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"})
_OPAQUE = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_SHOWN = frozenset({"text/plain", "text/html"})
_PGP = re.compile(rb"(?m)^-----BEGIN PGP (SIGNED )?MESSAGE-----")


class Part(NamedTuple):
    """A leaf of a mail: its content as bytes, decoded from its transfer encoding.

    ``charset`` is what it says of itself; ``depth`` counts the mails that it is attached in: 0 is the mail's own.
    ``alternative`` is the number of the multipart/alternative that it belongs to, 0 outside of one.
    ``flowed``: its lines are to be joined (RFC 3676); ``delsp``: without the blank at which they were broken.
    """

    type: str
    name: str
    attached: bool
    charset: str | None
    data: bytes
    depth: int
    related: bool  # an image of a page and the like
    alternative: int = 0
    flowed: bool = False
    delsp: bool = False

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


def undissected(raw: bytes) -> Anatomy:
    """Return a mail whose parts cannot be told as one text: all below its header."""
    body = mime.below_header(raw)
    return Anatomy((Part("text/plain", "", False, None, body[:_UNDISSECTED_BYTES], 0, False),), ())


class _Place(NamedTuple):
    """Where in the mail a message stands."""

    level: int = 0
    depth: int = 0
    related: bool = False
    alternative: int = 0


def dissect(raw: bytes) -> Anatomy:
    """Return the parts of a whole message. Raises what the standard library raises of a hostile one."""
    flaws: set[str] = set()
    message = mime.parsed(raw, flaws)
    parts: list[Part] = []
    kinds: set[str] = set()
    for leaf, place in _leaves(message, flaws, kinds):
        if len(parts) >= PARTS_LIMIT:
            flaws.add("too_many_parts")
            break
        parts += _parts(leaf, place, first=not parts, kinds=kinds)
    return Anatomy(
        tuple(parts),
        tuple(sorted(flaws)),
        report=message.get_content_type() == "multipart/report",
        encrypted=bool(kinds & {"multipart/encrypted", "encrypted"}),
        signed=bool(kinds & (_SIGNED | {"signed"})),
    )


def _leaves(root: Message, flaws: set[str], kinds: set[str]) -> Iterator[tuple[Message, _Place]]:
    """Yield the leaves in order of the mail, without recursion."""
    waiting = [(root, _Place())]
    groups = 0
    while waiting:
        message, place = waiting.pop()
        mime.mend_fields(message)
        kind = mime.type_of(message)
        kinds.add(kind)
        flaws.update(word_of(defect) for defect in message.defects)
        inside = _inside(message, kind, flaws, kinds)
        if inside is None:
            yield message, place
        elif place.level == DEPTH_LIMIT:
            flaws.add("too_deep")
        else:
            if kind == "multipart/alternative" and not place.alternative:
                groups += 1
                place = place._replace(alternative=groups)
            place = place._replace(
                level=place.level + 1,
                depth=place.depth + (kind == "message/rfc822"),
                related=place.related or kind == "multipart/related",
                alternative=0 if kind == "message/rfc822" else place.alternative,
            )
            if kind in _OPAQUE:
                yield message, place
            waiting += [(child, place) for child in reversed(inside)]


def _inside(message: Message, kind: str, flaws: set[str], kinds: set[str]) -> list[Message] | None:
    """Return what a message is made of, None of a leaf."""
    payload = message.get_payload()
    if isinstance(payload, list):
        inner = mime.unwrapped(message, flaws) if kind.startswith("message/") else None
        return [child for child in payload if isinstance(child, Message)] if inner is None else [inner]
    if kind in _OPAQUE:
        wrapped = opaque_content(message.get_payload(decode=True) or b"")  # type: ignore[arg-type]  # no list: see above
        if wrapped is None:
            kinds.add("encrypted")
            return None
        kinds.add("signed")
        return [mime.parsed(wrapped, flaws)]
    again = mime.reopened(message, flaws) if kind.startswith("multipart/") else None
    return None if again is None else [again]


def word_of(error: Exception) -> str:
    """Return the name of an error's class as a word: StartBoundaryNotFoundDefect → start_boundary_not_found."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(error).__name__.removesuffix("Defect")).lower()


def _parts(leaf: Message, place: _Place, *, first: bool, kinds: set[str]) -> Iterator[Part]:
    """Yield a leaf, and what is packed in it: a winmail.dat's text and files, files written into a text."""
    part = _part(leaf, place, first=first)
    if is_tnef(part.data):
        yield part._replace(attached=True)
        packed = read_tnef(part.data)
        if packed.body:
            yield Part(packed.kind, "", False, packed.charset, packed.body, place.depth, False, place.alternative)
        for file in packed.files:
            yield Part(file.type, _clean(file.name), True, None, file.data, place.depth, False)
        return
    if part.type != "text/plain" or part.attached:
        yield part
        return
    found = _PGP.search(part.data)
    if found is not None:
        kinds.add("signed" if found[1] else "encrypted")
    text, files = parted(part.data)
    yield part._replace(data=text)
    for one in files:
        name = _clean(text_of(one.name))
        yield Part("application/octet-stream", name, True, None, one.data, place.depth, False)


def _part(leaf: Message, place: _Place, *, first: bool) -> Part:
    kind = mime.type_of(leaf)
    if kind.startswith("multipart/"):
        kind = "text/plain"  # a body without parts: what people wrote to those who know no MIME
    name = _name(leaf)
    disposition = leaf.get_content_disposition()
    named = bool(name) and not (first and kind in _SHOWN)  # some name even the text itself
    return Part(
        kind,
        name,
        disposition == "attachment" or named,
        _parameter(leaf, "charset", "content-type") or mime.charset_of(leaf),
        mime.content_of(leaf, kind),
        place.depth,
        place.related,
        place.alternative,
        (_parameter(leaf, "format", "content-type") or "").lower() == "flowed",
        (_parameter(leaf, "delsp", "content-type") or "").lower() == "yes",
    )


def _name(leaf: Message) -> str:
    found = _parameter(leaf, "filename", "content-disposition") or _parameter(leaf, "name", "content-type") or ""
    return _clean(text_of(found.encode("utf-8", "surrogateescape")))


def _clean(name: str) -> str:
    """Return the last step of a path, without what is not printed."""
    last = posixpath.basename(name.replace("\\", "/"))
    return "".join(c for c in last if c.isprintable())[:_NAME_LENGTH].strip()


def _parameter(leaf: Message, name: str, header: str) -> str | None:
    """Return a parameter; one that is encoded as RFC 2231 forbids is read as if it were not there."""
    try:
        found = leaf.get_param(name, None, header)
        return None if found is None else collapse_rfc2231_value(found).strip()
    except (LookupError, ValueError, TypeError, UnicodeError):
        return None
