"""Files that old mailers write into the text itself: uuencoded (POSIX) and yEnc. They are attachments, not words."""

import binascii
import re
from collections.abc import Callable
from typing import NamedTuple

_UU = re.compile(rb"begin[ \t]+[0-7]{3,4}[ \t]+([^\r\n]{1,200})")
_YENC = re.compile(rb"=ybegin [^\r\n]{0,200}?name=([^\r\n]{1,200})")
_LINE_END = re.compile(rb"\r\n|\r|\n")
_FILES_LIMIT = 50


class Inline(NamedTuple):
    """A file that stood in the text."""

    name: bytes
    data: bytes


def parted(text: bytes) -> tuple[bytes, tuple[Inline, ...]]:
    """Return the text without such files, and the files. What only looks like one stays text. Never raises."""
    files: list[Inline] = []
    if b"begin " in text:
        text = _without(text, _UU, b"end", _undone, files)
    if b"=ybegin " in text:
        text = _without(text, _YENC, b"=yend", _decoded, files)
    return text, tuple(files)


def _without(
    text: bytes, begins: re.Pattern[bytes], end: bytes, undo: Callable[[list[bytes]], bytes], files: list[Inline]
) -> bytes:
    """Take out what stands between a line that ``begins`` a file and the next that has its end; in one pass."""
    lines = _LINE_END.split(text)
    kept: list[bytes] = []
    held: list[bytes] = []  # from a line that may begin a file on
    name = b""
    for line in lines:
        found = begins.match(line)
        if found is not None:
            kept += held
            held, name = [line], found[1].strip()
        elif not held:
            kept.append(line)
        elif not line.startswith(end):
            held.append(line)
        else:
            if data := undo(held[1:]) if len(files) < _FILES_LIMIT else b"":
                files.append(Inline(name, data))
            else:
                kept += [*held, line]
            held = []
    return b"\r\n".join(kept + held) if files else text


def _undone(lines: list[bytes]) -> bytes:
    """Undo uuencoding; b"" where a line is none."""
    try:
        return b"".join(binascii.a2b_uu(line) for line in lines if line.strip(b"` "))
    except binascii.Error:
        return b""


def _decoded(lines: list[bytes]) -> bytes:
    """Undo yEnc: every byte is 42 too high, what follows an equals sign 64 more."""
    plain = b"".join(line for line in lines if not line.startswith(b"=ypart "))
    first, *rest = plain.split(b"=")
    return first.translate(_LESS) + b"".join(one[:1].translate(_LESS_64) + one[1:].translate(_LESS) for one in rest)


_LESS = bytes((byte - 42) % 256 for byte in range(256))
_LESS_64 = bytes((byte - 42 - 64) % 256 for byte in range(256))
