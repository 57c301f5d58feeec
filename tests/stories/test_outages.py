"""Broker and database killed under load, and away at the wrong moment: nothing lost, nothing told twice, nothing false."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import Message
from pathlib import Path

import pytest

from deploy.kafka.topics import create_topics
from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from tests.conftest import prepare
from tests.stories.line import Line, line

pytestmark = pytest.mark.timeout(240)


@asynccontextmanager
async def own_servers(folder: Path) -> AsyncIterator[tuple[Line, Kafka, Postgres]]:
    """Make a line over servers of its own, which may be killed."""
    kafka = await Kafka.start(folder / "kafka", log=folder / "kafka.log")
    postgres = await Postgres.start(folder / "postgres", log=folder / "postgres.log")
    try:
        await prepare(postgres.admin_dsn)
        await create_topics(kafka.bootstrap, "t.", partitions=3)
        async with line(kafka.bootstrap, "t.", postgres.admin_dsn, "prazo", folder) as made:
            made.environment["PRAZO_SETTLE_SECONDS"] = "5"
            for service in ("intake", "sla_timer", "notifier"):
                await made.start(service)
            await made.ready()
            yield made, kafka, postgres
    finally:
        await asyncio.gather(kafka.stop(), postgres.stop())


def breaches(messages: list[Message]) -> dict[str, set[str]]:
    """Return the Message-IDs of breach pages to Ana by ticket: a repetition after an unknown outcome has the same one.

    Of many at once, one page names them all.
    """
    found: dict[str, set[str]] = {}
    for message in messages:
        if message["Prazo-Event"] == "breached" and message["X-Rcpt-To"].startswith("ana@"):
            plain = next(part for part in message.walk() if part.get_content_type() == "text/plain")
            text = plain.get_payload(decode=True)
            assert isinstance(text, bytes)
            for ticket in {message["Prazo-Ticket"], *re.findall(r"#(\d{8}-\d{6})", text.decode())}:
                found.setdefault(ticket, set()).add(message["Message-ID"])
    return found


@pytest.mark.parametrize("which", ["kafka", "postgres"])
async def test_a_server_is_killed_while_mails_come_in_and_each_becomes_one_page(which: str, tmp_path: Path) -> None:
    async with own_servers(tmp_path) as (made, kafka, postgres):
        victim = kafka if which == "kafka" else postgres

        async def send() -> None:
            for n in range(30):
                await made.mail(f"mail {n}")
                await asyncio.sleep(0.1)

        sending = asyncio.create_task(send())
        await asyncio.sleep(1)
        await victim.kill()
        await asyncio.sleep(3)
        await victim.restart()
        await sending
        messages = await made.until(lambda ms: len(breaches(ms)) >= 30, 90)
        await asyncio.sleep(2)
        pages = breaches(made.pages())
        assert len(pages) == 30, len(messages)
        assert Counter(len(ids) for ids in pages.values()) == {1: 30}


async def test_the_broker_is_away_while_a_ticket_is_answered_in_time_and_nobody_is_woken(tmp_path: Path) -> None:
    async with own_servers(tmp_path) as (made, kafka, _):
        opened = {"service": "triage", "channel": "portal", "title": "t"}
        for ticket in ("ANSWERED", "FORGOTTEN"):
            assert await made.publish("opened", ticket, **opened) == 202
        await asyncio.sleep(1)
        await kafka.kill()
        assert await made.publish("responded", "ANSWERED", by="ana") == 202
        await asyncio.sleep(8)
        assert breaches(made.pages()) == {}
        await kafka.restart()
        await made.until(lambda ms: "FORGOTTEN" in breaches(ms), 60)
        await asyncio.sleep(2)
        assert set(breaches(made.pages())) == {"FORGOTTEN"}
