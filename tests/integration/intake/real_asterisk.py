"""The reader of the manager interface against a real Asterisk with real SIP calls; slow, so ``make asterisk`` runs it."""

import asyncio
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.intake.domain.phone import Ami, Phone
from services.intake.domain.window import Window
from services.intake.sources.ami import AmiReader
from shared import clock
from shared.catalog import load_directory
from tests.integration.intake.phone import Line, call_desk
from tests.servers.asterisk import ANSWERED, SECRET, UNANSWERED, USER, Exchange, exchange, missing

pytestmark = pytest.mark.skipif(bool(missing()) and not os.environ.get("CI"), reason=missing())


class Night(Window):
    """Always the emergency window, whatever time it is."""

    def is_emergency(self, at: datetime) -> bool:
        """Tell that it is."""
        return True


@pytest.fixture
def pbx() -> Iterator[Exchange]:
    """Return a running Asterisk."""
    with exchange() as running:
        yield running


@pytest.fixture
def line(pool: Any) -> Line:
    """Return a desk in the night, for which three seconds are no misdial."""
    window = Night(load_directory(Path("deploy/config/catalog")))
    return Line(pool, replace(call_desk(pool, Phone(misdial_seconds=2)), window=window))


def reader(pool: Any, pbx: Exchange) -> AmiReader:
    """Return a reader of the exchange."""
    ami = Ami(host="127.0.0.1", port=pbx.ami, user=USER, secret_file="x", queue_log=str(pbx.queue_log))
    return AmiReader(pool, "matriz", ami, SECRET, asyncio.Event())


async def kinds(pool: Any, *wanted: str) -> None:
    """Wait until these words were heard."""
    for _ in range(200):
        heard = {row["kind"] for row in await pool.fetch("SELECT kind FROM call_event")}
        if heard >= set(wanted):
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"only {heard}")


async def test_a_call_that_nobody_takes_opens_a_ticket(pool: Any, pbx: Exchange, line: Line) -> None:
    async with reader(pool, pbx):
        await asyncio.sleep(1)
        await asyncio.to_thread(pbx.call, UNANSWERED, 3)
        await kinds(pool, "started", "left", "ended")
    await line.decide(clock.now() + timedelta(seconds=10))
    ((name, data),) = await line.events()
    assert (name, data["service"], data["client_id"]) == ("ticket.opened", "emergency-line", "acme")
    assert "responded" not in data


async def test_a_call_that_an_agent_takes_opens_one_that_is_responded(pool: Any, pbx: Exchange, line: Line) -> None:
    async with reader(pool, pbx):
        await asyncio.sleep(1)
        await asyncio.to_thread(pbx.call, ANSWERED, 2)
        await kinds(pool, "started", "answered", "ended")
    await line.decide(clock.now() + timedelta(seconds=10))
    opened, assigned = await line.events()
    assert (opened[0], opened[1]["responded"]) == ("ticket.opened", True)
    assert assigned == ("ticket.assigned", {"ticket_id": opened[1]["ticket_id"], "assignee": "ana"})


async def test_a_call_that_was_missed_while_nobody_read_is_made_good(pool: Any, pbx: Exchange, line: Line) -> None:
    await line.say("before", "outgoing", clock.now() - timedelta(minutes=1))
    await asyncio.to_thread(pbx.call, UNANSWERED, 3)
    async with reader(pool, pbx):
        await kinds(pool, "started", "ended")
    await line.decide(clock.now() + timedelta(seconds=10))
    assert await line.types() == ["ticket.opened"]
    assert (await line.decisions())[0] == "missed"
