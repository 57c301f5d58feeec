"""The fiscal documents that a mail brings: as attachments, in archives, in mails that are attached, written into the text,
in names of files."""

import binascii
import re
from collections.abc import Iterator, Sequence

from services.intake.domain.archives import unpack
from services.intake.domain.charset import decode
from services.intake.domain.fiscal import Document, access_keys, from_root, looks_fiscal, read_xml, scan_xml
from services.intake.domain.parts import Part

TOTAL_BYTES = 10 * 1024 * 1024  # of XML a mail; an invoice has some ten kilobytes
_TEXTS = ("text/plain", "text/enriched", "text/x-amp-html", "text/html", "message/delivery-status")
_WRITTEN_BYTES = 1024 * 1024  # of a text in which documents are looked for
_ATTACHED_BYTES = 200_000
_ENCODED = re.compile(
    rb"(?<![A-Za-z0-9+/])(?:PD94bW|PG5mZ|PE5GZ|PGN0Z|PENUZ|PG1kZ|PE1ER|77u/PD|UEsDB|H4sI)[A-Za-z0-9+/\r\n]{100,}={0,2}"
)
"""How XML, zip and gzip begin in base64."""
_ENCODED_LIMIT = 20


def documents_of(parts: Sequence[Part], flaws: set[str]) -> Iterator[Document]:
    """Yield the fiscal documents of attachments, also of those in an archive, and of those that stand in a text."""
    total = 0
    for name, data in _files(parts):
        for packed in unpack(name, data, flaws):
            if not looks_fiscal(packed.data):
                continue
            total += len(packed.data)
            if total > TOTAL_BYTES:
                flaws.add("xml_too_large")
                return
            found = read_xml(packed.data) or scan_xml(decode(packed.data[:_WRITTEN_BYTES], None).text)
            if found is not None:
                yield found


def _files(parts: Sequence[Part]) -> Iterator[tuple[str, bytes]]:
    """Yield what may be a document or an archive of some, with its name."""
    for part in parts:
        if part.type not in _TEXTS or part.attached:
            yield part.name, part.data
            continue
        written = part.data[:_WRITTEN_BYTES]
        for found in list(_ENCODED.finditer(written))[:_ENCODED_LIMIT]:
            yield "", _decoded(found[0])
        yield "", from_root(written)


def _decoded(encoded: bytes) -> bytes:
    """Undo base64, of whose end something may be missing."""
    letters = re.sub(rb"[\r\n=]", b"", encoded)
    return binascii.a2b_base64(letters[: len(letters) // 4 * 4])


def keys_in_names(parts: Sequence[Part]) -> Iterator[str]:
    """Yield the access keys that attachments are called by (a DANFe is usually)."""
    for part in parts:
        yield from (key.key for key in access_keys(part.name.replace("_", " ").replace("-", " ")))


def attached_texts(parts: Sequence[Part]) -> Iterator[str]:
    """Yield the plain texts of mails that are attached: in what is handed on stands what is wrong."""
    for part in parts:
        if part.depth and part.type == "text/plain" and not part.attached:
            yield decode(part.data[:_ATTACHED_BYTES], part.charset).text
