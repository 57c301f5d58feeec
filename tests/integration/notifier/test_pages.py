"""What somebody woken at night can do with a link, on a real PostgreSQL and without a script."""

import re
from typing import Any

import httpx
import pytest

from services.notifier.domain.message import Outcome, Result
from services.notifier.domain.token import ACKNOWLEDGE, token
from tests.notifier_line import KEY, ONCALL, Line, Scripted, sla
from tests.notifier_page import LONG, browser, due, late, link_to, soon, state_of, text_of, told

OTHER = b"o" * 32


async def everything(pool: Any) -> list[Any]:
    """Return all that stands in the tables."""
    tables = ("alert", "step", "page", "page_alert", "notice", "outbox")
    return [[tuple(row) for row in await pool.fetch(f"SELECT * FROM {table} ORDER BY 1, 2")] for table in tables]


async def test_whoever_only_looks_changes_nothing(pool: Any) -> None:
    line = await told(pool, late())
    link, before = await link_to(line), await everything(pool)
    async with browser(line) as ana:
        shown = await ana.get(link)
        await ana.head(link)
        await ana.get(link, headers={"sec-purpose": "prefetch", "purpose": "prefetch"})
        await ana.get(link, params={"do": "take", "minutes": "5", "said": "did_undone"})
        await ana.get(link, headers={"accept": "application/json"})
        for method in ("PUT", "DELETE", "OPTIONS", "PATCH"):
            assert (await ana.request(method, link)).status_code == 405
    assert (shown.status_code, state_of(shown)) == (200, "open")
    assert await everything(pool) == before


async def test_the_first_screen_says_deadline_client_service_title_and_one_button(pool: Any) -> None:
    line = await told(pool, late(ticket={"title": LONG, "service": "nfe", "priority": "urgent"}))
    async with browser(line) as ana:
        shown = text_of(await ana.get(await link_to(line)))
    for said in ("Prazo vencido", "1ª resposta venceu", "atrasado há 12 min", "Acme", "nfe (urgent)", LONG):
        assert said in shown
    assert shown.index(LONG) < shown.index("Assumir este chamado") < shown.index("Se ninguém assumir")
    assert re.search(r"Se ninguém assumir Bob, às (\d\d/\d\d )?\d\d:\d\d BRT\.", shown)
    assert "Você está de plantão em primary." in shown
    assert re.search(r"Quem foi avisado Ana e-mail enviado às (\d\d/\d\d )?\d\d:\d\d BRT", shown)


async def test_what_happens_next_is_a_step_the_breach_or_all_steps_anew(pool: Any) -> None:
    line = await told(pool, soon(minutes=12))
    async with browser(line) as ana:
        assert re.search(r"Se o prazo vencer, às \S+ BRT, começam", text_of(await ana.get(await link_to(line))))
        await line.hear(late(sequence=2))
        await line.turn()
        assert "Se ninguém assumir Bob, às" in text_of(await ana.get(await link_to(line)))
        await line.later(600)
        await line.turn()
        assert "Se ninguém assumir Todos os passos recomeçam às" in text_of(await ana.get(await link_to(line)))
        await line.hear(soon("9", minutes=12))
        await line.turn()
        await line.hear(sla("paused", subject="9", sequence=2, due_at=None))
        shown = text_of(await ana.get(await link_to(line)))
    assert "1ª resposta sem prazo: relógio pausado" in shown
    assert "Se ninguém assumir Nenhum outro aviso está planejado agora." in shown


async def test_one_tap_takes_it_with_a_promise_that_can_be_changed(pool: Any) -> None:
    line = await told(pool, late(metric="action"))
    async with browser(line) as ana:
        link = await link_to(line)
        taken = await ana.post(link, data={"do": "take"})
        assert state_of(taken) == "yours"
        assert re.search(r"É seu até \d\d:\d\d BRT|É seu até \d\d/\d\d", text_of(taken))
        assert re.findall(r'name="minutes" value="(\d+)"', taken.text) == ["5", "15", "30", "60"]
        await ana.post(link, data={"minutes": "60"})
    promised = await pool.fetchval("SELECT round(extract(epoch FROM promised_until - now()) / 60)::int FROM alert")
    assert promised == 60
    assert (await line.told()).count("acknowledged") == 2


async def test_a_response_clock_offers_no_hour_and_a_warning_nothing_beyond_its_deadline(pool: Any) -> None:
    line = await told(pool, soon(minutes=12))
    async with browser(line) as ana:
        link = await link_to(line)
        taken = await ana.post(link)
        refused = await ana.post(link, data={"minutes": "60"})
        assert re.findall(r'name="minutes" value="(\d+)"', taken.text) == ["5"]
        assert (refused.status_code, "nada mudou" in text_of(refused)) == (400, True)
        await ana.post(link, data={"minutes": "30"})  # from a page that was open for long
    row = await pool.fetchrow("SELECT due_at, promised_until FROM alert")
    assert row["promised_until"] > row["due_at"]
    async with browser(line, accept="application/json") as ana:
        (alert,) = (await ana.get(link)).json()["alerts"]
    assert alert["held_until"] == alert["due_at"]


async def test_undo_is_offered_for_two_minutes(pool: Any) -> None:
    line = await told(pool, late())
    async with browser(line) as ana:
        link = await link_to(line)
        assert 'value="undo"' in (await ana.post(link)).text
        undone = await ana.post(link, data={"do": "undo"})
        assert (state_of(undone), "Desfeito" in text_of(undone)) == ("open", True)
        await ana.post(link)
        await line.later(121)
        assert 'value="undo"' not in (await ana.get(link)).text
        too_late = await ana.post(link, data={"do": "undo"})
        assert (state_of(too_late), "Não dá mais para desfazer" in text_of(too_late)) == ("yours", True)


async def test_who_was_second_sees_who_has_it_and_until_when(pool: Any) -> None:
    line = await told(pool, late())
    await line.later(600)
    await line.turn()
    async with browser(line) as both:
        mine, bobs = await link_to(line, "ana"), await link_to(line, "bob")
        await both.post(mine, data={"minutes": "15"})
        second = await both.post(bobs)
    assert state_of(second) == "taken"
    assert "Ana took it at" in text_of(second)
    assert "Nothing changed" in text_of(second)
    assert "<form" not in second.text
    assert await pool.fetchval("SELECT acknowledged_by FROM alert") == "ana"


async def test_it_is_passed_on_to_who_comes_next_first_and_a_second_tap_tells_nobody_twice(pool: Any) -> None:
    line = await told(pool, late())
    async with browser(line) as ana:
        link = await link_to(line)
        await ana.post(link)
        shown = await ana.get(link)
        assert re.findall(r'<option value="(\w+)"', shown.text) == ["bob", "eva"]
        passed = await ana.post(link, data={"do": "pass", "to": "eva"})
        again = await ana.post(link, data={"do": "pass", "to": "eva"})
    await line.turn()
    assert (state_of(passed), "Avisado" in text_of(passed)) == ("open", True)
    assert "Nada foi passado" in text_of(again)
    assert [to.partition("@")[0] for _, to, _ in line.sent] == ["ana", "eva"]
    released = [n for n in await line.notices() if n["type"] == "notice.released"]
    assert [(n["person"], n["reason"]) for n in released] == [("ana", "passed_on")]
    async with browser(line) as eva:
        assert "Um colega passou este alerta a você." in text_of(await eva.get(await link_to(line, "eva")))


async def test_a_link_expires_with_its_alert_and_says_how_it_ended(pool: Any) -> None:
    line = await told(pool, late())
    link = await link_to(line)
    await line.hear(sla("closed_late", sequence=2, late_seconds=780))
    async with browser(line) as ana:
        shown = await ana.get(link)
        assert (shown.status_code, state_of(shown), "<form" in shown.text) == (200, "ended", False)
        assert "Feito com atraso de 13 min (tempo contado)." in text_of(shown)
        for form in ({"do": "take"}, {"do": "pass", "to": "bob"}, {"do": "undo"}):
            assert state_of(await ana.post(link, data=form)) == "ended"
    await line.turn()
    assert await line.told() == ["sent", "sent"]


async def test_a_replayed_request_changes_nothing_after_a_new_breach_and_leads_to_the_new_page(pool: Any) -> None:
    revised = {"replaces": "x", "from": "breached", "to": "open", "cause": "late_event"}
    line = await told(pool, late())
    old = await link_to(line)
    await line.hear(sla("revised", sequence=2, **revised), late(sequence=3))
    await line.turn()
    async with browser(line) as ana:
        shown = await ana.post(old)
        assert state_of(shown) == "newer"
        assert await pool.fetchval("SELECT acknowledged_by FROM alert") is None
        newer = re.search(r'href="(\.\./[^"]+)"', shown.text)
        assert newer is not None
        assert str(httpx.URL(old).join(newer.group(1))) == await link_to(line)
        assert state_of(await ana.get(await link_to(line))) == "open"


async def test_a_broken_promise_is_told_on_the_next_page(pool: Any) -> None:
    line = await told(pool, late())
    async with browser(line) as ana:
        await ana.post(await link_to(line), data={"minutes": "5"})
        await line.later(301)
        await line.turn()
        shown = await ana.get(await link_to(line))
    assert "Ana tinha assumido, e o tempo prometido passou sem resposta." in text_of(shown)


async def test_who_was_told_says_what_became_of_each_message(pool: Any) -> None:
    methods = [{"by": "mail", "to": "ana@x.example"}, {"by": "hook"}, {"by": "pager", "after": "5m"}]
    oncall = {**ONCALL, "people": {**ONCALL["people"], "ana": {"name": "Ana", "methods": methods}}}
    line = await told(
        pool,
        late(),
        oncall=oncall,
        mail=Scripted(Result(Outcome.FAILED_PERMANENT, "mailbox_full")),
        hook=Scripted(Result(Outcome.DELIVERED)),
    )
    async with browser(line) as ana:
        shown = text_of(await ana.get(await link_to(line)))
    assert "Ana e-mail falhou (caixa de entrada cheia); hook entregue às" in shown
    assert "pager sai às" in shown
    assert "@" not in shown


async def test_a_page_of_many_reaches_every_alert_worst_first_in_small_pages(pool: Any) -> None:
    line = await storm(pool, 130)
    async with browser(line) as ana:
        link = await link_to(line)
        found: list[str] = []
        for first in (0, 50, 100):
            shown = await ana.get(link, params={"from": str(first)})
            assert len(shown.content) < 15_000, len(shown.content)
            found += re.findall(r"#(T\d+) ", shown.text.partition("<ul>")[2].partition("</ul>")[0].replace("</b>", ""))
        assert f"?from={50}" in (await ana.get(link)).text
        one = re.findall(r'name="alert" value="(\d+)"', (await ana.get(link)).text)[3]
        taken = await ana.post(f"{link}?from=50", data={"alert": one})
        assert str(taken.url).endswith("?from=50")
        assert await pool.fetchval("SELECT count(*) FROM alert WHERE acknowledged_by = 'ana'") == 1
        assert "seus: 1 · sem ninguém: 124" in text_of(taken)
        done = await ana.post(link, data={"do": "take"})
        assert (state_of(done), len(done.content) < 15_000) == ("yours", True)
        passed = await ana.post(link, data={"do": "pass", "to": "eva"})
        assert state_of(passed) == "open"
    assert found == sorted(found, key=lambda ticket: -int(ticket[1:]))
    assert len(found) == 125


async def storm(pool: Any, n: int, title: str = LONG) -> Line:
    """Return a line with ``n`` breaches, of which the first five stand on pages of their own."""
    events = [late(f"T{i}", -(i + 1), client_id="Comércio São João & Cia", ticket={"title": title}) for i in range(n)]
    line = Line.of(pool)
    await line.hear(*events[:5])
    await line.turn()
    await line.hear(*events[5:])
    await line.turn()
    await line.later(6)
    await line.turn()
    return line


@pytest.mark.parametrize("title", ["'\"<&>" * 100, "票" * 500, "🧾" * 500])
async def test_no_text_from_outside_makes_a_page_large_or_marked_up(pool: Any, title: str) -> None:
    line = await storm(pool, 60, title)
    async with browser(line) as ana:
        many = await ana.get(await link_to(line))
        first = await pool.fetchval("SELECT min(notice_no) FROM notice")
        one = await ana.get(f"http://x/a/{first}/{token(KEY, first, 'ana', ACKNOWLEDGE)}")
    assert max(len(many.content), len(one.content)) < 15_000
    assert "<&>" not in many.text + one.text


async def test_many_people_do_not_make_a_page_large(pool: Any) -> None:
    ways = [{"by": "mail", "to": "x@x.example"}, {"by": "hook"}, {"by": "pager"}]
    people = {f"p{i}": {"name": f"Fernanda de Albuquerque {i:03d} São", "methods": ways} for i in range(300)}
    teams = {"primary": [f"p{i}" for i in range(20)], "secondary": ["p20"]}
    oncall = {**ONCALL, "people": {**ONCALL["people"], **people}, "teams": teams}
    line = await told(pool, late(ticket={"title": LONG * 5}), oncall=oncall)
    async with browser(line) as one:
        shown = await one.post(await link_to(line, "p3"))
    assert len(shown.content) < 15_000, len(shown.content)
    assert shown.text.count("<option") == 60
    assert "e mais 12 pessoas" in shown.text


async def test_an_alert_whose_event_cannot_be_read_any_more_can_be_taken(pool: Any) -> None:
    line = await told(pool, late())
    await pool.execute("UPDATE alert SET event = 'another version'")
    async with browser(line) as ana:
        shown, taken = await ana.get(await link_to(line)), await ana.post(await link_to(line))
    assert "#4821" in text_of(shown)
    assert state_of(taken) == "yours"


async def test_a_test_message_is_about_no_alert_and_its_link_says_so(pool: Any) -> None:
    line = Line.of(pool)
    page_no = await pool.fetchval(
        "INSERT INTO page (person, word, emergency, route, gathers, thread, opened_at) VALUES ('ana', 'test', false, 'mail.0', false, 'page', now())"
        " RETURNING page_no"
    )
    await pool.execute(
        "INSERT INTO notice (page_no, person, channel, nth, rank, due_at, next_at) VALUES ($1, 'ana', 'mail', 0, 0, now(), now())",
        page_no,
    )
    await line.turn()
    (sent,) = line.channels["mail"].sent
    assert sent.content.subject == "[SLA] teste de aviso"
    assert "este meio de contato funciona" in sent.content.plain
    async with browser(line) as ana:
        shown = await ana.post(await link_to(line))
    assert "este meio de contato funciona" in text_of(shown)


async def test_the_manager_is_told_who_was_tried_and_what_failed(pool: Any) -> None:
    failed = Result(Outcome.FAILED_PERMANENT, "undeliverable")
    line = await told(pool, late(), mail=Scripted(failed, failed))
    finding = next(m for m in line.channels["mail"].sent if m.word.value == "finding")
    assert "Ninguém foi avisado" in finding.content.plain
    assert "- Ana: e-mail falhou (endereço ou número não existe)" in finding.content.plain
    assert "Você é gestor do plantão." in finding.content.plain
    assert due(0)[:4] not in finding.content.short
