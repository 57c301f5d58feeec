"""``python -m tests.bench.sender PORT CONNECTIONS MAILS SEED``: mails of the corpus as fast as 250 comes, over so many
connections that stay open; prints the seconds. A process of its own, so that its work is not the server's."""

import asyncio
import sys
import time
from collections.abc import Iterator

import uvloop

from tests.corpus.mails import mails


class Refused(Exception):
    """The server gave another answer than the sender needs."""


async def _answer(reader: asyncio.StreamReader, wanted: bytes) -> None:
    line = await reader.readline()
    while line[3:4] == b"-":
        line = await reader.readline()
    if line[:3] != wanted:
        raise Refused(line.decode("ascii", "replace"))


async def _send(port: int, waiting: Iterator[tuple[int, bytes]]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await _answer(reader, b"220")
    writer.write(b"EHLO bench\r\n")
    await _answer(reader, b"250")
    for n, body in waiting:
        writer.write(b"MAIL FROM:<maria%d@cliente%d.example> SIZE=%d\r\n" % (n, n % 50, len(body)))
        await _answer(reader, b"250")
        writer.write(b"RCPT TO:<suporte@desk.example>\r\n")
        await _answer(reader, b"250")
        writer.write(b"DATA\r\n")
        await _answer(reader, b"354")
        writer.write(body)
        await _answer(reader, b"250")
    writer.close()


def _guarded(raw: bytes) -> bytes:
    """Return a mail as it goes over the wire (RFC 5321, section 4.5.2)."""
    return (b"\r\n" + raw + b"\r\n").replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"


async def main(port: int, connections: int, count: int, seed: int) -> float:
    """Return the seconds from the first connection to the last 250."""
    bodies = [_guarded(b"X-Bench: %d.%d\r\n" % (seed, n) + mail.raw) for n, mail in enumerate(mails(seed, count))]
    waiting = iter(list(enumerate(bodies)))
    began = time.perf_counter()
    await asyncio.gather(*(_send(port, waiting) for _ in range(connections)))
    return time.perf_counter() - began


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(runner.run(main(*map(int, sys.argv[1:]))))
