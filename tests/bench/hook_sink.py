"""A system that takes webhooks: it notes when each came, and answers at once, or late."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Self

import orjson

from deploy.local.process import free_port


@dataclass
class HookSink:
    """``answers_after``: seconds until an answer; ``came``: when the call about each ticket was answered, by its id."""

    answers_after: float = 0.0
    port: int = field(default_factory=free_port)
    came: dict[str, float] = field(default_factory=dict)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Self]:
        """Listen on the loopback."""
        server = await asyncio.start_server(self._answer, "127.0.0.1", self.port, backlog=500)
        try:
            yield self
        finally:
            server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, EOFError, asyncio.CancelledError):
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
            body = orjson.loads(await reader.readexactly(length))
            await asyncio.sleep(self.answers_after)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            self.came[body["facts"].get("ticket_id", "")] = asyncio.get_running_loop().time()
        writer.close()
