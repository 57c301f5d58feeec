"""Breaks mails where it hurts: bytes, lines, header fields, MIME parts, encodings, and the sizes of all of them."""

import base64
import quopri
import random
from collections.abc import Callable, Sequence

_FIELDS = (
    b"Content-Type: multipart/mixed; boundary=b",
    b'Content-Type: multipart/alternative; boundary="=_x',
    b"Content-Type: text/html charset=utf-8",
    b"Content-Type: text/plain; format=flowed; delsp=yes; charset=utf-7",
    b"Content-Type: message/rfc822",
    b"Content-Type: application/ms-tnef; name=winmail.dat",
    b"Content-Type: application/pkcs7-mime; name=smime.p7m",
    b"Content-Type: text/calendar; method=REQUEST",
    b"Content-Type: application/zip; name==?utf-8?b?w6E=?=",
    b"Content-Type: ; charset",
    b"Content-Type: text/plain; charset=\xff\xfe; name*0*=utf-9''%ff%",
    b"Content-Transfer-Encoding: base64",
    b"Content-Transfer-Encoding: quoted-printable",
    b"Content-Transfer-Encoding: x-uuencode",
    b"Content-Disposition: attachment; filename=../../a\0b",
    b"Subject: =?utf-16?q?=D8=00?= =?utf-8?b?////?= ana@cliente.example",
    b"From: a, <\xe3@[::1]>, (((((<x@y",
    b"References: <" + b"a" * 3000,
    b"Date: Thu, 99 Foo 99999 99:99:99 +9999",
    b"esta linha nao e campo",
)
_SNIPPETS = (
    b"\n--b\n", b"\n--b--\n", b"\n\n", b"\r", b"\0", b"\xef\xbb\xbf", b"\xff\xfe", b"+2AA-", b"~{", b"\x1b$B",
    b"\nbegin 644 a\n#86)C\n`\nend\n", b"\n=ybegin line=1 size=1 name=a\nx\n=yend\n", b"<blockquote>", b"<div class=yahoo_quoted>",
    b"</div>", b"<pre>", b"<!--", b"<style>", b"&#xD800;&#0;", b"\n-- \n", b"\n> ", b"\nEm 1/1/2026 10:10, a@b escreveu:\n",
    b"\n-----Mensagem original-----\n", b"\nDe: a\nEnviada em: b\nPara: c\n", "\ue0ff\n".encode(), b"Rejei\xe7\xe3o 204",
    b"\x78\x9f\x3e\x22\1\0", b"PK\x03\x04", b"\x1f\x8b\x08", b"5206 0433 0099 1100", b"BEGIN:VEVENT\nSUMMARY:x\n",
)  # fmt: skip


def mutated(chance: random.Random, mails: Sequence[bytes]) -> bytes:
    """Return one of ``mails``, broken in one to eight ways; at most some two megabytes."""
    raw = chance.choice(mails)
    for _ in range(chance.choice((1, 1, 2, 3, 5, 8))):
        raw = chance.choice(_WAYS)(chance, raw, mails)[:2_000_000]
    return raw


def _bytes(chance: random.Random, raw: bytes, _: Sequence[bytes]) -> bytes:
    broken = bytearray(raw)
    for _n in range(chance.randint(1, 20)):
        if broken:
            broken[chance.randrange(len(broken))] = chance.randrange(256)
    return bytes(broken)


def _cut(chance: random.Random, raw: bytes, _: Sequence[bytes]) -> bytes:
    begin, end = sorted((chance.randint(0, len(raw)), chance.randint(0, len(raw))))
    return chance.choice((raw[:begin], raw[end:], raw[:begin] + raw[end:]))


def _spliced(chance: random.Random, raw: bytes, mails: Sequence[bytes]) -> bytes:
    other = chance.choice(mails)
    return raw[: chance.randint(0, len(raw))] + other[chance.randint(0, len(other)) :]


def _snippet(chance: random.Random, raw: bytes, _: Sequence[bytes]) -> bytes:
    at = chance.randint(0, len(raw))
    return raw[:at] + chance.choice(_SNIPPETS) * chance.choice((1, 1, 1, 2, 50, 2000)) + raw[at:]


def _field(chance: random.Random, raw: bytes, _: Sequence[bytes]) -> bytes:
    lines = raw.split(b"\r\n")
    at = chance.randint(0, min(len(lines), 15))
    return b"\r\n".join([*lines[:at], chance.choice(_FIELDS), *lines[at:]])


def _line(chance: random.Random, raw: bytes, _: Sequence[bytes]) -> bytes:
    lines = raw.split(b"\n")
    at = chance.randrange(len(lines))
    match chance.randrange(4):
        case 0:
            del lines[at]
        case 1:
            lines[at:at] = [lines[at]] * chance.choice((1, 10, 1000))
        case 2:
            chance.shuffle(lines)
        case _:
            lines[at] = lines[at] * chance.choice((2, 100))
    return b"\n".join(lines)


def _ends(chance: random.Random, raw: bytes, _: Sequence[bytes]) -> bytes:
    return raw.replace(b"\r\n", chance.choice((b"\n", b"\r", b"\r\r\n", b"\n\r", b"\n\n", b"")))


def _encoded(chance: random.Random, raw: bytes, _: Sequence[bytes]) -> bytes:
    head, _mark, body = raw.partition(b"\r\n\r\n")
    made = chance.choice(
        (
            base64.encodebytes,
            quopri.encodestring,
            lambda data: data.decode("utf-8", "replace").encode("utf-16"),
            bytes.swapcase,
        )
    )
    return head + b"\r\n\r\n" + made(body)


def _wrapped(chance: random.Random, raw: bytes, _: Sequence[bytes]) -> bytes:
    depth = chance.choice((1, 1, 3, 30, 300))
    if chance.random() < 0.5:
        return b"Content-Type: message/rfc822\r\n\r\n" * depth + raw
    begins = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(depth))
    return b"Subject: x\r\n" + begins + raw


_Way = Callable[[random.Random, bytes, Sequence[bytes]], bytes]
_WAYS: tuple[_Way, ...] = (_bytes, _cut, _spliced, _snippet, _snippet, _field, _field, _line, _ends, _encoded, _wrapped)
