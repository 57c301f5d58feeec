"""The desk pages over HTTP on a real PostgreSQL: who gets in, what is shown, and that a button is exactly one event."""

import asyncio
import hashlib
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from services.intake.domain.sessions import IDLE, TRIES_PER_USER
from services.intake.handlers.mail import open_tickets
from services.intake.pages.access import COOKIE, Proxy
from services.intake.pages.web import HEADERS
from services.intake.store.mail import Received, store_message
from services.intake.texts import TEXTS
from shared.clock import now
from shared.config import Misconfigured
from tests.integration.intake.desk_app import (
    AGENTS,
    PASSWORD,
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
)

HOSTILE = "<script>alert(1)</script>\"'&"


async def store(pool: Any, raw: bytes, *, name: str = "<m@x>", envelope_from: str = "c@cliente.example") -> None:
    """Store one mail as the SMTP server would."""
    received = Received("suporte@desk.example", name, raw, hashlib.sha256(raw).digest(), now(), "", envelope_from)
    async with pool.acquire() as connection, connection.transaction():
        await store_message(connection, received)


# ── who gets in ─────────────────────────────────────────────────────────────


async def test_nobody_sees_a_page_without_logging_in_and_the_way_back_stays_on_the_desk(pool: Any) -> None:
    async with browser(app(pool)) as client:
        for path in ("/desk", "/desk/phone", "/desk/discarded", "/desk/tickets/T1"):
            page = await client.get(path)
            assert page.url.path == "/desk/login"
            assert hidden(page)["next"] == path
        for elsewhere in ("https://evil.example/", "//evil.example", "/desk//evil", "/desk\\evil", "javascript:1"):
            form = {"user": "ana", "password": PASSWORD, "next": elsewhere}
            answer = await client.post("/desk/login", data=form, follow_redirects=False)
            assert (answer.status_code, answer.headers["location"]) == (303, "/desk")


@pytest.mark.parametrize(
    ("user", "password"), [("ana", "wrong"), ("nobody", PASSWORD), ("caio", PASSWORD), ("caio", ""), ("ana", "")]
)
async def test_a_wrong_name_and_a_wrong_password_have_the_same_answer(pool: Any, user: str, password: str) -> None:
    async with browser(app(pool)) as client:
        page = await log_in(client, user, password)
        assert (page.status_code, TEXTS["pt-BR"]["login_wrong"] in page.text) == (401, True)
        assert COOKIE not in client.cookies
    assert await pool.fetchval("SELECT count(*) FROM session") == 0


async def test_a_session_is_an_opaque_token_that_the_database_knows_only_by_its_hash(pool: Any) -> None:
    async with browser(app(pool)) as client:
        answer = await client.post("/desk/login", data={"user": "Ana", "password": PASSWORD}, follow_redirects=False)
        cookie = answer.headers["set-cookie"].lower()
        assert all(word in cookie for word in ("httponly", "samesite=strict", "path=/desk"))
        assert "secure" not in cookie
        token = client.cookies[COOKIE]
        row = await pool.fetchrow("SELECT token_sha256, agent FROM session")
        assert (row["token_sha256"], row["agent"]) == (hashlib.sha256(token.encode()).digest(), "ana")
        assert (await client.get("/desk")).status_code == 200


async def test_attempts_are_limited_by_user_and_do_not_hinder_others(pool: Any) -> None:
    made = app(pool)
    async with browser(made) as client:
        statuses = [(await log_in(client, "ana", "wrong")).status_code for _ in range(TRIES_PER_USER + 1)]
        assert statuses == [401] * TRIES_PER_USER + [429]
        assert (await log_in(client, "ana")).status_code == 429
        assert (await log_in(client, "bruno")).status_code == 200


async def test_log_out_ends_the_session_also_for_who_kept_the_cookie(pool: Any) -> None:
    made = app(pool)
    async with browser(made) as client:
        await log_in(client)
        token = client.cookies[COOKIE]
        page = await client.get("/desk")
        await client.post("/desk/logout", data=hidden(page))
        client.cookies.set(COOKIE, token, path="/desk")
        assert (await client.get("/desk")).url.path == "/desk/login"


ENDED = [
    ("idle", "UPDATE session SET seen_at = seen_at - $1::interval", IDLE),
    ("old", "UPDATE session SET created_at = created_at - $1::interval", timedelta(hours=12)),
]


@pytest.mark.parametrize(("statement", "span"), [e[1:] for e in ENDED], ids=[e[0] for e in ENDED])
async def test_a_session_ends_when_it_is_idle_or_old(pool: Any, statement: str, span: timedelta) -> None:
    async with browser(app(pool)) as client:
        await log_in(client)
        await pool.execute(statement, span)
        assert (await client.get("/desk")).url.path == "/desk/login"


async def test_a_new_password_and_a_removed_agent_end_their_sessions(pool: Any) -> None:
    async with browser(app(pool)) as client:
        await log_in(client)
        cookies = dict(client.cookies)
    other = AGENTS.agents["ana"].model_copy(update={"password": "$argon2id$other"})
    for agents in ({**AGENTS.agents, "ana": other}, {"bruno": AGENTS.agents["bruno"]}):
        changed = AGENTS.model_copy(update={"agents": agents})
        async with browser(app(pool, changed)) as client:
            client.cookies.set(COOKIE, cookies[COOKIE], path="/desk")
            assert (await client.get("/desk")).url.path == "/desk/login"


async def test_a_form_without_the_sessions_token_or_of_another_site_changes_nothing(pool: Any) -> None:
    await hear(pool, event("opened", "T1"))
    async with browser(app(pool)) as client:
        await log_in(client)
        good = hidden(await client.get("/desk/tickets/T1"), "responded")
        wrong: list[tuple[dict[str, str], dict[str, str]]] = [
            ({**good, "csrf": "0" * 64}, {}),
            ({**good, "csrf": ""}, {}),
            (good, {"sec-fetch-site": "cross-site"}),
            ({**good, "nonce": "short"}, {}),
        ]
        for form, headers in wrong:
            answer = await client.post("/desk/tickets/T1", data=form, headers=headers)
            assert answer.status_code in (400, 403)
        assert (await client.post("/desk/tickets/T1", json=good)).status_code == 415
        assert (await client.post("/desk/tickets/T1", data={**good, "why": "x" * 70_000})).status_code == 413
        assert await published(pool) == []
    async with browser(app(pool)) as other:
        assert (await other.post("/desk/login", data={}, headers={"sec-fetch-site": "cross-site"})).status_code == 403


async def test_a_believed_proxy_names_the_agent_and_nobody_else_does(pool: Any) -> None:
    made = app(pool, proxy=Proxy(frozenset({"10.0.0.1"}), "x-agent"))
    async with browser(made, "10.0.0.1", **{"x-agent": "ana", "x-forwarded-proto": "https"}) as client:
        first = await client.get("/desk", follow_redirects=False)
        assert "secure" in first.headers["set-cookie"].lower()
        client.cookies.set(COOKIE, first.cookies[COOKIE], path="/desk")
        assert (await client.get("/desk")).status_code == 200
        stolen = first.cookies[COOKIE]
    for peer, headers in (("10.0.0.2", {"x-agent": "ana"}), ("10.0.0.1", {}), ("10.0.0.1", {"x-agent": "eve"})):
        async with browser(made, peer, **headers) as client:
            client.cookies.set(COOKIE, stolen, path="/desk")
            assert (await client.get("/desk")).status_code == 403
    with pytest.raises(Misconfigured, match="PRAZO_DESK_PROXY_ADDRESSES"):
        app(pool, proxy=Proxy(frozenset(), "x-agent"))


# ── what is shown ───────────────────────────────────────────────────────────


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


# ── what is done ────────────────────────────────────────────────────────────

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


async def test_a_database_that_is_away_is_said_and_nothing_else(pool: Any) -> None:
    away = asyncpg.create_pool("postgresql://x@127.0.0.1:1/x", min_size=0)
    await away
    async with browser(app(away)) as client:
        client.cookies.set(COOKIE, "x", path="/desk")
        for answer in (await client.get("/desk"), await log_in(client)):
            assert (answer.status_code, TEXTS["pt-BR"]["try_again"] in answer.text) == (503, True)
    await away.close()
