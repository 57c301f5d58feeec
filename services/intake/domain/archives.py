"""Archives inside mails: opened one level deep, in memory, and only as far as an honest one needs."""

import io
import zipfile
import zlib
from collections.abc import Iterator
from typing import NamedTuple

ENTRIES_LIMIT = 200
ENTRY_BYTES = 5 * 1024 * 1024
TOTAL_BYTES = 20 * 1024 * 1024
RATIO_LIMIT = 200  # an XML of invoices is packed some 20 times; a bomb a thousand times
_ZIP = b"PK\x03\x04"


class Packed(NamedTuple):
    """A file of an archive."""

    name: str
    data: bytes


def is_zip(data: bytes) -> bool:
    """Tell by content."""
    return data.startswith(_ZIP)


def unpack(data: bytes, flaws: set[str]) -> Iterator[Packed]:
    """Yield the files of a zip; what is encrypted, broken, too many or too large is left out and said in ``flaws``."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, OSError, RuntimeError):
        flaws.add("zip_broken")
        return
    total = 0
    for entry in archive.infolist()[:ENTRIES_LIMIT]:
        if entry.is_dir():
            continue
        if entry.flag_bits & 1:
            flaws.add("zip_encrypted")
            continue
        if entry.file_size > ENTRY_BYTES or entry.file_size > RATIO_LIMIT * max(entry.compress_size, 1):
            flaws.add("zip_too_large")
            continue
        content = _read(archive, entry, flaws)
        total += len(content)
        if total > TOTAL_BYTES:
            flaws.add("zip_too_large")
            return
        if content:
            yield Packed(entry.filename[:200], content)
    if len(archive.infolist()) > ENTRIES_LIMIT:
        flaws.add("zip_too_many")


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, flaws: set[str]) -> bytes:
    """Return the content, bounded whatever the directory of the archive says of its size."""
    try:
        with archive.open(entry) as file:
            content = file.read(ENTRY_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, ValueError):
        flaws.add("zip_broken")
        return b""
    if len(content) > ENTRY_BYTES:
        flaws.add("zip_too_large")
        return b""
    return content
