"""What mailers get wrong in MIME (RFC 2045, RFC 2046), mended before or after the standard library has read it."""

import codecs
import quopri
import re
from email import message_from_bytes
from email.message import Message

from services.intake.domain.charset import decode

_HEAD_BYTES = 256 * 1024
_END = re.compile(rb"\r?\n[ \t]*\r?\n|\r\r")
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\n|\r|$)")
_GOES_ON = re.compile(rb"(?:From |[!-9;-~]{1,80}[ \t]*:|[ \t])")
_KNOWN = re.compile(
    rb"(?:from|to|cc|subject|date|message-id|mime-version|content-[a-z-]+|received|reply-to|return-path|x-[a-z0-9-]+)[ \t]*:",
    re.IGNORECASE,
)
_BOUNDARY = re.compile(
    rb"(?m)^--([^\r\n]{1,200}?)[ \t]*\r?\n(?:[ \t]*\r?\n)?content-[a-z-]{2,30}[ \t]*:", re.IGNORECASE
)
_TYPE = re.compile(r"\s*\"?([\w.+-]{1,60}/[\w.+-]{1,80})")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:+-]{1,40})", re.IGNORECASE)
_BASE64 = re.compile(rb"[A-Za-z0-9+/=\s]")
_ESCAPE = re.compile(rb"=[89A-F][0-9A-F]")
_SOFT_BREAK = re.compile(rb"=[ \t]*\r?\n")
_LOOSE_BREAK = re.compile(rb"=[ \t]+\r?\n")
_LONG_LINE = re.compile(rb"[^\r\n]{100}")
_SAMPLE = 4096  # bytes
_VALUE_LENGTH = 4096  # characters of a field
_ESCAPES_LEAST = 3


def parsed(raw: bytes, flaws: set[str]) -> Message:
    """Return the message: empty lines and a byte order mark before it are left out, so is a line in its header that is no
    field where known fields follow it. Raises what the standard library raises."""
    raw = raw.removeprefix(codecs.BOM_UTF8)
    if raw[:1] in (b"\r", b"\n"):
        raw = raw.lstrip(b"\r\n")
    found = _END.search(raw, 0, _HEAD_BYTES)
    end = len(raw) if found is None else found.start()
    if found is not None and any(not _GOES_ON.match(line) for line in _lines(raw[:end])):
        raw = _mended(raw[:end], flaws) + raw[end:]
    return message_from_bytes(raw)


def below_header(raw: bytes) -> bytes:
    """Return what follows the header."""
    found = _END.search(raw, 0, _HEAD_BYTES)
    return raw[found.end() :] if found else b""


def _lines(head: bytes) -> list[bytes]:
    return [line for line in _LINE.findall(head) if line]


def _mended(head: bytes, flaws: set[str]) -> bytes:
    """Return the header without lines that are no fields, up to the last known field."""
    lines = _lines(head)
    last = max((n for n, line in enumerate(lines) if _KNOWN.match(line)), default=0)
    kept = [line for n, line in enumerate(lines) if n > last or _GOES_ON.match(line)]
    if len(kept) < len(lines):
        flaws.add("header_line_broken")
    return b"".join(kept)


def mend_fields(leaf: Message) -> None:
    """Make the fields whose parameters are read text, whatever their bytes, and short: reading takes more than linear time."""
    for name, value in tuple(leaf.raw_items()):
        if name.lower() in ("content-type", "content-disposition"):
            raw = str(value)[:_VALUE_LENGTH]
            if len(raw) < len(str(value)) or not raw.isascii():
                leaf.replace_header(name, decode(raw.encode("utf-8", "surrogateescape"), None).text)


def type_of(leaf: Message) -> str:
    """Return the type in lower case, also of ``text/html charset=utf-8`` without its semicolon."""
    kind = leaf.get_content_type()
    if kind == "text/plain":
        kind = str(leaf.get("content-type", kind))
    found = _TYPE.match(kind)
    return "text/plain" if found is None else found[1].lower()


def charset_of(leaf: Message) -> str | None:
    """Return a charset that stands in the Content-Type in whatever way."""
    found = _CHARSET.search(str(leaf.get("content-type", "")))
    return None if found is None else found[1]


def reopened(leaf: Message, flaws: set[str]) -> Message | None:
    """Return a multipart of which no part was found, read by the boundary that its body has; None without one."""
    body = _as_written(leaf)
    found = _BOUNDARY.search(body)
    if found is None or b'"' in found[1]:
        return None
    flaws.add("boundary_guessed")
    kind = type_of(leaf).encode()
    kind = kind if kind.startswith(b"multipart/") else b"multipart/mixed"
    again = message_from_bytes(b"Content-Type: " + kind + b'; boundary="' + found[1] + b'"\n\n' + body)
    return again if again.is_multipart() else None


def _as_written(leaf: Message) -> bytes:
    """Return the body of a leaf with its transfer encoding."""
    encoding = leaf["content-transfer-encoding"]
    del leaf["content-transfer-encoding"]
    data = leaf.get_payload(decode=True)
    if encoding is not None:
        leaf["Content-Transfer-Encoding"] = encoding
    return data if isinstance(data, bytes) else b""


def unwrapped(leaf: Message, flaws: set[str]) -> Message | None:
    """Return the mail inside a message/rfc822 that is encoded, which RFC 2046 forbids and some do; None if it is not."""
    encoding = str(leaf.get("content-transfer-encoding", "")).strip().lower()
    payload = leaf.get_payload()
    if encoding not in ("base64", "quoted-printable") or not isinstance(payload, list) or not payload:
        return None
    inner = payload[0]
    if not isinstance(inner, Message) or inner.keys():
        return None
    inner["Content-Transfer-Encoding"] = encoding
    data = inner.get_payload(decode=True)
    return parsed(data, flaws) if isinstance(data, bytes) and data else None


def content_of(leaf: Message, kind: str) -> bytes:
    """Return the content of a leaf without its transfer encoding, also where that is not the one that it names."""
    data = leaf.get_payload(decode=True)
    data = data if isinstance(data, bytes) else b""
    if not kind.startswith("text/"):
        return data
    encoding = str(leaf.get("content-transfer-encoding", "")).strip().lower()
    if encoding == "base64":
        written = _as_written(leaf)
        head = written[:_SAMPLE]
        if len(_BASE64.sub(b"", head)) > len(head) / 20 or (
            b" " in head.strip() and head.count(b" ") > head.count(b"\n") + 3
        ):
            return written
    elif encoding == "quoted-printable" and _LOOSE_BREAK.search(data) is not None:
        return _unquoted(_as_written(leaf))
    elif encoding != "quoted-printable" and _is_quoted(data[: 4 * _SAMPLE]):
        return _unquoted(data)
    return data


def _is_quoted(sample: bytes) -> bool:
    """Tell whether text is quoted-printable without saying so: ASCII, letters escaped, lines broken softly and short."""
    return (
        len(_ESCAPE.findall(sample)) >= _ESCAPES_LEAST
        and _SOFT_BREAK.search(sample) is not None
        and sample.isascii()
        and _LONG_LINE.search(sample) is None
    )


def _unquoted(data: bytes) -> bytes:
    return quopri.decodestring(_SOFT_BREAK.sub(b"=\n", data))
