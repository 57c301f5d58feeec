"""The text of a mail, chosen from its parts."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from services.intake.domain.charset import Decoded, decode
from services.intake.domain.flowed import unflowed
from services.intake.domain.invitation import text_of_invitation
from services.intake.domain.markup import text_of_html
from services.intake.domain.parts import Part

TEXT_LENGTH = 200_000  # characters; of a longer text the beginning is read
_READ_BYTES = 2_000_000  # of one part
_TRIVIAL = 3  # letters and digits; so few say nothing that the HTML beside them does not
_HOWS = ("", "utf-8", "declared", "detected", "replaced")
_PAGE = re.compile(r"\s*(?:<!doctype html|<html|<head|<body|<meta|<style|<table|<div|<p>|<center|<font)", re.IGNORECASE)
_ELSEWHERE = re.compile(
    r"html|navegador|browser|visualiz|n[aã]o\s+(?:suporta|exibe)|not\s+(?:support|display)|view\s+th", re.IGNORECASE
)
_ELSEWHERE_LENGTH = 400  # characters of a plain text that may only say that the message is in the HTML
_SAME = 200  # letters and digits by which two parts are the same text


class Body(NamedTuple):
    """``source``: of which kind the text is: plain, html, attached (a mail or a text in the mail), calendar, or none."""

    text: str
    source: str
    charset: str
    how: str


_NOTHING = Body("", "none", "", "")


def body_of(parts: Sequence[Part]) -> Body:
    """Return the text that a person reads: of alternatives plain text unless it is trivial, else HTML; else what is
    attached as a mail; else an invitation in words; else a text that is attached."""
    own = [part for part in parts if part.depth == 0]
    tries: tuple[Callable[[], Body], ...] = (
        lambda: _shown([part for part in own if not part.attached]),
        lambda: _shown([part for part in parts if part.depth == 1 and not part.attached])._replace(source="attached"),
        lambda: _calendar([part for part in own if part.type == "text/calendar"]),
        lambda: _shown([part for part in own if part.attached][:1])._replace(source="attached"),
        lambda: _shown([part for part in parts if part.depth > 1 and not part.attached])._replace(source="attached"),
    )
    first = None
    for attempt in tries:
        found = attempt()
        if _says(found.text):
            return found
        first = first or found
    return first if first is not None and first.how else _NOTHING


def _shown(parts: Sequence[Part]) -> Body:
    """Return the text of parts that follow each other, of each group of alternatives one."""
    texts = [part for part in parts if part.type in ("text/plain", "text/html")]
    found: list[Body] = []
    for group, members in groupby(texts, key=lambda part: part.alternative):
        each = [_read(part) for part in members]
        found += [_best(each)] if group else each
    found = [one for n, one in enumerate(found) if not any(_repeats(one, earlier) for earlier in found[:n])]
    return _joined(found)


def _best(found: Sequence[Body]) -> Body:
    plain = _joined([one for one in found if one.source == "plain"])
    html = _joined([one for one in found if one.source == "html"])
    if not _says(html.text):
        return plain if plain.how else html
    empty_handed = len(plain.text) < min(_ELSEWHERE_LENGTH, len(html.text)) and _ELSEWHERE.search(plain.text)
    return html if empty_handed or not _says(plain.text) else plain


def _read(part: Part) -> Body:
    data = part.data
    if len(data) > _READ_BYTES:
        data = data[: data.rfind(b"\n", 0, _READ_BYTES) + 1] or data[:_READ_BYTES]
    decoded = decode(data, part.charset)
    text = decoded.text.replace("\0", "")
    if part.type == "text/html" or _PAGE.match(text):
        return Body(text_of_html(text), "html", decoded.charset, decoded.how)
    return Body(unflowed(text, delsp=part.delsp) if part.flowed else text, "plain", decoded.charset, decoded.how)


def _repeats(one: Body, earlier: Body) -> bool:
    """Tell whether a part says again, as another kind, what an earlier one said: alternatives that do not say so."""
    if one.source == earlier.source:
        return False
    first, second = _letters(earlier.text), _letters(one.text)
    return bool(first and second) and (first.startswith(second) or second.startswith(first))


def _letters(text: str) -> str:
    return "".join(c for c in text[: 4 * _SAME] if c.isalnum())[:_SAME]


def _joined(found: Sequence[Body]) -> Body:
    if not found:
        return _NOTHING
    text = "\n".join(one.text for one in found)[:TEXT_LENGTH]
    source = next((one.source for one in found if _says(one.text)), found[0].source)
    worst = max(found, key=lambda one: _HOWS.index(one.how))
    return Body(text, source, worst.charset, worst.how)


def _calendar(parts: Sequence[Part]) -> Body:
    found: list[Decoded] = [decode(part.data[:_READ_BYTES], part.charset) for part in parts[:1]]
    return next((Body(text_of_invitation(one.text)[:TEXT_LENGTH], "calendar", *one[1:]) for one in found), _NOTHING)


def _says(text: str) -> bool:
    return sum(1 for _ in _first_letters(text)) >= _TRIVIAL


def _first_letters(text: str) -> Iterator[str]:
    count = 0
    for c in text:
        if c.isalnum():
            yield c
            count += 1
            if count == _TRIVIAL:
                return
