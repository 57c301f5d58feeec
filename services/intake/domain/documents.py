"""The fiscal documents that a mail brings: as attachments, in archives, in mails that are attached, in names of files."""

from collections.abc import Iterator, Sequence

from services.intake.domain.archives import unpack
from services.intake.domain.fiscal import Document, access_keys, looks_fiscal, read_xml
from services.intake.domain.parts import Part

TOTAL_BYTES = 10 * 1024 * 1024  # of XML a mail; an invoice has some ten kilobytes
_TEXTS = ("text/plain", "text/enriched", "text/x-amp-html", "text/html", "message/delivery-status")


def documents_of(parts: Sequence[Part], flaws: set[str]) -> Iterator[Document]:
    """Yield the fiscal documents of attachments, also of those in an archive."""
    total = 0
    for part in parts:
        if part.type in _TEXTS and not part.attached:
            continue
        for packed in unpack(part.name, part.data, flaws):
            if not looks_fiscal(packed.data):
                continue
            total += len(packed.data)
            if total > TOTAL_BYTES:
                flaws.add("xml_too_large")
                return
            found = read_xml(packed.data)
            if found is not None:
                yield found


def keys_in_names(parts: Sequence[Part]) -> Iterator[str]:
    """Yield the access keys that attachments are called by (a DANFe is usually)."""
    for part in parts:
        yield from (key.key for key in access_keys(part.name.replace("_", " ").replace("-", " ")))
