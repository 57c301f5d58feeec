"""A strict HTTP/1.1 server on loopback: it checks what it is sent, answers by script, and can be told to misbehave."""

import asyncio
import ssl
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from types import TracebackType
from typing import Any, Self

import orjson


class Fault(Enum):
    """What a remote may do instead of answering."""

    SILENCE = auto()  # takes the whole request and says nothing
    DROP = auto()  # takes the whole request and hangs up
    RESET_AT_ONCE = auto()  # hangs up before it has read anything
    LOST_BODY = auto()  # a good status, and then nothing
    ENDLESS = auto()  # a good status and a body without end
    NO_HTTP = auto()  # answers something else


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return orjson.loads(self.body)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class Remote:
    """Answers each request by the next of ``script``, and as a good remote when that is used up."""

    good = Reply(200)

    def __init__(self, *script: Reply | Fault, tls: ssl.SSLContext | None = None) -> None:
        self._script, self._tls = deque(script), tls
        self.requests: list[Request] = []
        self.wrong: list[str] = []
        self._writers: list[asyncio.StreamWriter] = []
        self.port = 0

    def check(self, request: Request) -> None:
        """Assert what this remote demands of a request."""

    def answer(self, request: Request) -> Reply:
        """Return the answer of a remote that takes the request."""
        return self.good

    @property
    def url(self) -> str:
        """The server's own address."""
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await self._server.wait_closed()
        if kind is None:
            assert self.wrong == []

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._exchange(reader, writer)
        writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._script and self._script[0] is Fault.RESET_AT_ONCE:
            self._script.popleft()
            writer.transport.abort()
            return
        request = await _read(reader)
        self.requests.append(request)
        try:
            self.check(request)
            reply = self._script.popleft() if self._script else self.answer(request)
        except Exception as error:  # whatever a check raises is what it found
            self.wrong.append(f"{type(error).__name__}: {error}")
            reply = Reply(400, b"strict")
        if isinstance(reply, Fault):
            await _misbehave(reply, writer)
            return
        lines = [f"HTTP/1.1 {reply.status} X", f"Content-Length: {len(reply.body)}"]
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + reply.body)
        await writer.drain()


async def _misbehave(fault: Fault, writer: asyncio.StreamWriter) -> None:
    match fault:
        case Fault.SILENCE:
            await asyncio.sleep(30)
        case Fault.LOST_BODY:
            writer.write(b"HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\n")
        case Fault.NO_HTTP:
            writer.write(b"220 mail.example ESMTP\r\n")
        case Fault.ENDLESS:
            writer.write(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n")
            while True:
                writer.write(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")
                await writer.drain()
        case Fault.DROP | Fault.RESET_AT_ONCE:
            pass


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii").split("\r\n")
    method, path, _ = head[0].split(" ")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:] if line)}
    return Request(method, path, headers, await reader.readexactly(int(headers["content-length"])))
