"""The limits of a peer: who is one peer, what it may begin, and that they stay small."""

from ipaddress import ip_network

import pytest

from services.intake.sources.smtp_limits import Peers, site_of

SITES = [
    ("192.0.2.7", "192.0.2.7"),
    ("::ffff:192.0.2.7", "192.0.2.7"),
    ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
    ("fe80::1%eth0", "fe80::/64"),
    ("", ""),
    ("/run/prazo/lmtp", ""),
]


@pytest.mark.parametrize(("peer", "site"), SITES, ids=[row[0] or "none" for row in SITES])
def test_a_peer_is_an_address_or_an_ipv6_site(peer: str, site: str) -> None:
    assert site_of(peer) == site


def test_messages_flow_at_the_rate_after_a_minutes_worth_at_once() -> None:
    peers = Peers(0, 60, ())
    assert [peers.begin_message("192.0.2.7", 0) for _ in range(61)] == [True] * 60 + [False]
    assert [peers.begin_message("192.0.2.7", at) for at in (0.5, 1.0, 1.1, 2.0)] == [False, True, False, True]
    assert peers.begin_message("192.0.2.8", 2.0)


def test_connections_are_counted_up_and_down() -> None:
    peers = Peers(2, 0, ())
    assert [peers.connect("192.0.2.7") for _ in range(3)] == [True, True, False]
    peers.leave("192.0.2.7")
    assert [peers.connect("192.0.2.7"), peers.connect("192.0.2.8")] == [True, True]


def test_trusted_networks_and_sockets_have_no_limit() -> None:
    peers = Peers(1, 1, (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")))
    for peer in ("10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1", ""):
        assert [peers.connect(peer) for _ in range(3)] == [True] * 3
        assert [peers.begin_message(peer, 0) for _ in range(3)] == [True] * 3


def test_twenty_thousand_peers_take_the_room_of_ten_thousand() -> None:
    peers = Peers(1, 1, ())
    for n in range(20_000):
        peer = f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}"
        assert peers.connect(peer)
        peers.begin_message(peer, 0)
        peers.leave(peer)
    assert peers.known() == 10_000
