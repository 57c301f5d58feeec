"""GSM 7-bit text (3GPP TS 23.038): how long an SMS is, and how it is made to fit one segment."""

import unicodedata

SEGMENT = 160
"""Septets of a message in one segment."""

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = "^{}\\[~]|€\f"
_SEPTETS = {**dict.fromkeys(_BASIC, 1), **dict.fromkeys(_EXTENDED, 2)}


def septets(text: str) -> int:
    """Return the length of a text in septets; raises ``KeyError`` for a character that GSM-7 has not."""
    return sum(_SEPTETS[c] for c in text)


def to_gsm7(text: str) -> str:
    """Return a text in GSM-7's alphabet: what it has not loses its accent (ã → a, º → o), and what is left is ``?``."""
    return "".join(c if c in _SEPTETS else _plain(c) for c in text)


def _plain(char: str) -> str:
    known = [c for c in unicodedata.normalize("NFKD", char) if c in _SEPTETS]
    return "".join(known) or ("-" if unicodedata.category(char) == "Pd" else "?")


def one_segment(text: str, mark: str = "") -> str:
    """Return ``text`` with ``mark`` at its end as one segment: the text is cut if need be, the mark never.

    A text without its mark that fits by itself but not with it keeps whole: the link at its end is worth more than the mark.
    """
    text, tail = to_gsm7(text), f" {mark}" if mark else ""
    if septets(text + tail) <= SEGMENT:
        return text + tail
    while septets(text) > SEGMENT:
        text = text[:-1]
    return text
