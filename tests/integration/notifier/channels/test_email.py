"""The e-mail channel against a strict mail server: each way to go wrong is told as what it is, kept connections and all."""

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from services.notifier.domain.cause import Cause
from services.notifier.domain.message import Channel, Outcome, Result
from tests.fakes.messages import ADDRESS, message
from tests.fakes.smtp import Fault, MailSink
from tests.integration.notifier.channels.ways import World, opened

ACCEPTED, TEMPORARY, PERMANENT, UNKNOWN = (
    *(Outcome.ACCEPTED, Outcome.FAILED_TEMPORARY),
    *(Outcome.FAILED_PERMANENT, Outcome.UNKNOWN),
)


@asynccontextmanager
async def mailing(sink: MailSink, folder: Path, **more: Any) -> AsyncIterator[Channel]:
    """Open the channel to a server that listens."""
    world = World(smtp_out=f"127.0.0.1:{sink.port}")
    async with opened(folder, {"kind": "email", "timeout": "1s", **more}, world) as channel:
        yield channel


ANSWERS: list[tuple[str, Mapping[str, bytes | Fault], Result]] = [
    ("accepted", {}, Result(ACCEPTED, None, "2.0.0 queued as Q1")),
    ("accepted in Latin-1", {".": b"250 recebida \xe0s\x00 2 h"}, Result(ACCEPTED, None, "recebida \ufffds\ufffd 2 h")),
    ("closed for now at the door", {"greeting": b"421 later"}, Result(TEMPORARY, Cause.REMOTE_BUSY)),
    ("closed for good at the door", {"greeting": b"554 no"}, Result(TEMPORARY, Cause.REMOTE_BUSY)),
    ("hung up at the door", {"greeting": Fault.DROP}, Result(TEMPORARY, Cause.UNREACHABLE)),
    ("silent at the door", {"greeting": Fault.SILENCE}, Result(TEMPORARY, Cause.TIMEOUT)),
    ("no greeting of ours", {"EHLO": b"550 no", "HELO": b"550 no"}, Result(TEMPORARY, Cause.REMOTE_BUSY)),
    ("our sender refused for now", {"MAIL": b"451 4.7.1 later"}, Result(TEMPORARY, Cause.FILTERED)),
    ("hung up before the data", {"RCPT": Fault.DROP}, Result(TEMPORARY, Cause.DISCONNECTED)),
    ("silent before the data", {"RCPT": Fault.SILENCE}, Result(TEMPORARY, Cause.TIMEOUT)),
    ("greylisted", {"RCPT": b"450 4.2.0 later"}, Result(TEMPORARY, Cause.REMOTE_BUSY)),
    ("no such mailbox", {"RCPT": b"550 5.1.1 no such user"}, Result(PERMANENT, Cause.UNDELIVERABLE)),
    ("no such mailbox, in old words", {"RCPT": b"550 no"}, Result(PERMANENT, Cause.UNDELIVERABLE)),
    ("mailbox full for now", {"RCPT": b"452 4.2.2 full"}, Result(TEMPORARY, Cause.MAILBOX_FULL)),
    ("refused at DATA", {"DATA": b"554 5.5.1 no"}, Result(PERMANENT, Cause.REFUSED)),
    ("refused after the data", {".": b"554 5.7.1 spam"}, Result(PERMANENT, Cause.FILTERED)),
    ("deferred after the data", {".": b"451 later"}, Result(TEMPORARY, Cause.REMOTE_BUSY)),
    ("hung up after the data", {".": Fault.DROP}, Result(UNKNOWN, Cause.DISCONNECTED)),
    ("silent after the data", {".": Fault.SILENCE}, Result(UNKNOWN, Cause.TIMEOUT)),
    ("no answer of SMTP after the data", {".": b"hello"}, Result(UNKNOWN, Cause.UNEXPECTED_ANSWER)),
]


@pytest.mark.parametrize(("answers", "said"), [row[1:] for row in ANSWERS], ids=[row[0] for row in ANSWERS])
async def test_what_the_server_answers_is_told_as_what_it_is(
    answers: Mapping[str, bytes | Fault], said: Result, tmp_path: Path
) -> None:
    async with MailSink(answers) as sink, mailing(sink, tmp_path) as channel:
        assert await channel.send(message(to=ADDRESS)) == said


@pytest.mark.parametrize("address", ["joão@x.example", "no address", "a@b.example\r\nBcc: all@b.example", ""])
async def test_an_address_that_no_server_takes_is_a_failure_for_good(address: str, tmp_path: Path) -> None:
    async with MailSink() as sink, mailing(sink, tmp_path) as channel:
        assert await channel.send(message(to=address)) == Result(PERMANENT, Cause.BAD_ADDRESS)
        assert sink.mails == []


async def test_a_server_that_is_not_there_has_certainly_not_taken_anything(tmp_path: Path) -> None:
    async with MailSink() as sink:
        pass
    async with mailing(sink, tmp_path) as channel:
        assert await channel.send(message(to=ADDRESS)) == Result(TEMPORARY, Cause.UNREACHABLE)


async def test_a_server_without_the_tls_that_is_required_gets_neither_password_nor_mail(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("canaryPassword")
    more = {"tls": "starttls", "user": "prazo", "password_file": "password"}
    async with MailSink() as sink, mailing(sink, tmp_path, **more) as channel:
        assert (await channel.send(message(to=ADDRESS))).outcome is TEMPORARY
        assert sink.mails == []


def read(data: bytes) -> EmailMessage:
    """Return a mail as it came."""
    found = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


async def test_a_repetition_has_the_same_message_id_and_everything_of_an_alert_is_one_thread(tmp_path: Path) -> None:
    sent = [message(to=ADDRESS), message(to=ADDRESS, attempt=2, repeated=True), message(to=ADDRESS, notice_id="other")]
    async with MailSink() as sink, mailing(sink, tmp_path) as channel:
        for one in sent:
            await channel.send(one)
        first, again, other = (read(mail.data) for mail in sink.mails)
    assert first["Message-ID"] == again["Message-ID"] == f"<notice.{message().notice_id}@desk.example>"
    assert other["Message-ID"] == "<notice.other@desk.example>"
    assert len({mail["References"] for mail in (first, again, other)}) == 1
    headers = ("Auto-Submitted", "Prazo-Ticket", "Prazo-Clock", "Prazo-Event", "To", "From")
    assert [first[name] for name in headers] == [
        *("auto-generated", "4821", "response/1", "breached", ADDRESS, "Prazo <prazo@desk.example>")
    ]
    assert [part.get_content_type() for part in first.walk()][1:] == ["text/plain", "text/html"]


async def test_no_header_can_be_injected(tmp_path: Path) -> None:
    evil = "a\r\nBcc: all@b.example\u2028\x00x"
    facts = {"ticket_id": evil, "metric": evil, "cycle": evil}
    content = message().content.__class__(subject=evil, plain="x")
    async with MailSink() as sink, mailing(sink, tmp_path) as channel:
        result = await channel.send(message(to=ADDRESS, facts=facts, content=content, thread=evil, notice_id=evil))
        assert result.outcome is ACCEPTED
        assert "Bcc" not in read(sink.mails[0].data)


async def test_a_connection_is_used_again_and_each_mail_gets_its_own_answer(tmp_path: Path) -> None:
    async with MailSink() as sink, mailing(sink, tmp_path) as channel:
        results = [await channel.send(message(to=f"p{n}@x.example")) for n in range(5)]
        assert sink.connections == 1
        sink.answers["RCPT"] = b"550 5.1.1 no"
        assert (await channel.send(message(to="gone@x.example"))).outcome is PERMANENT
        sink.answers["RCPT"] = b"250 ok"
        results.append(await channel.send(message(to="p5@x.example")))
        assert sink.connections == 2  # one with a refusal is not used again
    assert [result.provider_id for result in results] == [f"2.0.0 queued as Q{n}" for n in range(1, 7)]
    assert [mail.recipient for mail in sink.mails] == [f"p{n}@x.example" for n in range(6)]


async def test_a_kept_connection_that_the_server_has_closed_costs_no_attempt(tmp_path: Path) -> None:
    async with MailSink(mails_each=1) as sink, mailing(sink, tmp_path) as channel:
        for _ in range(3):
            assert (await channel.send(message(to=ADDRESS))).outcome is ACCEPTED
            await asyncio.sleep(0.02)
        assert (sink.connections, len(sink.mails)) == (3, 3)


async def test_a_kept_connection_that_says_421_costs_no_attempt(tmp_path: Path) -> None:
    async with MailSink() as sink, mailing(sink, tmp_path) as channel:
        await channel.send(message(to=ADDRESS))
        sink.answers["MAIL"] = b"421 too many"
        assert await channel.send(message(to=ADDRESS)) == Result(TEMPORARY, Cause.REMOTE_BUSY)  # by a fresh one too
        sink.answers["MAIL"] = b"250 ok"
        assert (await channel.send(message(to=ADDRESS))).outcome is ACCEPTED
        assert sink.connections == 3


async def test_a_loss_after_the_data_on_a_kept_connection_is_unknown_and_not_sent_again(tmp_path: Path) -> None:
    async with MailSink() as sink, mailing(sink, tmp_path) as channel:
        await channel.send(message(to=ADDRESS))
        sink.answers["."] = Fault.DROP
        assert await channel.send(message(to=ADDRESS)) == Result(UNKNOWN, Cause.DISCONNECTED)
        assert sink.connections == 1


async def test_a_time_out_leaves_no_answer_behind_for_the_next_mail(tmp_path: Path) -> None:
    async with MailSink() as sink, mailing(sink, tmp_path) as channel:
        await channel.send(message(to=ADDRESS))
        sink.answers["."] = Fault.SILENCE
        assert await channel.send(message(to=ADDRESS)) == Result(UNKNOWN, Cause.TIMEOUT)
        sink.answers["."] = b"250 Q%d"
        assert await channel.send(message(to=ADDRESS)) == Result(ACCEPTED, None, "Q2")


async def test_a_hundred_at_once_are_a_hundred_mails_over_a_few_kept_connections(tmp_path: Path) -> None:
    async with MailSink() as sink, mailing(sink, tmp_path, timeout="20s", at_once=5) as channel:
        lane = asyncio.Semaphore(5)

        async def one(n: int) -> Result:
            async with lane:
                return await channel.send(message(to=f"p{n}@x.example"))

        results = await asyncio.gather(*(one(n) for n in range(100)))
        assert {result.outcome for result in results} == {ACCEPTED}
        assert sorted(mail.recipient for mail in sink.mails) == sorted(f"p{n}@x.example" for n in range(100))
        assert len({result.provider_id for result in results}) == 100
        assert sink.connections <= 10
