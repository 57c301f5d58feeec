"""The text of a mail, chosen from its parts, and the fiscal documents that lie in it, in attachments and in archives."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from services.intake.domain.archives import is_zip, unpack
from services.intake.domain.charset import Decoded, decode
from services.intake.domain.fiscal import Document, access_keys, read_xml
from services.intake.domain.markup import text_of_html
from services.intake.domain.parts import Part

TEXT_LENGTH = 200_000  # characters; of a longer text the beginning is read
_TRIVIAL = 3  # letters and digits; so few say nothing that the HTML beside them does not
_TEXTS = ("text/plain", "text/enriched", "text/x-amp-html", "message/delivery-status")


class Body(NamedTuple):
    """``source``: of which kind the text is: plain, html, attached (a mail in the mail), calendar, or none."""

    text: str
    source: str
    charset: str
    how: str


def body_of(parts: Sequence[Part]) -> Body:
    """Return the text that a person reads: plain text unless it is trivial, else HTML, else what is attached as a mail."""
    own = [part for part in parts if part.depth == 0 and not part.attached]
    plain = _joined([decode(p.data, p.charset) for p in own if p.type == "text/plain"], "plain")
    if plain is not None and _says(plain.text):
        return plain
    html = _joined([_shown(p) for p in own if p.type == "text/html"], "html")
    if html is not None and _says(html.text):
        return html
    attached = [p for p in parts if p.depth > 0 and not p.attached and p.type in ("text/plain", "text/html")]
    inner = _joined([_shown(p) for p in attached[:1]], "attached")
    if inner is not None and _says(inner.text):
        return inner
    calendar = _joined([decode(p.data, p.charset) for p in own if p.type == "text/calendar"], "calendar")
    if calendar is not None:
        return calendar._replace(text=_of_calendar(calendar.text))
    return plain or html or Body("", "none", "", "")


def _shown(part: Part) -> Decoded:
    decoded = decode(part.data, part.charset)
    return decoded._replace(text=text_of_html(decoded.text)) if part.type == "text/html" else decoded


def _joined(found: Sequence[Decoded], source: str) -> Body | None:
    if not found:
        return None
    text = "\n".join(one.text for one in found)[:TEXT_LENGTH].replace("\0", "")
    worst = max(found, key=lambda one: ("utf-8", "declared", "detected", "replaced").index(one.how))
    return Body(text, source, worst.charset, worst.how)


def _says(text: str) -> bool:
    return sum(c.isalnum() for c in text[:1000]) >= _TRIVIAL


def _of_calendar(text: str) -> str:
    """Return summary and description of an invitation (RFC 5545), unfolded."""
    lines = text.replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "").split("\n")
    wanted = (
        line.partition(":")[2] for line in lines if line.upper().startswith(("SUMMARY", "DESCRIPTION", "LOCATION"))
    )
    return "\n".join(line.replace("\\n", "\n").replace("\\,", ",").replace("\\;", ";") for line in wanted)


def documents_of(parts: Sequence[Part], flaws: set[str]) -> Iterator[Document]:
    """Yield the fiscal documents of attachments, also of those in a zip."""
    for part in parts:
        if part.type in _TEXTS or part.type == "text/html":
            continue
        for data in [packed.data for packed in unpack(part.data, flaws)] if is_zip(part.data) else [part.data]:
            found = read_xml(data)
            if found is not None:
                yield found


def keys_in_names(parts: Sequence[Part]) -> Iterator[str]:
    """Yield the access keys that attachments are called by (a DANFe is usually)."""
    for part in parts:
        yield from (key.key for key in access_keys(part.name.replace("_", " ").replace("-", " ")))
