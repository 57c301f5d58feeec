"""What a killed run left behind: recognised by process id and start time, so that a recycled id is never touched."""

import asyncio
import json
import os
import signal
from contextlib import suppress
from pathlib import Path

Identity = tuple[int, int]
"""(process id, start time in clock ticks since boot)"""


def identity(pid: int) -> Identity | None:
    """Return who runs under ``pid``, or None when nobody does (a zombie counts as nobody)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (OSError, UnicodeDecodeError):
        return None
    return None if fields[0] == "Z" else (pid, int(fields[19]))


def recorded(stack_file: Path) -> dict[str, Identity]:
    """Return the processes that ``stack.json`` names and that still run."""
    try:
        pids = json.loads(stack_file.read_text(encoding="utf-8"))["pids"]
        known = {name: (int(pid), int(started)) for name, (pid, started) in pids.items()}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {name: who for name, who in known.items() if identity(who[0]) == who}


async def end(processes: dict[str, Identity], seconds: float = 20) -> None:
    """End the groups of these processes orderly (services before servers), after ``seconds`` hard."""
    for who in processes.values():
        if identity(who[0]) == who:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(who[0], signal.SIGTERM)
    for _ in range(int(seconds * 10)):
        if not any(identity(pid) == (pid, started) for pid, started in processes.values()):
            return
        await asyncio.sleep(0.1)
    for pid, started in processes.values():
        if identity(pid) == (pid, started):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
