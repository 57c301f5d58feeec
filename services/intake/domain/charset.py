"""Bytes of a mail as text: a ladder that ends, and says on which rung it stopped."""

import codecs
from typing import Literal, NamedTuple

from charset_normalizer import from_bytes

How = Literal["utf-8", "declared", "detected", "replaced"]

_SAMPLE_BYTES = 8 * 1024  # detecting takes milliseconds a kilobyte
_LEAST_TO_DETECT = 16  # bytes; of less any guess is as good as another
_ALIASES = {  # the web's (WHATWG Encoding): what mailers call so is a superset of it
    **dict.fromkeys(("ascii", "us-ascii", "latin1", "latin-1", "iso-8859-1", "iso8859-1", "iso_8859-1"), "cp1252"),
    **dict.fromkeys(("ansi", "ansi_x3.4-1968", "x-ansi", "windows1252", "cp-1252", "x-cp1252", "binary"), "cp1252"),
    **dict.fromkeys(("iso-8859-9", "latin5"), "cp1254"),
    **dict.fromkeys(("gb2312", "gb_2312-80", "gbk", "x-gbk"), "gb18030"),
    **dict.fromkeys(("utf8", "utf-8mb4", "unicode-1-1-utf-8"), "utf-8"),
    **dict.fromkeys(("ks_c_5601-1987", "euc-kr"), "cp949"),
    **dict.fromkeys(("shift_jis", "shift-jis", "x-sjis"), "cp932"),
    "unicode-1-1-utf-7": "utf-7",
}
_UNFIT = frozenset({"idna", "punycode", "raw-unicode-escape", "unicode-escape", "undefined", "mbcs", "oem"})
_NOT_ASCII = ("iso2022", "utf_7", "utf_16", "utf_32", "hz")
"""Encodings whose bytes may look like UTF-8 and are not: where one of them is declared it is believed first."""

_WRITTEN = frozenset("áàâãäçéêèíìóôõòúùüñÁÀÂÃÄÇÉÊÈÍÌÓÔÕÒÚÙÜÑªº°§€£®©™´¨·•–—‘’“”«»…\xa0²³½¼¾±")
"""Above ASCII, what stands in a Portuguese mail."""
_CANDIDATES = ["utf_8", "cp1252", "cp1250", "cp1251", "cp850", "koi8_r", "cp932", "euc_jp", "gb18030", "big5", "cp949"]
"""What is met in real mail; a detector that may choose among ninety finds Portuguese to be Estonian."""


class Decoded(NamedTuple):
    """A text, the charset that was used, and why that one."""

    text: str
    charset: str
    how: How


def decode(raw: bytes, declared: str | None) -> Decoded:
    """Return ``raw`` as text: strict UTF-8, else the declared charset, else what is detected, else Windows-1252 with
    replacement. Never raises."""
    name = _known(declared)
    if name is not None and name.startswith(_NOT_ASCII):
        text = _strictly(raw, name)
        if text is not None:
            return Decoded(text, name, "declared")
    text = _strictly(raw, "utf-8-sig")
    if text is not None:
        return Decoded(text, "utf-8", "utf-8")
    if name is not None and name != "utf_8":
        text = _strictly(raw, name)
        if text is not None:
            return Decoded(text, name, "declared")
    found = _portuguese(raw) or _detected(raw)
    return found or Decoded(raw.decode("cp1252", "replace"), "cp1252", "replaced")


def _known(declared: str | None) -> str | None:
    """Return Python's name of a text encoding, or None: ``base64`` and ``rot13`` are codecs too, and no charsets."""
    if not declared:
        return None
    name = declared.strip().strip("\"'").lower()[:40]
    try:
        found = codecs.lookup(_ALIASES.get(name, name))
    except (LookupError, ValueError):
        return None
    return found.name.replace("-", "_") if found._is_text_encoding and found.name not in _UNFIT else None


def _strictly(raw: bytes, name: str) -> str | None:
    try:
        return raw.decode(name)
    except (UnicodeError, ValueError):
        return None


def _portuguese(raw: bytes) -> Decoded | None:
    """Return Windows' or DOS's Western code page where it makes of every byte what Portuguese is written with: of short
    texts, and of Portuguese and its neighbours, a detector knows less."""
    for name in ("cp1252", "cp850"):
        text = _strictly(raw, name)
        if text is not None and _WRITTEN.issuperset(c for c in text if c > "\x7f"):
            return Decoded(text, name, "detected")
    return None


def _detected(raw: bytes) -> Decoded | None:
    """Return the best guess from the first bytes that are not plain ASCII, if the whole can be read by it."""
    if len(raw) < _LEAST_TO_DETECT:
        return None
    first = next((n for n, byte in enumerate(raw) if byte > 127), 0)
    begin = max(0, first - _SAMPLE_BYTES // 4)
    best = from_bytes(raw[begin : begin + _SAMPLE_BYTES], cp_isolation=_CANDIDATES, enable_fallback=False).best()
    if best is None:
        return None
    text = _strictly(raw, best.encoding)
    return None if text is None else Decoded(text, best.encoding, "detected")
