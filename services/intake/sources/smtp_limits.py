"""What one peer may take of the server, and for whom mail is taken. A limit defers (4xx); only a wrong address refuses."""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from shared.web import peer_key

Network = IPv4Network | IPv6Network

_PEERS_KNOWN = 10_000


def site_of(peer: str) -> str:
    """Return the name of a peer to count by: its address, of IPv6 the network of its site; "" when it has none."""
    return "" if _address(peer) is None else peer_key(peer)


def _address(peer: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:  # a Unix socket has no address
        return None
    return getattr(address, "ipv4_mapped", None) or address


class Peers:
    """How many connections each peer has, and how many messages it may begin now.

    ``connections`` and ``messages_per_minute`` are the most of one peer, 0: no limit. Peers in ``trusted`` networks, and those
    on a Unix socket, have none. Of the peers that are not connected the latest 10,000 are remembered.
    """

    def __init__(self, connections: int, messages_per_minute: int, trusted: Sequence[Network]) -> None:
        self._most, self._per_minute, self._trusted = connections, messages_per_minute, trusted
        self._connected: Counter[str] = Counter()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def connect(self, peer: str) -> bool:
        """Count a connection, or return False when the peer has too many; each counted one must be left."""
        site = site_of(peer)
        if self._most and self._connected[site] >= self._most and not self._free(peer):
            return False
        self._connected[site] += 1
        return True

    def leave(self, peer: str) -> None:
        """Count a connection no more."""
        site = site_of(peer)
        self._connected[site] -= 1
        if self._connected[site] <= 0:
            del self._connected[site]

    def begin_message(self, peer: str, at_seconds: float) -> bool:
        """Return whether the peer may begin a message; ``at_seconds`` is of a clock that never goes back.

        A peer that was quiet for a minute may begin a minute's messages at once (a token bucket).
        """
        if not self._per_minute or self._free(peer):
            return True
        site = site_of(peer)
        left, since = self._buckets.pop(site, (float(self._per_minute), at_seconds))
        left = min(self._per_minute, left + (at_seconds - since) * self._per_minute / 60)
        self._buckets[site] = (left - 1 if left >= 1 else left, at_seconds)
        if len(self._buckets) > _PEERS_KNOWN:
            self._buckets.popitem(last=False)
        return left >= 1

    def known(self) -> int:
        """Return how many peers are remembered."""
        return len(self._buckets.keys() | self._connected.keys())

    def _free(self, peer: str) -> bool:
        address = _address(peer)
        return address is None or any(address in network for network in self._trusted)


class Recipients:
    """For whom mail is taken: every address of ``domains``, and ``mailboxes``; without either, for everybody.

    The bare ``postmaster`` is always taken (RFC 5321, section 4.5.1).
    """

    def __init__(self, domains: Iterable[str], mailboxes: Iterable[str]) -> None:
        self._domains = {_domain(name) for name in domains}
        self._mailboxes = {_mailbox(address) for address in mailboxes}
        self._ours = self._domains | {address.rpartition("@")[2] for address in self._mailboxes}

    def refusal(self, address: str) -> str | None:
        """Return the answer to RCPT for an address that is not ours, None for one that is."""
        mailbox = _mailbox(address)
        local, _, domain = mailbox.rpartition("@")
        if (
            not self._ours
            or domain in self._domains
            or mailbox in self._mailboxes
            or (local, domain) == ("", "postmaster")
        ):
            return None
        return "550 5.1.1 No such mailbox here" if domain in self._ours else "550 5.7.1 Relaying denied"


def _mailbox(address: str) -> str:
    local, at, domain = address.rpartition("@")
    return f"{local.lower()}{at}{_domain(domain)}"


def _domain(name: str) -> str:
    """Return a domain as names are compared: in ASCII (IDNA), lower case."""
    name = name.rstrip(".").lower()
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError:
        return name
