"""``python -m tests.bench.bare PORT FOLDER``: what one would otherwise write. aiosmtpd as it is, on uvloop; each message is
written to a file of its own and flushed, file and directory, before 250. Flushes of different messages run side by side."""

import asyncio
import itertools
import os
import sys
from pathlib import Path

import uvloop
from aiosmtpd.smtp import SMTP, Envelope, Session

from shared.service import settle_memory


class Files:
    """A folder that takes messages."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._numbers = folder, itertools.count()
        self._directory = os.open(folder, os.O_RDONLY)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's name
        """Write, flush, answer."""
        content = envelope.content
        await asyncio.to_thread(self._write, content if isinstance(content, bytes) else b"")
        return "250 Stored"

    def _write(self, content: bytes) -> None:
        with (self._folder / f"{next(self._numbers)}.eml").open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.fsync(self._directory)


async def main(port: int, folder: Path) -> None:
    """Serve for ever."""
    files = Files(folder)
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(files, data_size_limit=40 * 1024 * 1024, enable_SMTPUTF8=True, hostname="bare"), "127.0.0.1", port
    )
    settle_memory()
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(int(sys.argv[1]), Path(sys.argv[2])))
