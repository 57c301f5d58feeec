"""LMTP (RFC 2033): its own greeting, and after DATA one answer for each recipient, in their order."""

import asyncio
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy.local.process import free_port
from tests.conftest import dsn_for
from tests.integration.intake.smtp import DESK, SIZE_LIMIT, Talk, listening, talking

MAIL = b"Subject: a\r\n\r\nx\r\n.\r\n"


@pytest.fixture
async def port(pool: Any) -> AsyncIterator[int]:
    """Return the port of a listener for LMTP."""
    port = free_port()
    async with listening(pool, lmtp_port=port, smtp_domains=("desk.example",)):
        yield port


async def test_each_recipient_has_its_answer_and_its_copy(pool: Any, port: int) -> None:
    async with talking(port, b"LHLO mx") as talk:
        to = (b"suporte", b"fiscal", b"suporte")
        lines = [
            b"MAIL FROM:<>",
            *(b"RCPT TO:<%s@desk.example>" % one for one in to),
            b"RCPT TO:<x@y.example>",
            b"DATA",
        ]
        assert await talk.codes(*lines) == ["250"] * 4 + ["550", "354"]
        talk.writer.write(MAIL)
        assert [await talk.answer() for _ in to] == ["250 2.0.0 Stored"] * 3
        assert await talk.codes(b"NOOP") == ["250"]
    rows = await pool.fetch("SELECT mailbox, envelope_from FROM message ORDER BY mailbox")
    assert [tuple(row) for row in rows] == [("fiscal@desk.example", ""), (DESK, "")]


async def test_one_mailbox_that_cannot_be_stored_defers_itself_only(
    pool: Any, port: int, postgres: str, database: str
) -> None:
    owner = await asyncpg.connect(dsn_for(postgres, "intake_owner", database))
    await owner.execute("ALTER TABLE intake.message ADD CHECK (mailbox <> 'cheia@desk.example')")
    await owner.close()
    async with talking(port, b"LHLO mx") as talk:
        to = (b"suporte", b"cheia", b"fiscal")
        await talk.say(b"MAIL FROM:<a@b.example>", *(b"RCPT TO:<%s@desk.example>" % one for one in to), b"DATA")
        talk.writer.write(MAIL)
        assert [(await talk.answer())[:3] for _ in to] == ["250", "451", "250"]
    assert await pool.fetchval("SELECT array_agg(mailbox ORDER BY mailbox) FROM message") == [
        "fiscal@desk.example",
        DESK,
    ]


async def test_a_mail_that_is_too_large_is_refused_for_each_recipient(pool: Any, port: int) -> None:
    async with talking(port, b"LHLO mx") as talk:
        await talk.say(b"MAIL FROM:<a@b>", b"RCPT TO:<a@desk.example>", b"RCPT TO:<b@desk.example>", b"DATA")
        talk.writer.write(b"x" * (SIZE_LIMIT + 10) + b"\r\n.\r\n")
        assert [(await talk.answer())[:9] for _ in range(2)] == ["552 5.3.4"] * 2
        assert await talk.codes(b"NOOP") == ["250"]


async def test_helo_is_for_smtp_and_lhlo_for_lmtp(pool: Any) -> None:
    lmtp = free_port()
    async with listening(pool, lmtp_port=lmtp) as smtp:
        async with talking(lmtp, b"") as talk:
            assert await talk.codes(b"EHLO x", b"HELO x", b"MAIL FROM:<a@b>") == ["500", "500", "503"]
            greeting = await talk.say(b"LHLO x")
            assert {"250-PIPELINING", "250-ENHANCEDSTATUSCODES", "250-8BITMIME"} <= set(greeting[0].split("\r\n"))
        async with talking(smtp, b"") as talk:
            assert await talk.codes(b"LHLO x") == ["500"]


async def test_without_a_recipient_there_is_no_data(port: int) -> None:
    async with talking(port, b"LHLO mx") as talk:
        assert await talk.codes(b"MAIL FROM:<a@b>", b"RCPT TO:<x@elsewhere.example>", b"DATA") == ["250", "550", "503"]


async def test_a_unix_socket_takes_mail_without_limits_of_a_peer(pool: Any, tmp_path: Path) -> None:
    path = tmp_path / "lmtp"
    tight = {"smtp_peer_connections_limit": 1, "smtp_trusted_networks": (), "smtp_peer_messages_per_minute": 1}
    async with listening(pool, lmtp_socket=path, **tight):
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        for n in range(2):
            talk = Talk(*await asyncio.open_unix_connection(str(path)))
            assert (await talk.answer())[:3] == "220"
            assert await talk.codes(b"LHLO mx") == ["250"]
            assert (await talk.deliver(b"Subject: %d\r\n" % n + MAIL))[:3] == "250"
            talk.writer.close()
    assert not path.exists()
    assert await pool.fetchval("SELECT count(*) FROM message") == 2
