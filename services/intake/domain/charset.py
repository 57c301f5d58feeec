"""Bytes of a mail as text: a ladder that ends, and says on which rung it stopped."""

import codecs
import re
from typing import Literal, NamedTuple

from charset_normalizer import from_bytes

How = Literal["utf-8", "declared", "detected", "replaced"]

_SAMPLE_BYTES = 8 * 1024  # detecting takes milliseconds a kilobyte
_LEAST_TO_DETECT = 16  # bytes; of less any guess is as good as another
_HALF_WIDTH_MOST = 0.1  # of the bytes: more of these kana and it is no Japanese
_MOSTLY = 0.7
_DAMAGED = 0.1  # of the characters above ASCII: a charset under which more of them are broken is the wrong one
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
_NEIGHBOURS = _WRITTEN | frozenset("ßÖöËëïÏîÎÿøØåÅæÆœŒ¿¡ÛûÔôÐ\xad×÷¬¶¹")
"""… and in mail of Western Europe, which has the same code page."""
_CYRILLIC = ("koi8_r", "cp1251", "cp866", "iso8859_5")
_RUNS = re.compile(rb"[\x80-\xff]{3,}")
_CANDIDATES = ["cp1252", "cp1250", "cp1251", "cp1254", "koi8_r", "cp932", "euc_jp", "gb18030", "big5", "cp949"]
"""What is met in real mail; a detector that may choose among ninety finds Portuguese to be Estonian."""
_SEQUENCE = re.compile(
    rb"[\xc3-\xdf][\x80-\xbf]|[\xe1-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}|\xc2[\xa0-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]"
)


_SURROGATE = re.compile("[\ud800-\udfff]")
_CUT_OFF = re.compile("[\udc80-\udcff]{1,3}$")
_MENDED = {0xDC00 + byte: bytes((byte,)).decode("cp1252", "replace") for byte in range(0x80, 0x100)}
_HALF_WIDTH = re.compile("[\uff61-\uff9f]")


class Decoded(NamedTuple):
    """A text, the charset that was used, and why that one."""

    text: str
    charset: str
    how: How


def decode(raw: bytes, declared: str | None) -> Decoded:
    """Return ``raw`` as text without surrogates: strict UTF-8, else the declared charset, else what is detected, else the
    one of them that loses least, with replacement. Never raises."""
    name = _known(declared)
    if name is not None and name.startswith(_NOT_ASCII):
        text = _strictly(raw, name)
        if text is not None:
            return Decoded(text, name, "declared")
    text = _strictly(raw, "utf-8-sig")
    if text is not None:
        return Decoded(text, "utf-8", "utf-8")
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and (text := _strictly(raw, "utf-16")) is not None:
        return Decoded(text, "utf_16", "detected")
    if name is not None and name != "utf_8":
        text = _strictly(raw, name)
        if text is not None:
            return Decoded(text, name, "declared")
    return _guessed(raw, name)


def _guessed(raw: bytes, name: str | None) -> Decoded:
    """Return the text of bytes that are not what they are said to be."""
    found = _damaged_utf8(raw)
    if found is None and name is not None and name not in ("utf_8", "cp1252"):
        found = _damaged(raw, name)
    if found is None:
        found = _western(raw, _WRITTEN) or _cyrillic(raw) or _western(raw, _NEIGHBOURS) or _detected(raw)
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
        text = raw.decode(name)
    except (UnicodeError, ValueError):
        return None
    return _SURROGATE.sub("\ufffd", text) if name == "utf_7" else text  # the one codec that lets half a pair through


def _damaged_utf8(raw: bytes) -> Decoded | None:
    """Return UTF-8 of which something was cut, or into which a list server has put its Windows-1252; None if it is not
    mostly UTF-8."""
    text = raw.decode("utf-8", "surrogateescape")
    good = len(_SEQUENCE.findall(raw))
    if len(_SURROGATE.findall(text)) > good:
        return None
    return Decoded(_CUT_OFF.sub("\ufffd", text).translate(_MENDED), "utf-8", "replaced")


def _damaged(raw: bytes, name: str) -> Decoded | None:
    """Return the declared charset's text where little of it is broken."""
    try:
        text = _SURROGATE.sub("\ufffd", raw.decode(name, "replace"))
    except (UnicodeError, ValueError):
        return None
    above = sum(c > "\x7f" for c in text)
    return Decoded(text, name, "replaced") if text.count("\ufffd") <= _DAMAGED * above else None


def _western(raw: bytes, letters: frozenset[str]) -> Decoded | None:
    """Return Windows' or DOS's Western code page where it makes of every byte what is written there: of short texts, and
    of Portuguese and its neighbours, a detector knows less."""
    for name in ("cp1252", "cp850"):
        text = _strictly(raw, name)
        if text is not None and letters.issuperset(c for c in text if c > "\x7f"):
            return Decoded(text, name, "detected")
    return None


def _cyrillic(raw: bytes) -> Decoded | None:
    """Return the Cyrillic charset that makes words in lower case of runs of high bytes; None if there are few runs."""
    sample = raw[: 8 * _SAMPLE_BYTES]
    runs = b"".join(_RUNS.findall(sample))
    high = sum(byte > 127 for byte in sample)
    if len(runs) < _LEAST_TO_DETECT // 2 or len(runs) < 0.6 * high:
        return None
    share, name = max((sum("а" <= c <= "я" for c in runs.decode(one, "replace")) / len(runs), one) for one in _CYRILLIC)
    text = _strictly(raw, name) if share >= _MOSTLY else None
    return None if text is None else Decoded(text, name, "detected")


def _detected(raw: bytes) -> Decoded | None:
    """Return the best guess from the first bytes that are not plain ASCII, if the whole can be read by it."""
    if len(raw) < _LEAST_TO_DETECT:
        return None
    first = next((n for n, byte in enumerate(raw) if byte > 127), 0)
    begin = max(0, first - _SAMPLE_BYTES // 4)
    found = from_bytes(raw[begin : begin + _SAMPLE_BYTES], cp_isolation=_CANDIDATES, enable_fallback=False)
    for match in found:
        text = _strictly(raw, match.encoding)
        if text is not None and len(_HALF_WIDTH.findall(text)) < _HALF_WIDTH_MOST * len(raw):
            return Decoded(text, match.encoding, "detected")
    return None
