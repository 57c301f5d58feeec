"""Probes of directories in children that hang: at most one for each directory, and none of them is joined."""

import asyncio
from pathlib import Path

from services.backup_audit.domain.verdict import Listing, Observation, ProbeFailed
from services.backup_audit.probes.mounted import Child, Mounted, listing_of


class Stuck:
    """A child in D state: SIGKILL does not end it."""

    def __init__(self) -> None:
        self.stdout = asyncio.StreamReader()
        self.returncode: int | None = None
        self.kills = 0

    def kill(self) -> None:
        """Stay."""
        self.kills += 1

    async def wait(self) -> int:
        """Wait for ever."""
        return await asyncio.Event().wait()


class Mounts:
    """Starts children that are stuck in the directories of ``hung``, and remembers all of them."""

    def __init__(self, *hung: Path) -> None:
        self.hung, self.stuck = {str(path) for path in hung}, list[Stuck]()

    async def start(self, directory: str, pattern: str) -> Child:
        """Start one."""
        if directory not in self.hung:
            return await listing_of(directory, pattern)
        self.stuck.append(Stuck())
        return self.stuck[-1]


HUNG = ProbeFailed("timeout")


async def test_a_hung_mount_has_one_child_until_that_one_ends(tmp_path: Path) -> None:
    mounts = Mounts(tmp_path)
    mounted = Mounted(mounts.start)
    assert [await mounted.observe(str(tmp_path), "*", 0.05) for _ in range(5)] == [HUNG] * 5
    assert [child.kills for child in mounts.stuck] == [1]
    mounts.stuck[0].returncode = -9
    assert await mounted.observe(str(tmp_path), "*", 0.05) == HUNG
    assert len(mounts.stuck) == 2
    mounts.stuck[1].returncode = -9
    mounts.hung.clear()
    assert isinstance(await mounted.observe(str(tmp_path), "*", 10), Listing)


async def test_a_hung_mount_delays_no_other_and_routines_of_one_directory_take_turns(tmp_path: Path) -> None:
    hung, sound = tmp_path / "hung", tmp_path / "sound"
    sound.mkdir()
    mounts = Mounts(hung)
    mounted = Mounted(mounts.start)
    seen: list[Observation] = await asyncio.gather(
        *(mounted.observe(str(path), "*", 5 if path == sound else 0.05) for path in (hung, sound, sound, hung))
    )
    assert [type(one) for one in seen] == [ProbeFailed, Listing, Listing, ProbeFailed]
    assert len(mounts.stuck) == 1


async def test_a_child_that_is_killed_is_followed_by_another() -> None:
    started: list[asyncio.subprocess.Process] = []

    async def start(directory: str, pattern: str) -> Child:
        started.append(await asyncio.create_subprocess_exec("sleep", "60", stdout=asyncio.subprocess.PIPE))
        return started[-1]

    mounted = Mounted(start)
    for number in (1, 2):
        assert await mounted.observe("/any", "*", 0.1) == HUNG
        assert (len(started), await started[-1].wait()) == (number, -9)
