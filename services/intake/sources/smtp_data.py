"""What follows DATA: only CRLF.CRLF ends it (RFC 5321, section 4.1.1.4), and nothing else is ever taken for it."""

import asyncio
from collections.abc import AsyncIterator, Sequence

END = b"\r\n.\r\n"
BEFORE = b"\r\n"
"""The end of the command's own line, which a message that begins with the end needs."""


async def parts_of(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Yield what follows ``BEFORE`` up to the end and with it, in parts of about the reader's limit.

    A bare LF or CR ends nothing: what differs there between two servers is how mail is smuggled (CVE-2023-51764,
    CVE-2024-27305). What comes after the end stays in the reader.
    """
    tail = BEFORE
    while 0 < (matched := _begun(tail)) < len(END):
        part = await reader.readexactly(len(END) - matched)  # so much has to come at least
        yield part
        tail = (tail + part)[-len(END) :]
        if tail.endswith((b"\r", b"\n")):
            await asyncio.sleep(0)  # a flood of line ends, there already, would stop everybody else
    ended = matched == len(END)
    while not ended:
        try:
            part = await reader.readuntil(END)
            ended = True
        except asyncio.LimitOverrunError as over:
            part = await reader.read(over.consumed)
        yield part


def _begun(data: bytes) -> int:
    """Return how many bytes of the end stand at the end of ``data``."""
    return next((n for n in range(len(END), 0, -1) if data.endswith(END[:n])), 0)


def message_of(parts: Sequence[bytes]) -> bytes:
    """Return the message that was sent as ``parts``: without the end and the dots that guard lines (section 4.5.2)."""
    sent = b"".join([BEFORE, *parts])
    return sent.replace(b"\r\n.", b"\r\n")[len(BEFORE) : -len(BEFORE)]
