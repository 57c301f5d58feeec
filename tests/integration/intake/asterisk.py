"""A strict Asterisk manager interface for tests: it plays transcripts back and hangs up on whoever breaks its protocol."""

import asyncio
import hashlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

TRANSCRIPTS = Path(__file__).parent / "ami"
USER, SECRET, CHALLENGE = "prazo", "s3cret-of-a-test", "840415273"


class Asterisk:
    """Listens on loopback. ``transcripts``: one for each connection, played after the log-in; ``channels``: present ones; None: nobody may see them."""

    def __init__(self, *transcripts: str, channels: Sequence[str] | None = ()) -> None:
        self._transcripts, self._channels = list(transcripts), channels
        self.port, self.logins, self.pings, self.refused = 0, 0, 0, 0
        self.said: list[bytes] = []
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> "Asterisk":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.drop()
        await self._server.wait_closed()

    def drop(self) -> None:
        """Cut every connection."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        writer.write(b"Asterisk Call Manager/9.0.0\r\n")
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while (answer := self._answer(await reader.readuntil(b"\r\n\r\n"))) is not None:
                writer.write(answer)
                await writer.drain()
        writer.close()

    def _answer(self, raw: bytes) -> bytes | None:
        self.said.append(raw)
        lines = raw.decode("ascii").removesuffix("\r\n\r\n").split("\r\n")
        pairs = dict(line.split(": ", 1) for line in lines)
        assert next(iter(pairs)) == "Action"
        match pairs["Action"]:
            case "Challenge":
                assert pairs["AuthType"] == "MD5"
                return f"Response: Success\r\nChallenge: {CHALLENGE}\r\n\r\n".encode()
            case "Login":
                return self._login(pairs)
            case "Ping":
                self.pings += 1
                return b"Response: Success\r\nPing: Pong\r\nTimestamp: 1772758800.000000\r\n\r\n"
            case "CoreShowChannels":
                return self._present() + self._transcript()
        return None

    def _login(self, pairs: dict[str, str]) -> bytes | None:
        right = hashlib.md5((CHALLENGE + SECRET).encode()).hexdigest()
        if pairs["Username"] != USER or (right != pairs.get("Key") and pairs.get("Secret") != SECRET):
            self.refused += 1
            return b"Response: Error\r\nMessage: Authentication failed\r\n\r\n"
        self.logins += 1
        return b"Response: Success\r\nMessage: Authentication accepted\r\n\r\n"

    def _present(self) -> bytes:
        if self._channels is None:
            return b"Response: Error\r\nMessage: Permission denied\r\n\r\n"
        head = b"Response: Success\r\nEventList: start\r\nMessage: Channels will follow\r\n\r\n"
        events = [f"Event: CoreShowChannel\r\nUniqueid: {c}\r\nLinkedid: {c}\r\n\r\n".encode() for c in self._channels]
        return head + b"".join(events) + b"Event: CoreShowChannelsComplete\r\nEventList: Complete\r\n\r\n"

    def _transcript(self) -> bytes:
        if not self._transcripts:
            return b""
        return (TRANSCRIPTS / self._transcripts.pop(0)).read_bytes().replace(b"\n", b"\r\n")
