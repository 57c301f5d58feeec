"""The SMTP transport against a scripted mail server: each way to go wrong is told as what it is."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from services.notifier.domain.escalation import Word
from services.notifier.store import Content, Delivery, Result
from services.notifier.transports.smtp import Mail, SmtpTransport

NOW = datetime(2026, 3, 5, 17, 5, tzinfo=UTC)
KIND = {"EHLO": b"250 x", "MAIL": b"250 ok", "RCPT": b"250 ok", "DATA": b"354 go", ".": b"250 q1", "greeting": b"220 x"}


@asynccontextmanager
async def mail_server(answers: Mapping[str, bytes]) -> AsyncIterator[int]:
    """Serve one dialogue as scripted (an empty answer hangs up); yield the port."""
    script = {**KIND, **answers}

    async def dialogue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        verb, in_data = "greeting", False
        while answer := b"" if in_data and verb != "." else script.get(verb, b"502 what"):
            writer.write(answer + b"\r\n")
            in_data = answer.startswith(b"354")
            while in_data and (row := await reader.readline()) not in (b".\r\n", b""):
                pass
            row = b"." if in_data else await reader.readline()
            if not row:
                break
            in_data, verb = False, row.split()[0].decode().upper()
        writer.close()

    server = await asyncio.start_server(dialogue, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def page(attempt: int = 1, word: Word = Word.BREACHED) -> Mail:
    """Return a page."""
    delivery = Delivery(1, 1, ("4821", "response", 1), word, "", 0, "ana", attempt, None, False, None, None, None, NOW)
    return Mail("ana@x.example", Content("s", "plain", "<p>html</p>"), delivery, NOW)


ANSWERS = [
    ("accepted", {}, ("accepted", None, "q1", False)),
    (
        "accepted in Latin-1",
        {".": b"250 recebida \xe0s\x00 2 h"},
        ("accepted", None, "recebida \ufffds\ufffd 2 h", False),
    ),
    ("closed for now at the door", {"greeting": b"421 later"}, ("failed_temporary", "smtp_421", None, True)),
    ("closed for good at the door", {"greeting": b"554 no"}, ("failed_temporary", "smtp_554", None, True)),
    ("hung up at the door", {"greeting": b""}, ("failed_temporary", "SMTPConnectError", None, True)),
    ("no greeting of ours", {"EHLO": b"550 no", "HELO": b"550 no"}, ("failed_temporary", "smtp_550", None, True)),
    ("greylisted", {"RCPT": b"450 later"}, ("failed_temporary", "smtp_450", None, True)),
    ("no such mailbox", {"RCPT": b"550 no"}, ("failed_permanent", "smtp_550", None, False)),
    ("refused after the data", {".": b"554 spam"}, ("failed_permanent", "smtp_554", None, False)),
    ("deferred after the data", {".": b"451 later"}, ("failed_temporary", "smtp_451", None, True)),
    ("hung up after the data", {".": b""}, ("unknown", "SMTPServerDisconnected", None, True)),
    ("no answer of SMTP after the data", {".": b"hello"}, ("unknown", "SMTPResponseException", None, True)),
]


@pytest.mark.parametrize(("answers", "said"), [row[1:] for row in ANSWERS], ids=[row[0] for row in ANSWERS])
async def test_what_the_server_answers_is_told_as_what_it_is(
    answers: dict[str, bytes], said: tuple[str, str | None, str | None, bool]
) -> None:
    async with mail_server(answers) as port:
        result = await SmtpTransport(f"127.0.0.1:{port}", "prazo@x.example").send(page())
    assert (result.outcome, result.reason, result.provider_id, result.retry_in is not None) == said


async def test_an_address_that_the_server_cannot_take_is_a_failure_for_good() -> None:
    async with mail_server({}) as port:
        mail = replace(page(), to="joão@x.example")  # the server has no SMTPUTF8
        result = await SmtpTransport(f"127.0.0.1:{port}", "prazo@x.example").send(mail)
    assert result == Result("failed_permanent", "SMTPNotSupported")


async def test_a_server_that_is_not_there_is_tried_for_as_long_as_the_alert_is_open() -> None:
    async with mail_server({}) as port:
        pass
    results: list[Result] = [
        await SmtpTransport(f"127.0.0.1:{port}", "prazo@x.example").send(page(attempt)) for attempt in (1, 50, 5000)
    ]
    assert [(r.outcome, r.retry_in and r.retry_in.total_seconds()) for r in results] == [
        ("failed_temporary", 2),
        ("failed_temporary", 120),
        ("failed_temporary", 120),
    ]
