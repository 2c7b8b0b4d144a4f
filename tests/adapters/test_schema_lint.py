"""Supabase's linter has nothing to say about the schema, and each of its rules is seen to bite."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from chatserver.adapters.migrate import migrate
from tests.adapters.migration_databases import MIGRATIONS, connected, fresh_database, undone
from tests.adapters.schema_rules import RULES
from tests.conftest import PostgresServer

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def admin(postgres_server: PostgresServer) -> AsyncIterator[asyncpg.Connection]:
    """An administrator of a migrated database."""
    async with fresh_database(postgres_server.admin_url) as fresh:
        await migrate(fresh.url, MIGRATIONS)
        async with connected(fresh.admin_url) as admin:
            yield admin


@pytest.mark.parametrize("name", RULES)
async def test_the_rule_finds_nothing_in_the_schema_and_what_breaks_it(admin: asyncpg.Connection, name: str) -> None:
    rule = RULES[name]
    async with undone(admin):
        before = {row[0] for row in await admin.fetch(rule.finds)}
        assert before == rule.right
        await admin.execute(rule.broken_by)
        assert {row[0] for row in await admin.fetch(rule.finds)} == rule.right | {rule.then}
