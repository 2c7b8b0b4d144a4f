"""A server on which nothing is prepared: what the owner may do is done, else the exact SQL is printed."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator

import pytest

from chatserver.adapters.embedded import Postgres
from chatserver.adapters.migrate import MigrationError, check, migrate
from tests.adapters.migration_databases import CLIENT_ROLES, MIGRATIONS, FreshDatabase, connected, fresh_database

UNPREPARED = {
    "create extension vector;",
    "create role anon nologin noinherit;",
    "create role authenticated nologin noinherit;",
    "create role service_role nologin noinherit bypassrls;",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    postgres = Postgres(tmp_path_factory.mktemp("bare"), durable=False)
    asyncio.run(postgres.start())
    yield postgres
    asyncio.run(postgres.stop())
    shutil.rmtree(postgres.folder)


@pytest.fixture
async def bare_url(server: Postgres) -> str:
    """Roles belong to the whole server, so each test begins by taking them away."""
    async with connected(server.admin_url) as admin:
        for role in CLIENT_ROLES:
            await admin.execute(f"drop role if exists {role}")
    return server.admin_url


@pytest.fixture
async def unprepared(bare_url: str) -> AsyncIterator[FreshDatabase]:
    async with fresh_database(bare_url, prepared=False) as database:
        yield database


async def _objects(database: FreshDatabase) -> set[str]:
    async with connected(database.admin_url) as admin:
        rows = await admin.fetch(
            """
            select 'table ' || tablename as name from pg_tables where schemaname in ('public', 'private', 'auth')
            union all select 'schema ' || nspname from pg_namespace where nspname !~ '^pg_'
            union all select 'extension ' || extname from pg_extension
            union all select 'role ' || rolname from pg_roles where rolname = any ($1)
            """,
            list(CLIENT_ROLES),
        )
    return {row["name"] for row in rows}


async def _run_as_administrator(database: FreshDatabase, text: str) -> None:
    async with connected(database.admin_url) as admin:
        await admin.execute(text)


async def test_what_is_printed_is_what_the_administrator_has_to_run(unprepared: FreshDatabase) -> None:
    before = await _objects(unprepared)
    with pytest.raises(MigrationError) as caught:
        await migrate(unprepared.url, MIGRATIONS)
    sentence, _, sql = str(caught.value).partition("\n\n")
    assert "nothing was changed" in sentence
    assert sentence.endswith("then migrate again:")
    assert await _objects(unprepared) == before
    assert set(caught.value.sql) >= UNPREPARED
    assert sql == "\n".join(caught.value.sql)

    await _run_as_administrator(unprepared, sql)
    await migrate(unprepared.url, MIGRATIONS)
    assert await check(unprepared.url, MIGRATIONS) == []


async def test_check_names_what_is_missing(unprepared: FreshDatabase) -> None:
    found = await check(unprepared.url, MIGRATIONS)
    assert {line.removeprefix("missing: ") for line in found} >= UNPREPARED


async def test_half_the_rights_do_not_leave_half_the_roles(bare_url: str) -> None:
    """CREATEROLE makes two of the roles, but not one that bypasses row level security."""
    async with fresh_database(bare_url, prepared=False, rights="nosuperuser createrole") as database:
        await _run_as_administrator(database, "create extension vector")
        before = await _objects(database)
        with pytest.raises(MigrationError, match="lacks what the role"):
            await migrate(database.url, MIGRATIONS)
        assert await _objects(database) == before


async def test_an_owner_who_may_do_all_of_it_is_not_stopped(bare_url: str) -> None:
    async with fresh_database(bare_url, prepared=False, rights="superuser") as database:
        await migrate(database.url, MIGRATIONS)
        assert await check(database.url, MIGRATIONS) == []


async def test_only_what_is_missing_is_asked_for(unprepared: FreshDatabase) -> None:
    """What the owner may do stands in the list as well: an administrator who runs it all is done."""
    await _run_as_administrator(
        unprepared,
        "create role anon; create role authenticated; create role service_role bypassrls; create schema private",
    )
    with pytest.raises(MigrationError) as caught:
        await migrate(unprepared.url, MIGRATIONS)
    assert [statement.partition("\n")[0] for statement in caught.value.sql] == [
        "create extension vector;",
        f"create schema auth authorization {unprepared.owner};",
        "create function auth.uid() returns uuid language sql stable as $$",
        f"grant usage on schema auth to anon, authenticated, service_role, {unprepared.owner};",
        f"grant usage, create on schema private to {unprepared.owner};",
    ]
    await _run_as_administrator(unprepared, "\n".join(caught.value.sql))
    await migrate(unprepared.url, MIGRATIONS)


async def test_a_foreign_auth_schema_is_not_touched_without_leave(unprepared: FreshDatabase) -> None:
    await _run_as_administrator(
        unprepared,
        "create extension vector; create role anon; create role authenticated; create role service_role bypassrls;"
        "create schema auth; create function auth.uid() returns uuid language sql as 'select null::uuid'",
    )
    with pytest.raises(MigrationError) as caught:
        await migrate(unprepared.url, MIGRATIONS)
    assert f"grant usage on schema auth to {unprepared.owner};" in caught.value.sql
    assert not any("auth.uid()" in statement for statement in caught.value.sql)
    await _run_as_administrator(unprepared, "\n".join(caught.value.sql))
    await migrate(unprepared.url, MIGRATIONS)


async def test_tables_of_somebody_else_have_to_be_handed_over(server: Postgres) -> None:
    async with fresh_database(server.admin_url) as database:
        await _run_as_administrator(
            database,
            "create table public.cron_locks"
            " (lock_name text primary key, locked_by text, locked_at timestamptz, expires_at timestamptz)",
        )
        with pytest.raises(MigrationError) as caught:
            await migrate(database.url, MIGRATIONS)
        assert caught.value.sql[-1] == f"alter table public.cron_locks owner to {database.owner};"
        await _run_as_administrator(database, "\n".join(caught.value.sql))
        await migrate(database.url, MIGRATIONS)


async def test_a_role_that_does_not_own_the_database_needs_leave_to_create(server: Postgres) -> None:
    async with fresh_database(server.admin_url) as database, fresh_database(server.admin_url) as other:
        url = other.url.rpartition("/")[0] + f"/{database.owner}"
        with pytest.raises(MigrationError) as caught:
            await migrate(url, MIGRATIONS)
        assert f"grant usage, create on schema public to {other.owner};" in caught.value.sql
        await _run_as_administrator(database, "\n".join(caught.value.sql))
        await migrate(url, MIGRATIONS)
        await _run_as_administrator(database, f"drop owned by {other.owner} cascade")


async def test_roles_that_another_migration_makes_meanwhile_are_taken_as_they_are(bare_url: str) -> None:
    async with (
        fresh_database(bare_url, prepared=False, rights="superuser") as one,
        fresh_database(bare_url, prepared=False, rights="superuser") as another,
    ):
        await asyncio.gather(migrate(one.url, MIGRATIONS), migrate(another.url, MIGRATIONS))
        assert await check(one.url, MIGRATIONS) == await check(another.url, MIGRATIONS) == []


async def test_an_old_pgvector_is_to_be_updated(server: Postgres) -> None:
    async with fresh_database(server.admin_url) as database:
        await _run_as_administrator(database, "update pg_extension set extversion = '0.7.4' where extname = 'vector'")
        with pytest.raises(MigrationError, match=r"has pgvector 0\.7\.4, and 0\.8\.0 is the oldest") as caught:
            await migrate(database.url, MIGRATIONS)
        assert caught.value.sql == ("alter extension vector update;",)


async def test_a_server_that_is_too_old(server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    async with fresh_database(server.admin_url) as database:
        with monkeypatch.context() as patched:
            patched.setattr("chatserver.adapters.preparation.OLDEST_POSTGRES", 99)
            with pytest.raises(MigrationError, match="99 is the oldest that serves: upgrade"):
                await migrate(database.url, MIGRATIONS)
        monkeypatch.setattr("chatserver.adapters.preparation.OLDEST_PGVECTOR", (99, 0, 0))
        with pytest.raises(MigrationError, match=r"no pgvector 99\.0\.0 or newer; have an administrator install it"):
            await migrate(database.url, MIGRATIONS)
