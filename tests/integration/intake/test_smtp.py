"""The SMTP server on a real PostgreSQL: what gets 250 is stored as it came, what is refused is refused for good reason."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiosmtplib
import pytest

from deploy.local.__main__ import _WHAT_NOW
from services.intake.store.mail import Received, store_message
from tests.integration.intake.smtp import DESK, ME, SIZE_LIMIT, listening


@pytest.fixture
async def port(pool: Any) -> AsyncIterator[int]:
    """Return the port of a listening server."""
    async with listening(pool) as port:
        yield port


async def send(port: int, raw: bytes, *to: str) -> str:
    """Send one mail; return the code and text of the answer to it."""
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False, timeout=30) as client:
        await client.mail(ME)
        for mailbox in to or (DESK,):
            await client.rcpt(mailbox)
        try:
            code, text = await client.data(raw)
        except aiosmtplib.SMTPDataError as error:
            code, text = error.code, error.message
        return f"{code} {text}"


LINES = [("just too long", 1_001), ("a page of HTML", 300_000), ("nearly the whole message", SIZE_LIMIT - 100)]


@pytest.mark.parametrize("length", [row[1] for row in LINES], ids=[row[0] for row in LINES])
async def test_a_mail_with_a_long_line_is_stored_as_it_came(pool: Any, port: int, length: int) -> None:
    raw = b"Subject: a\r\n\r\n" + b"x" * length + b"\r\n"
    assert (await send(port, raw))[:3] == "250"
    assert await pool.fetchval("SELECT raw FROM message") == raw


async def test_a_mail_over_the_size_limit_is_refused_for_good(pool: Any, port: int) -> None:
    assert (await send(port, b"Subject: a\r\n\r\n" + b"x\r\n" * (SIZE_LIMIT // 3)))[:3] == "552"
    assert await pool.fetchval("SELECT count(*) FROM message") == 0


AT = datetime(2026, 3, 5, 11, tzinfo=UTC)
COPIES = [
    ("a retry without a Message-ID", "", "", timedelta(minutes=9), 1),
    ("the same words later without a Message-ID", "", "", timedelta(minutes=11), 2),
    ("a retry with a Message-ID", "<a@b>", "<a@b>", timedelta(days=9), 1),
    ("another Message-ID", "<a@b>", "<b@b>", timedelta(0), 2),
]


@pytest.mark.parametrize(("first", "second", "after", "stored"), [c[1:] for c in COPIES], ids=[c[0] for c in COPIES])
async def test_equal_bytes_are_one_mail_only_when_they_are_a_retry(
    pool: Any, first: str, second: str, after: timedelta, stored: int
) -> None:
    for message_id, at in ((first, AT), (second, AT + after)):
        async with pool.acquire() as connection, connection.transaction():
            await store_message(connection, Received(DESK, message_id, b"Socorro", bytes(32), at, ""))
    assert await pool.fetchval("SELECT count(*) FROM message") == stored


async def test_two_retries_at_once_are_stored_once(pool: Any, port: int) -> None:
    answers = await asyncio.gather(*(send(port, b"Subject: a\r\n\r\nSocorro\r\n") for _ in range(8)))
    assert {answer[:3] for answer in answers} == {"250"}
    assert await pool.fetchval("SELECT count(*) FROM message") == 1


async def test_the_mail_that_make_run_suggests_is_a_new_one_each_time(pool: Any, port: int) -> None:
    line = next(line for line in _WHAT_NOW.splitlines() if "send your own mail" in line)
    command = line.partition("mail")[2].strip().format(smtp=port)
    for _ in range(2):
        await asyncio.to_thread(subprocess.run, command, shell=True, check=True, timeout=20)
    heads = await pool.fetch("SELECT convert_from(raw, 'UTF8') AS text, message_id FROM message")
    assert len({row["message_id"] for row in heads}) == 2
    assert all("Date: " in row["text"] and "Subject: NF-e parada\r\n" in row["text"] for row in heads)


async def test_a_recipient_that_is_not_utf_8_gets_its_mail(pool: Any, port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = [await reader.readline()]
    for line in (b"HELO x", b"MAIL FROM:<a@b>", b"RCPT TO:<JO\xc3O@desk.example>", b"DATA", b"Subject: a\r\n\r\n."):
        writer.write(line + b"\r\n")
        answers.append(await reader.readline())
    writer.close()
    assert [answer[:3] for answer in answers] == [b"220", b"250", b"250", b"250", b"354", b"250"]
    assert await pool.fetchval("SELECT mailbox FROM message") == "jo\ufffdo@desk.example"


async def test_the_first_hundred_recipients_are_taken_and_the_others_asked_to_come_again(pool: Any, port: int) -> None:
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as client:
        await client.mail(ME)
        for n in range(100):
            await client.rcpt(f"{n}@desk.example")
        with pytest.raises(aiosmtplib.SMTPRecipientRefused) as refused:
            await client.rcpt("100@desk.example")
        await client.data(b"Subject: a\r\n\r\n")
    assert refused.value.code == 452
    assert await pool.fetchval("SELECT count(*) FROM message") == 100


async def test_the_ninth_session_is_told_to_come_later_and_taken_when_one_has_ended(port: int) -> None:
    async def greeting() -> tuple[bytes, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        return (await reader.readline())[:3], writer

    opened = [await greeting() for _ in range(8)]
    late = [await greeting() for _ in range(2)]
    assert [code for code, _ in opened + late] == [b"220"] * 8 + [b"421"] * 2
    for _, writer in [*late, opened[0]]:
        writer.close()
    await asyncio.sleep(0.2)
    again = await greeting()
    assert again[0] == b"220"
    for _, writer in [*opened[1:], again]:
        writer.close()


async def test_the_null_sender_of_a_bounce_is_stored_as_such(pool: Any, port: int) -> None:
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as client:
        await client.sendmail("", [DESK], b"Subject: Undelivered\r\n\r\n")
        await client.sendmail(ME, [DESK], b"Subject: a\r\n\r\n")
    rows = await pool.fetch("SELECT envelope_from FROM message ORDER BY id")
    assert [row["envelope_from"] for row in rows] == ["", ME]
