"""winmail.dat, in which Outlook packs a mail's text and files (MS-OXTNEF), read as far as a desk needs it.

The stream: a signature, a key, then attributes: level (message or attachment), id, length, data, checksum. Properties
(attMsgProps, attAttachment) hold the text as HTML, as plain text or as compressed RTF (MS-OXRTFCP).
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from services.intake.domain.rtf import decompressed, text_of_rtf

_SIGNATURE = b"\x78\x9f\x3e\x22"
_HEAD = struct.Struct("<BII")  # level, id with type, length
_ATTRIBUTES_LIMIT = 5_000
_PROPERTIES_LIMIT = 2_000
_FILES_LIMIT = 200

_TITLE, _DATA, _RENDERED, _ATTACHMENT, _BODY, _PROPERTIES, _CODEPAGE = (
    *(0x8010, 0x800F, 0x9002, 0x9005, 0x800C),
    *(0x9003, 0x9007),
)
_PLAIN, _HTML, _RTF, _LONG_NAME, _NAME, _OBJECT, _MIME, _TEXT_CODEPAGE = (
    *(0x1000, 0x1013, 0x1009, 0x3707, 0x3704),
    *(0x3701, 0x370E, 0x3FFD),
)
_SIZES = {0x02: 4, 0x03: 4, 0x04: 4, 0x0A: 4, 0x0B: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x14: 8, 0x40: 8, 0x48: 16}
"""Bytes of a property's value by its type; shorter ones are padded to four."""
_STRING, _UNICODE, _LIST = 0x1E, 0x1F, 0x1000
_LENGTHY = (0x0D, _STRING, _UNICODE, 0x102)


class File(NamedTuple):
    """A file in the stream."""

    name: str
    type: str
    data: bytes


class Packed(NamedTuple):
    """What the stream holds; ``kind`` is the type of ``body``: text/plain, text/html, or "" where there is no text."""

    kind: str
    body: bytes
    charset: str | None
    files: tuple[File, ...]


def is_tnef(data: bytes) -> bool:
    """Tell by content."""
    return data.startswith(_SIGNATURE)


def read_tnef(data: bytes) -> Packed:
    """Return what can be read; of a stream that is cut or wrong, what comes before that. Never raises."""
    texts: dict[int, bytes | str] = {}
    files: list[dict[int, bytes | str]] = []
    charset = "cp1252"
    for level, attribute, value in _attributes(data):
        if attribute == _RENDERED:
            files.append({})
        elif attribute == _CODEPAGE and len(value) >= 4:
            charset = f"cp{int.from_bytes(value[:4], 'little')}"
        elif level == 1 and attribute == _BODY:
            texts.setdefault(_PLAIN, value.rstrip(b"\0"))
        elif level == 1 and attribute == _PROPERTIES:
            texts.update(_properties(value))
        elif level == 2 and files:
            _into(files[-1], attribute, value)
    kind, body, used = _text(texts, charset)
    return Packed(kind, body, used, tuple(_file(one, charset) for one in files[:_FILES_LIMIT]))


def _attributes(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    at = 6
    for _ in range(_ATTRIBUTES_LIMIT):
        if at + _HEAD.size > len(data):
            return
        level, identity, length = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        if level not in (1, 2) or length > len(data) - at:
            return
        yield level, identity & 0xFFFF, data[at : at + length]
        at += length + 2  # the checksum


def _into(file: dict[int, bytes | str], attribute: int, value: bytes) -> None:
    if attribute == _TITLE:
        file.setdefault(_NAME, value.rstrip(b"\0"))
    elif attribute == _DATA:
        file[_OBJECT] = value
    elif attribute == _ATTACHMENT:
        for identity, found in _properties(value).items():
            if identity != _OBJECT or _OBJECT not in file:
                file[identity] = found


def _properties(data: bytes) -> dict[int, bytes | str]:
    """Return the properties by identity; those of a size that is not known end it."""
    found: dict[int, bytes | str] = {}
    try:
        at = 4
        for _ in range(min(int.from_bytes(data[:4], "little"), _PROPERTIES_LIMIT)):
            kind, identity = struct.unpack_from("<HH", data, at)
            at = _after_name(data, at + 4) if identity >= 0x8000 else at + 4
            values, at = _values(data, at, kind)
            if values:
                found[identity] = values[0]
    except (struct.error, IndexError):
        pass
    return found


def _after_name(data: bytes, at: int) -> int:
    """Skip the name of a named property: a GUID, then a number or a string."""
    named_by_string, length = struct.unpack_from("<II", data, at + 16)
    return at + 24 + (_padded(length) if named_by_string else 0)


def _values(data: bytes, at: int, kind: int) -> tuple[list[bytes | str], int]:
    base = kind & ~_LIST
    count = 1
    if kind & _LIST or base in _LENGTHY:
        (count,) = struct.unpack_from("<I", data, at)
        at += 4
    values: list[bytes | str] = []
    for _ in range(min(count, _PROPERTIES_LIMIT)):
        if base in _LENGTHY:
            (length,) = struct.unpack_from("<I", data, at)
            at += 4
        elif base in _SIZES:
            length = _SIZES[base]
        else:
            raise IndexError(kind)
        if length > len(data) - at:
            raise IndexError(length)
        value = data[at : at + length]
        values.append(_string(value) if base == _UNICODE else value.rstrip(b"\0") if base == _STRING else value)
        at += _padded(length)
    return values, at


def _string(value: bytes) -> str:
    return value.decode("utf-16-le", "replace").rstrip("\0")


def _padded(length: int) -> int:
    return length + -length % 4


def _text(texts: dict[int, bytes | str], charset: str) -> tuple[str, bytes, str | None]:
    """Return type, content and charset of the best text: HTML, RTF, plain text."""
    codepage = texts.get(_TEXT_CODEPAGE)
    if isinstance(codepage, bytes) and charset == "cp1252":
        charset = f"cp{int.from_bytes(codepage[:4], 'little')}"
    html = texts.get(_HTML)
    if html:
        return "text/html", *((html.encode(), "utf-8") if isinstance(html, str) else (html, charset))
    packed = texts.get(_RTF)
    plain = texts.get(_PLAIN)
    if plain:
        return "text/plain", *((plain.encode(), "utf-8") if isinstance(plain, str) else (plain, charset))
    said = text_of_rtf(decompressed(packed)) if isinstance(packed, bytes) else ""
    return ("text/plain", said.encode(), "utf-8") if said else ("", b"", None)


def _file(found: dict[int, bytes | str], charset: str) -> File:
    name = found.get(_LONG_NAME) or found.get(_NAME) or ""
    kind = found.get(_MIME) or b"application/octet-stream"
    data = found.get(_OBJECT) or b""
    return File(_said(name, charset), _said(kind, "ascii").lower(), data if isinstance(data, bytes) else data.encode())


def _said(value: bytes | str, charset: str) -> str:
    if isinstance(value, str):
        return value
    try:
        return value.decode(charset, "replace")
    except LookupError:
        return value.decode("cp1252", "replace")
