"""Which addresses a worker connects to: the open web's, and no machine of a private network, however it is named."""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import quote, urljoin

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from workers.boards.board import Blocked

URL_MAX_CHARACTERS = 8_000
WEB_PORTS = frozenset({80, 443})

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Lookup = Callable[[str, int], Awaitable[Collection[str]]]
"""The addresses of a name. Raises `OSError`."""

# Of those that the standard library lets pass: addresses that lead to others, and what it learned only lately.
_CLOSED = tuple(ip_network(network) for network in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2002::/16"))
# Whatever wraps an IPv4 address in another way stands outside of it.
_GLOBAL_UNICAST = ip_network("2000::/3")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.IGNORECASE)
_NOT_WRITTEN = re.compile("[^\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a worker reaches."""

    networks: tuple[Network, ...] = ()
    """Private ones that are allowed all the same."""
    ports: frozenset[int] | None = WEB_PORTS
    """None is any."""

    def allows(self, address: str) -> bool:
        try:
            known = ip_address(address)
        except ValueError:
            return False
        return any(known in network for network in self.networks) or is_public(known)

    def checked(self, url: str) -> str:
        """`url` as it is sent: spaces and foreign letters escaped, else as it was written. Raises `Blocked`."""
        # A line break would begin a header of its own.
        url = _NOT_WRITTEN.sub(_escaped, url.strip().partition("#")[0])
        if len(url) > URL_MAX_CHARACTERS:
            raise Blocked(f"{url[:100]}… has more than {URL_MAX_CHARACTERS:,} characters; no page of a board has.")
        try:
            # Read by what connects: two readers that differ over one address are a way in.
            parts = URL(url, encoded=True)
            host, port = parts.raw_host or "", parts.port
        except ValueError:
            raise Blocked(f"{url} is no address; look at the board's entry.") from None
        if parts.scheme not in ("http", "https") or not host:
            raise Blocked(f"{url} is no address of the web; only http and https are read.")
        if "@" in parts.raw_authority:
            raise Blocked(f"The address at {host} carries a name or a password; boards are read without.")
        if self.ports is not None and port not in self.ports:
            raise Blocked(f"{url} names port {port}; only {' and '.join(map(str, sorted(self.ports)))} are read.")
        if (":" in host or _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2])) and not self.allows(host):
            raise Blocked(f"{url} names no machine of the open web; private networks are not read.")
        return url

    def following(self, address: str, target: str) -> str:
        """Where `address` redirects to. Raises `Blocked`."""
        try:
            joined = urljoin(address, target)
        except ValueError:
            raise Blocked(f"{address} redirects to what is no address; open it in a browser and look.") from None
        following = self.checked(joined)
        if address.startswith("https:") and not following.startswith("https:"):
            raise Blocked(f"{address} redirects from https to http, where anybody could answer; it is not followed.")
        return following


def is_public(address: Address) -> bool:
    """An address of the open web, meant for one machine; none that wraps another address."""
    if isinstance(address, IPv6Address) and (address not in _GLOBAL_UNICAST or address.scope_id):
        return False
    return address.is_global and not address.is_multicast and not any(address in network for network in _CLOSED)


def _escaped(odd: re.Match[str]) -> str:
    return quote(odd.group().encode("utf-8", "surrogatepass"))


def host_of(url: str) -> str:
    """The host of a checked address, in lower case."""
    return (URL(url, encoded=True).raw_host or "").lower()


def origin(url: str) -> str:
    """Scheme, host and port of a checked address, the port where it is not the scheme's own."""
    parts = URL(url, encoded=True)
    host = f"[{parts.raw_host}]" if ":" in (parts.raw_host or "") else host_of(url)
    return f"{parts.scheme}://{host}" + ("" if parts.is_default_port() else f":{parts.port}")


async def look_up(host: str, port: int) -> Collection[str]:
    """As the machine resolves names."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class CheckedResolver(AbstractResolver):
    """Checks the very addresses that are connected to, so that a name cannot mean another machine a moment later."""

    def __init__(self, reach: Reach, look_up: Lookup = look_up) -> None:
        self._reach = reach
        self._look_up = look_up

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._look_up(host, port)
        # One private address among public ones is a trap as well.
        if closed := [address for address in found if not self._reach.allows(address)]:
            raise Blocked(f"{host} leads to {closed[0]}, which is not of the open web; private networks are not read.")
        return [
            ResolveResult(
                hostname=host, host=address, port=port, proto=0, flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
            )
            for address in found
            if family in (socket.AF_UNSPEC, socket.AF_INET6 if ":" in address else socket.AF_INET)
        ]  # fmt: skip

    async def close(self) -> None:
        return None
