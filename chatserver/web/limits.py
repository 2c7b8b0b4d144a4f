"""How much one user and one address may take of this process, and how many come in at a time.

These are counted per process: none of them is worth a journey for each frame. What a person may do on all processes
together is counted in Redis (`chatserver.allowances`); the numbers of both are in `chatserver.core.limits`.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Collection, Hashable
from contextlib import asynccontextmanager
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Generic, TypeVar
from uuid import UUID

from chatserver.core.connection import Window
from chatserver.core.errors import Refused
from chatserver.core.limits import Limits

RETRY_CONNECTION_SECONDS = 30.0
ENTER_SECONDS = 8.0
"""So long somebody waits for their turn. Clients give a connection up that says nothing for ten."""
RETRY_BUSY_SECONDS = (2.0, 10.0)
"""Spread, so that those who were sent away do not come back as one."""
IPV6_PREFIX_BITS = 64
"""What one customer of a provider has at least: single addresses of it cost them nothing."""
REQUESTERS_MAX = 50_000

Key = TypeVar("Key", bound=Hashable)


class _Counts(Generic[Key]):
    def __init__(self, most: int, message: str) -> None:
        self._most = most
        self._message = message
        self._counts: dict[Key, int] = {}

    def __contains__(self, key: Key) -> bool:
        return key in self._counts

    def add(self, key: Key) -> None:
        count = self._counts.get(key, 0)
        if self._most and count >= self._most:
            message = f"Not now: {self._message}. Close one, or come back in {RETRY_CONNECTION_SECONDS:.0f} seconds."
            raise Refused("rate_limited", message, retry_after=RETRY_CONNECTION_SECONDS)
        self._counts[key] = count + 1

    def remove(self, key: Key) -> None:
        if self._counts[key] == 1:
            del self._counts[key]
        else:
            self._counts[key] -= 1


class Addresses:
    """Connections of each address before they have said anything; those of a trusted proxy are everybody's."""

    def __init__(self, most: int, proxies: Collection[IPv4Network | IPv6Network] = ()) -> None:
        self.counts: _Counts[str] = _Counts(most, "too many connections come from this address")
        self._proxies = tuple(proxies)

    def add(self, address: str) -> bool:
        """False where it is not counted. Raises `Refused`."""
        try:
            known = ip_address(address)
        except ValueError:
            return False
        if any(known in network for network in self._proxies):
            return False
        self.counts.add(address)
        return True

    def remove(self, address: str) -> None:
        self.counts.remove(address)


class Doors:
    """Counts connections of users and addresses, and frames of users; raises `Refused` with `retry_after`."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.users: _Counts[UUID] = _Counts(limits.connections_per_user, "you have too many connections open")
        self.addresses: _Counts[str] = _Counts(
            limits.connections_per_address, "too many connections come from this address"
        )
        self._windows: dict[UUID, Window] = {}
        self._requests: dict[UUID | str, Window] = {}
        self._turns = asyncio.Semaphore(max(limits.entering, 1))

    def window(self, user: UUID) -> Window:
        """The frames of all connections of this user; coming again does not renew it."""
        return self._windows.setdefault(user, Window())

    def requested(self, by: UUID | str, now: float) -> None:
        """One more request over HTTP, of an address before anybody is known and of a user after."""
        if len(self._requests) >= REQUESTERS_MAX and by not in self._requests:
            self.forget(now)
            if len(self._requests) >= REQUESTERS_MAX:
                # Somebody has very many addresses: a minute that begins anew is better than memory without end.
                self._requests.clear()
        most = self.limits.requests_per_address if isinstance(by, str) else self.limits.requests_per_user
        wait = self._requests.setdefault(by, Window()).spend(most, now)
        if wait is not None:
            whose = "from this address" if isinstance(by, str) else "of yours"
            raise Refused(
                "rate_limited", f"Too many requests {whose}; come back in {wait:g} seconds.", retry_after=wait
            )

    def forget(self, now: float) -> None:
        """Windows of those who are gone and whose minute is over."""
        self._requests = {by: window for by, window in self._requests.items() if not window.is_over(now)}
        self._windows = {
            user: window for user, window in self._windows.items() if user in self.users or not window.is_over(now)
        }

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Whoever comes first enters first; who would wait for too long is told when to come back.

        The pool of database connections has no such order of its own, and posts are to find one free in a storm.
        """
        try:
            async with asyncio.timeout(ENTER_SECONDS):
                await self._turns.acquire()
        except TimeoutError:
            raise Refused(
                "unavailable", "Very many come in just now; it goes on by itself.", retry_after=busy_seconds()
            ) from None
        try:
            yield
        finally:
            self._turns.release()


def busy_seconds() -> float:
    return round(random.uniform(*RETRY_BUSY_SECONDS), 1)


def household(host: str) -> str:
    """What counts as one address: an IPv4 address, or the network of an IPv6 address."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Address(int(address) >> (128 - IPV6_PREFIX_BITS) << (128 - IPV6_PREFIX_BITS)))
