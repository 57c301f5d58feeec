"""An IMAP server by script, for what a good server does not do; a command that is not in the script gets BAD."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

Answers = Mapping[str, Callable[[str], bytes] | bytes]


@asynccontextmanager
async def imap_script(answers: Answers) -> AsyncIterator[tuple[int, list[str]]]:
    """Serve; yield the port and the commands that came. A command is answered by the longest beginning that fits.

    What is said before the tagged OK stands in ``answers``; BAD and NO are said in its place.
    """
    heard: list[str] = []
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())  # type: ignore[arg-type]  # inside a task there is one
        idle = b""
        writer.write(b"* OK ready\r\n")
        try:
            while line := (await reader.readline()).decode().rstrip():
                tag, _, command = line.partition(" ")
                heard.append(command or tag)
                if tag == "DONE":
                    writer.write(idle + b" OK done\r\n")
                    continue
                idle = tag.encode()
                writer.write(_answer(answers, idle, command))
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], heard
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _answer(answers: Answers, tag: bytes, command: str) -> bytes:
    found = max((key for key in answers if command.startswith(key)), key=len, default=None)
    answer = answers[found] if found is not None else b"BAD"
    said = answer(command) if callable(answer) else answer
    if command == "IDLE":
        return said
    return tag + b" " + said + b" so\r\n" if said in (b"BAD", b"NO") else said + tag + b" OK so\r\n"
