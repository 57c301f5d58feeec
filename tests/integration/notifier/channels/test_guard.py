"""No channel over HTTP reaches an address inside, whatever its name resolves to, and TLS is verified by the name."""

import ssl
from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
import trustme

from services.notifier.domain.cause import Cause
from services.notifier.domain.message import Outcome, Result
from services.notifier.transports.guard import is_forbidden, system_resolve
from tests.fakes.messages import message
from tests.fakes.webhook import Receiver
from tests.integration.notifier.channels.ways import World, config, opened, write_secrets

NOWHERE = World(allowed_networks=())
FORBIDDEN = Result(Outcome.FAILED_PERMANENT, Cause.FORBIDDEN_ADDRESS)
INSIDE = """
    127.0.0.1 127.8.8.8 10.0.0.1 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 100.100.100.200 0.0.0.0 224.0.0.1
    239.1.2.3 240.0.0.1 255.255.255.255 192.0.0.192 198.18.0.1 168.63.129.16 ::1 :: fe80::1 fe80::1%1 fc00::1 fd00:ec2::254
    fec0::1 ff02::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 64:ff9b::7f00:1 64:ff9b::a00:1 64:ff9b:1::1 192.88.99.1 2002:7f00:1::
    2002:a00:1:: 2001:db8::1 2001:0:0:0:0:0:80ff:fffe
""".split()
OUTSIDE = "8.8.8.8 200.160.2.3 2001:4860:4860::8888 2606:4700::1111 64:ff9b::808:808 ::ffff:8.8.8.8".split()


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_forbidden(address: str) -> None:
    assert is_forbidden(ip_address(address), [])


@pytest.mark.parametrize("address", OUTSIDE)
def test_an_address_outside_is_not(address: str) -> None:
    assert not is_forbidden(ip_address(address), [])


def test_a_network_that_is_listed_is_allowed_and_no_other() -> None:
    allowed = [ip_network("10.1.0.0/16"), ip_network("fd00::/8")]
    answers = {a: is_forbidden(ip_address(a), allowed) for a in ("10.1.2.3", "::ffff:10.1.2.3", "10.2.0.1", "fd00::1")}
    assert answers == {"10.1.2.3": False, "::ffff:10.1.2.3": False, "10.2.0.1": True, "fd00::1": False}


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Return a certificate authority that nobody else trusts."""
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA, tmp_path: Path) -> ssl.SSLContext:
    """Return a server's context for hook.example, and write the authority beside the secrets."""
    (tmp_path / "ca").write_bytes(authority.cert_pem.bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("hook.example").configure_cert(context)
    return context


async def test_the_connection_goes_to_the_address_that_was_checked_and_the_name_is_asked_once(
    tls: ssl.SSLContext, tmp_path: Path
) -> None:
    write_secrets(tmp_path)
    answers, asked = [["127.0.0.1"], ["10.0.0.1"]], []

    def rebinding(host: str, _: int) -> Sequence[str]:
        asked.append(host)
        return answers[min(len(asked), 2) - 1]

    async with Receiver(tls=tls) as remote:
        settings = config("webhook", f"https://hook.example:{remote.port}", ca_file="ca")
        async with opened(tmp_path, settings, resolve=rebinding) as channel:
            first, second = await channel.send(message()), await channel.send(message())
        assert (first, asked) == (Result(Outcome.ACCEPTED), ["hook.example"] * 2)  # once for each
        assert second == FORBIDDEN
        assert remote.requests[0].headers["host"] == f"hook.example:{remote.port}"


async def test_one_address_inside_among_others_is_enough_to_refuse(tmp_path: Path) -> None:
    write_secrets(tmp_path)
    settings = config("webhook", "https://hook.example")
    async with opened(tmp_path, settings, NOWHERE, lambda *_: ["8.8.8.8", "::ffff:10.0.0.1"]) as channel:
        assert await channel.send(message()) == FORBIDDEN


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "0x7f.1", "127.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"]
)
async def test_no_spelling_of_loopback_gets_through(host: str, tmp_path: Path) -> None:
    write_secrets(tmp_path)
    async with Receiver() as remote:
        settings = config("webhook", f"https://{host}:{remote.port}")
        async with opened(tmp_path, settings, NOWHERE, system_resolve) as channel:
            assert await channel.send(message()) == FORBIDDEN
        assert remote.requests == []


@pytest.mark.parametrize("name", ["webhook", "slack"])
async def test_http_without_tls_goes_to_allowed_loopback_only(name: str, tmp_path: Path) -> None:
    write_secrets(
        tmp_path, "http://10.0.0.1"
    )  # as a secret's file could say; the configuration itself takes no such URL
    world = World(allowed_networks=(ip_network("10.0.0.0/8"),))
    settings = config(name, "http://localhost")
    async with opened(tmp_path, settings, world, lambda *_: ["10.0.0.1"]) as channel:
        assert await channel.send(message()) == FORBIDDEN


async def test_a_certificate_of_nobody_or_of_another_name_ends_it_before_anything_is_sent(
    tls: ssl.SSLContext, tmp_path: Path
) -> None:
    write_secrets(tmp_path)
    refused = Result(Outcome.FAILED_TEMPORARY, Cause.TLS_FAILED)
    async with Receiver(tls=tls) as remote:
        for host, more in (("hook.example", {}), ("other.example", {"ca_file": "ca"})):
            settings = config("webhook", f"https://{host}:{remote.port}", **more)
            async with opened(tmp_path, settings, resolve=lambda *_: ["127.0.0.1"]) as channel:
                assert await channel.send(message()) == refused
        assert remote.requests == []


async def test_the_next_address_of_a_host_is_tried_when_one_does_not_answer(
    tls: ssl.SSLContext, tmp_path: Path
) -> None:
    write_secrets(tmp_path)
    async with Receiver(tls=tls) as remote:
        settings = config("webhook", f"https://hook.example:{remote.port}", ca_file="ca")
        async with opened(tmp_path, settings, resolve=lambda *_: ["127.0.0.2", "127.0.0.1"]) as channel:
            assert await channel.send(message()) == Result(Outcome.ACCEPTED)


async def test_a_name_without_an_address_is_a_failure_for_now(tmp_path: Path) -> None:
    write_secrets(tmp_path)
    for host in ("nowhere.invalid", f"{'a' * 70}.example"):
        async with opened(tmp_path, config("webhook", f"https://{host}", timeout="10s")) as channel:
            said = await channel.send(message())
        assert (said.outcome, said.reason in (Cause.NAME_NOT_FOUND, Cause.TIMEOUT)) == (Outcome.FAILED_TEMPORARY, True)
