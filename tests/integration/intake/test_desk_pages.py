"""What the desk pages show: over HTTP on a real PostgreSQL."""

from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from services.intake.handlers.mail import open_tickets
from services.intake.pages.web import HEADERS
from services.intake.texts import TEXTS
from tests.integration.intake.desk_app import (
    app,
    browser,
    clock_event,
    event,
    hear,
    hidden,
    log_in,
    office,
    store,
)

HOSTILE = "<script>alert(1)</script>\"'&"


async def everything(client: httpx.AsyncClient) -> list[httpx.Response]:
    """Return every page."""
    paths = ("/desk", "/desk?closed=1", "/desk/phone", "/desk/discarded", "/desk/tickets/T1", "/desk/tickets/nope")
    return [await client.get(path) for path in paths]


async def test_what_people_and_mails_say_is_escaped_on_every_page_and_every_page_says_what_a_browser_may_do(
    pool: Any,
) -> None:
    mail = f"Subject: {HOSTILE}\r\nFrom: {HOSTILE}@x\r\nAuto-Submitted: auto-replied\r\n\r\n{HOSTILE}\r\n".encode()
    await store(pool, mail)
    await store(pool, mail.replace(b"Auto-Submitted: auto-replied\r\n", b""), name="<n@x>")
    await open_tickets(office(pool).desk)
    await hear(
        pool,
        event("opened", "T1", title=HOSTILE, client_id=HOSTILE, service=HOSTILE, priority=HOSTILE, channel=HOSTILE,
              routing_rule=HOSTILE, articles=["javascript:alert(1)", "https://kb.example/" + HOSTILE]),
        event("assigned", "T1", -50, assignee=HOSTILE),
        event("reclassified", "T1", -40, why=HOSTILE, by=HOSTILE),
    )  # fmt: skip
    own = await pool.fetchval("SELECT ticket_id FROM ticket WHERE ticket_id <> 'T1'")
    async with browser(app(pool)) as client:
        await log_in(client)
        for page in [*await everything(client), await client.get(f"/desk/tickets/{own}"), await client.get("/desk/x")]:
            assert "<script" not in page.text
            assert "<b>" not in page.text
            assert 'href="javascript' not in page.text
            if page.status_code != 404:
                assert {name: page.headers[name] for name in HEADERS} == HEADERS
        assert "&lt;script&gt;" in (await client.get(f"/desk/tickets/{own}")).text
        refused = await client.post("/desk/phone", data={**hidden(await client.get("/desk/phone")), "title": HOSTILE})
        assert (refused.status_code, "<script" in refused.text) == (422, False)


async def test_open_contacts_stand_worst_first(pool: Any) -> None:
    names = ["calm", "paused", "breached", "none", "soon", "overdue"]
    for name in names:
        await hear(pool, event("opened", name, title=name))
    await hear(
        pool,
        clock_event("started", "calm", "response", 1, 90),
        clock_event("paused", "paused", "action", 1, None),
        clock_event("breached", "breached", "response", 1, -30),
        clock_event("started", "soon", "response", 1, 10),
        clock_event("started", "overdue", "response", 1, -1),
    )
    async with browser(app(pool)) as client:
        page = await log_in(client)
        places = sorted(names, key=lambda name: page.text.index(f">{name}</a>"))
        assert places == ["breached", "overdue", "soon", "calm", "paused", "none"]
        found = await client.get("/desk", params={"q": "SOON"})
        assert [name for name in names if f">{name}</a>" in found.text] == ["soon"]


async def test_the_list_is_paged_filtered_and_bounded(pool: Any) -> None:
    await hear(pool, *(event("opened", f"T{n}", client_id="acme" if n % 2 else None) for n in range(60)))
    await hear(pool, event("assigned", "T7", assignee="ana"), event("resolved", "T9"))
    async with browser(app(pool)) as client:
        first, second = await log_in(client), await client.get("/desk?page=2")
        assert (first.text.count('<td role="cell"><a'), second.text.count('<td role="cell"><a')) == (50, 9)
        counts = {}
        for query in ("client=acme", "mine=1", "closed=1", "q=T5", "page=x", "page=99999", "q=%25", "q=%00"):
            counts[query] = (await client.get(f"/desk?{query}")).text.count('<td role="cell"><a')
        assert counts == {
            "client=acme": 29,
            "mine=1": 1,
            "closed=1": 1,
            "q=T5": 11,
            "page=x": 50,
            "page=99999": 0,
            "q=%25": 0,
            "q=%00": 50,
        }


async def test_a_flood_is_one_row_with_its_worst_ticket_and_can_be_opened(pool: Any) -> None:
    await hear(pool, *(event("opened", f"T{n}", title=f"flood {n}") for n in range(4)))
    await pool.execute("UPDATE ticket SET flood_of = 'T0' WHERE ticket_id IN ('T1', 'T2')")
    await hear(pool, clock_event("breached", "T2", "response", 1, -5))
    async with browser(app(pool)) as client:
        page = await log_in(client)
        assert [n for n in range(4) if f">flood {n}</a>" in page.text] == [2, 3]
        assert "+2 " in page.text
        group = await client.get("/desk?flood=T0")
        assert [n for n in range(4) if f">flood {n}</a>" in group.text] == [0, 1, 2]


async def test_english_comes_with_the_agent_the_browser_or_the_switch(pool: Any) -> None:
    made = app(pool)
    async with browser(made, **{"accept-language": "en-GB,pt;q=0.5"}) as client:
        assert '<html lang="en">' in (await client.get("/desk/login")).text
        assert '<html lang="pt-BR">' in (await log_in(client, "ana")).text  # hers
        switched = await client.get("/desk/language", params={"to": "en", "back": "/desk/phone"})
        assert (switched.url.path, '<html lang="en">' in switched.text) == ("/desk/phone", True)
    async with browser(made) as client:
        assert '<html lang="pt-BR">' in (await client.get("/desk/login")).text
        assert '<html lang="en">' in (await log_in(client, "bruno")).text


def test_both_languages_have_the_same_words() -> None:
    assert TEXTS["pt-BR"].keys() == TEXTS["en"].keys()


@pytest.mark.parametrize("asked", ["client=%00", "flood=%00", "q=%00", "q=%ff", "page=%C2%B2", "page=99999999999"])
async def test_whatever_is_asked_of_the_list_it_is_shown(pool: Any, asked: str) -> None:
    async with browser(app(pool)) as client:
        await log_in(client)
        assert (await client.get(f"/desk?{asked}")).status_code == 200


async def test_a_message_that_cannot_be_is_not_discarded(pool: Any) -> None:
    async with browser(app(pool)) as client:
        page = await log_in(client)
        for number in ("9" * 5000, str(2**63), "-1", "x", ""):
            answer = await client.post("/desk/discarded", data={**hidden(page), "message": number})
            assert TEXTS["pt-BR"]["was_gone"] in answer.text


async def test_a_page_that_is_not_there_is_said_in_words_and_the_bare_address_leads_to_the_list(pool: Any) -> None:
    async with browser(app(pool)) as client:
        await log_in(client)
        for path in ("/desk/nope", "/desk/style.css/x", "/desk/%0d%0a"):
            page = await client.get(path)
            assert (page.status_code, TEXTS["pt-BR"]["no_page"] in page.text) == (404, True)
        english = {"accept-language": "en"}
        page = await client.get("/desk/tickets/nope", headers=english)
        assert TEXTS["pt-BR"]["no_ticket"] in page.text  # the language of who is logged in
        assert TEXTS["pt-BR"]["logout"] in page.text
        for path in ("/", "/desk/"):
            assert (await client.get(path)).url.path == "/desk"


async def test_a_page_that_breaks_says_so_and_no_log_tells_what_it_was_about(pool: Any) -> None:
    await hear(pool, event("opened", "T1", title="segredo"))
    await pool.execute("UPDATE happening SET body = 'segredo'")
    with capture_logs() as logs:
        async with browser(app(pool)) as client:
            await log_in(client)
            page = await client.get("/desk/tickets/T1")
    assert (page.status_code, TEXTS["pt-BR"]["broken"] in page.text) == (500, True)
    assert [entry["error"] for entry in logs if entry["event"] == "desk_page_broken"] == ["JSONDecodeError"]
    assert "segredo" not in str(logs) + page.text
