"""What a link and its page hold against: many alerts, long texts, wrong links, other programs, broken events."""

import re
from typing import Any

import pytest
from structlog.testing import capture_logs

from services.notifier.domain.message import Outcome, Result
from services.notifier.domain.token import ACKNOWLEDGE, token
from services.notifier.pages.proof import WRONG_PER_MINUTE
from tests.notifier_line import KEY, ONCALL, Line, Scripted, sla
from tests.notifier_page import LONG, browser, due, late, link_to, state_of, text_of, told

OTHER = b"o" * 32


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


async def test_a_wrong_link_says_no_more_than_that(pool: Any) -> None:
    line = await told(pool, late())
    number, proof = (await link_to(line)).split("/")[-2:]
    wrong = [
        f"/a/{number}/{'0' * 32}",
        f"/a/{number}/{proof[:-1]}",
        f"/a/{number}/{proof.upper()}",
        f"/a/{int(number) + 1}/{proof}",
        f"/a/{number}/{token(KEY, int(number), 'bob', ACKNOWLEDGE)}",
        f"/a/{number}/{token(KEY, int(number), 'ana', 'resolve')}",
        f"/a/{number}/{token(OTHER, int(number), 'ana', ACKNOWLEDGE)}",
        f"/a/{10**18}/{proof}",
        f"/a/{10**40}/{proof}",
        f"/a/-1/{proof}",
        f"/a/x/{'é' * 32}",
    ]
    async with browser(line) as eve:
        answers = [await eve.request(method, path) for path in wrong for method in ("GET", "POST")]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1
    assert "Este link não é válido" in answers[0].text
    assert "This link is not valid" in answers[0].text
    assert await pool.fetchval("SELECT acknowledged_by FROM alert") is None


async def test_two_keys_prove_links_and_no_third(pool: Any) -> None:
    line = await told(pool, late())
    link = await link_to(line)
    for keys, status in (((KEY,), 200), ((OTHER, KEY), 200), ((OTHER,), 404)):
        async with browser(line, *keys) as ana:
            assert (await ana.get(link)).status_code == status


async def test_who_tries_many_wrong_links_is_told_to_wait_and_a_right_link_works_all_the_same(pool: Any) -> None:
    line = await told(pool, late())
    async with browser(line) as eve:
        answers = [await eve.get(f"/a/1/{i:032x}") for i in range(WRONG_PER_MINUTE + 5)]
        assert [answer.status_code for answer in answers] == [404] * WRONG_PER_MINUTE + [429] * 5
        assert answers[-1].headers["retry-after"] == "60"
        assert state_of(await eve.get(await link_to(line))) == "open"


async def test_every_answer_is_kept_nowhere_told_nowhere_and_runs_no_script(pool: Any) -> None:
    line = await told(pool, late())
    link = await link_to(line)
    async with browser(line) as ana:
        answers = [await ana.get(link), await ana.get("/a/1/x"), await ana.post(link, data={"do": "what"})]
        ana.follow_redirects = False
        answers.append(await ana.post(link))
    assert [answer.status_code for answer in answers] == [200, 404, 400, 303]
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "script" not in answer.text + policy
    assert answers[-1].headers["location"] == link.rpartition("/")[2]


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"do=take" + b"&x=1" * 50, "application/x-www-form-urlencoded", 400),
        (b"x" * 5000, "application/x-www-form-urlencoded", 413),
        (b"{}", "application/json", 415),
        (b"\xff\xfe", "application/x-www-form-urlencoded", 400),
        (b"alert=9999999999999999999", "application/x-www-form-urlencoded", 400),
        (b"minutes=7", "application/x-www-form-urlencoded", 400),
    ],
)
async def test_a_form_that_is_none_of_ours_changes_nothing(pool: Any, body: bytes, kind: str, status: int) -> None:
    line = await told(pool, late())
    async with browser(line) as ana:
        refused = await ana.post(await link_to(line), content=body, headers={"content-type": kind})
    assert refused.status_code == status
    assert await pool.fetchval("SELECT acknowledged_by FROM alert") is None


async def test_a_program_gets_the_same_as_data(pool: Any) -> None:
    line = await told(pool, late())
    async with browser(line, accept="application/json") as program:
        link = await link_to(line)
        before, after = await program.get(link), await program.post(link, data={"minutes": "15"})
        assert (before.json()["free"], before.json()["alerts"][0]["state"]) == (1, "open")
        assert (after.status_code, after.json()["alerts"][0]["taken_by"]) == (200, "ana")
        await line.hear(sla("closed_late", sequence=2, late_seconds=3))
        ended = await program.post(link)
        assert (ended.status_code, ended.json()["alerts"][0]["state"]) == (409, "ended")
        wrong = await program.get("/a/1/x")
        assert (wrong.status_code, wrong.json()["error"]) == (404, "no_link")


async def test_no_log_line_has_a_proof_or_an_address(pool: Any) -> None:
    with capture_logs() as logs:
        line = await told(pool, late())
        link = await link_to(line)
        async with browser(line) as ana:
            for form in ({"do": "take"}, {"do": "undo"}, {"do": "pass", "to": "eva"}, {"do": "what"}):
                await ana.post(link, data=form)
            await ana.get("/a/1/x")
    said = repr(logs)
    assert [entry["act"] for entry in logs if entry["event"] == "page_used"] == ["take", "undo", "pass"]
    assert link.rpartition("/")[2] not in said
    assert "@" not in said


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
