"""What one peer may take, how long a session may last, and for whom mail is taken: all of it defers, nothing is lost."""

import asyncio
from typing import Any

import pytest

from services.intake import metrics
from tests.integration.intake.smtp import DESK, listening, talking

NOBODY_TRUSTED = {"smtp_trusted_networks": ()}


def deferred(reason: str) -> float:
    """Return how many answers were deferred for a reason."""
    return metrics.smtp_deferred.labels(reason)._value.get()  # type: ignore[no-any-return]  # untyped


async def test_a_peer_with_too_many_connections_comes_again_later(pool: Any) -> None:
    before = deferred("peer_connections")
    async with listening(pool, smtp_peer_connections_limit=1, **NOBODY_TRUSTED) as port:
        async with talking(port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            assert (
                await reader.read() == b"421 4.7.0 Too many connections from your address, please try again later\r\n"
            )
            writer.close()
        await asyncio.sleep(0.1)
        async with talking(port) as talk:
            assert (await talk.deliver(b"Subject: a\r\n\r\n.\r\n"))[:3] == "250"
    assert deferred("peer_connections") == before + 1


async def test_a_peer_with_too_many_messages_is_deferred_before_the_body(pool: Any) -> None:
    before = deferred("peer_messages")
    async with listening(pool, smtp_peer_messages_per_minute=2, **NOBODY_TRUSTED) as port, talking(port) as talk:
        for n in range(2):
            assert (await talk.deliver(b"Subject: %d\r\n\r\n.\r\n" % n))[:3] == "250"
        assert (await talk.say(b"MAIL FROM:<a@b>"))[0][:9] == "451 4.7.1"
    assert deferred("peer_messages") == before + 1
    assert await pool.fetchval("SELECT count(*) FROM message") == 2


async def test_our_own_mail_server_has_no_limits_of_a_peer(pool: Any) -> None:
    tight = {"smtp_peer_messages_per_minute": 1, "smtp_peer_connections_limit": 1}
    async with listening(pool, **tight) as port, talking(port) as talk, talking(port) as other:
        answers = [await one.deliver(b"Subject: %d\r\n\r\n.\r\n" % n) for n, one in enumerate((talk, other, talk))]
    assert {answer[:3] for answer in answers} == {"250"}


async def test_a_sender_that_says_nothing_gets_421(pool: Any) -> None:
    before = deferred("idle")
    async with listening(pool, smtp_idle_seconds=0.3) as port, talking(port) as talk:
        assert (await talk.answer())[:9] == "421 4.4.2"
        assert await talk.answer() == ""
    assert deferred("idle") == before + 1


async def test_a_body_that_trickles_gets_421_and_its_mail_is_taken_next_time(pool: Any) -> None:
    before = deferred("session_time")
    async with listening(pool, smtp_idle_seconds=0.4, smtp_session_seconds=1.2) as port:
        async with talking(port) as talk:
            await talk.say(b"MAIL FROM:<a@b>", b"RCPT TO:<c@d>", b"DATA")
            answering, sent = asyncio.create_task(talk.answer()), 0
            while not answering.done():
                talk.writer.write(b"x")
                sent += 1
                await asyncio.sleep(0.1)
            assert (await answering)[:9] == "421 4.4.2"
            assert sent > 8  # the silence was never too long
        async with talking(port) as talk:
            assert (await talk.deliver(b"Subject: a\r\n\r\n.\r\n"))[:3] == "250"
    assert deferred("session_time") == before + 1
    assert await pool.fetchval("SELECT count(*) FROM message") == 1


async def test_a_sender_that_reads_no_answers_is_ended(pool: Any) -> None:
    async with listening(pool, smtp_idle_seconds=0.5, smtp_sessions_limit=1) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
        writer.write(b"HELP\r\n" * 1_000_000)
        for _ in range(100):
            await asyncio.sleep(0.1)
            try:
                async with talking(port):
                    break
            except AssertionError:
                continue
        else:
            raise AssertionError("the session never ended")
        writer.transport.abort()


async def test_a_message_that_is_being_stored_is_not_cut_off(pool: Any) -> None:
    async with listening(pool, smtp_idle_seconds=0.3, smtp_session_seconds=0.5) as port, talking(port) as talk:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("LOCK TABLE message IN ACCESS EXCLUSIVE MODE")
            delivering = asyncio.create_task(talk.deliver(b"Subject: a\r\n\r\n.\r\n"))
            await asyncio.sleep(1)
        assert (await delivering)[:3] == "250"


async def test_the_end_of_the_service_answers_for_what_is_being_stored_and_sends_others_away(pool: Any) -> None:
    async with asyncio.timeout(20):
        async with listening(pool) as port:
            storing, idle = talking(port), talking(port)
            first, second = await storing.__aenter__(), await idle.__aenter__()
            connection = await pool.acquire()
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute("LOCK TABLE message IN ACCESS EXCLUSIVE MODE")
            delivering = asyncio.create_task(first.deliver(b"Subject: a\r\n\r\n.\r\n"))
            await asyncio.sleep(0.3)

            async def let_go() -> None:
                await asyncio.sleep(0.5)
                await transaction.rollback()
                await pool.release(connection)

            letting = asyncio.create_task(let_go())
        await letting
        assert (await second.answer())[:9] == "421 4.3.2"
        assert (await delivering)[:3] == "250"
        await storing.__aexit__(None, None, None)
        await idle.__aexit__(None, None, None)
    assert await pool.fetchval("SELECT count(*) FROM message") == 1


OURS = [
    (DESK, "250"), ("SUPORTE@DESK.EXAMPLE", "250"), ("outro@desk.example", "250"), ("postmaster", "250"),
    ("fiscal@loja.example", "250"), ("outro@loja.example", "550 5.1.1"), ("ana@cliente.example", "550 5.7.1"),
    ("suporte@desk.example.evil.example", "550 5.7.1"), ('"ana@cliente.example"@desk.example', "250"),
    ("@desk.example:ana@cliente.example", "550 5.7.1"), ("ana%cliente.example@desk.example", "250"),
    ("nota@ação.example", "250"), ("é" * 250 + "@desk.example", "553 5.1.3"), ("nota@xn--ao-siap.example", "250"),
]  # fmt: skip


@pytest.mark.parametrize(("address", "answer"), OURS, ids=[row[0] for row in OURS])
async def test_mail_is_taken_for_our_own_addresses_only(pool: Any, address: str, answer: str) -> None:
    ours = {"smtp_domains": ("Desk.Example", "ação.example"), "smtp_mailboxes": ("fiscal@loja.example",)}
    async with listening(pool, **ours) as port, talking(port) as talk:
        answers = await talk.say(b"MAIL FROM:<a@b>", f"RCPT TO:<{address}>".encode())
        assert answers[1].startswith(answer)
