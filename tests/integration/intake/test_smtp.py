"""The SMTP server on a real PostgreSQL: what gets 250 is stored as it came, what is refused is refused for good reason."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiosmtplib
import pytest

from deploy.local.process import free_port
from services.intake.settings import Settings
from services.intake.sources.smtp import SmtpServer

SIZE_LIMIT = 4 * 1024 * 1024
ME, DESK = "ana@cliente.example", "suporte@desk.example"


@pytest.fixture
async def port(pool: Any) -> AsyncIterator[int]:
    """Return the port of a listening server."""
    port = free_port()
    settings = Settings(database_url="", smtp_port=port, smtp_size_limit_bytes=SIZE_LIMIT)
    async with SmtpServer(settings, pool, asyncio.Event()):
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
