"""Archives inside mails: zip and gzip, opened one level deep (a zip in a zip: two), in memory, and only as far as an
honest one needs. RAR and 7-Zip have no free reader that is safe: they are kept, and noted."""

import gzip
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import NamedTuple

ENTRIES_LIMIT = 200
ENTRY_BYTES = 5 * 1024 * 1024
TOTAL_BYTES = 20 * 1024 * 1024
RATIO_LIMIT = 200  # an XML of invoices is packed some 20 times; a bomb a thousand times
_DEPTH_LIMIT = 2
_ZIP, _GZIP = (b"PK\x03\x04", b"PK\x05\x06"), b"\x1f\x8b\x08"
_UNREAD = {b"Rar!\x1a\x07": "rar_not_read", b"7z\xbc\xaf\x27\x1c": "7z_not_read"}


_BROKEN = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError, RuntimeError, ValueError, LookupError)
"""What the standard library raises of archives that nobody should have sent."""


class Packed(NamedTuple):
    """A file of an archive."""

    name: str
    data: bytes


def unpack(name: str, data: bytes, flaws: set[str], depth: int = 0) -> Iterator[Packed]:
    """Yield the files of an archive, or the file itself; what is encrypted, broken, too many or too large is left out and
    said in ``flaws``. Told by content, not by name."""
    if data.startswith(_ZIP):
        if depth == _DEPTH_LIMIT:
            flaws.add("zip_too_deep")
            return
        for entry in _unzipped(data, flaws):
            yield from unpack(entry.name, entry.data, flaws, depth + 1)
    elif data.startswith(_GZIP) and depth < _DEPTH_LIMIT:
        content = _ungzipped(data, flaws)
        if content:
            yield Packed(name.removesuffix(".gz"), content)
    else:
        flaws.update(flaw for mark, flaw in _UNREAD.items() if data.startswith(mark))
        yield Packed(name, data)


def _ungzipped(data: bytes, flaws: set[str]) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            content = file.read(ENTRY_BYTES + 1)
    except (OSError, EOFError, zlib.error, ValueError):
        flaws.add("gzip_broken")
        return b""
    if len(content) > ENTRY_BYTES:
        flaws.add("gzip_too_large")
        return b""
    return content


def _unzipped(data: bytes, flaws: set[str]) -> Iterator[Packed]:
    """Yield the files of a zip."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, OSError, RuntimeError, LookupError, struct.error):
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
    except _BROKEN:
        flaws.add("zip_broken")
        return b""
    if len(content) > ENTRY_BYTES:
        flaws.add("zip_too_large")
        return b""
    return content
