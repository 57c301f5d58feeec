"""A process that dies at any await: nothing is lost, and what is told twice is known to be doubtful."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator
from typing import Any

import pytest

from services.notifier.handlers.opening import open_due
from services.notifier.handlers.taking import acknowledge
from shared.postgres import create_pool
from tests.conftest import dsn_for
from tests.notifier_line import Line, Scripted, sla

MOST_AWAITS = 2000


class Crash(BaseException):
    """The process is killed."""


class Doomed:
    """Awaits ``work`` and kills it at its ``at``-th suspension; from then on nothing of it is waited for but its cleaning."""

    def __init__(self, work: Coroutine[Any, Any, Any], at: int) -> None:
        self._work, self._left = work, at

    def __await__(self) -> Generator[Any, Any, Any]:
        """Step through the work."""
        steps = self._work.__await__()
        said: Any = None
        while True:
            try:
                said = steps.send(None) if self._left != 0 else steps.throw(Crash())
            except StopIteration as done:
                return done.value
            self._left -= 1
            yield said


async def dies(work: Coroutine[Any, Any, Any], at: int) -> bool:
    """Return whether the work was killed before its end."""
    try:
        await Doomed(work, at)
    except Crash:
        return True
    except Exception as error:
        if isinstance(error.__context__, Crash) or isinstance(error.__cause__, Crash) or _killed(error):
            return True
        raise
    return False


def _killed(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, Crash):
            return True
        error = error.__context__
    return False


class World:
    """One database, one mail server; processes come and go."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self.mail = Scripted()
        self._pools: list[Any] = []

    async def process(self) -> Line:
        """Start a process."""
        pool = create_pool(self._dsn, "notifier", size=3)
        await pool
        self._pools.append(pool)
        return Line.of(pool, mail=self.mail)

    async def end(self) -> None:
        """End every process hard."""
        for pool in self._pools:
            pool.terminate()
        self._pools.clear()

    def sent(self) -> Counter[tuple[str, str]]:
        """Count what left, by person and word."""
        return Counter((message.person, message.word.value) for message in self.mail.sent)


@pytest.fixture
async def world(postgres: str, database: str) -> AsyncIterator[World]:
    made = World(dsn_for(postgres, "notifier_app", database))
    yield made
    await made.end()


async def hear_breach(line: Line) -> None:
    """Take in a breach."""
    await line.hear(sla("breached"))


async def hear_end(line: Line) -> None:
    """Take in the end of the clock."""
    await line.hear(sla("closed_late", sequence=2, late_seconds=3))


async def open_steps(line: Line) -> None:
    """Open what is due."""
    await open_due(line.duty)


async def send(line: Line) -> None:
    """Send what is due, in this very task: a kill ends the attempt where it stands."""
    lane = line.lanes["mail"]
    for claimed in await lane._claim(10):
        await lane._fly(claimed)


async def take(line: Line) -> None:
    """Let Ana take it, as often as she presses."""
    row = await line.duty.pool.fetchrow("SELECT notice_id, page_no FROM notice WHERE person = 'ana' ORDER BY notice_no")
    assert row is not None
    await acknowledge(line.duty, str(row["notice_id"]), row["page_no"], "ana", "mail")


LIFE: list[Callable[[Line], Awaitable[None]]] = [hear_breach, open_steps, send, take, hear_end, open_steps, send]


@pytest.mark.parametrize("killed", range(len(LIFE)), ids=[f"{i}_{act.__name__}" for i, act in enumerate(LIFE)])
async def test_a_kill_at_any_await_of_any_act_loses_nothing_and_repeats_only_what_is_doubtful(
    world: World, killed: int
) -> None:
    for at in range(MOST_AWAITS):
        died = await _live(world, killed, at)
        sent = world.sent()
        doubtful = await _doubtful(world)
        assert sent["ana", "breached"] >= 1, at
        assert sent["ana", "all_clear"] >= 1, at
        assert sent["ana", "breached"] - 1 <= doubtful.get("breached", 0), at
        assert sent["ana", "all_clear"] - 1 <= doubtful.get("all_clear", 0), at
        assert set(sent) == {("ana", "breached"), ("ana", "all_clear")}, at
        await _forget(world)
        if not died:
            assert at > 5
            return
    raise AssertionError("it never ends")


async def _live(world: World, killed: int, at: int) -> bool:
    """Live through ``LIFE``, killed once in one act, which is then done again by another process, as the world does."""
    died = False
    line = await world.process()
    for i, act in enumerate(LIFE):
        if i == killed:
            died = await dies(act(line), at)  # type: ignore[arg-type]  # each is a coroutine
            await world.end()
            line = await world.process()
            await line.later(61)  # leases end
        await act(line)
    return died


async def _doubtful(world: World) -> dict[str, int]:
    line = await world.process()
    rows = await line.duty.pool.fetch(
        "SELECT word, count(*) AS n FROM notice JOIN page USING (page_no) WHERE doubtful GROUP BY word"
    )
    return {row["word"]: row["n"] for row in rows}


async def _forget(world: World) -> None:
    line = await world.process()
    await line.duty.pool.execute("DELETE FROM notice")
    for table in ("page_alert", "page", "step", "alert", "ticket_state", "outbox"):
        await line.duty.pool.execute(f"DELETE FROM {table}")
    await world.end()
    world.mail.sent.clear()
