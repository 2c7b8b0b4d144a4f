"""The sign-in service that tokens are tested against, the wires of two nodes, and a database with rows of everybody."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
import pytest_asyncio

from chatserver.adapters.identity import (
    SupabaseIdentity,
)
from chatserver.adapters.wire import RedisWire
from tests.adapters.everybodys_rows import Stage, everybodys_rows
from tests.adapters.migration_databases import undone
from tests.adapters.sign_in import SECRET, Clock, Supabase, a_sign_in_service
from tests.conftest import PostgresServer
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


@pytest_asyncio.fixture(
    scope="module", loop_scope="module", params=["nothing open by default", "everything open by default"]
)
async def everybody(postgres_server: PostgresServer, request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    async with everybodys_rows(
        postgres_server.admin_url, open_by_default=request.param.startswith("everything")
    ) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def stage(everybody: Stage) -> AsyncIterator[Stage]:
    """What a test does to it is undone."""
    async with undone(everybody[0]):
        yield everybody
