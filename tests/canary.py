"""Canaries: made-up personal data and secrets that a test puts in everywhere, and then looks for where none may come out."""

import base64
import html
import quopri
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes


class Canary(NamedTuple):
    """Something that must not come out. ``digits``: written with any punctuation between them."""

    name: str
    text: str
    digits: bool = False


def leaks(places: Mapping[str, bytes], canaries: Iterable[Canary]) -> list[str]:
    """Return place, canary and form of everything that came out, sorted; nothing where all is well."""
    known = list(canaries)
    return sorted(
        f"{place}: {canary.name} ({form})"
        for place, said in places.items()
        for form, readings in _readings(said).items()
        for canary in known
        if any(_is_in(canary, reading, form) for reading in readings)
    )


def _readings(said: bytes) -> Mapping[str, tuple[bytes, ...]]:
    """Return what was said as somebody reads it who undoes one way of writing it down."""
    text = said.decode("utf-8", "replace")
    return {
        "plain": (said, said.decode("latin-1").encode()),
        "URL": (unquote_to_bytes(said), unquote_to_bytes(said.replace(b"+", b" "))),
        "HTML": (html.unescape(text).encode(),),
        "escaped": (_unescaped(text).encode("utf-8", "replace"), _bytes_unescaped(text)),
        "quoted-printable": (quopri.decodestring(said), quopri.decodestring(said, header=True)),
        "base64": (said,),
        "hex": (said,),
    }


def _unescaped(text: str) -> str:
    return re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)


def _bytes_unescaped(text: str) -> bytes:
    """Return the text of Python's ``repr`` of bytes."""
    latin = re.sub(r"\\x([0-9a-fA-F]{2})", lambda found: chr(int(found[1], 16)), text)
    return latin.encode("latin-1", "replace")


def _is_in(canary: Canary, said: bytes, form: str) -> bool:
    if form == "base64":
        return any(part in said for part in _base64(canary.text))
    if form == "hex":
        return canary.text.encode().hex().encode() in said.lower()
    if canary.digits:
        return canary.text.encode() in re.sub(rb"(?<=\d)[\s().\-/_]{1,4}(?=\d)", b"", said)
    return canary.text.lower() in said.decode("utf-8", "replace").lower()


def _base64(text: str) -> Iterable[bytes]:
    """Yield what is the same in the base64 of any text with ``text`` in it, for each of its three places."""
    raw = text.encode()
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + raw)
        first, last = -(-before * 8 // 6), (before + len(raw)) * 8 // 6
        yield whole[first:last]
        yield whole[first:last].replace(b"+", b"-").replace(b"/", b"_")


def forms(text: str) -> Mapping[str, bytes]:
    """Return the usual ways to write a text down, by the name of the reading that finds it."""
    raw = text.encode()
    return {
        "plain": raw,
        "URL": quote(text, safe="").encode() if quote(text, safe="") != text else b"".join(b"%%%02x" % c for c in raw),
        "HTML": "".join(f"&#{ord(c)};" for c in text).encode(),
        "escaped": "".join(f"\\u{ord(c):04x}" for c in text).encode(),
        "quoted-printable": b"".join(b"=%02X" % c for c in raw),
        "base64": base64.b64encode(b"x" + raw + b"yz"),
        "hex": raw.hex().encode(),
    }
