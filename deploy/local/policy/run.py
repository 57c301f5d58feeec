"""Plays every story once, on free ports in a temporary folder, and prints the table."""

import asyncio
import importlib
import pkgutil
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import date
from pathlib import Path

from deploy.local import policy as stories_package
from deploy.local.kafka import jars
from deploy.local.policy.days import BRASILIA
from deploy.local.policy.desk import Person
from deploy.local.policy.stage import PBX_KEY_FILE, Stage
from deploy.local.policy.table import Story, as_json, as_text, exit_code, play
from deploy.local.policy.topics import Topics
from deploy.local.secret import made_once
from deploy.local.stack import Stack
from deploy.local.story import Missing, ready
from shared import clock

MAILS = 300
_READY_SECONDS, _STORY_SECONDS = 60.0, 90.0
_MAILS_A_SECOND = 10  # the slowest machine on which a flood is waited for
_HERE = Path(__file__).parent
_SHIPPED = _HERE.parents[1] / "config"
_NO_EXCEPTION = "    days: {}"


async def policy(mails: int = MAILS, *, json: bool = False) -> int:
    """Print the table; 0 when no row failed, 1 when one did or the stack did not start."""
    await jars(_say)
    with tempfile.TemporaryDirectory(prefix="prazo-policy-") as folder:
        try:
            async with _stage(Path(folder), mails) as stage:
                rows = await play(stories(), stage, _STORY_SECONDS + mails / _MAILS_A_SECOND)
        except (Missing, RuntimeError) as error:
            print(f"missing: {error}", file=sys.stderr, flush=True)
            return 1
    print(as_json(rows) if json else as_text(rows), flush=True)
    return exit_code(rows)


def stories() -> Sequence[Story]:
    """Return the ``STORY`` of every file ``rule_*.py`` beside this one."""
    names = [m.name for m in pkgutil.iter_modules(stories_package.__path__) if m.name.startswith("rule_")]
    found = (importlib.import_module(f"{stories_package.__name__}.{name}").STORY for name in names)
    return [story for story in found if isinstance(story, Story)]


@asynccontextmanager
async def _stage(var: Path, mails: int) -> AsyncIterator[Stage]:
    """Give the running product with the shipped configuration, and end it afterwards."""
    today = clock.now().astimezone(BRASILIA).date()
    _close(today, var / "closed")
    made_once(var / "secrets" / PBX_KEY_FILE)
    layers = (_SHIPPED, _HERE / "config", var / "closed")
    stack, topics = Stack(var, _say, fixed_ports=False, configuration=layers), Topics()
    following: asyncio.Task[None] | None = None
    try:
        await stack.start()
        await ready(stack, _READY_SECONDS)
        _say("READY: the four services answer, the stories begin")
        following = asyncio.create_task(topics.follow(stack.kafka.bootstrap if stack.kafka else ""))
        person = Person(stack.http["intake"], "ana", stack.desk_password)
        try:
            yield Stage(stack, topics, person, today, mails)
        finally:
            await person.leave()
    finally:
        if following is not None:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following
        await asyncio.shield(stack.stop())


def _close(day: date, folder: Path) -> None:
    """Write the shipped catalog with ``day`` closed: every mail of this run comes outside business hours (rule 2)."""
    (folder / "catalog").mkdir(parents=True)
    for path in (_SHIPPED / "catalog").glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        if _NO_EXCEPTION not in text:
            raise RuntimeError(f"{path.name}: no {_NO_EXCEPTION.strip()!r} where the day of the run can be closed")
        closed = text.replace(_NO_EXCEPTION, f'    days: {{"{day}": []}}')
        (folder / "catalog" / path.name).write_text(closed, encoding="utf-8")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
