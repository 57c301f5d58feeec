"""Child processes that never outlive us: PR_SET_PDEATHSIG, a group of their own, output to a file."""

import asyncio
import ctypes
import os
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Command:
    """What to start. ``user`` None: ours; ``end_with``: the signal for an orderly end, also when the launcher dies."""

    argv: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    user: int | None = None
    end_with: signal.Signals = signal.SIGTERM


def _dying_with(number: signal.Signals, parent: int) -> Callable[[], None]:
    def before_exec() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, int(number))
        if os.getppid() != parent:  # the launcher died between fork and prctl
            os._exit(1)

    return before_exec


class Child:
    """One running child."""

    def __init__(self, command: Command, process: asyncio.subprocess.Process) -> None:
        self.command = command
        self._process = process

    @classmethod
    async def start(cls, command: Command) -> "Child":
        """Start ``command`` in a process group of its own; its output is appended to its log file."""
        command.log.parent.mkdir(parents=True, exist_ok=True)
        with command.log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *command.argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                env={**os.environ, **command.environment},
                start_new_session=True,
                preexec_fn=_dying_with(command.end_with, os.getpid()),
                **({} if command.user is None else {"user": command.user, "group": command.user, "extra_groups": []}),  # type: ignore[arg-type]  # subprocess takes them
            )
        return cls(command, process)

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Return the exit code, None while it runs."""
        return self._process.returncode

    async def wait(self) -> int:
        """Wait for the end; return the exit code."""
        return await self._process.wait()

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if it still runs."""
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def kill(self) -> None:
        """End the whole group at once (SIGKILL); one that has ended is left, as its number may be another's by now."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        await self._process.wait()

    async def stop(self, seconds: float = 20) -> None:
        """End orderly, after ``seconds`` hard."""
        self.send(self.command.end_with)
        try:
            await asyncio.wait_for(self._process.wait(), seconds)
        except TimeoutError:
            await self.kill()


def free_port(wanted: int | None = None) -> int:
    """Return ``wanted`` or the next free TCP port of the loopback after it; without a wish, any free one."""
    for port in range(wanted or 0, (wanted or 0) + 200) if wanted else (0,):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError(f"no free port after {wanted}")


async def wait_for(
    what: str, ready: Callable[[], "asyncio.Future[bool] | object"], child: Child, seconds: float
) -> None:
    """Call ``ready`` (a coroutine function that returns a truth value) until it holds; say where the log is if it does not."""
    try:
        async with asyncio.timeout(seconds):
            while not await ready():  # type: ignore[misc]  # a coroutine function
                if child.returncode is not None:
                    raise RuntimeError(f"{what} ended with {child.returncode}: see {child.command.log}")
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise RuntimeError(f"{what} did not answer within {seconds:.0f} s: see {child.command.log}") from None
