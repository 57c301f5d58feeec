"""Looks into a mounted directory through a child with a wall clock; a child that hangs is killed and never joined."""

import asyncio
import json
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from services.backup_audit.domain.verdict import File, Listing, Observation, ProbeFailed, Receipt, Unreachable

_ANSWER_BYTES = 4 * 1024 * 1024


_stuck: dict[str, asyncio.subprocess.Process] = {}
"""By directory: the child that hangs in the kernel, where SIGKILL does not reach it. There is never a second one."""


async def observe(directory: str, seconds: float) -> Observation:
    """Return what is in ``directory``, or that our probe did not answer within ``seconds``."""
    stuck = _stuck.get(directory)
    if stuck is not None and stuck.returncode is None:
        return ProbeFailed("timeout")
    _stuck.pop(directory, None)
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.backup_audit.probes.listing",
        directory,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=_ANSWER_BYTES,
    )
    if child.stdout is None:
        return ProbeFailed("crash")
    try:
        async with asyncio.timeout(seconds):
            answer = await child.stdout.read()
            code = await child.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            child.kill()
        _stuck[directory] = child
        return ProbeFailed("timeout")
    try:
        return _observation(json.loads(answer)) if code == 0 else ProbeFailed("crash")
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
