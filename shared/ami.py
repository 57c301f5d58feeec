"""The lines of Asterisk's manager interface (AMI): messages in, actions out. Pure."""

import hashlib
from collections.abc import Mapping, Sequence

HEADERS_LIMIT = 200

Message = Mapping[str, str]
"""Headers by lower-case name; of a name that is there twice the last counts."""


class Parser:
    """Lines → messages. A line that is no header is counted and ignored; nothing ends the parser."""

    def __init__(self) -> None:
        self._headers: dict[str, str] = {}
        self.malformed = 0

    def feed(self, line: bytes) -> Message | None:
        """Take one line with its end; return the message that an empty line ends."""
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if not text:
            found, self._headers = self._headers, {}
            return found or None
        name, colon, value = text.partition(":")
        if not colon or not name.strip() or len(self._headers) >= HEADERS_LIMIT:
            self.malformed += 1
            return None
        self._headers[name.strip().lower()] = _clean(value.strip())
        return None


def _clean(value: str) -> str:
    return "".join(c for c in value if c.isprintable())


def action(name: str, **headers: str | Sequence[str]) -> bytes:
    """Return an action as the server reads it; a sequence is a header that is there several times (``Variable``).

    Raises ``ValueError`` for a value that would be a header of its own.
    """
    pairs = [("Action", name)]
    for key, value in headers.items():
        pairs += [(key, one) for one in ([value] if isinstance(value, str) else value)]
    if any("\r" in value or "\n" in value for _, value in pairs):
        raise ValueError("a header is one line")
    return "".join(f"{key}: {value}\r\n" for key, value in pairs).encode() + b"\r\n"


def login_key(challenge: str, secret: str) -> str:
    """Return what proves the secret without sending it (action Login, AuthType MD5)."""
    return hashlib.md5((challenge + secret).encode(), usedforsecurity=False).hexdigest()
