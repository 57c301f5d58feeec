"""Channels over HTTP against strict remotes: each way to go wrong is told as what it is."""

import asyncio
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from services.notifier.domain.cause import Cause
from services.notifier.domain.message import Outcome, Result, Word
from tests.fakes import twilio, zenvia
from tests.fakes.messages import LINK, NUMBER, message
from tests.fakes.pagerduty import PagerDutyApi
from tests.fakes.remote import Fault, Reply
from tests.fakes.webhook import Receiver
from tests.integration.notifier.channels.ways import FAKES, KEY, config, opened, way, write_secrets

ACCEPTED, TEMPORARY, PERMANENT, UNKNOWN = (
    *(Outcome.ACCEPTED, Outcome.FAILED_TEMPORARY),
    *(Outcome.FAILED_PERMANENT, Outcome.UNKNOWN),
)
ADDRESSED = {"twilio": NUMBER, "zenvia": NUMBER}


def seconds(count: int) -> timedelta:
    """Return a duration."""
    return timedelta(seconds=count)


SAME_FOR_ALL: list[tuple[str, Reply | Fault, Result]] = [
    ("says nothing", Fault.SILENCE, Result(UNKNOWN, Cause.TIMEOUT)),
    ("hangs up after the body", Fault.DROP, Result(UNKNOWN, Cause.DISCONNECTED)),
    ("is no HTTP server", Fault.NO_HTTP, Result(UNKNOWN, Cause.DISCONNECTED)),
    ("429", Reply(429, b"slow", {"Retry-After": "120"}), Result(TEMPORARY, Cause.RATE_LIMITED, retry_in=seconds(120))),
    (
        "429 for ever",
        Reply(429, b"", {"Retry-After": "9" * 30}),
        Result(TEMPORARY, Cause.RATE_LIMITED, None, seconds(900)),
    ),
    ("429 at once", Reply(429, b"", {"Retry-After": "0"}), Result(TEMPORARY, Cause.RATE_LIMITED, None, seconds(1))),
    ("429 in words", Reply(429, b"", {"Retry-After": "soon"}), Result(TEMPORARY, Cause.RATE_LIMITED)),
    ("408", Reply(408), Result(TEMPORARY, Cause.REMOTE_BUSY)),
    ("425", Reply(425), Result(TEMPORARY, Cause.REMOTE_BUSY)),
    ("400", Reply(400), Result(PERMANENT, Cause.CONTENT_REFUSED)),
    ("401", Reply(401), Result(PERMANENT, Cause.CREDENTIALS_REFUSED)),
    ("403", Reply(403), Result(PERMANENT, Cause.CREDENTIALS_REFUSED)),
    ("404", Reply(404), Result(PERMANENT, Cause.GONE)),
    ("410", Reply(410), Result(PERMANENT, Cause.GONE)),
    ("418", Reply(418), Result(PERMANENT, Cause.REFUSED)),
    ("307", Reply(307, b"", {"Location": "http://127.0.0.1:1/"}), Result(PERMANENT, Cause.REDIRECTED)),
]


@pytest.mark.parametrize("name", FAKES)
@pytest.mark.parametrize(("reply", "said"), [row[1:] for row in SAME_FOR_ALL], ids=[row[0] for row in SAME_FOR_ALL])
async def test_what_http_says_is_told_as_what_it_is(
    name: str, reply: Reply | Fault, said: Result, tmp_path: Path
) -> None:
    async with FAKES[name](reply) as remote, way(name, remote, tmp_path) as channel:
        assert await channel.send(message(to=ADDRESSED.get(name, ""))) == said
        assert len(remote.requests) == 1


FIVE_HUNDREDS = [
    *[(name, 500, Result(TEMPORARY, Cause.REMOTE_ERROR)) for name in ("webhook", "pagerduty")],
    *[(name, 500, Result(UNKNOWN, Cause.REMOTE_ERROR)) for name in ("slack", "teams", "twilio", "zenvia")],
    *[(name, 503, Result(TEMPORARY, Cause.REMOTE_BUSY)) for name in FAKES if name != "pagerduty"],
    *[(name, 502, Result(UNKNOWN, Cause.REMOTE_ERROR)) for name in FAKES if name != "pagerduty"],
    *[(name, 504, Result(UNKNOWN, Cause.REMOTE_ERROR)) for name in FAKES if name != "pagerduty"],
    *[("pagerduty", status, Result(TEMPORARY, Cause.REMOTE_ERROR)) for status in (502, 503, 504)],
]


@pytest.mark.parametrize(("name", "status", "said"), FIVE_HUNDREDS)
async def test_a_5xx_is_never_sent_and_unknown_where_nobody_says_more(
    name: str, status: int, said: Result, tmp_path: Path
) -> None:
    async with FAKES[name](Reply(status, b"<html>")) as remote, way(name, remote, tmp_path) as channel:
        assert await channel.send(message(to=ADDRESSED.get(name, ""))) == said


LOST = Result(UNKNOWN, Cause.UNEXPECTED_ANSWER)
OWN_WORDS: list[tuple[str, Reply | Fault, Result]] = [
    ("webhook", Reply(200, b"anything"), Result(ACCEPTED)),
    ("webhook", Fault.LOST_BODY, Result(ACCEPTED)),
    ("webhook", Fault.ENDLESS, Result(ACCEPTED)),
    ("pagerduty", Reply(200, b"{}"), LOST),
    ("pagerduty", Reply(202, b'{"status": "invalid event"}'), Result(PERMANENT, Cause.REFUSED)),
    *[
        ("slack", Reply(status, word.encode()), Result(PERMANENT, cause))
        for status, word, cause in (
            *((400, "invalid_payload", Cause.CONTENT_REFUSED), (404, "no_service", Cause.GONE)),
            *((410, "channel_is_archived", Cause.GONE), (404, "channel_not_found", Cause.GONE)),
            *((403, "action_prohibited", Cause.REFUSED), (200, "no_service", Cause.GONE)),
            *((200, "No service", Cause.GONE), (200, "<html>welcome", Cause.UNEXPECTED_ANSWER)),
        )
    ],
    ("slack", Reply(500, b"rollup_error"), Result(TEMPORARY, Cause.REMOTE_ERROR)),
    ("slack", Fault.LOST_BODY, LOST),
    *[
        ("teams", Reply(status, orjson.dumps({"error": {"code": code, "message": "x"}})), Result(PERMANENT, cause))
        for status, code, cause in (
            *((400, "WorkflowTriggerIsNotEnabled", Cause.GONE), (404, "WorkflowNotFound", Cause.GONE)),
            (400, "TriggerInputSchemaMismatch", Cause.CONTENT_REFUSED),
            *((401, "DirectApiAuthorizationRequired", Cause.CREDENTIALS_REFUSED), (200, "Whatever", Cause.REFUSED)),
        )
    ],
    (
        "teams",
        Reply(200, b"Webhook message delivery failed with error: HTTP error 429"),
        Result(TEMPORARY, Cause.RATE_LIMITED),
    ),
    (
        "teams",
        Reply(200, b"Webhook message delivery failed with error: HTTP error 404"),
        Result(PERMANENT, Cause.REFUSED),
    ),
    ("teams", Reply(200, b"1"), Result(ACCEPTED)),
    *[
        ("twilio", twilio.refusal(status, code), Result(outcome, cause))
        for status, code, outcome, cause in (
            *((400, 21211, PERMANENT, Cause.BAD_ADDRESS), (400, 21610, PERMANENT, Cause.OPTED_OUT)),
            *((400, 21614, PERMANENT, Cause.UNDELIVERABLE), (401, 20003, PERMANENT, Cause.CREDENTIALS_REFUSED)),
            *((400, 21611, TEMPORARY, Cause.RATE_LIMITED), (500, 20500, TEMPORARY, Cause.REMOTE_ERROR)),
            *((400, 99999, PERMANENT, Cause.CONTENT_REFUSED), (500, 99999, UNKNOWN, Cause.REMOTE_ERROR)),
        )
    ],
    ("twilio", Reply(201, b'{"sid": "SM1", "error_code": 30003}'), Result(TEMPORARY, Cause.HANDSET_UNREACHABLE)),
    ("twilio", Reply(201, b'{"sid": "SM1", "error_code": 88888}'), Result(PERMANENT, Cause.REFUSED)),
    ("twilio", Reply(201, b'{"sid": "SM1", "status": "failed"}'), Result(PERMANENT, Cause.REFUSED)),
    ("twilio", Reply(201, b'{"status": "queued"}'), LOST),
    ("twilio", Fault.LOST_BODY, LOST),
    ("twilio", Fault.ENDLESS, LOST),
    ("zenvia", zenvia.refusal(400, "VALIDATION_ERROR"), Result(PERMANENT, Cause.CONTENT_REFUSED)),
    ("zenvia", zenvia.refusal(200, "INSUFFICIENT_BALANCE"), Result(PERMANENT, Cause.REFUSED)),
    ("zenvia", zenvia.refusal(500, "INTERNAL_ERROR"), Result(TEMPORARY, Cause.REMOTE_ERROR)),
    ("zenvia", Reply(200, b'{"id": 7}'), LOST),
    ("zenvia", Reply(200, b"[]"), LOST),
]


@pytest.mark.parametrize(("name", "reply", "said"), OWN_WORDS)
async def test_each_api_s_own_words_are_understood(
    name: str, reply: Reply | Fault, said: Result, tmp_path: Path
) -> None:
    async with FAKES[name](reply) as remote, way(name, remote, tmp_path) as channel:
        assert await channel.send(message(to=ADDRESSED.get(name, ""))) == said


@pytest.mark.parametrize("word", Word)
@pytest.mark.parametrize("name", FAKES)
async def test_every_word_is_accepted_by_a_strict_remote(name: str, word: Word, tmp_path: Path) -> None:
    async with FAKES[name]() as remote, way(name, remote, tmp_path) as channel:
        if isinstance(remote, PagerDutyApi):
            await channel.send(message(word=Word.WARNING))
        for language in ("pt-BR", "en"):
            sent = message(word=word, language=language, to=ADDRESSED.get(name, ""))
            assert (await channel.send(sent)).outcome is Outcome.ACCEPTED


@pytest.mark.parametrize("name", FAKES)
async def test_a_remote_that_is_not_there_has_certainly_not_taken_anything(name: str, tmp_path: Path) -> None:
    async with FAKES[name]() as remote:
        pass
    async with way(name, remote, tmp_path) as channel:
        said = await channel.send(message(to=ADDRESSED.get(name, "")))
    assert said == Result(TEMPORARY, Cause.UNREACHABLE)


async def test_an_incident_is_triggered_acknowledged_and_resolved_by_one_key(tmp_path: Path) -> None:
    words = (Word.WARNING, Word.BREACHED, Word.ACKNOWLEDGED, Word.ALL_CLEAR)
    async with PagerDutyApi() as remote, way("pagerduty", remote, tmp_path) as channel:
        results = [await channel.send(message(word=word)) for word in words]
        assert {result.provider_id for result in results} == {message().thread}
        sent = [(r.json["event_action"], r.json.get("payload", {}).get("severity")) for r in remote.requests]
        assert sent == [("trigger", "warning"), ("trigger", "critical"), ("acknowledge", None), ("resolve", None)]
        assert remote.incidents == {message().thread: "resolve"}
        first = remote.requests[0].json
        assert first["payload"]["custom_details"] == message().facts
        assert first["links"][0]["href"] == LINK


async def test_a_webhook_keeps_its_id_and_bytes_over_attempts_and_is_signed_by_both_keys(tmp_path: Path) -> None:
    (tmp_path / "next").write_text("n" * 32)
    async with Receiver(Reply(500)) as remote:
        write_secrets(tmp_path)
        async with opened(tmp_path, config("webhook", remote.url, next_key_file="next")) as channel:
            results = [await channel.send(message(attempt=n, repeated=n == 3)) for n in (1, 2, 3)]
        assert [result.outcome for result in results] == [TEMPORARY, ACCEPTED, ACCEPTED]
        assert remote.ids == [message().notice_id] * 3
        bodies = [request.body for request in remote.requests]
        assert bodies[0] == bodies[1]
        assert bodies[2] == bodies[0].replace(b'"repeated":false', b'"repeated":true')
        assert all(request.headers["prazo-signature"].count("v1=") == 2 for request in remote.requests)
        assert KEY not in str(remote.requests)


@pytest.mark.parametrize("name", ["slack", "teams"])
async def test_an_ended_alert_has_no_button_any_more(name: str, tmp_path: Path) -> None:
    async with FAKES[name]() as remote, way(name, remote, tmp_path) as channel:
        for word in (Word.BREACHED, Word.ACKNOWLEDGED, Word.ALL_CLEAR):
            await channel.send(message(word=word))
        assert [LINK in request.body.decode() for request in remote.requests] == [True, False, False]


@pytest.mark.parametrize(
    ("name", "shown"), [("slack", "&lt;!channel&gt; [x](https"), ("teams", "<!channel> [x] (https")]
)
async def test_what_a_client_wrote_mentions_nobody_and_links_nowhere(name: str, shown: str, tmp_path: Path) -> None:
    facts = {**message().facts, "client": "<!channel> [x](https://evil.example)"}
    async with FAKES[name]() as remote, way(name, remote, tmp_path) as channel:
        await channel.send(message(facts=facts))
        assert shown in remote.requests[0].body.decode()


async def test_an_answer_without_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    async with Receiver(Fault.ENDLESS) as remote, way("webhook", remote, tmp_path, timeout="20s") as channel:
        began = loop.time()
        assert await channel.send(message()) == Result(ACCEPTED)
        assert loop.time() - began < 10


async def test_no_connection_is_used_twice(tmp_path: Path) -> None:
    async with Receiver() as remote, way("webhook", remote, tmp_path) as channel:
        for _ in range(2):
            assert (await channel.send(message())).outcome is Outcome.ACCEPTED
        assert [request.headers["connection"] for request in remote.requests] == ["close", "close"]
