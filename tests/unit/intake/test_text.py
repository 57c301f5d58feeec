"""Which text of a mail is read, row by row: what mailers get wrong in MIME, what they pack into files, what HTML hides."""

import base64
import binascii
import quopri
from datetime import UTC, datetime

import pytest

from services.intake.domain.contact import Contact, understand
from services.intake.domain.flowed import unflowed
from services.intake.domain.markup import text_of_html
from tests.reading import NOTHING_KNOWN

AT = datetime(2026, 3, 5, 11, tzinfo=UTC)
PAGE = "Content-Type: text/html; charset=utf-8\n\n<div>não emite</div><p>a nota de hoje, nem a de ontem</p>\n"
WORDS = "Content-Type: text/plain; charset=utf-8\n\nnão emite\n"


def read(head: str, body: str | bytes = "", before: bytes = b"") -> Contact:
    """Return what a mail says whose header goes on with ``head``."""
    raw = body.encode() if isinstance(body, str) else body
    return understand(before + f"From: a@cliente.example\nSubject: x\n{head}\n\n".encode() + raw, NOTHING_KNOWN, AT)


def several(kind: str, *parts: str, boundary: str = "b") -> str:
    """Return a multipart's header and body."""
    inside = "".join(f"--b\n{part}\n" for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="{boundary}"\n\n{inside}--b--\n'


def head_and_body(mail: str) -> tuple[str, str]:
    """Return the two halves of a part."""
    head, _, body = mail.partition("\n\n")
    return head, body


BODIES = [
    ("a type without its semicolon", "Content-Type: text/html charset=utf-8\n\n<p>não emite</p>", "html"),
    ("another boundary than the one that is named", several("mixed", WORDS, boundary="zz"), "plain"),
    ("a boundary whose quote is not closed", several("mixed", WORDS).replace('"b"', '"b'), "plain"),
    ("no boundary at all", several("mixed", WORDS).replace('; boundary="b"', ""), "plain"),
    ("a multipart that is none", "Content-Type: multipart/mixed; boundary=b\n\nnão emite", "plain"),
    ("no last boundary", several("mixed", WORDS).replace("--b--", ""), "plain"),
    ("HTML that says it is plain", "Content-Type: text/plain\n\n<html><body>não emite</body></html>", "html"),
    ("plain text that points at the HTML", several("alternative", "\nUse um leitor de HTML", PAGE), "html"),
    ("a message in HTML and a list's footer", several("mixed", PAGE, "\nnão emite"), "html"),
    ("alternatives that do not say so", several("mixed", WORDS, PAGE), "plain"),
    ("the text has a name", several("mixed", WORDS.replace("utf-8", "utf-8; name=texto.txt", 1)), "plain"),
    (
        "the only text is attached",
        several("mixed", "Content-Disposition: attachment; filename=a.txt\n" + WORDS),
        "attached",
    ),
    ("quoted-printable that does not say so", "X-A: b\n\nn=C3=A3o=\n emite =C3=A9=\n=C3=A9\n", "plain"),
    ("text that says it is base64", "Content-Transfer-Encoding: base64\n\nnão emite a nota de hoje às 10 h", "plain"),
]


@pytest.mark.parametrize(("trait", "mail", "source"), BODIES, ids=[row[0] for row in BODIES])
def test_the_text_is_found_although_there_is(trait: str, mail: str, source: str) -> None:
    found = read(*head_and_body(mail))
    assert found.text.startswith("não emite") or found.text.replace("\n", "") == "não emite éé"
    assert found.text.count("não emite") == 1 or trait == "a message in HTML and a list's footer"
    assert found.text_source == source


def test_what_stands_before_or_inside_the_header_does_not_hide_the_body() -> None:
    mail = "Content-Type: text/html\n\n<p>oi</p>"
    for before in (b"\r\n\n", b"\xef\xbb\xbf", b"From a@b Thu Mar  5 08:00:00 2026\n"):
        assert read(*head_and_body(mail), before=before).text == "oi"
    broken = read("esta linha não é campo\nContent-Type: text/html", "<p>oi</p>")
    assert (broken.text, broken.flaws) == ("oi", ("header_line_broken",))


def test_a_mail_in_a_mail_may_be_encoded() -> None:
    inner = base64.encodebytes("Subject: y\n\nnão emite".encode()).decode()
    found = read("Content-Type: message/rfc822\nContent-Transfer-Encoding: base64", inner)
    assert (found.text, found.text_source) == ("não emite", "attached")


def test_files_written_into_the_text_are_attachments() -> None:
    lines = "".join(binascii.b2a_uu(b"x" * 45).decode() for _ in range(3))
    found = read("X-A: b", f"oi\nbegin 644 nota.xml\n{lines}`\nend\ntchau\nbegin agora\nend")
    assert (found.text.split(), [(a.name, a.bytes) for a in found.attachments]) == (
        ["oi", "tchau", "begin", "agora", "end"],
        [("nota.xml", 135)],
    )
    yenc = b"oi\n=ybegin line=128 size=3 name=a.bin\n" + bytes((99 + 42, 61, 42 + 64, 98 + 42)) + b"\n=yend size=3\n"
    found = read("Content-Type: text/plain; charset=latin-1", yenc)
    assert (found.text, [(a.name, a.bytes) for a in found.attachments]) == ("oi", [("a.bin", 3)])


def test_an_opaque_signature_shows_its_mail() -> None:
    inner = b"Content-Type: text/plain\n\nassinado"
    content = (
        b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01\xa0\x80\x24\x80\x04" + bytes((len(inner),)) + inner + b"\0\0"
    )
    data = b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x80\x30\x80\x02\x01\x01\x31\x00\x30\x80" + content
    head = "Content-Type: application/pkcs7-mime; name=smime.p7m\nContent-Transfer-Encoding: base64"
    found = read(head, base64.encodebytes(data))
    assert (found.text, found.signed, found.encrypted, found.attachments[0].name) == (
        "assinado",
        True,
        False,
        "smime.p7m",
    )
    sealed = read(head, base64.encodebytes(b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03\xa0\x80"))
    assert (sealed.text, sealed.signed, sealed.encrypted, len(sealed.attachments)) == ("", False, True, 1)


def test_pgp_in_the_text_is_noted() -> None:
    assert read("X-A: b", "-----BEGIN PGP MESSAGE-----\nabc").encrypted
    assert read("X-A: b", "-----BEGIN PGP SIGNED MESSAGE-----\nabc").signed


FLOWED = [
    ("uma linha \nque segue\n\noutra", False, "uma linha que segue\n\noutra"),
    ("> uma \n> linha\nfim", False, "> uma linha\nfim"),
    (" > não é citação", False, "> não é citação"),
    ("fim. \n-- \nAna", False, "fim. \n-- \nAna"),
    ("emis \nsão", True, "emissão"),
]


@pytest.mark.parametrize(("text", "delsp", "said"), FLOWED)
def test_flowed_text_is_joined(text: str, delsp: bool, said: str) -> None:
    assert unflowed(text, delsp=delsp) == said


def test_an_invitation_is_read_in_words() -> None:
    event = (
        "BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VTIMEZONE\nDTSTART:16010101T000000\nEND:VTIMEZONE\nBEGIN:VEVENT\n"
        'SUMMARY:Migração\\, loja 2\nDTSTART;TZID="America/Sao_Paulo":20260305T140000\nDTEND:20260305T180000Z\n'
        "LOCATION:Sala\n  2\nBEGIN:VALARM\nDESCRIPTION:Reminder\nEND:VALARM\nEND:VEVENT"
    )
    found = read("Content-Type: text/calendar; method=REQUEST; charset=utf-8", event)
    assert (found.text, found.text_source) == (
        "Convite\nMigração, loja 2\nInício: 05/03/2026 14:00 (America/Sao_Paulo)\nFim: 05/03/2026 18:00 (UTC)\nLocal: Sala 2",
        "calendar",
    )


HTML = [
    ("<td style='font-size:0px'><div style='font-size:14px'>oi</div></td>", "oi"),
    ("<span style='font-size:0'>x</span>oi", "oi"),
    ("<pre>um\n  dois\ntrês</pre>", "um\ndois\ntrês"),
    ("<div style='white-space:pre-wrap'>um\ndois</div>", "um\ndois"),
    ("<p>um\ndois</p>", "um dois"),
    ("<img alt='Nota rejeitada'><img>", "Nota rejeitada"),
    ("<p>a</p>" * 5_001, "\n\n".join("a" * 5_001)),
]


@pytest.mark.parametrize(("page", "text"), HTML)
def test_html_shows_what_people_see(page: str, text: str) -> None:
    assert text_of_html(page).strip() == text


NAMES = [
    ('Content-Disposition: attachment; filename="../../etc/passwd"', "passwd"),
    ('Content-Disposition: attachment; filename="C:\\\\notas\\\\a.xml"', "a.xml"),
    ("Content-Disposition: attachment; filename*0*=utf-8''emiss%C3%A3; filename*1=o.xml", "emissão.xml"),
    ("Content-Disposition: attachment; filename==?utf-8?Q?emiss=C3=A3o.xml?=", "emissão.xml"),
    ("Content-Disposition: attachment; filename=nota\u202exml.exe", "notaxml.exe"),
]


@pytest.mark.parametrize(("head", "name"), NAMES)
def test_names_of_files(head: str, name: str) -> None:
    assert [one.name for one in read(head, "x").attachments] == [name]


def test_a_name_in_windows_1252_is_read() -> None:
    raw = b'Content-Disposition: attachment; filename="emiss\xe3o.xml"\n\nx'
    assert understand(raw, NOTHING_KNOWN, AT).attachments[0].name == "emissão.xml"


def test_quoted_printable_with_broken_soft_breaks_is_read() -> None:
    said = quopri.encodestring("não emite a nota".encode()).replace(b"emite", b"emi= \r\nte")
    assert read("Content-Transfer-Encoding: quoted-printable", said).text == "não emite a nota"


def test_a_mail_whose_parts_cannot_be_told_shows_its_text() -> None:
    found = read("Content-Type: multipart/mixed; boundary=b", "oi\n" + "--b\n\nx\n" * 30_000)
    assert (found.unreadable, found.text[:2]) == ("too_many_parts", "oi")
