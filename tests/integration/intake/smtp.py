"""An SMTP server under test, and a sender that says exactly what it is told to, byte for byte."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from deploy.local.process import free_port
from services.intake.settings import Settings
from services.intake.sources.smtp import SmtpServer

SIZE_LIMIT = 4 * 1024 * 1024
ME, DESK = "ana@cliente.example", "suporte@desk.example"


@asynccontextmanager
async def listening(pool: Any, **settings: Any) -> AsyncIterator[int]:
    """Listen with these settings; yields the port."""
    port = free_port()
    chosen = {"smtp_size_limit_bytes": SIZE_LIMIT, "smtp_sessions_limit": 8, **settings}
    async with SmtpServer(Settings(database_url="", smtp_port=port, **chosen), pool, asyncio.Event()):
        yield port


class Talk:
    """One connection of a sender."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def answer(self) -> str:
        """Return the next answer, every line of it; "" when the server has closed."""
        text = ""
        while line := (await asyncio.wait_for(self.reader.readline(), 20)).decode():
            text += line
            if line[3:4] != "-":
                break
        return text.rstrip("\r\n")

    async def say(self, *lines: bytes) -> list[str]:
        """Send each line and return the answers, one for each."""
        answers = []
        for line in lines:
            self.writer.write(line + b"\r\n")
            answers.append(await self.answer())
        return answers

    async def codes(self, *lines: bytes) -> list[str]:
        """Send each line and return the codes of the answers."""
        return [answer[:3] for answer in await self.say(*lines)]

    async def deliver(self, body: bytes, *to: str) -> str:
        """Send a mail whose guarded body, with its end, is ``body``; return the answer to it."""
        envelope = [f"MAIL FROM:<{ME}>".encode(), *(f"RCPT TO:<{one}>".encode() for one in to or (DESK,)), b"DATA"]
        assert (await self.codes(*envelope))[-1] == "354"
        self.writer.write(body)
        return await self.answer()


@asynccontextmanager
async def talking(port: int, greeting: bytes = b"EHLO x") -> AsyncIterator[Talk]:
    """Connect, read the greeting, say ``greeting``."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    talk = Talk(reader, writer)
    try:
        assert (await talk.answer())[:3] == "220"
        if greeting:
            assert (await talk.codes(greeting)) == ["250"]
        yield talk
    finally:
        writer.close()


def guarded(raw: bytes) -> bytes:
    """Return a message as it is sent after DATA (RFC 5321, section 4.5.2), with its end; ``raw`` ends a line."""
    return (b"\r\n" + raw).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"
