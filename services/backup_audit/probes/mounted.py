"""Looks into mounted directories through children with a wall clock; a child that hangs is killed and never joined.

A stuck system call survives SIGKILL, so a directory whose last child has not ended is not looked at by another.
"""

import asyncio
import json
import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Protocol

from services.backup_audit.domain.verdict import File, Listing, Observation, ProbeFailed, Receipt, Unreachable

_ANSWER_BYTES = 4 * 1024 * 1024


class Child(Protocol):
    """What is needed of a child process."""

    @property
    def stdout(self) -> asyncio.StreamReader | None:
        """Return where it answers."""

    @property
    def returncode(self) -> int | None:
        """Return the exit code, None while it has not ended."""

    async def wait(self) -> int:
        """Wait for the end; return the exit code."""

    def kill(self) -> None:
        """Send SIGKILL."""


async def listing_of(directory: str, pattern: str) -> Child:
    """Start the child that looks into ``directory`` for files of ``pattern``."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.backup_audit.probes.listing",
        directory,
        pattern,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=_ANSWER_BYTES,
    )


class Mounted:
    """The mounted directories of this process, each with at most one child that has not ended."""

    def __init__(self, start: Callable[[str, str], Awaitable[Child]] = listing_of) -> None:
        self._start = start
        self._outstanding: dict[str, Child] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def observe(self, directory: str, pattern: str, seconds: float) -> Observation:
        """Return which files of ``pattern`` are in ``directory``, or that our probe did not answer within ``seconds``."""
        try:
            async with asyncio.timeout(seconds), self._turns[directory]:
                return await self._look(directory, pattern)
        except TimeoutError:
            return ProbeFailed("timeout")

    async def _look(self, directory: str, pattern: str) -> Observation:
        last = self._outstanding.get(directory)
        if last is not None and last.returncode is None:
            return ProbeFailed("timeout")
        child = self._outstanding[directory] = await self._start(directory, pattern)
        try:
            return await _answer(child)
        finally:
            if child.returncode is None:
                with suppress(ProcessLookupError):
                    child.kill()
            else:
                del self._outstanding[directory]


async def _answer(child: Child) -> Observation:
    if child.stdout is None:
        return ProbeFailed("crash")
    answer = await child.stdout.read()
    if await child.wait():
        return ProbeFailed("crash")
    try:
        return _observation(json.loads(answer))
    except (ValueError, KeyError, TypeError, OverflowError):
        return ProbeFailed("crash")


def _observation(raw: Any) -> Observation:
    if "unreachable" in raw:
        return Unreachable(raw["unreachable"])
    files = tuple(File(name, size, _at(mtime)) for name, size, mtime in raw["files"])
    found = raw["receipt"]
    receipt = None if found is None else Receipt(found["failed"], _at(found["written"]), found["size_bytes"])
    return Listing(files, receipt, raw["free_bytes"])


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
