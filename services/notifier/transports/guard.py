"""Which hosts a channel over HTTP may reach: no address inside (SSRF), checked where the connection really goes.

A name is resolved once, every address of it is checked, and the connection goes to one of those: a name that answers
otherwise the second time (DNS rebinding) gains nothing. What ``allowed`` holds is allowed, loopback and all.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Sequence[str]]

_NAT64 = ip_network("64:ff9b::/96")
_SPECIAL = (
    tuple(  # which Python 3.11 takes for global: IETF's own (RFC 6890), 6to4 relays, local NAT64, a cloud's own service
        map(ip_network, ("192.0.0.0/24", "192.88.99.0/24", "64:ff9b:1::/48", "168.63.129.16/32"))
    )
)
_RESOLVERS = 2


class Forbidden(Exception):
    """The host has an address that may not be reached."""


def embedded(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one stands for (mapped, NAT64, 6to4, Teredo), else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)


def is_forbidden(address: Address, allowed: Sequence[Network]) -> bool:
    """Tell whether an address is private, loopback, link-local, multicast, reserved or a metadata service, and not allowed."""
    inner = embedded(address)
    if any(inner in network for network in allowed):
        return False
    site_local = isinstance(inner, IPv6Address) and inner.is_site_local
    return (
        not inner.is_global
        or inner.is_multicast
        or inner.is_reserved
        or site_local
        or any(inner in n for n in _SPECIAL)
    )


def system_resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host by the system's resolver, in its order."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Guard:
    """Resolves and checks for one channel, in threads of its own: a slow resolver delays no other channel."""

    def __init__(self, allowed: Sequence[Network] = (), resolve: Resolve = system_resolve) -> None:
        self._allowed, self._resolve = tuple(allowed), resolve
        self._threads = ThreadPoolExecutor(_RESOLVERS, thread_name_prefix="resolver")

    async def addresses(self, scheme: str, host: str, port: int) -> Sequence[str]:
        """Return the addresses to connect to; raises ``Forbidden`` if any of them is, and ``OSError`` without any."""
        found = await asyncio.get_running_loop().run_in_executor(self._threads, self._resolve, host, port)
        checked = [ip_address(address) for address in found]
        if not checked:
            raise socket.gaierror(socket.EAI_NONAME, "no address")
        if any(is_forbidden(address, self._allowed) for address in checked):
            raise Forbidden
        if scheme != "https" and not all(address.is_loopback for address in checked):
            raise Forbidden
        return [str(address) for address in checked]

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)
