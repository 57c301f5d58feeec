"""STARTTLS (RFC 3207) on both event loops, for uvloop is the service's: TLS 1.2 or later, and nothing of before it counts."""

import asyncio
import shutil
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
import trustme
import uvloop

from services.intake.settings import Settings
from services.intake.sources.reception import Reception
from shared.config import Misconfigured
from shared.postgres import create_pool
from tests.conftest import dsn_for
from tests.integration.intake.smtp import DESK, ME, listening, talking

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
MAIL = b"Subject: a\r\n\r\nx\r\n"


class Papers:
    """A certificate in files, and the context of a client that trusts who issued it."""

    def __init__(self, folder: Path) -> None:
        self.cert, self.key = folder / "cert.pem", folder / "key.pem"
        self.client = ssl.create_default_context()
        self.renew()

    def renew(self) -> None:
        """Write a certificate of a new issuer, whom the client trusts from now on."""
        issuer = trustme.CA()
        issued = issuer.issue_cert("localhost", "127.0.0.1")
        self.cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        self.key.write_bytes(issued.private_key_pem.bytes())
        self.client = ssl.create_default_context()
        issuer.configure_trust(self.client)

    @property
    def settings(self) -> dict[str, Any]:
        """Return the settings that name the files."""
        return {"smtp_tls_cert_file": self.cert, "smtp_tls_key_file": self.key}


@pytest.fixture
def papers(tmp_path: Path) -> Papers:
    """Return a certificate for 127.0.0.1."""
    return Papers(tmp_path)


Act = Callable[[Any], Awaitable[None]]


@pytest.fixture(params=LOOPS)
def in_loop(request: pytest.FixtureRequest, postgres: str, database: str) -> Callable[[Act], None]:
    """Return what runs a coroutine function of a pool in a loop of one kind, in a thread of its own."""

    async def with_pool(act: Act) -> None:
        async with create_pool(dsn_for(postgres, "intake_app", database), "intake") as pool, asyncio.timeout(60):
            await act(pool)

    def run(act: Act) -> None:
        with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
            runner.run(with_pool(act))

    return run


async def deliver(port: int, context: ssl.SSLContext, raw: bytes = MAIL) -> None:
    """Deliver a mail inside TLS."""
    async with aiosmtplib.SMTP(
        hostname="127.0.0.1", port=port, start_tls=True, tls_context=context, timeout=20
    ) as client:
        await client.sendmail(ME, [DESK], raw)


def test_a_mail_comes_by_tls_and_a_session_goes_on_in_it(in_loop: Callable[[Act], None], papers: Papers) -> None:
    async def act(pool: Any) -> None:
        async with listening(pool, **papers.settings) as port:
            async with aiosmtplib.SMTP(
                hostname="127.0.0.1", port=port, start_tls=True, tls_context=papers.client, timeout=20
            ) as client:
                assert not client.supports_extension("starttls")
                assert not client.supports_extension("auth")
                raws = [b"Subject: %d\r\n\r\n" % n + b"x" * 100 * 4**n + b"\r\n" for n in range(8)]
                for raw in raws:
                    await client.sendmail(ME, [DESK], raw)
                assert client.transport is not None
                assert client.transport.get_extra_info("ssl_object").version() in ("TLSv1.2", "TLSv1.3")
            assert [row["raw"] for row in await pool.fetch("SELECT raw FROM message ORDER BY id")] == raws

    in_loop(act)


def test_where_tls_is_required_there_is_no_mail_without_it(in_loop: Callable[[Act], None], papers: Papers) -> None:
    async def act(pool: Any) -> None:
        async with listening(pool, smtp_require_starttls=True, **papers.settings) as port:
            async with talking(port) as talk:
                answers = await talk.say(b"MAIL FROM:<a@b>", b"RCPT TO:<c@d>", b"DATA", b"NOOP", b"STARTTLS x")
                assert [answer[:9] for answer in answers] == ["530 5.7.0"] * 3 + ["250 2.0.0", "501 5.5.4"]
            await deliver(port, papers.client)
            assert await pool.fetchval("SELECT count(*) FROM message") == 1

    in_loop(act)


def test_what_is_said_in_clear_text_behind_starttls_is_not_heard(
    in_loop: Callable[[Act], None], papers: Papers
) -> None:
    async def act(pool: Any) -> None:
        async with listening(pool, **papers.settings) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            assert (await reader.readline())[:3] == b"220"
            writer.write(b"EHLO x\r\n")
            while (await reader.readline())[3:4] == b"-":
                pass
            writer.write(b"MAIL FROM:<a@b>\r\nSTARTTLS\r\nRCPT TO:<evil@x>\r\nNOOP\r\n")
            assert (await reader.readline())[:3] == b"250"
            assert (await reader.readline())[:3] == b"220"
            await writer.start_tls(papers.client, server_hostname="127.0.0.1")
            answers = []
            for line in (b"RCPT TO:<c@d>", b"EHLO x", b"RCPT TO:<c@d>", b"STARTTLS"):
                writer.write(line + b"\r\n")
                while (answer := await reader.readline())[3:4] == b"-":
                    pass
                answers.append(answer[:3])
            assert answers == [b"503", b"250", b"503", b"454"]  # the sender and the greeting are forgotten, too
            writer.close()

    in_loop(act)


def test_a_handshake_that_fails_ends_its_session_only(in_loop: Callable[[Act], None], papers: Papers) -> None:
    async def act(pool: Any) -> None:
        async with listening(pool, smtp_sessions_limit=1, **papers.settings) as port:
            async with talking(port) as talk:
                assert await talk.codes(b"STARTTLS") == ["220"]
                talk.writer.write(b"this is no handshake\r\n" * 10)
                with suppress(ConnectionError):
                    await talk.reader.read()
            old = ssl.create_default_context()
            old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_1
            await asyncio.sleep(0.1)
            with pytest.raises((aiosmtplib.SMTPException, OSError)):
                await deliver(port, old)
            await asyncio.sleep(0.1)
            await deliver(port, papers.client)
            assert await pool.fetchval("SELECT count(*) FROM message") == 1

    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        in_loop(act)


def test_a_renewed_certificate_counts_from_the_next_session_on(in_loop: Callable[[Act], None], papers: Papers) -> None:
    async def act(pool: Any) -> None:
        async with listening(pool, **papers.settings) as port:
            await deliver(port, papers.client)
            before = papers.client
            key = papers.key.read_bytes()
            papers.renew()
            renewed = papers.key.read_bytes()
            papers.key.write_bytes(key)  # the renewal is half done
            await deliver(port, before, b"Subject: b\r\n\r\n")
            papers.key.write_bytes(renewed)
            await deliver(port, papers.client, b"Subject: c\r\n\r\n")
            with pytest.raises(ssl.SSLCertVerificationError):
                await deliver(port, before)
            assert await pool.fetchval("SELECT count(*) FROM message") == 3

    in_loop(act)


WRONG: list[tuple[str, Callable[[Papers], dict[str, Any]]]] = [
    ("no file", lambda p: {"smtp_tls_cert_file": p.cert.with_name("absent")}),
    ("no key in the file", lambda p: {"smtp_tls_cert_file": p.cert}),
    ("no certificate in the file", lambda p: {"smtp_tls_cert_file": p.key, "smtp_tls_key_file": p.key}),
    ("required without one", lambda p: {"smtp_require_starttls": True}),
]


@pytest.mark.parametrize("settings", [row[1] for row in WRONG], ids=[row[0] for row in WRONG])
async def test_a_certificate_that_cannot_be_used_is_told_at_the_start(
    papers: Papers, settings: Callable[[Papers], dict[str, Any]]
) -> None:
    with pytest.raises(Misconfigured, match="smtp_"):
        Reception(Settings(database_url="", **settings(papers)), None, asyncio.Event())


async def test_a_key_may_stand_in_the_file_of_the_certificate(papers: Papers) -> None:
    with papers.cert.open("ab") as file, papers.key.open("rb") as key:
        shutil.copyfileobj(key, file)
    assert Reception(Settings(database_url="", smtp_tls_cert_file=papers.cert), None, asyncio.Event()).certificate
