"""What is packed into mails: winmail.dat, RTF, archives; and that none of it can hurt."""

import base64
import gzip
import io
import struct
import zipfile
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.domain.archives import ENTRY_BYTES, unpack
from services.intake.domain.contact import Contact, understand
from services.intake.domain.inline import parted
from services.intake.domain.opaque import content_of
from services.intake.domain.rtf import decompressed, text_of_rtf
from services.intake.domain.tnef import read_tnef
from tests.reading import NOTHING_KNOWN

AT = datetime(2026, 3, 5, 11, tzinfo=UTC)
KEY = "52060433009911002506550120000007800267301615"
XML = f'<nfeProc><NFe><infNFe Id="NFe{KEY}"/></NFe></nfeProc>'.encode()


def attribute(level: int, identity: int, data: bytes) -> bytes:
    """Return one attribute of a TNEF stream."""
    return struct.pack("<BII", level, identity, len(data)) + data + b"\0\0"


def prop(kind: int, identity: int, data: bytes) -> bytes:
    """Return one property of variable length."""
    return struct.pack("<HHII", kind, identity, 1, len(data)) + data + b"\0" * (-len(data) % 4)


def winmail(*properties: bytes, files: bytes = b"") -> bytes:
    """Return a TNEF stream."""
    message = struct.pack("<I", len(properties)) + b"".join(properties)
    return b"\x78\x9f\x3e\x22\1\0" + attribute(1, 0x00069003, message) + files


def file(name: str, data: bytes) -> bytes:
    """Return the attributes of one file, with its long name in UTF-16."""
    named = struct.pack("<I", 1) + prop(0x1F, 0x3707, name.encode("utf-16-le"))
    return (
        attribute(2, 0x00069002, b"\0" * 14)
        + attribute(2, 0x00018010, b"CURTO~1.XML\0")
        + attribute(2, 0x0006800F, data)
        + attribute(2, 0x00069005, named)
    )


def sent(data: bytes, name: str = "winmail.dat", kind: str = "application/ms-tnef") -> Contact:
    """Return a mail that has nothing but this file."""
    head = f"Subject: x\nContent-Type: {kind}; name={name}\nContent-Transfer-Encoding: base64\n\n"
    return understand(head.encode() + base64.encodebytes(data), NOTHING_KNOWN, AT)


def test_a_winmail_dat_gives_its_text_and_its_files() -> None:
    found = sent(winmail(prop(0x102, 0x1013, b"<p>n\xe3o emite</p>"), files=file("emissão.xml", XML)))
    assert (found.text, found.text_source, found.documents) == ("não emite", "html", (KEY,))
    assert [(one.name, one.bytes) for one in found.attachments][1:] == [("emissão.xml", len(XML))]


PACKED = (
    b"\x2d\x00\x00\x00\x2b\x00\x00\x00LZFu\xf1\xc5\xc7\xa7\x03\x00\x0a\x00rcpg125\x42\x32\x0a\xf3 hel\x09\x00 bw\x05\xb0ld"
    b"}\x0a\x80\x0f\xa0"
)
"""The example of MS-OXRTFCP, section 4.1.1."""


def test_compressed_rtf_is_the_last_resort() -> None:
    assert decompressed(PACKED) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    assert sent(winmail(prop(0x102, 0x1009, PACKED))).text == "hello world"


RTF = [
    (rb"{\rtf1 n\'e3o emite\par a nota}", "não emite\na nota"),
    (rb"{\rtf1{\fonttbl{\f0 Arial;}}{\*\generator x}oi}", "oi"),
    (rb"{\rtf1 \u8220?oi\u8221?}", "“oi”"),
    (rb"{\rtf1 a\{b\}\~c", "a{b} c"),
    (b"{" * 1000, ""),
]


@pytest.mark.parametrize(("data", "text"), RTF)
def test_rtf_is_read_as_text(data: bytes, text: str) -> None:
    assert text_of_rtf(data) == text


def zipped(*entries: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return made.getvalue()


ARCHIVES = [
    (zipped(("a.xml", XML)), 1, ()),
    (zipped(("a.zip", zipped(("a.xml", XML)))), 1, ()),
    (zipped(("a.zip", zipped(("a.zip", zipped(("a.xml", XML)))))), 0, ("zip_too_deep",)),
    (gzip.compress(XML), 1, ()),
    (gzip.compress(b"\0" * (ENTRY_BYTES + 1)), 0, ("gzip_too_large",)),
    (gzip.compress(XML)[:-9], 0, ("gzip_broken",)),
    (b"Rar!\x1a\x07\x01\x00", 1, ("rar_not_read",)),
    (b"7z\xbc\xaf\x27\x1c", 1, ("7z_not_read",)),
    (b"PK\x03\x04 broken", 0, ("zip_broken",)),
    (zipped(("a", b"abcabc" * 9), method=zipfile.ZIP_LZMA).replace(b"]\0\0", b"\xff\0\0", 1), 0, ("zip_broken",)),
]


@pytest.mark.parametrize(("data", "files", "flaws"), ARCHIVES)
def test_archives(data: bytes, files: int, flaws: tuple[str, ...]) -> None:
    noted: set[str] = set()
    assert (len(list(unpack("a", data, noted))), tuple(noted)) == (files, flaws)


def test_documents_are_found_in_archives_of_attached_mails() -> None:
    inner = b"Content-Type: application/zip; name=a.zip\nContent-Transfer-Encoding: base64\n\n"
    raw = b"Subject: ENC: nota\nContent-Type: message/rfc822\n\n" + inner + base64.encodebytes(zipped(("a.xml", XML)))
    assert understand(raw, NOTHING_KNOWN, AT).documents == (KEY,)
    assert sent(gzip.compress(XML), "a.xml.gz", "application/gzip").documents == (KEY,)


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=300), at=st.integers(0, 400))
def test_nothing_packed_makes_the_reader_raise(data: bytes, at: int) -> None:
    whole = winmail(prop(0x102, 0x1009, PACKED), prop(0x1E, 0x1000, b"oi"), files=file("a", b"x"))
    for one in (b"\x78\x9f\x3e\x22\0\0" + data, whole[:at] + data + whole[at:], whole[:at]):
        read_tnef(one)
    text_of_rtf(decompressed(PACKED[:16] + data))
    text_of_rtf(data)
    content_of(
        b"\x30\x80" + bytes.fromhex("06092a864886f70d010702") + bytes.fromhex("06092a864886f70d010701") + b"\xa0" + data
    )
    parted(b"begin 644 a\n" + data + b"\nend\n=ybegin name=a\n" + data + b"\n=yend\n")
    list(unpack("a", b"PK\x03\x04" + data, set()))
