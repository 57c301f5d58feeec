"""Mail by IMAP from a real Dovecot into a real PostgreSQL: stored once, byte for byte, then moved; never lost."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.intake.sources.imap_session import HEAD_BYTES, ImapSession
from services.intake.store.imap import alone_at
from tests.servers.dovecot import PASSWORD, Dovecot, dovecot
from tests.servers.mailboxes import (
    AT,
    DESK,
    LIMIT_BYTES,
    done,
    emptied,
    mailbox,
    raw,
    raws,
    reading,
    stored,
    until,
)

if shutil.which("dovecot") is None and not os.environ.get("CI"):
    pytest.skip("no Dovecot here: apt-get install dovecot-imapd", allow_module_level=True)


@pytest.fixture
def server() -> Iterator[Dovecot]:
    """Return a running Dovecot."""
    with dovecot() as running:
        yield running


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """Return a folder with the password, and a wrong one."""
    (tmp_path / "password").write_text(PASSWORD + "\n")
    (tmp_path / "wrong").write_text("wrong")
    return tmp_path


SERVERS = [
    ("with MOVE", ""),
    ("without MOVE", "imap_capability = IMAP4rev1 SASL-IR IDLE UIDPLUS"),
]


@pytest.mark.parametrize("more", [row[1] for row in SERVERS], ids=[row[0] for row in SERVERS])
async def test_fifty_mails_are_stored_once_as_they_are_and_moved_unseen(pool: Any, secrets: Path, more: str) -> None:
    sent = [(raw(n), AT + timedelta(hours=n)) for n in range(60)]
    with dovecot(more) as server:
        server.deliver(sent)
        async with reading(pool, secrets, suporte=mailbox(server)) as arrived:
            await until(emptied(server))
        assert await raws(pool) == done(server) == sorted(body for body, _ in sent)
        assert {flag for flags, _ in server.mails("Processados") for flag in flags} <= {b"\\Recent"}
    assert arrived.is_set()
    found = await pool.fetch("SELECT mailbox, message_id, received_at, envelope_from FROM message ORDER BY id")
    expected = [(DESK, f"<{n}@cliente.example>", at, None) for n, (_, at) in enumerate(sent)]
    assert [tuple(row) for row in found] == expected


async def test_what_another_program_marked_as_deleted_is_not_expunged(pool: Any, secrets: Path) -> None:
    with dovecot(SERVERS[1][1]) as server:
        server.deliver([(raw(1), AT), (raw(2), AT + timedelta(days=1))])
        with server.client() as person:
            person.select()
            person.store("1", "+FLAGS", r"(\Deleted)")
        async with reading(pool, secrets, suporte=mailbox(server, since="2026-03-06")):
            await until(stored(pool, 1))
            await until(lambda: len(server.mails()) == 1)
        assert [body for _, body in server.mails()] == [raw(1)]
        assert done(server) == [raw(2)]


async def test_a_server_that_can_only_copy_keeps_its_mails_where_they_are(pool: Any, secrets: Path) -> None:
    with dovecot("imap_capability = IMAP4rev1") as server:  # nor IDLE
        server.deliver([(raw(1), AT)])
        async with reading(pool, secrets, suporte=mailbox(server, sweep_seconds=1)):
            await until(stored(pool, 1))
            server.deliver([(raw(2), AT)])
            await until(stored(pool, 2))
            await asyncio.sleep(1.2)
        assert await raws(pool) == sorted(body for _, body in server.mails()) == [raw(1), raw(2)]
        assert done(server) == []


async def test_a_mail_that_comes_while_we_idle_is_there_within_two_seconds(
    pool: Any, server: Dovecot, secrets: Path
) -> None:
    async with reading(pool, secrets, suporte=mailbox(server)):
        server.deliver([(raw(0), AT)])
        await until(emptied(server))
        for n in (1, 2, 3):
            await asyncio.sleep(0.7)
            server.deliver([(raw(n), AT)])
            await until(stored(pool, n + 1), seconds=2)
    assert await raws(pool) == [raw(n) for n in range(4)]


async def test_a_mail_stored_and_not_moved_is_moved_later_and_not_stored_again(
    pool: Any, server: Dovecot, secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.deliver([(raw(1), AT), (raw(2, head=""), AT)])

    def die(*_: object) -> None:
        raise ConnectionAbortedError

    with monkeypatch.context() as patched:
        patched.setattr(ImapSession, "move", die)
        async with reading(pool, secrets, suporte=mailbox(server)):
            await until(stored(pool, 2))
    assert len(server.mails()) == 2
    async with reading(pool, secrets, suporte=mailbox(server)):
        await until(emptied(server))
    assert await raws(pool) == done(server) == sorted([raw(1), raw(2, head="")])


async def test_a_folder_with_another_uidvalidity_gives_nothing_twice_and_loses_nothing(
    pool: Any, server: Dovecot, secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = [(raw(1), AT), (raw(2, head=""), AT + timedelta(hours=1)), (raw(2, head=""), AT + timedelta(hours=5))]
    server.deliver(old)
    with monkeypatch.context() as patched:
        patched.setattr(ImapSession, "move", lambda *_: None)
        async with reading(pool, secrets, suporte=mailbox(server)):
            await until(stored(pool, 3))
    await asyncio.to_thread(server.stop)
    server.forget_uids()
    await asyncio.to_thread(server.start)
    server.deliver([(raw(3, head=""), AT - timedelta(days=3))])  # older than all that is stored
    async with reading(pool, secrets, suporte=mailbox(server)):
        await until(emptied(server))
    expected = sorted([*(body for body, _ in old), raw(3, head="")])
    assert await raws(pool) == done(server) == expected
    assert await pool.fetchval("SELECT count(DISTINCT uidvalidity) FROM imap_message") == 2


async def test_a_uid_that_the_server_gives_again_is_another_mail(pool: Any, server: Dovecot, secrets: Path) -> None:
    server.deliver([(raw(1), AT), (raw(2), AT)])
    async with reading(pool, secrets, suporte=mailbox(server)):
        await until(emptied(server))
        await asyncio.to_thread(server.stop)
        server.give_uids_again()
        await asyncio.to_thread(server.start)
        server.deliver([(raw(n), AT + timedelta(days=n)) for n in (3, 4)])
        await until(emptied(server))
    assert await raws(pool) == done(server) == [raw(n) for n in (1, 2, 3, 4)]
    assert [row["uid"] for row in await pool.fetch("SELECT uid FROM imap_message ORDER BY uid")] == [1, 2]


async def test_a_mail_that_somebody_moves_back_is_not_stored_again(pool: Any, server: Dovecot, secrets: Path) -> None:
    future = datetime(2098, 1, 1, tzinfo=UTC)  # it counts as received now, and is known by what the server says
    server.deliver([(raw(1), AT), (raw(2, head=""), future)])
    async with reading(pool, secrets, suporte=mailbox(server)):
        await until(emptied(server))
        with server.client() as person:
            person.select("Processados")
            person.uid("MOVE", "1:*", "INBOX")
        await until(lambda: len(done(server)) == 2)
    assert await pool.fetchval("SELECT count(*) FROM imap_message") == 4
    assert await raws(pool) == sorted([raw(1), raw(2, head="")])
    assert await pool.fetchval("SELECT max(received_at) <= now() FROM message")


EQUAL = [
    ("a retry", [0, 9], 1),
    ("a new contact", [0, 11], 2),
    ("a new contact that lies behind a later one", [180, 0], 2),
]


@pytest.mark.parametrize(("minutes", "count"), [row[1:] for row in EQUAL], ids=[row[0] for row in EQUAL])
async def test_equal_mails_without_a_message_id_are_one_only_within_ten_minutes(
    pool: Any, server: Dovecot, secrets: Path, minutes: list[int], count: int
) -> None:
    server.deliver([(raw(1, head=""), AT + timedelta(minutes=n)) for n in minutes])
    async with reading(pool, secrets, suporte=mailbox(server)):
        await until(emptied(server))
    assert await raws(pool) == [raw(1, head="")] * count
    assert len(done(server)) == 2


async def test_of_a_mail_over_the_limit_the_head_is_kept_and_says_so(pool: Any, server: Dovecot, secrets: Path) -> None:
    big = b"Message-ID: <big@x>\r\nSubject: notas\r\n\r\n" + b"Socorro\r\n" * (LIMIT_BYTES // 9 + 1)
    server.deliver([(big, AT), (raw(1), AT)])
    async with reading(pool, secrets, suporte=mailbox(server)):
        await until(emptied(server))
    note = b"Prazo-Truncated: %d of %d bytes; the whole mail is in the mailbox\r\n" % (HEAD_BYTES, len(big))
    assert await raws(pool) == sorted([note + big[:HEAD_BYTES], raw(1)])
    assert await pool.fetchval("SELECT message_id FROM message WHERE raw LIKE 'Prazo%'") == "<big@x>"
    assert done(server) == sorted([big, raw(1)])


async def test_two_replicas_store_each_mail_once_and_copy_each_once(pool: Any, secrets: Path) -> None:
    sent = [(raw(n, head=""), AT + timedelta(hours=n)) for n in range(30)]
    with dovecot(SERVERS[1][1]) as server:
        one = mailbox(server, sweep_seconds=1)
        async with reading(pool, secrets, suporte=one), reading(pool, secrets, suporte=one):
            for n in range(0, 30, 10):
                server.deliver(sent[n : n + 10])
                await asyncio.sleep(0.3)
            await until(emptied(server))
        assert await raws(pool) == done(server) == sorted(body for body, _ in sent)


async def test_a_replica_leaves_a_folder_alone_that_another_one_empties(
    pool: Any, server: Dovecot, secrets: Path
) -> None:
    server.deliver([(raw(1), AT)])
    one = mailbox(server, sweep_seconds=1)
    async with alone_at(pool, "imap://suporte@127.0.0.1/INBOX") as alone:
        assert alone is not None
        async with reading(pool, secrets, suporte=one):
            await asyncio.sleep(1.5)
    assert await pool.fetchval("SELECT count(*) FROM message") == 0
    async with reading(pool, secrets, suporte=one):
        await until(emptied(server))
    assert await raws(pool) == [raw(1)]
