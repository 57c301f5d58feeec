"""From a mail to an acknowledged page, through three services on a real broker and a real database."""

import asyncio
from collections.abc import AsyncIterator
from email.message import Message
from pathlib import Path

import pytest

from tests.stories.line import Line, get, line, link_of

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
async def whole(kafka: str, topics: str, postgres: str, database: str, tmp_path: Path) -> AsyncIterator[Line]:
    async with line(kafka, topics, postgres, database, tmp_path) as made:
        for service in ("intake", "sla_timer", "notifier"):
            await made.start(service)
        yield made


def to(messages: list[Message], person: str, word: str = "breached") -> list[Message]:
    """Return the messages of one kind to one person."""
    return [m for m in messages if m["Prazo-Event"] == word and m["X-Rcpt-To"] == f"{person}@oncall.example"]


async def test_a_mail_becomes_a_page_that_is_acknowledged_and_nobody_else_is_woken(whole: Line) -> None:
    await whole.mail("Rejeição 204 na NF-e, ligar (62) 98765-4321")
    (page,) = to(await whole.until(lambda ms: bool(to(ms, "ana")), 40), "ana")
    assert str(page["Subject"]).startswith("[SLA] #")
    assert page["Auto-Submitted"] == "auto-generated"
    link = link_of(page)
    for method in ("GET", "HEAD", "GET"):
        shown = await get(link, method)
        assert shown.status_code == 200
    assert "Assumir este chamado" in shown.text
    assert "98765" not in shown.text
    assert len(shown.content) < 15_000
    assert shown.headers["cache-control"] == "no-store"
    taken = await get(link, "POST")
    assert "É seu até" in taken.text
    assert "É seu até" in (await get(link, "POST")).text
    await asyncio.sleep(6)
    assert to(whole.pages(), "bob") == []
    assert len(to(whole.pages(), "ana")) == 1


async def test_nobody_acknowledges_so_the_second_person_is_told_in_their_language(whole: Line) -> None:
    await whole.mail("NFC-e parada")
    messages = await whole.until(lambda ms: bool(to(ms, "bob")), 40)
    assert len(to(messages, "ana")) == 1
    (page,) = to(messages, "bob")
    assert "Take this ticket" in (await get(link_of(page))).text
    first = to(messages, "ana")[0]
    assert first["References"] == page["References"]
    assert first["Message-ID"] != page["Message-ID"]


async def test_a_wrong_link_changes_nothing(whole: Line) -> None:
    await whole.mail("Teste")
    (page,) = to(await whole.until(lambda ms: bool(to(ms, "ana")), 40), "ana")
    link = link_of(page)
    forged = link[:-1] + ("0" if link[-1] != "0" else "1")
    assert (await get(forged, "POST")).status_code == 404
    assert "Assumir" in (await get(link)).text


async def test_answered_in_time_is_no_page(whole: Line) -> None:
    await whole.ready()
    opened = {"service": "triage", "channel": "portal", "title": "t"}
    assert await whole.publish("opened", "ANSWERED", **opened) == 202
    assert await whole.publish("opened", "FORGOTTEN", **opened) == 202
    assert await whole.publish("responded", "ANSWERED", by="ana") == 202
    await whole.until(lambda ms: bool(to(ms, "ana")), 30)
    await asyncio.sleep(2)
    assert {m["Prazo-Ticket"] for m in whole.pages()} == {"FORGOTTEN"}


async def test_a_late_answer_gives_the_all_clear_to_exactly_those_who_were_disturbed(whole: Line) -> None:
    await whole.ready()
    assert await whole.publish("opened", "LATE", service="triage", channel="portal", title="t") == 202
    (page,) = to(await whole.until(lambda ms: bool(to(ms, "ana")), 30), "ana")
    assert await whole.publish("responded", "LATE", by="ana") == 202
    (clear,) = to(await whole.until(lambda ms: bool(to(ms, "ana", "all_clear")), 20), "ana", "all_clear")
    assert clear["References"] == page["References"]
    assert to(whole.pages(), "bob", "all_clear") == []
    assert "Alerta encerrado" in (await get(link_of(page), "POST")).text
