"""Connections to a real Dovecot: TLS, passwords and tokens, a server that goes and comes back."""

import asyncio
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.intake import metrics
from services.intake.sources import imap
from tests.servers.dovecot import PASSWORD, Dovecot, dovecot
from tests.servers.mailboxes import (
    AT,
    DESK,
    emptied,
    errors,
    mailbox,
    raw,
    raws,
    reading,
    stored,
    until,
)
from tests.servers.oauth import CLIENT_ID, CLIENT_SECRET, SCOPE, token_endpoint

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


async def test_a_restarted_server_is_found_again(pool: Any, server: Dovecot, secrets: Path) -> None:
    async with reading(pool, secrets, suporte=mailbox(server)):
        server.deliver([(raw(1), AT)])
        await until(emptied(server))
        before = errors()
        await asyncio.to_thread(server.stop)
        await until(lambda: errors() > before)
        await asyncio.to_thread(server.start)
        server.deliver([(raw(2), AT)])
        await until(emptied(server))
    assert await raws(pool) == [raw(1), raw(2)]


async def test_a_wrong_password_is_counted_tried_seldom_and_stops_no_other_mailbox(
    pool: Any, server: Dovecot, secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = errors("fiscal")
    fiscal = mailbox(server, address="fiscal@desk.example", user="fiscal", password_file="wrong")
    server.deliver([(raw(1), AT)])
    server.deliver([(raw(2), AT)], "fiscal")
    async with reading(pool, secrets, suporte=mailbox(server), fiscal=fiscal):
        await until(emptied(server))
        await asyncio.sleep(1.5)
        assert await raws(pool) == [raw(1)]
        assert errors("fiscal") == before + 1
    monkeypatch.setattr(imap, "REFUSED_SECONDS", 0.2)
    async with reading(pool, secrets, fiscal=fiscal):
        await asyncio.sleep(0.5)
        (secrets / "wrong").write_text(PASSWORD)
        await until(emptied(server, "fiscal"))
    assert await raws(pool) == [raw(1), raw(2)]


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
async def test_the_certificate_is_checked(pool: Any, server: Dovecot, secrets: Path, tls: str) -> None:
    server.deliver([(raw(1), AT)])
    port = server.tls_port if tls == "implicit" else server.port
    strict = mailbox(server, tls=tls, port=port)
    before = errors()
    async with reading(pool, secrets, suporte=strict):
        await until(lambda: errors() > before)
    assert len(server.mails()) == 1
    async with reading(pool, secrets, suporte={**strict, "ca_file": str(server.authority)}):
        await until(emptied(server))
        await asyncio.sleep(0.7)
        server.deliver([(raw(2), AT)])
        await until(stored(pool, 2), seconds=2)
    assert await raws(pool) == [raw(1), raw(2)]


async def test_a_mailbox_with_oauth_is_opened_by_a_fresh_token_and_its_refresh_token_is_renewed(
    pool: Any, secrets: Path
) -> None:
    (secrets / "client").write_text(CLIENT_SECRET)
    (secrets / "refresh").write_text("r0\n")
    with token_endpoint("notas") as endpoint, dovecot(introspection_url=f"{endpoint.url}/introspect") as server:
        oauth = {"token_url": f"{endpoint.url}/token", "client_id": CLIENT_ID, "scope": SCOPE}
        files = {"client_secret_file": "client", "refresh_token_file": "refresh"}
        notas = mailbox(server, user="notas", password_file=None, oauth={**oauth, **files})
        for n in (1, 2):
            server.deliver([(raw(n), AT)], "notas")
            async with reading(pool, secrets, notas=notas):
                await until(emptied(server, "notas"))
            assert (secrets / "refresh").read_text() == f"r{n}"
        (secrets / "token").write_text("stale")
        before = errors("notas")
        stale = mailbox(server, user="notas", password_file=None, access_token_file="token")
        async with reading(pool, secrets, notas=stale):
            await until(lambda: errors("notas") == before + 1)
    assert await raws(pool) == [raw(1), raw(2)]


async def test_a_server_that_says_nothing_does_not_hold_up_the_end(pool: Any, secrets: Path) -> None:
    kept: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(lambda _, writer: kept.append(writer), "127.0.0.1", 0)
    config = {"address": DESK, "host": "127.0.0.1", "tls": "none", "user": "x", "password_file": "password"}
    async with silent:
        begun = time.monotonic()
        async with reading(pool, secrets, suporte={**config, "port": silent.sockets[0].getsockname()[1]}):
            await asyncio.sleep(0.3)
        assert time.monotonic() - begun < 5.3
        for writer in kept:
            writer.close()
            await writer.wait_closed()


async def test_a_swept_mailbox_says_when(pool: Any, server: Dovecot, secrets: Path) -> None:
    begun = time.time()
    async with reading(pool, secrets, suporte=mailbox(server)):
        await until(lambda: metrics.mailbox_swept.labels("suporte")._value.get() >= begun)
    assert await pool.fetchval("SELECT count(*) FROM message") == 0
