"""Who gets in at the desk pages, and what ends a session: over HTTP on a real PostgreSQL."""

import hashlib
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from services.intake.domain.sessions import IDLE, TRIES_PER_ADDRESS, TRIES_PER_USER
from services.intake.pages.access import COOKIE, Proxy
from services.intake.texts import TEXTS
from shared.config import Misconfigured
from tests.integration.intake.desk_app import (
    AGENTS,
    PASSWORD,
    app,
    browser,
    event,
    hear,
    hidden,
    log_in,
    published,
)


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


@pytest.mark.parametrize("wrong_first", [False, True])
async def test_what_was_filled_in_survives_a_session_that_ended_meanwhile(pool: Any, wrong_first: bool) -> None:
    said = {"number": "62 98888-7777", "client": "", "service": "question", "title": 'NF-e "parada" & CT-e'}
    async with browser(app(pool)) as client:
        await log_in(client)
        form = hidden(await client.get("/desk/phone"))
        await pool.execute("DELETE FROM session")
        page = await client.post("/desk/phone", data={**form, **said})
        assert (page.status_code, TEXTS["pt-BR"]["session_over"] in page.text) == (401, True)
        if wrong_first:
            page = await client.post("/desk/login", data={**hidden(page), "user": "ana", "password": "wrong"})
        page = await client.post("/desk/login", data={**hidden(page), "user": "ana", "password": PASSWORD})
        assert TEXTS["pt-BR"]["send_again"] in page.text
        assert await published(pool) == []
        page = await client.post("/desk/phone", data=hidden(page))
        assert TEXTS["pt-BR"]["done_phone"] in page.text
    assert (await published(pool))[0][1]["title"] == said["title"]


async def test_a_form_of_an_older_session_can_be_sent_again_if_it_is_surely_ours(pool: Any) -> None:
    await hear(pool, event("opened", "T1"))
    async with browser(app(pool)) as client:
        await log_in(client)
        form = hidden(await client.get("/desk/tickets/T1"), "responded")
        client.cookies.clear()
        await log_in(client)
        assert TEXTS["pt-BR"]["stale_form"] in (await client.post("/desk/tickets/T1", data=form)).text
        page = await client.post("/desk/tickets/T1", data=form, headers={"sec-fetch-site": "same-origin"})
        assert (page.status_code, await published(pool)) == (403, [])
        await client.post("/desk/tickets/T1", data=hidden(page))
    assert [name for name, _ in await published(pool)] == ["ticket.responded"]


async def test_logging_out_of_a_session_that_ended_leads_to_the_log_in(pool: Any) -> None:
    async with browser(app(pool)) as client:
        page = await log_in(client)
        await pool.execute("DELETE FROM session")
        page = await client.post("/desk/logout", data=hidden(page))
        assert (page.status_code, TEXTS["pt-BR"]["logged_out"] in page.text) == (200, True)
        assert (await log_in(client)).status_code == 200


async def test_a_whole_office_behind_one_address_can_log_in(pool: Any) -> None:
    made = app(pool)
    for _ in range(TRIES_PER_ADDRESS + 1):
        async with browser(made) as client:
            assert (await log_in(client)).status_code == 200


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


async def test_a_database_that_is_away_is_said_and_nothing_else(pool: Any) -> None:
    away = asyncpg.create_pool("postgresql://x@127.0.0.1:1/x", min_size=0)
    await away
    async with browser(app(away)) as client:
        client.cookies.set(COOKIE, "x", path="/desk")
        for answer in (await client.get("/desk"), await log_in(client)):
            assert (answer.status_code, TEXTS["pt-BR"]["try_again"] in answer.text) == (503, True)
    await away.close()
