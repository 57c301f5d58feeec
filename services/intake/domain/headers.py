"""Header fields of a mail as people meant them (RFC 5322, RFC 2047): raw 8-bit bytes, broken and split encoded words too."""

import base64
import binascii
import codecs
import quopri
import re
from collections.abc import Iterator, Sequence
from email.utils import parseaddr
from itertools import islice
from typing import NamedTuple

from services.intake.domain.charset import decode

HEAD_BYTES = 64 * 1024
"""How much of a raw message is looked at for its header: of any honest mail this holds the whole."""

_VALUE_BYTES = 4096  # of one field; reading it takes more than linear time
_LINE_END = re.compile(rb"\r\n|\r|\n")
_END = re.compile(rb"(?:\r\n|\n)[ \t]*(?:\r\n|\n)|\r\r")
_FIELD = re.compile(rb"([!-9;-~]{1,80})[ \t]*:(.*)", re.DOTALL)
_WORD = re.compile(rb"=\?([!-<>@-~]{1,60}?)(?:\*[A-Za-z-]{1,20})?\?([bBqQ])\?([^?]*)\?=")
_WHOLE = re.compile(r"[^\s<>,;:@]{1,200}@[^\s<>,;:@]{1,200}|\"[^\"]{0,100}\"@\S+")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_ANGLED = re.compile(r"<(?:[^<>:]{0,200}:)?\s*([^<>\s@:]{1,200}@[^<>\s@:]{1,200})\s*>")
_ANY = re.compile(r"([^\s<>,;:\"'()\[\]@]{1,200}@[^\s<>,;:\"'()\[\]@]{1,200})")
_BETWEEN = re.compile(rb"[ \t]*")
_CUT = re.compile(rb"(?:[\xc2-\xf4]|[\xe0-\xf4][\x80-\xbf]|[\xf0-\xf4][\x80-\xbf]{2})$")
"""The beginning of a letter in UTF-8."""
_ADDRESSES_LIMIT = 500


class Header(NamedTuple):
    """The fields of a header in order, names in lower case, values unfolded and still encoded."""

    fields: Sequence[tuple[str, bytes]]

    def raw(self, name: str) -> bytes:
        """Return the first value of a field as it stands, empty without one."""
        return next((value for field, value in self.fields if field == name), b"")

    def all(self, name: str) -> Iterator[bytes]:
        """Yield every value of a field."""
        return (value for field, value in self.fields if field == name)

    def text(self, name: str) -> str:
        """Return the first value of a field as text, "" without one."""
        return text_of(self.raw(name))

    def address(self, name: str) -> str:
        """Return the first address of a field in lower case, "" where there is none."""
        return address_of(self.raw(name))

    def sender(self) -> str:
        """Return who wrote the mail, in lower case: From, or where it names nobody Sender; "" where neither does."""
        return self.address("from") or self.address("sender")

    def addresses(self, *names: str) -> frozenset[str]:
        """Return all that look like addresses in some fields, in lower case."""
        values = (decode(value, None).text for name in names for value in self.all(name))
        found = (one[1] for value in values for one in _ANY.finditer(_QUOTED.sub(" ", value)))
        return frozenset(one.lower().rstrip(".") for one in islice(found, _ADDRESSES_LIMIT))


def read_header(raw: bytes) -> Header:
    """Return the header of a message; a line that is no field, and what is not finished, is skipped. Never raises."""
    head = raw[:HEAD_BYTES]
    begin = len(head) - len(head.removeprefix(codecs.BOM_UTF8).lstrip(b"\r\n"))
    end = _END.search(head, begin)
    fields: list[tuple[str, bytes]] = []
    for line in _unfolded(head[begin : None if end is None else end.start()]):
        found = _FIELD.fullmatch(line)
        if found is not None:
            fields.append((found[1].decode("ascii").lower(), found[2].strip()[:_VALUE_BYTES]))
    return Header(tuple(fields))


def _unfolded(head: bytes) -> Iterator[bytes]:
    parts: list[bytes] = []
    for line in _LINE_END.split(head):
        if line[:1] in (b" ", b"\t"):
            said = line.lstrip()
            cut = b"\x80" <= said[:1] < b"\xc0" and parts and _CUT.search(parts[-1][-3:]) is not None
            parts.append(said if cut else b" " + said)
            continue
        if parts:
            yield b"".join(parts)
        parts = [line]
    if parts:
        yield b"".join(parts)


def text_of(value: bytes) -> str:
    """Return a value as text: encoded words that stand side by side are joined before they are decoded (many mailers cut
    a letter in two), what is not encoded is read like a body. Never raises."""
    texts: list[str] = []
    waiting: list[tuple[str, bytes]] = []  # encoded words of one charset
    at = 0
    for word in _WORD.finditer(value):
        between = value[at : word.start()]
        charset, raw = word[1].decode("ascii").lower(), _bytes_of(word[2], word[3])
        if not waiting or _BETWEEN.fullmatch(between) is None or waiting[-1][0] != charset:
            texts += _words(waiting)
            if not waiting or _BETWEEN.fullmatch(between) is None:
                texts.append(decode(between, None).text)
            waiting = []
        waiting.append((charset, raw))
        at = word.end()
    texts += _words(waiting)
    texts.append(decode(value[at:], None).text)
    return "".join(texts)


def _words(waiting: Sequence[tuple[str, bytes]]) -> Iterator[str]:
    if waiting:
        yield decode(b"".join(raw for _, raw in waiting), waiting[0][0]).text


def _bytes_of(encoding: bytes, text: bytes) -> bytes:
    if encoding in b"qQ":
        return quopri.decodestring(text.replace(b"_", b" "), header=False)
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return text


def address_of(value: bytes) -> str:
    """Return the first address of a value in lower case, "" where there is none: as RFC 5322 has it, else (names with
    commas that are not quoted, addresses in comments) the first that stands in angle brackets, else any. A name that
    looks like another address is a name; of a value that is encoded as a whole, what it says. Never raises."""
    return _address_in(decode(value, None).text) or (_address_in(text_of(value)) if b"=?" in value else "")


def _address_in(text: str) -> str:
    bare = _QUOTED.sub(" ", text)
    angled = _ANGLED.search(bare)
    try:
        found = parseaddr(text)[1]
    except (ValueError, IndexError, RecursionError):
        found = ""
    if angled is not None and "," not in bare[: angled.start()]:
        found = angled[1]
    elif _WHOLE.fullmatch(found) is None:
        match = angled or _ANY.search(bare) or _ANGLED.search(text)
        found = match[1] if match else found
    kept = "".join(c for c in " ".join(found.split()) if c.isprintable())
    return kept.lower().rstrip(".")[:320] if "@" in kept else ""
