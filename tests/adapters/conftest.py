"""The sign-in service that tokens are tested against, and the wires of two nodes."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
import pytest_asyncio

from chatserver.adapters.identity import (
    SupabaseIdentity,
)
from chatserver.adapters.wire import RedisWire
from tests.adapters.sign_in import SECRET, Clock, Supabase, a_sign_in_service
from tests.until import until


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture
async def supabase() -> AsyncIterator[Supabase]:
    async with a_sign_in_service() as service:
        yield service


@pytest_asyncio.fixture
async def identity(supabase: Supabase, clock: Clock) -> AsyncIterator[SupabaseIdentity]:
    async with AsyncExitStack() as stack:
        identity = SupabaseIdentity(supabase.url, clock=clock)
        stack.push_async_callback(identity.aclose)
        yield identity


@pytest_asyncio.fixture
async def with_secret(supabase: Supabase, clock: Clock) -> AsyncIterator[SupabaseIdentity]:
    identity = SupabaseIdentity(supabase.url, secret=SECRET, clock=clock)
    yield identity
    await identity.aclose()


@asynccontextmanager
async def a_wire(redis_url: str) -> AsyncIterator[RedisWire]:
    wire = RedisWire(redis_url)
    wire.start()
    await until(lambda: wire.healthy)
    yield wire
    await wire.stop()


@pytest_asyncio.fixture
async def wire(redis_url: str) -> AsyncIterator[RedisWire]:
    async with a_wire(redis_url) as made:
        yield made


@pytest_asyncio.fixture
async def elsewhere(redis_url: str) -> AsyncIterator[RedisWire]:
    """Another node's."""
    async with a_wire(redis_url) as made:
        yield made
