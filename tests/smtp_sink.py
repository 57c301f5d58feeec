"""An SMTP server at the end of the line that behaves as servers do on a bad day, by the dice of a seed.

What it keeps is what somebody was told: the checkers read ``kept``.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from deploy.local.process import free_port

_LONGEST_SECONDS = 60.0


class Mood(StrEnum):
    """How one transaction goes."""

    TAKE = "take"
    TAKE_SLOWLY = "take_slowly"
    BUSY = "busy"  # 450 to RCPT
    REFUSE = "refuse"  # 550 to RCPT: the address is none
    BUSY_AFTER_DATA = "busy_after_data"  # 451, and not kept
    REFUSE_AFTER_DATA = "refuse_after_data"  # 554, and not kept
    DROP = "drop"  # hangs up after the body without having kept it
    DROP_KEPT = "drop_kept"  # hangs up after the body and has kept it
    HANG = "hang"  # never answers RCPT
    HANG_KEPT = "hang_kept"  # keeps it and never answers


FLAKY: Mapping[Mood, int] = {
    Mood.TAKE: 640,
    Mood.TAKE_SLOWLY: 200,
    Mood.BUSY: 50,
    Mood.REFUSE: 15,
    Mood.BUSY_AFTER_DATA: 30,
    Mood.REFUSE_AFTER_DATA: 5,
    Mood.DROP: 20,
    Mood.DROP_KEPT: 25,
    Mood.HANG: 5,
    Mood.HANG_KEPT: 10,
}
_AFTER_DATA = {
    Mood.TAKE: b"250 2.0.0 kept",
    Mood.TAKE_SLOWLY: b"250 2.0.0 kept",
    Mood.BUSY_AFTER_DATA: b"451 4.3.0 later",
    Mood.REFUSE_AFTER_DATA: b"554 5.6.0 no",
}
_KEEPING = (Mood.TAKE, Mood.TAKE_SLOWLY, Mood.DROP_KEPT, Mood.HANG_KEPT)


@dataclass(frozen=True, slots=True)
class Kept:
    """A mail that was kept; ``at`` in seconds of the loop's clock."""

    at: float
    to: str
    raw: bytes

    def header(self, name: str) -> str:
        """Return a header that stands on one line; "" when there is none."""
        head = self.raw.partition(b"\r\n\r\n")[0].replace(b"\r\n ", b" ")
        start = f"{name.lower()}: ".encode()
        for line in head.split(b"\r\n"):
            if line.lower().startswith(start):
                return line[len(start) :].decode()
        return ""


@dataclass
class Sink:
    """Keeps mails. ``weights`` of the moods, drawn for each recipient; an address that begins with ``gone`` is always
    refused. ``away``: every connection is closed without a word."""

    chance: random.Random = field(default_factory=random.Random)
    weights: Mapping[Mood, int] = field(default_factory=lambda: {Mood.TAKE: 1})
    port: int = field(default_factory=free_port)
    kept: list[Kept] = field(default_factory=list)
    away: bool = False
    _talks: set[asyncio.Task[None]] = field(default_factory=set)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Self]:
        """Listen on the loopback."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, backlog=500, limit=2**22)
        try:
            yield self
        finally:
            server.close()
            for talk in list(self._talks):
                talk.cancel()
            await asyncio.gather(*self._talks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        try:
            with suppress(OSError, EOFError, asyncio.IncompleteReadError):
                if not self.away:
                    await self._talk(reader, writer)
        except asyncio.CancelledError:
            pass
        finally:
            self._talks.discard(task)
            writer.transport.abort()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mood, to = Mood.TAKE, ""
        writer.write(b"220 sink\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"QUIT":
                writer.write(b"221 2.0.0 bye\r\n")
                return
            if verb == b"RCPT":
                to = line.partition(b"<")[2].partition(b">")[0].decode()
                mood = await self._mood(to)
                writer.write(
                    {Mood.BUSY: b"450 4.2.1 later\r\n", Mood.REFUSE: b"550 5.1.1 nobody\r\n"}.get(mood, b"250 ok\r\n")
                )
            elif verb == b"DATA":
                writer.write(b"354 go\r\n")
                raw = await reader.readuntil(b"\r\n.\r\n")
                await self._end(mood, to, raw, writer)
            else:
                writer.write(b"250 ok\r\n")

    async def _mood(self, to: str) -> Mood:
        if to.startswith("gone"):
            return Mood.REFUSE
        mood = self.chance.choices(list(self.weights), list(self.weights.values()))[0]
        if mood is Mood.HANG:
            await asyncio.sleep(_LONGEST_SECONDS)
        if mood is Mood.TAKE_SLOWLY:
            await asyncio.sleep(self.chance.uniform(0.02, 0.6))
        return mood

    async def _end(self, mood: Mood, to: str, raw: bytes, writer: asyncio.StreamWriter) -> None:
        if mood is Mood.TAKE_SLOWLY:
            await asyncio.sleep(self.chance.uniform(0.02, 0.6))
        if mood in _KEEPING:
            self.kept.append(Kept(asyncio.get_running_loop().time(), to, raw))
        if mood is Mood.HANG_KEPT:
            await asyncio.sleep(_LONGEST_SECONDS)
        if mood in (Mood.DROP, Mood.DROP_KEPT):
            raise EOFError
        writer.write(_AFTER_DATA.get(mood, b"250 2.0.0 kept") + b"\r\n")
