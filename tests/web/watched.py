"""A node behind a relay to each of its servers, as an operator sees it, and people who use it."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import httpx2

from chatserver.node import Node
from tests.chaos.relay import Relay, a_relay
from tests.load.house import Client, a_client
from tests.load.town import Served, a_node
from tests.until import until

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}")


@dataclass
class Watched:
    served: Served
    client: httpx2.AsyncClient
    postgres: Relay
    redis: Relay

    @property
    def node(self) -> Node:
        return self.served.node

    async def scrape(self) -> dict[str, float]:
        answer = await self.client.get("/metrics")
        assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, "text/plain")
        assert not UUID.search(answer.text), "a label bears an id"
        samples = (line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, value in samples}

    async def shows(self, **least: float) -> dict[str, float]:
        """Waits until a scrape has each of these figures of ours, or more, and gives that scrape."""
        found: dict[str, float] = {}

        async def has_come() -> bool:
            nonlocal found
            found = await self.scrape()
            return all(found.get(f"ottobon_{name}", 0.0) >= value for name, value in least.items())

        await until(has_come)
        return found

    async def ready(self) -> tuple[int, dict[str, str]]:
        answer = await self.client.get("/readyz")
        parts: dict[str, str] = answer.json()["parts"]
        return answer.status_code, parts

    async def token(self, role: str, name: str | None = None) -> str:
        email = f"{name or role}@example.com"
        user = await self.node.users.by_email(email, uuid4())
        await self.node.pool.execute("update users set role = $2::text::user_role where id = $1", user.id, role)
        assert self.node.issuer is not None
        return self.node.issuer.issue(email, user.id)

    @asynccontextmanager
    async def person(self, role: str, name: str | None = None) -> AsyncIterator[Client]:
        """A connection of somebody who was welcomed."""
        async with a_client(self.served.url) as client:
            await client.says("hello", token=await self.token(role, name), ref="h")
            assert (await client.hears_back("h"))["type"] == "welcome"
            yield client


async def asks(client: Client, type: str, **fields: Any) -> dict[str, Any]:
    """The answer to it, whatever else comes before."""
    await client.says(type, ref=type, **fields)
    return await client.hears_back(type)


def behind(url: str, relay: Relay) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{relay.port}"))


@asynccontextmanager
async def watched(database_url: str, redis_url: str, **more: str) -> AsyncIterator[Watched]:
    async with (
        a_relay(urlsplit(database_url).port or 0) as postgres,
        a_relay(urlsplit(redis_url).port or 0) as redis,
        a_node(behind(database_url, postgres), behind(redis_url, redis), **more) as served,
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{served.port}", trust_env=False) as client,
    ):
        await until(lambda: served.node.wire.healthy)
        yield Watched(served, client, postgres, redis)
        postgres.open.set()
        redis.open.set()
