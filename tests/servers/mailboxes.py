"""Mailboxes that intake reads, for its tests: mails, configuration, and what to wait for."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from services.intake import metrics
from services.intake.domain.mailboxes import Mailboxes
from services.intake.sources.imap import ImapReaders
from tests.servers.dovecot import Dovecot

AT = datetime(2026, 3, 5, 11, tzinfo=UTC)
LIMIT_BYTES = 2 * 1024 * 1024
DESK = "suporte@desk.example"


def raw(n: int, head: str = "Message-ID: <{n}@cliente.example>\r\n") -> bytes:
    """Return a mail with bytes that are easily spoilt."""
    return (
        (head.format(n=n) + f"Subject: NF-e {n}\r\n\r\n.\r\n..\r\nFrom \r\n").encode()
        + bytes(range(128, 256))
        + b"\r\n"
    )


def mailbox(server: Dovecot, **other: Any) -> dict[str, Any]:
    """Return the configuration of one mailbox."""
    plain = {"address": DESK, "host": "127.0.0.1", "port": server.port, "tls": "none", "user": "suporte"}
    return {**plain, "password_file": "password", **other}


@asynccontextmanager
async def reading(pool: Any, secrets: Path, **mailboxes: dict[str, Any]) -> AsyncIterator[asyncio.Event]:
    """Read mailboxes; yield the event that wakes the reader of mails."""
    arrived = asyncio.Event()
    async with ImapReaders(Mailboxes.model_validate({"mailboxes": mailboxes}), secrets, pool, arrived, LIMIT_BYTES):
        yield arrived


async def until(is_so: Callable[[], Any], seconds: float = 15) -> None:
    """Wait until something is so; fail after some seconds."""
    end = time.monotonic() + seconds
    while True:
        found = is_so()
        if await found if asyncio.iscoroutine(found) else found:
            return
        assert time.monotonic() < end, "it never came so"
        await asyncio.sleep(0.05)


def stored(pool: Any, count: int) -> Callable[[], Any]:
    """Return a question: are there at least so many messages."""

    async def ask() -> bool:
        return int(await pool.fetchval("SELECT count(*) FROM message")) >= count

    return ask


def emptied(server: Dovecot, user: str = "suporte") -> Callable[[], bool]:
    """Return a question: is the INBOX empty."""
    return lambda: server.mails(user=user) == []


async def raws(pool: Any) -> list[bytes]:
    """Return the bytes of every message, sorted."""
    return sorted(row["raw"] for row in await pool.fetch("SELECT raw FROM message"))


def done(server: Dovecot, user: str = "suporte") -> list[bytes]:
    """Return the bytes of every mail in the done folder, sorted."""
    return sorted(body for _, body in server.mails("Processados", user))


def errors(name: str = "suporte") -> float:
    """Return how many errors a mailbox had."""
    return float(metrics.mailbox_errors.labels(name)._value.get())
