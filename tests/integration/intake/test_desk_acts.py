"""What is done at the desk pages, over HTTP on a real PostgreSQL: a button is exactly one event."""

import asyncio
from typing import Any

import pytest

from services.intake.handlers.mail import open_tickets
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
    press,
    published,
    store,
)

BUTTONS: list[tuple[str, list[Any], dict[str, str], dict[str, Any]]] = [
    ("responded", [], {}, {"by": "ana"}),
    ("resolved", [], {}, {"by": "ana"}),
    ("cancelled", [], {}, {"by": "ana"}),
    ("paused", [], {"reason": "third_party"}, {"reason": "third_party", "by": "ana"}),
    ("resumed", [("paused", -30, {"reason": "third_party"})], {"reason": ""}, {"by": "ana"}),
    ("reopened", [("resolved", -30, {})], {}, {"by": "ana"}),
    ("assigned", [], {"assignee": "bruno"}, {"assignee": "bruno", "by": "ana"}),
    (
        "reclassified",
        [],
        {"service": "question", "priority": "high", "scope": "in_scope", "emergency": "", "why": "fone 62 3086-5750"},
        {"service": "question", "priority": "high", "why": "fone [telefone]", "by": "ana"},
    ),
    (
        "scheduled",
        [],
        {"starts_at": "2027-03-05T14:30", "ends_at": "2027-03-05T15:00"},
        {"starts_at": "2027-03-05T17:30:00Z", "ends_at": "2027-03-05T18:00:00Z", "by": "ana"},
    ),
    ("merged", [], {"into": "#T2"}, {"into": "T2", "by": "ana"}),
]


@pytest.mark.parametrize(("act", "before", "form", "data"), BUTTONS, ids=[row[0] for row in BUTTONS])
async def test_a_button_is_exactly_one_event_also_when_it_is_pressed_twice_at_once(
    pool: Any, act: str, before: list[Any], form: dict[str, str], data: dict[str, Any]
) -> None:
    await hear(pool, event("opened", "T1"), event("opened", "T2"))
    await hear(pool, *(event(type_, "T1", minutes, **more) for type_, minutes, more in before))
    async with browser(app(pool)) as client:
        await log_in(client)
        page = await client.get("/desk/tickets/T1")
        filled = {**hidden(page, act), **form}
        answers = await asyncio.gather(*(client.post("/desk/tickets/T1", data=filled) for _ in range(3)))
    assert {answer.status_code for answer in answers} == {200}
    assert TEXTS["pt-BR"][f"done_{act}"] in answers[0].text  # shown before the topic brings it back
    assert await published(pool) == [(f"ticket.{act}", {"ticket_id": "T1", **data})]


WRONG: list[tuple[str, dict[str, str], str, str]] = [
    ("paused", {"reason": ""}, "reason", "required"),
    ("paused", {"reason": "lunch"}, "reason", "unknown_choice"),
    ("assigned", {"assignee": "eve"}, "assignee", "unknown_choice"),
    ("reclassified", {"service": "nfe-emission", "scope": "in_scope", "why": "x"}, "service", "nothing_changes"),
    ("reclassified", {"service": "question", "scope": "in_scope", "why": " "}, "why", "required"),
    ("scheduled", {"starts_at": ""}, "starts_at", "required"),
    ("scheduled", {"starts_at": "amanhã"}, "starts_at", "no_instant"),
    ("scheduled", {"starts_at": "2027-03-05T14:30", "ends_at": "2027-03-05T14:30"}, "ends_at", "ends_before_start"),
    ("merged", {"into": "T1"}, "into", "merged_into_itself"),
    ("merged", {"into": "T9"}, "into", "unknown_ticket"),
]


@pytest.mark.parametrize(("act", "form", "field", "rule"), WRONG, ids=[f"{w[0]} {w[3]}" for w in WRONG])
async def test_what_is_wrong_is_said_at_its_field_and_nothing_is_published(
    pool: Any, act: str, form: dict[str, str], field: str, rule: str
) -> None:
    await hear(pool, event("opened", "T1"))
    async with browser(app(pool)) as client:
        await log_in(client)
        page = await press(client, "T1", act, **form)
    assert page.status_code == 422
    assert f'name="{field}"' in page.text.partition('aria-invalid="true"')[0].rpartition("<div")[2]
    assert TEXTS["pt-BR"][rule] in page.text
    assert await published(pool) == []


async def test_what_makes_no_sense_any_more_is_refused(pool: Any) -> None:
    await hear(pool, event("opened", "T1"))
    async with browser(app(pool)) as client:
        await log_in(client)
        stale = hidden(await client.get("/desk/tickets/T1"), "responded")
        await press(client, "T1", "resolved")
        page = await client.post("/desk/tickets/T1", data=stale)
        assert (page.status_code, TEXTS["pt-BR"]["not_now"] in page.text) == (422, True)
        assert (await client.post("/desk/tickets/T9", data=stale)).status_code == 404
        assert (await client.post("/desk/tickets/T1", data={**stale, "act": "explode"})).status_code == 422
    assert [name for name, _ in await published(pool)] == ["ticket.resolved"]


async def test_who_reclassifies_from_an_old_page_takes_nothing_back_that_another_changed(pool: Any) -> None:
    await hear(pool, event("opened", "T1"))
    ours = {"service": "nfe-emission", "priority": "", "scope": "in_scope", "emergency": "", "why": "a"}
    async with browser(app(pool)) as client:
        await log_in(client)
        old = hidden(await client.get("/desk/tickets/T1"), "reclassified")
        await press(client, "T1", "reclassified", **{**ours, "service": "question", "emergency": "yes"})
        await client.post("/desk/tickets/T1", data={**old, **ours, "priority": "high"})
        again = await client.post("/desk/tickets/T1", data={**old, **ours})
    assert TEXTS["pt-BR"]["nothing_changes"] in again.text
    _, (_, second) = await published(pool)
    assert second == {"ticket_id": "T1", "priority": "high", "why": "a", "by": "ana"}


async def test_a_ticket_of_any_name_has_a_page(pool: Any) -> None:
    strange = "a/b?c=d&e#f ção \u202e%2F"
    await hear(pool, event("opened", strange, title="strange"))
    async with browser(app(pool)) as client:
        page = await log_in(client)
        path = page.text.partition('class="title" href="')[2].partition('"')[0]
        assert "strange</h1>" in (await client.get(path)).text


async def test_a_ticket_shows_its_clocks_mails_and_history_in_words(pool: Any) -> None:
    await store(pool, "Subject: NF-e\r\nFrom: c@cliente.example\r\n\r\nOlá <b>equipe</b>\r\n".encode())
    await open_tickets(office(pool).desk)
    own = await pool.fetchval("SELECT ticket_id FROM ticket")
    (opening,) = await pool.fetch("SELECT body FROM outbox")
    record = event("opened", own)
    desk_record = type(record)(**{**_fields(record), "value": opening["body"]})
    await hear(
        pool,
        desk_record,
        clock_event("started", own, "response", 1, 45),
        event("paused", own, -1, reason="third_party"),
    )
    async with browser(app(pool)) as client:
        await log_in(client)
        page = await client.get(f"/desk/tickets/{own}")
    for words in ("Olá &lt;b&gt;equipe&lt;/b&gt;", "c@cliente.example", "1ª resposta", "faltam 44 min", "Triagem",
                  "Pausado: terceiros (SEFAZ, operadora)", "Aberto: Triagem, e-mail"):  # fmt: skip
        assert words in page.text


def _fields(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


async def test_a_call_becomes_a_ticket_that_is_answered_and_a_form_sent_twice_is_one(pool: Any) -> None:
    async with browser(app(pool)) as client:
        await log_in(client)
        form = hidden(await client.get("/desk/phone"))
        said = {"number": "(62) 98888-7777", "client": "acme", "service": "question", "title": "CFOP da nota"}
        for _ in range(2):
            page = await client.post("/desk/phone", data={**form, **said})
            assert (page.status_code, TEXTS["pt-BR"]["done_phone"] in page.text) == (200, True)
    opened, assigned = await published(pool)
    assert f"Informe o protocolo ao cliente: {opened[1]['protocol']}" in page.text
    assert (opened[0], assigned[0]) == ("ticket.opened", "ticket.assigned")
    told = {name: opened[1][name] for name in ("channel", "service", "client_id", "title", "responded")}
    assert told == {
        "channel": "phone",
        "service": "question",
        "client_id": "acme",
        "title": "CFOP da nota",
        "responded": True,
    }
    assert "988887777" not in str(opened)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"number": "abc"}, "number"),
        ({"service": ""}, "service"),
        ({"title": "x" * 121}, "title"),
        ({"client": "x"}, "client"),
    ],
)
async def test_a_call_that_is_filled_in_wrongly_names_the_field_and_keeps_the_rest(
    pool: Any, change: dict[str, str], field: str
) -> None:
    async with browser(app(pool)) as client:
        await log_in(client)
        form = hidden(await client.get("/desk/phone"))
        said = {"number": "", "client": "acme", "service": "question", "title": "CFOP", **change}
        page = await client.post("/desk/phone", data={**form, **said})
    assert page.status_code == 422
    assert f'name="{field}"' in page.text.partition('aria-invalid="true"')[0].rpartition("<div")[2]
    assert hidden(page)["form_id"] == form["form_id"]
    assert await published(pool) == []


async def test_discarded_mail_is_listed_with_its_reason_and_opened_by_hand(pool: Any) -> None:
    await store(
        pool, b"Subject: NF-e rejeitada\r\nAuto-Submitted: auto-replied\r\nFrom: c@x.example\r\n\r\nSocorro\r\n"
    )
    desk = office(pool).desk
    await open_tickets(desk)
    assert await published(pool) == []
    async with browser(app(pool)) as client:
        await log_in(client)
        page = await client.get("/desk/discarded")
        assert all(words in page.text for words in ("NF-e rejeitada", "c@x.example", "resposta automática"))
        assert "NF-e rejeitada" not in (await client.get("/desk/discarded?reason=report")).text
        form = hidden(page)
        said = [(await client.post("/desk/discarded", data=form)).url.query for _ in range(2)]
        assert said == [b"said=was_given_back", b"said=was_gone"]
    await open_tickets(desk)
    assert [(name, data["title"]) for name, data in await published(pool)] == [("ticket.opened", "NF-e rejeitada")]
