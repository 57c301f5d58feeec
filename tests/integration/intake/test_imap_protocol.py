"""What servers do that Dovecot does not, by script: a mail that is not given out, answers in one piece, stray answers."""

import asyncio
import re
import time
from pathlib import Path
from typing import Any

import pytest

from services.intake import metrics
from services.intake.domain.mailboxes import Facts, Mailbox, Mailboxes
from services.intake.sources.imap import ImapReaders
from services.intake.sources.imap_session import Hangup, ImapSession, Unmovable
from tests.servers.imap_script import Answers, imap_script

DATE = b'INTERNALDATE " 5-Mar-2026 08:00:00 -0300"'
LIMIT_BYTES = 1000


def config(port: int) -> dict[str, Any]:
    """Return a mailbox at the script."""
    plain = {"address": "a@b.example", "host": "127.0.0.1", "port": port, "tls": "none", "user": "u"}
    return {**plain, "password_file": "password"}


def fetched(body: bytes) -> Any:
    """Return the answer to FETCH of any UID: the UID last, as some servers do, after a stray answer about another mail."""

    def answer(command: str) -> bytes:
        uids = re.findall(r"FETCH ([\d,]+)", command)[0].encode()
        stray = b"* 9 FETCH (FLAGS (\\Seen))\r\n"
        if "SIZE" in command:
            said = [b"* 1 FETCH (RFC822.SIZE %d %s UID %s)\r\n" % (len(body), DATE, uid) for uid in uids.split(b",")]
            return stray + b"".join(said)
        return stray + b"* 1 FETCH (BODY[] {%d}\r\n%s UID %s)\r\n" % (len(body), body, uids)

    return answer


BASE: Answers = {
    "CAPABILITY": b"* CAPABILITY IMAP4rev1 IDLE MOVE\r\n",
    "LOGIN": b"",
    "SELECT": b"* 2 EXISTS\r\n* OK [UIDVALIDITY 7] so\r\n",
    "UID SEARCH": b"* SEARCH\r\n",
    "IDLE": b"+ idling\r\n",
    "UID MOVE": b"",
    "LOGOUT": b"* BYE\r\n",
}


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """Return a folder with a password."""
    (tmp_path / "password").write_text("x")
    return tmp_path


async def test_a_mail_that_the_server_does_not_give_out_holds_up_no_other(pool: Any, secrets: Path) -> None:
    moved: list[str] = []
    script: Answers = {
        **BASE,
        "UID SEARCH": b"* SEARCH 12 11 13\r\n",
        "UID FETCH": fetched(b"Subject: a\r\n\r\n"),
        "UID FETCH 11 (UID BODY": b"NO",
        "UID FETCH 13 (UID BODY": b"",  # gone in between
        "UID MOVE": lambda command: moved.append(command.split()[2]) or b"",  # type: ignore[func-returns-value]  # appends
    }
    before = metrics.mailbox_errors.labels("m")._value.get()
    async with imap_script(script) as (port, _):
        found = Mailboxes.model_validate({"mailboxes": {"m": config(port)}})
        async with ImapReaders(found, secrets, pool, asyncio.Event(), LIMIT_BYTES):
            for _ in range(100):
                await asyncio.sleep(0.05)
                if moved:
                    break
    assert moved == ["12"]
    assert await pool.fetch("SELECT uidvalidity, uid FROM imap_message") == [(7, 12)]
    assert str(await pool.fetchval("SELECT received_at FROM message")) == "2026-03-05 11:00:00+00:00"
    assert metrics.mailbox_errors.labels("m")._value.get() == before + 1


async def session(port: int, secrets: Path) -> ImapSession:
    """Return a session with the script."""
    return await asyncio.to_thread(ImapSession, Mailbox.model_validate(config(port)), secrets)


HINTS = [
    ("before the answer", b"* 3 EXISTS\r\n+ idling\r\n"),
    ("in one piece with the answer", b"+ idling\r\n* 3 EXISTS\r\n"),
]


@pytest.mark.parametrize("said", [row[1] for row in HINTS], ids=[row[0] for row in HINTS])
async def test_what_comes_together_with_the_answer_to_idle_is_seen(secrets: Path, said: bytes) -> None:
    async with imap_script({**BASE, "IDLE": said}) as (port, heard):
        opened = await session(port, secrets)
        await asyncio.to_thread(opened.look)
        begun = time.monotonic()
        await asyncio.to_thread(opened.wait, 5)
        assert time.monotonic() - begun < 1
        await asyncio.to_thread(opened.close)
    assert heard[-2:] == ["DONE", "LOGOUT"]


async def test_nothing_new_is_no_hint(secrets: Path) -> None:
    async with imap_script(BASE) as (port, _):
        opened = await session(port, secrets)
        await asyncio.to_thread(opened.look)
        begun = time.monotonic()
        await asyncio.to_thread(opened.wait, 1)
        assert time.monotonic() - begun >= 1
        await asyncio.to_thread(opened.close)


async def test_a_bye_while_we_idle_is_told_and_the_session_can_be_closed(secrets: Path) -> None:
    async with imap_script({**BASE, "IDLE": b"+ idling\r\n* BYE Server shutting down.\r\n"}) as (port, _):
        opened = await session(port, secrets)
        with pytest.raises(Hangup):
            await asyncio.to_thread(opened.wait, 5)
        await asyncio.to_thread(opened.close)


async def test_what_cannot_be_expunged_is_copied_once_however_often_it_is_tried(secrets: Path) -> None:
    script: Answers = {
        **BASE,
        "CAPABILITY": b"* CAPABILITY IMAP4rev1 UIDPLUS\r\n",
        "UID COPY": b"",
        "UID STORE": b"NO",
    }
    async with imap_script(script) as (port, heard):
        opened = await session(port, secrets)
        await asyncio.to_thread(opened.look)
        for _ in range(3):
            with pytest.raises(Unmovable):
                await asyncio.to_thread(opened.move, [11, 12])
        await asyncio.to_thread(opened.close)
    assert [command for command in heard if command.startswith("UID COPY")] == ['UID COPY 11,12 "Processados"']
    assert not any("EXPUNGE" in command for command in heard)


async def test_an_empty_mail_is_a_mail(secrets: Path) -> None:
    script = {**BASE, "UID FETCH": b'* 1 FETCH (UID 5 RFC822.SIZE 0 BODY[] "")\r\n'}
    async with imap_script(script) as (port, _):
        opened = await session(port, secrets)
        await asyncio.to_thread(opened.look)
        facts = await asyncio.to_thread(opened.facts, [5])
        mail = await asyncio.to_thread(opened.fetch, 5, 0, LIMIT_BYTES)
        await asyncio.to_thread(opened.close)
    assert facts == {5: Facts(None, 0)}
    assert mail is not None
    assert (mail.raw, mail.message_id) == (b"", "")


async def test_a_server_that_falls_silent_does_not_hold_up_the_end(pool: Any, secrets: Path) -> None:
    async with imap_script({**BASE, "IDLE": b""}) as (port, heard):
        found = Mailboxes.model_validate({"mailboxes": {"m": config(port)}})
        async with ImapReaders(found, secrets, pool, asyncio.Event(), LIMIT_BYTES):
            while heard[-1:] != ["IDLE"]:
                await asyncio.sleep(0.05)
            begun = time.monotonic()
        assert time.monotonic() - begun < 2.5
