"""A strict mail server: any number of mails over any number of connections, each verb's answer by script."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Self

KIND = {
    "greeting": b"220 x",
    "EHLO": b"250 x",
    "MAIL": b"250 ok",
    "RCPT": b"250 ok",
    "DATA": b"354 go",
    ".": b"250 2.0.0 queued as Q%d",
    "QUIT": b"221 bye",
}
_ORDER = {"EHLO": "", "MAIL": "EHLO .", "RCPT": "MAIL", "DATA": "RCPT"}


class Fault(Enum):
    """What a server may do instead of answering a verb."""

    SILENCE = auto()
    DROP = auto()


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that was taken."""

    connection: int
    recipient: str
    data: bytes


class MailSink:
    """Answers as ``answers`` says, by verb; hangs up after ``mails_each`` mails on a connection."""

    def __init__(self, answers: Mapping[str, bytes | Fault] | None = None, mails_each: int = 1000) -> None:
        self.answers: dict[str, bytes | Fault] = {**KIND, **(answers or {})}
        self._mails_each = mails_each
        self.mails: list[Mail] = []
        self.wrong: list[str] = []
        self.connections, self.port = 0, 0
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await self._server.wait_closed()
        assert self.wrong == []

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        self.connections += 1
        try:
            await self._dialogue(reader, writer, self.connections)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _dialogue(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        verb, last, recipient, taken = "greeting", "", "", 0
        while True:
            answer = self.answers.get(verb, b"502 what")
            if answer is Fault.SILENCE:
                await asyncio.sleep(30)
            if isinstance(answer, Fault):
                return
            writer.write((answer % len(self.mails) if b"%d" in answer else answer) + b"\r\n")
            if verb == "QUIT" or (verb == "." and taken >= self._mails_each):
                return
            last = verb if answer[:1] in b"23" else last
            line = (await reader.readuntil(b"\r\n")).decode("utf-8").strip()
            verb = line.split(" ")[0].upper()
            if verb in _ORDER and _ORDER[verb] and last not in _ORDER[verb].split():
                self.wrong.append(f"{verb} after {last}")
            if verb == "RCPT":
                recipient = line.partition("<")[2].partition(">")[0]
            if verb == "DATA" and isinstance(self.answers["DATA"], bytes) and self.answers["DATA"].startswith(b"354"):
                writer.write(self.answers["DATA"] + b"\r\n")
                data = await reader.readuntil(b"\r\n.\r\n")
                verb, last = ".", "DATA"
                final = self.answers["."]
                if isinstance(final, bytes) and final.startswith(b"250"):
                    taken += 1
                    self.mails.append(Mail(number, recipient, data))
