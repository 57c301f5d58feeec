"""``notifier test-page``: tell one person that this is a test, by each of their methods, and say what came of it."""

import argparse
import asyncio
from collections.abc import Sequence
from typing import Any

import orjson

from services.notifier.commands.online import carry_out, database
from services.notifier.configuration import read_oncall
from services.notifier.domain.message import Word
from services.notifier.handlers.duty import Duty
from services.notifier.settings import Settings
from services.notifier.store import queries
from services.notifier.store.pages import open_test_page
from shared import clock
from shared.commands import FINDINGS, FINE, Wrong, printable, settings_of

_DONE = ("accepted", "delivered", "failed", "suppressed")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.description = (
        "The running service sends it, on the road of every page. Exit code 1: a method did not take it in time."
        " Loud methods are used whatever the hour."
    )
    parser.add_argument("person", metavar="PERSON", help="an id of people in oncall.yaml")
    parser.add_argument("--by", action="append", default=[], metavar="CHANNEL", help="only this channel; repeatable")
    parser.add_argument("--wait", type=float, default=60.0, metavar="SECONDS", help="how long to wait (default 60)")
    parser.add_argument("--json", action="store_true", help="one JSON object per method")


def run(arguments: argparse.Namespace) -> int:
    """Send and wait; return 0, 1 when a method did not take it, 2 for wrong input, 3 without a database."""
    return carry_out("test-page", lambda: _run(arguments))


async def _run(arguments: argparse.Namespace) -> int:
    found = settings_of(Settings)
    oncall = read_oncall(found.config_dir, clock.now())
    if arguments.person not in oncall.people:
        raise Wrong(f"{printable(arguments.person)}: no such person in oncall.yaml")
    async with database(found) as pool:
        now = clock.now()
        ways = Duty(pool, oncall, "").ways(arguments.person, now, emergency=True, by=tuple(arguments.by))
        if not ways:
            raise Wrong("the person has no method by such a channel")
        at_once = tuple(way._replace(due_at=now, quiet=False) for way in ways)
        async with pool.acquire() as connection, connection.transaction():
            page_no = await open_test_page(connection, arguments.person, Word.TEST, at_once, now)
        rows = await _settled(pool, page_no, arguments.wait)
    for row in rows:
        print(_line(row, arguments.json))
    return FINE if all(row["state"] in ("accepted", "delivered") for row in rows) else FINDINGS


async def _settled(pool: Any, page_no: int, wait_seconds: float) -> Sequence[Any]:
    loop = asyncio.get_running_loop()
    until = loop.time() + wait_seconds
    while True:
        rows = [row async for row in queries.test_states(pool, page_no=page_no)]
        if all(row["state"] in _DONE for row in rows) or loop.time() >= until:
            return rows
        await asyncio.sleep(0.2)


def _line(row: Any, as_json: bool) -> str:
    said = {name: row[name] for name in ("channel", "state", "reason", "attempt", "provider_id")}
    if as_json:
        return orjson.dumps(said | {"notice_id": str(row["notice_id"])}).decode()
    why = f" ({row['reason']})" if row["reason"] else ""
    return f"{row['channel']:<12} {row['state']}{why}  [{row['notice_id']}]"
