"""Links and requests: what proves who somebody is, what is refused, and what no answer and no log line tells."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from services.notifier.domain.token import ACKNOWLEDGE, token
from services.notifier.pages.proof import WRONG_PER_MINUTE
from tests.notifier_line import KEY, sla
from tests.notifier_page import browser, late, link_to, state_of, told

OTHER = b"o" * 32


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


@pytest.mark.parametrize("to", ["ana", "nobody", "", "eva@x.example"])
async def test_it_is_passed_on_to_people_of_the_file_only(pool: Any, to: str) -> None:
    line = await told(pool, late())
    async with browser(line) as ana:
        refused = await ana.post(await link_to(line), data={"do": "pass", "to": to})
    assert refused.status_code == 400
    assert len(line.sent) == 1
