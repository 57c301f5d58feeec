"""What goes wrong at three in the morning: each ends with a person told, or with a finding that somebody sees.

The outages are short here; ``make outages`` has them last a minute (PostgreSQL) and ten (the mail server).
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from deploy.local.process import Child, Command
from shared import clock
from shared.kafka import Message, Producer
from tests.paging import Paging, oncall_of, own_servers
from tests.smtp_sink import Kept, Sink

LONG = bool(os.environ.get("PRAZO_LONG_OUTAGES"))
DATABASE_AWAY_SECONDS, MAIL_AWAY_SECONDS = (60.0, 600.0) if LONG else (5.0, 20.0)
WITHOUT_TEMPLATES = """
import runpy
from services.notifier import content
def render(*_, **__):
    raise KeyError("a template with a fault")
content.render = render
runpy.run_module("services.notifier", run_name="__main__")
"""

pytestmark = pytest.mark.timeout(1200 if LONG else 180)


def mail(name: str) -> list[dict[str, Any]]:
    """Return one method, by mail."""
    return [{"by": "mail", "to": f"{name}@oncall.example"}]


PEOPLE = {"ana": mail("ana"), "bob": mail("bob"), "nobody": mail("gone"), "eva": mail("eva")}


@asynccontextmanager
async def notifier(place: Paging, *argv: str) -> AsyncIterator[Sink]:
    """Run one notifier on a mail server; ``argv``: started otherwise than as a module."""
    async with Sink().listening() as sink:
        place.configure(oncall_of({"mail": {"kind": "email", "timeout": "5s"}}, PEOPLE), sink.port)
        child = await place.start(*argv)
        try:
            await place.ready()
            yield sink
        finally:
            await child.stop(15)


@pytest.fixture
def place(kafka: str, topics: str, postgres: str, database: str, tmp_path: Path) -> Paging:
    return Paging(kafka, topics, postgres, database, tmp_path)


def breach(place: Paging, ticket: str, assignee: str | None) -> Message:
    """Return a breach of a moment ago."""
    return place.message("breached", ticket, clock.now() - timedelta(seconds=1), assignee=assignee)


async def publish(place: Paging, *messages: Message) -> None:
    """Publish, durably."""
    async with Producer(place.kafka) as producer:
        while not producer.started:
            await asyncio.sleep(0.05)
        assert not any(await producer.send_all(messages))


async def told(sink: Sink, holds: Callable[[list[Kept]], bool], seconds: float = 40) -> list[tuple[str, str, str]]:
    """Return (to, word, ticket) of every mail that was kept, once ``holds`` of them."""
    end = asyncio.get_running_loop().time() + seconds
    while not holds(sink.kept) and asyncio.get_running_loop().time() < end:
        await asyncio.sleep(0.1)
    return [(one.to.partition("@")[0], one.header("Prazo-Event"), one.header("Prazo-Ticket")) for one in sink.kept]


async def test_nobody_on_call_is_told_to_the_manager_counted_and_said_on_the_topic(place: Paging) -> None:
    async with notifier(place) as sink:
        await publish(place, breach(place, "ORPHAN", None))
        found = await told(sink, lambda kept: len(kept) >= 2)
        assert sorted(found) == [("eva", "breached", "ORPHAN"), ("eva", "finding", "ORPHAN")]
        assert await place.metric("prazo_notifier_nobody_on_call_total") == 1
    assert ("notice.failed", "nobody_on_call") in [(e.type, e.data.reason) for e in await place.notices()]


async def test_broken_templates_lose_no_page_and_are_counted(place: Paging) -> None:
    async with notifier(place, "-c", WITHOUT_TEMPLATES) as sink:
        await publish(place, breach(place, "PLAIN", "ana"))
        assert await told(sink, lambda kept: bool(kept)) == [("ana", "breached", "PLAIN")]
        assert b"#PLAIN" in sink.kept[0].raw
        assert f"{place.http}/a/".encode() in sink.kept[0].raw.replace(b"=\r\n", b"")
        assert await place.metric("prazo_notifier_broken_templates_total") == 1
    assert "template_broken" in place.log.read_text(encoding="utf-8")


async def test_a_refused_address_is_a_dead_letter_and_the_next_person_is_told_at_once(place: Paging) -> None:
    async with notifier(place) as sink:
        await publish(place, breach(place, "REFUSED", "nobody"))
        assert await told(sink, lambda kept: bool(kept)) == [("eva", "breached", "REFUSED")]
        argv = [sys.executable, "-m", "services.notifier", "dlq", "list", "--json"]
        command = Command(argv, place.folder / "dlq.log", place.environment)
        assert await (await Child.start(command)).wait() == 1
        (dead,) = [orjson.loads(line) for line in command.log.read_bytes().splitlines() if line.startswith(b"{")]
        assert (dead["person"], dead["reason"], dead["ticket_id"]) == ("nobody", "undeliverable", "REFUSED")


async def test_a_mail_server_that_is_away_delays_pages_loses_none_and_is_seen(place: Paging) -> None:
    async with notifier(place) as sink:
        sink.away = True
        await publish(place, *(breach(place, f"AWAY{n}", ("ana", "bob")[n % 2]) for n in range(6)))
        await asyncio.sleep(MAIL_AWAY_SECONDS)
        assert sink.kept == []
        assert await place.metric('prazo_notifier_breaker_open{channel="mail"}') == 1
        sink.away = False
        await told(sink, lambda kept: len(_pages(kept)) >= 6, 150)
        pages = _pages(sink.kept)
        assert sorted(ticket for ticket, _ in pages) == [f"AWAY{n}" for n in range(6)]
        assert len(set(pages)) == len(pages)
    async with place.connected() as connection:
        assert await connection.fetchval("SELECT count(*) FROM notice WHERE state = 'failed'") == 0


async def test_a_database_that_is_away_delays_pages_and_loses_none(tmp_path: Path) -> None:
    async with own_servers(tmp_path) as (place, _, postgres), notifier(place) as sink:
        await publish(place, breach(place, "BEFORE", "ana"))
        await told(sink, lambda kept: bool(kept))
        await postgres.kill()
        await publish(place, *(breach(place, f"DURING{n}", "ana") for n in range(3)))
        await asyncio.sleep(DATABASE_AWAY_SECONDS)
        await postgres.restart()
        await publish(place, breach(place, "AFTER", "bob"))
        await told(sink, lambda kept: len({ticket for ticket, _ in _pages(kept)}) >= 5, 90)
        pages = _pages(sink.kept)
        assert {ticket for ticket, _ in pages} == {"BEFORE", "DURING0", "DURING1", "DURING2", "AFTER"}
        assert len({ticket for ticket, _ in pages}) == len(pages)


def _pages(kept: list[Kept]) -> list[tuple[str, str]]:
    """Return (ticket, Message-ID) of every breach page to an assignee."""
    to_assignee = [one for one in kept if one.header("Prazo-Event") == "breached" and not one.to.startswith("eva")]
    return [(one.header("Prazo-Ticket"), one.header("Message-ID")) for one in to_assignee]
