"""The text of RTF, also of compressed RTF (MS-OXRTFCP): what Outlook sends where it sends neither plain text nor HTML."""

import re
import struct

_HEAD = struct.Struct("<II4sI")  # size packed, size unpacked, kind, checksum
_SIZE_LIMIT = 2 * 1024 * 1024  # bytes unpacked
_DICTIONARY = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor MS Sans SerifSymbol"
    rb"ArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    b"\r\n"
    rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)
_TOKEN = re.compile(
    rb"\\([a-z]{1,32})(-?\d{1,10})?[ ]?|\\'([0-9a-f]{2})|\\([^a-z])|([{}])|[\r\n]+|([^\\{}\r\n]{1,65536})",
    re.IGNORECASE,
)
_UNSEEN = frozenset((b"fonttbl", b"colortbl", b"stylesheet", b"info", b"pict", b"object", b"themedata", b"datastore"))
_SAID = {b"par": "\n", b"line": "\n", b"tab": "\t", b"row": "\n", b"cell": " ", b"emdash": "—", b"endash": "–"}
_QUOTES = {b"lquote": "‘", b"rquote": "’", b"ldblquote": "“", b"rdblquote": "”", b"bullet": "•"}
_DEPTH_LIMIT = 200


def decompressed(data: bytes) -> bytes:
    """Return the RTF, cut at two megabytes; of broken data what comes before the fault. Never raises."""
    if len(data) < _HEAD.size:
        return b""
    _, size, kind, _ = _HEAD.unpack_from(data)
    if kind == b"MELA":
        return data[_HEAD.size : _HEAD.size + min(size, _SIZE_LIMIT)]
    return _unpacked(data, min(size, _SIZE_LIMIT)) if kind == b"LZFu" else b""


def _unpacked(data: bytes, size: int) -> bytes:
    """Undo the LZ77 of MS-OXRTFCP: a dictionary of 4096 bytes, filled before the first byte."""
    known = bytearray(_DICTIONARY.ljust(4096, b"\0"))
    write = len(_DICTIONARY)
    out = bytearray()
    at = _HEAD.size
    while at < len(data) and len(out) < size:
        control = data[at]
        at += 1
        for bit in range(8):
            if control >> bit & 1:
                pair, at = int.from_bytes(data[at : at + 2], "big"), at + 2
                start, length = pair >> 4, (pair & 15) + 2
                if start == write or at > len(data):
                    return bytes(out)
            else:
                if at >= len(data):
                    return bytes(out)
                known[write] = data[at]
                start, length, at = write, 1, at + 1
            for n in range(start, start + length):  # byte by byte: what is copied may be what is just being written
                known[write] = known[n % 4096]
                out.append(known[write])
                write = (write + 1) % 4096
    return bytes(out[:size])


def text_of_rtf(data: bytes) -> str:
    """Return the text of RTF; of HTML wrapped in RTF (MS-OXRTFEX) what it has for those who know no HTML. Never raises."""
    pieces: list[str] = []
    unseen = [False]
    skip = 0
    raw = bytearray()
    for found in _TOKEN.finditer(data):
        word, number, byte, sign, brace, text = found.groups()
        if brace == b"{":
            unseen.append(unseen[-1])
        elif brace == b"}":
            unseen = unseen[:-1] or [False]
        elif word in _UNSEEN or sign == b"*":
            unseen[-1] = True
        if len(unseen) > _DEPTH_LIMIT:
            break
        if unseen[-1]:
            continue
        if word == b"u" and number is not None:
            _flush(raw, pieces)
            pieces.append(_letter(int(number)))
            skip = 1
            continue
        if byte is not None and not skip:
            raw += bytes((int(byte, 16),))
        elif text is not None:
            raw += text[skip:]
        elif word is not None and (said := _SAID.get(word) or _QUOTES.get(word)):
            _flush(raw, pieces)
            pieces.append(said)
        elif sign is not None:
            raw += b" " if sign == b"~" else sign if sign in b"\\{}" else b""
        skip = 0
    _flush(raw, pieces)
    return "".join(pieces).strip()


def _flush(raw: bytearray, pieces: list[str]) -> None:
    pieces.append(raw.decode("cp1252", "replace"))
    raw.clear()


def _letter(number: int) -> str:
    code = number % 0x10000
    return "\ufffd" if 0xD800 <= code <= 0xDFFF else chr(code)
