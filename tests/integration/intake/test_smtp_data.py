"""What is sent after DATA is found again byte for byte; nothing but CRLF.CRLF ends it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.intake.sources.smtp_data import message_of, parts_of
from tests.integration.intake.smtp import DESK, ME, SIZE_LIMIT, guarded, listening, talking


@pytest.fixture
async def port(pool: Any) -> AsyncIterator[int]:
    """Return the port of a listening server."""
    async with listening(pool) as port:
        yield port


BODIES = [
    ("nothing", b"\r\n", b""),
    ("one empty line", b"\r\n\r\n", b"\r\n"),
    ("dots at the beginning", b"\r\n..\r\n...\r\n..x\r\n", b".\r\n..\r\n.x\r\n"),
    ("an unguarded dot", b"\r\n.x\r\n", b"x\r\n"),
    (
        "bare line feeds around a dot",
        b"\r\nSubject: a\n.\nMAIL FROM:<x@y>\n.\r\n",
        b"Subject: a\n.\nMAIL FROM:<x@y>\n.\r\n",
    ),
    ("LF.CRLF", b"\r\nx\n.\r\ny\r\n", b"x\n.\r\ny\r\n"),
    ("CR.CR", b"\r\nx\r.\ry\r\n", b"x\r.\ry\r\n"),
    ("CRLF.LF, its dot guards the line", b"\r\nx\r\n.\ny\r\n", b"x\r\n\ny\r\n"),
    ("CRLF.CR, its dot guards the line", b"\r\nx\r\n.\ry\r\n", b"x\r\n\ry\r\n"),
    ("CR.CRLF", b"\r\nx\r.\r\ny\r\n", b"x\r.\r\ny\r\n"),
    ("CRLF NUL.CRLF", b"\r\nx\r\n\0.\r\ny\r\n", b"x\r\n\0.\r\ny\r\n"),
    ("every byte", b"\r\n" + bytes(range(256)) + b"\r\n", bytes(range(256)) + b"\r\n"),
    ("a CR before the end", b"\r\nx\r\r\n", b"x\r\r\n"),
]


@pytest.mark.parametrize(("sent", "stored"), [b[1:] for b in BODIES], ids=[b[0] for b in BODIES])
async def test_only_the_end_ends_and_only_its_dots_are_taken(pool: Any, port: int, sent: bytes, stored: bytes) -> None:
    async with talking(port) as talk:
        assert (await talk.deliver(sent[2:] + b".\r\n"))[:3] == "250"
        assert await talk.codes(b"NOOP") == ["250"]
    assert [row["raw"] for row in await pool.fetch("SELECT raw FROM message")] == [stored]


async def test_a_mail_that_is_smuggled_behind_another_stays_inside_it(pool: Any, port: int) -> None:
    inner = b"MAIL FROM:<chef@desk.example>\r\nRCPT TO:<" + DESK.encode() + b">\r\nDATA\r\nSubject: b\r\n\r\nx\r\n"
    ends = (b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\r", b"\r\n.\n", b"\r.\r\n", b"\r\n\0.\r\n")
    for n, end in enumerate(ends):
        async with talking(port) as talk:
            answer = await talk.deliver(b"Subject: %d\r\n\r\nhello" % n + end + inner + b".\r\n")
            assert answer[:3] == "250"
            assert await talk.codes(b"QUIT") == ["221"]
    assert await pool.fetchval("SELECT count(*) FROM message") == len(ends)


TEXT = st.lists(
    st.sampled_from([b"\r\n", b".", b"\r", b"\n", b"..", b"\0", b"x", b"\xff", b"Message-ID: <a@b>"]), max_size=30
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXT, cut=st.integers(1, 9))
def test_every_message_is_found_again_however_it_is_cut(text: list[bytes], cut: int) -> None:
    raw = b"".join(text) + b"\r\n"
    sent, after = guarded(raw), b"NOOP\r\n"

    async def read() -> tuple[bytes, bytes]:
        reader = asyncio.StreamReader(limit=8)

        async def feed() -> None:
            whole = sent + after
            for at in range(0, len(whole), cut):
                reader.feed_data(whole[at : at + cut])
                await asyncio.sleep(0)

        feeding = asyncio.create_task(feed())
        parts = [part async for part in parts_of(reader)]
        await feeding
        return message_of(parts), await reader.readexactly(len(after))

    assert asyncio.run(read()) == (raw, after)


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(TEXT, min_size=1, max_size=3), cut=st.integers(1, 60))
async def test_the_messages_of_a_session_are_found_again_in_the_table(
    pool: Any, port: int, texts: list[list[bytes]], cut: int
) -> None:
    await pool.execute("DELETE FROM message")
    raws = [b"X: %d\r\n" % n + b"".join(text) + b"\r\n" for n, text in enumerate(texts)]
    async with talking(port) as talk:
        for raw in raws:
            await talk.say(b"MAIL FROM:<a@b>", b"RCPT TO:<c@d>", b"DATA")
            sent = guarded(raw)
            for at in range(0, len(sent), cut):
                talk.writer.write(sent[at : at + cut])
                await asyncio.sleep(0)
            assert (await talk.answer())[:3] == "250"
    assert [row["raw"] for row in await pool.fetch("SELECT raw FROM message ORDER BY id")] == raws


async def test_the_largest_mail_is_taken_and_one_byte_more_is_not(pool: Any, port: int) -> None:
    lines = b".234567\r\n" * (SIZE_LIMIT // 9)
    largest = b"x" * (SIZE_LIMIT - len(lines) - 2) + b"\r\n" + lines
    assert len(largest) == SIZE_LIMIT
    async with talking(port) as talk:
        assert (await talk.deliver(guarded(b"x" + largest)))[:9] == "552 5.3.4"
        assert (await talk.deliver(guarded(largest)))[:3] == "250"
    assert await pool.fetchval("SELECT raw FROM message") == largest


async def test_a_size_over_the_limit_is_refused_before_the_body(port: int) -> None:
    async with talking(port) as talk:
        answers = await talk.say(
            b"MAIL FROM:<%s> SIZE=%d" % (ME.encode(), SIZE_LIMIT + 1),
            b"RCPT TO:<x@y>",
            b"MAIL FROM:<%s> SIZE=%d BODY=8BITMIME SMTPUTF8" % (ME.encode(), SIZE_LIMIT),
        )
    assert [answer[:3] for answer in answers] == ["552", "503", "250"]


async def test_what_is_too_much_is_not_kept_and_the_session_goes_on(pool: Any) -> None:
    async with (
        listening(pool, smtp_memory_limit_bytes=SIZE_LIMIT) as port,
        talking(port) as first,
        talking(port) as second,
    ):
        for talk in (first, second):
            await talk.say(b"MAIL FROM:<a@b>", b"RCPT TO:<c@d>", b"DATA")
        first.writer.write(b"x" * (SIZE_LIMIT - 100_000))
        await first.writer.drain()
        await asyncio.sleep(0.3)
        second.writer.write(b"y" * 300_000 + b"\r\n.\r\n")
        assert (await second.answer())[:9] == "452 4.3.1"
        first.writer.write(b"\r\n.\r\n")
        assert (await first.answer())[:3] == "250"
        assert (await second.deliver(b"y" * 300_000 + b"\r\n.\r\n"))[:3] == "250"
    assert await pool.fetchval("SELECT count(*) FROM message") == 2


async def test_commands_that_come_at_once_are_answered_in_their_order(pool: Any, port: int) -> None:
    async with talking(port, b"") as talk:
        talk.writer.write(
            b"EHLO x\r\nNOOP\r\nMAIL FROM:<a@b>\r\nRSET\r\nVRFY jo\xe3o\r\nMAIL FROM:<>\r\nRCPT TO:<c@d>\r\nDATA\r\n"
        )
        greeting = await talk.answer()
        answers = [await talk.answer() for _ in range(7)]
        talk.writer.write(b"Subject: a\r\n\r\nx\r\n.\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n")
        answers += [await talk.answer() for _ in range(4)]
        talk.writer.write(b"Subject: b\r\n\r\nx\r\n.\r\nQUIT\r\n")
        answers += [await talk.answer() for _ in range(3)]
    offered = [line[4:] for line in greeting.split("\r\n")]
    assert offered == [
        "prazo",
        "PIPELINING",
        "ENHANCEDSTATUSCODES",
        f"SIZE {SIZE_LIMIT}",
        "8BITMIME",
        "SMTPUTF8",
        "HELP",
    ]
    codes = [answer[:3] for answer in answers]
    assert codes == ["250", "250", "250", "252", "250", "250", "354", "250", "250", "250", "354", "250", "221", ""]
    assert all(answer[4:6] == f"{answer[0]}." for answer in answers if answer[:1] in ("2", "4", "5"))
    assert await pool.fetchval("SELECT count(*) FROM message") == 2


WRONG = [
    b"MAIL FROM:<",
    b'MAIL FROM:"',
    b"MAIL FROM:<@>",
    b"MAIL",
    b"\xff\xfe",
    b"MAIL FROM:<a@b> SIZE=x",
    b"DATA",
    b"RCPT TO:<a@b>",
]


async def test_what_nobody_understands_is_refused_and_the_session_goes_on(port: int) -> None:
    async with talking(port) as talk:
        codes = await talk.codes(*WRONG)
        assert {code[0] for code in codes} == {"5"}
        assert await talk.codes(b"X" * 5_000, b"NOOP") == ["500", "250"]


async def test_a_flood_of_commands_or_line_ends_stops_nobody_else(port: int) -> None:
    async with talking(port) as flood, talking(port) as other:
        flood.writer.write(b"NOOP\r\n" * 50_000)
        began = asyncio.get_running_loop().time()
        for _ in range(20):
            assert await other.codes(b"NOOP") == ["250"]
        assert asyncio.get_running_loop().time() - began < 5
        for _ in range(50_000):
            assert await flood.answer() == "250 2.0.0 OK"
        await flood.say(b"MAIL FROM:<a@b>", b"RCPT TO:<c@d>", b"DATA")
        flood.writer.write(b"\r\n" * 200_000)
        for _ in range(20):
            assert await other.codes(b"NOOP") == ["250"]
        flood.writer.write(b".\r\n")
        assert (await flood.answer())[:3] == "250"
