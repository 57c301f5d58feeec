"""The local launcher with its real servers: one launcher for each folder, from its first moment on."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from deploy.local.postgres import Postgres
from deploy.local.stack import AlreadyRunning, Stack


@asynccontextmanager
async def starting(var: Path, said: list[str]) -> AsyncIterator[tuple[Stack, "asyncio.Task[None]"]]:
    """Give a stack without services that has begun to start, and stop it afterwards."""
    stack = Stack(var, said.append, fixed_ports=False)
    task = asyncio.create_task(stack.start([]))
    try:
        yield stack, task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await stack.stop()


async def named(var: Path, *names: str) -> dict[str, list[int]]:
    """Return the processes of ``stack.json`` once it names all of ``names``."""
    while True:
        try:
            pids: dict[str, list[int]] = json.loads((var / "stack.json").read_text(encoding="utf-8"))["pids"]
        except FileNotFoundError:
            pids = {}
        if pids.keys() >= {*names}:
            return pids
        await asyncio.sleep(0.02)


async def test_a_second_launcher_is_refused_from_the_first_moment_on_and_leaves_the_first_alone(tmp_path: Path) -> None:
    async with starting(tmp_path, []) as (_, task):
        for names in (("launcher",), ("launcher", "postgres", "kafka")):
            pids = await asyncio.wait_for(named(tmp_path, *names), 60)
            assert (pids["launcher"][0], task.done()) == (os.getpid(), False)
            second = Stack(tmp_path, print, fixed_ports=False)
            with pytest.raises(AlreadyRunning):
                await second.start([])
            await second.stop()
            assert (tmp_path / "stack.json").exists()
    assert not (tmp_path / "stack.json").exists()
    assert not [name for name, (pid, _) in pids.items() if name != "launcher" and Path(f"/proc/{pid}").exists()]


async def test_servers_that_die_are_started_again_and_the_terminal_says_so(tmp_path: Path) -> None:
    said: list[str] = []
    servers = ("kafka", "postgres", "mail")
    async with starting(tmp_path, said) as (stack, task):
        await asyncio.wait_for(task, 60)
        before = json.loads((tmp_path / "stack.json").read_text(encoding="utf-8"))
        for name in servers:
            os.kill(before["pids"][name][0], signal.SIGKILL)
        async with asyncio.timeout(60):
            while not {"kafka answers again", "postgres answers again"} <= {*said} or not await answers(
                stack._out_port
            ):
                await asyncio.sleep(0.1)
        after = json.loads((tmp_path / "stack.json").read_text(encoding="utf-8"))
    for name in servers:
        assert [line for line in said if line.startswith(f"{name} ended (-9), starting it again in 0.5 s")]
        assert before["pids"][name] != after["pids"][name]
    assert {**before, "pids": 0} == {**after, "pids": 0}


async def test_a_server_that_cannot_start_again_is_said_and_tried_again(tmp_path: Path) -> None:
    said: list[str] = []
    async with starting(tmp_path, said) as (_, task):
        await asyncio.wait_for(task, 60)
        version = tmp_path / "postgres" / "data" / "PG_VERSION"
        version.rename(version.with_name("away"))
        os.kill((await named(tmp_path, "postgres"))["postgres"][0], signal.SIGKILL)
        async with asyncio.timeout(60):
            while not [line for line in said if line.startswith("postgres did not start: PostgreSQL ended with 1")]:
                await asyncio.sleep(0.1)
            version.with_name("away").rename(version)
            while "postgres answers again" not in said:
                await asyncio.sleep(0.1)


async def answers(port: int) -> bool:
    """Return whether somebody listens at ``port``."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def test_the_lock_of_a_postgres_that_runs_is_kept_and_one_of_another_process_is_not(tmp_path: Path) -> None:
    server = await Postgres.start(tmp_path / "server", log=tmp_path / "log", fsync=False)
    lock = tmp_path / "server" / "data" / "postmaster.pid"
    try:
        before = lock.read_bytes()
        with pytest.raises(RuntimeError, match=f"process {server.pid}"):
            await Postgres.start(tmp_path / "server", log=tmp_path / "log", fsync=False)
        assert lock.read_bytes() == before
    finally:
        await server.kill()
    lock.write_text(f"{os.getppid()}\n/elsewhere\n", encoding="utf-8")
    await server.restart()
    await server.stop()
