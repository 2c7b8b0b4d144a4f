"""A Supabase project that has the documented schema, full of rows, is adopted; what changes in them is said."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from chatserver.adapters.migrate import MigrationError, check, migrate
from tests.adapters.migration_databases import (
    CLIENT_ROLES,
    MIGRATIONS,
    FreshDatabase,
    acting_as,
    connected,
    fresh_database,
)

SEED = Path(__file__).with_name("seed_database.sql")
ASHA = UUID("11111111-1111-4111-8111-111111111111")
CHITRA = UUID("33333333-3333-4333-8333-333333333333")
TABLES = ("users", "jobs", "chat_sessions", "scraping_logs", "cron_locks")

# Supabase's own, and its owner's: `postgres` may use it and may create nothing in it.
AUTH = """
create schema auth authorization {auth_admin};
create table auth.users (id uuid primary key);
alter table auth.users owner to {auth_admin};
create function auth.uid() returns uuid language sql stable as $$
  select coalesce(nullif(current_setting('request.jwt.claim.sub', true), ''),
    (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'))::uuid
$$;
alter function auth.uid() owner to {auth_admin};
grant usage on schema auth to {postgres}, anon, authenticated, service_role;
"""
# Until October 2026 every new table and function in public was open to clients.
OLD_DEFAULTS = """
alter default privileges for role {postgres} in schema public
  grant all on tables to anon, authenticated, service_role;
alter default privileges for role {postgres} in schema public
  grant all on functions to anon, authenticated, service_role;
alter default privileges for role {postgres} in schema public
  grant all on sequences to anon, authenticated, service_role;
grant usage on schema public to anon, authenticated, service_role;
"""
NO_DEFAULTS = "grant usage on schema public to anon, authenticated, service_role;"


@dataclass(frozen=True, slots=True)
class Project:
    vector_in: str
    defaults: str


PROJECTS = {
    "new": Project("extensions", NO_DEFAULTS),
    "old": Project("public", OLD_DEFAULTS),
}


@pytest.fixture(params=list(PROJECTS))
async def supabase(postgres_server: SimpleNamespace, request: pytest.FixtureRequest) -> AsyncIterator[FreshDatabase]:
    project = PROJECTS[request.param]
    rights = "nosuperuser createrole createdb bypassrls"
    async with fresh_database(postgres_server.admin_url, prepared=False, rights=rights) as database:
        names = {"postgres": database.owner, "auth_admin": f"{database.owner}_auth"}
        async with connected(database.admin_url) as admin:
            for role in CLIENT_ROLES:
                if not await admin.fetchval("select 1 from pg_roles where rolname = $1", role):
                    await admin.execute(f"create role {role} nologin {'bypassrls' if role == 'service_role' else ''}")
            await admin.execute(
                f"create role {names['auth_admin']}; grant {', '.join(CLIENT_ROLES)} to {database.owner}"
            )
            await admin.execute(f"create schema if not exists {project.vector_in}")
            await admin.execute(
                f"grant usage on schema {project.vector_in} to {database.owner}, {', '.join(CLIENT_ROLES)}"
            )
            await admin.execute(f"create extension vector schema {project.vector_in}")
            await admin.execute(f'alter role {database.owner} set search_path = "$user", public, extensions')
            await admin.execute((AUTH + project.defaults).format(**names))
        async with connected(database.url) as owner:
            await owner.execute(SEED.read_text())
        try:
            yield database
        finally:
            async with connected(database.admin_url) as admin:
                await admin.execute(f"drop owned by {names['auth_admin']} cascade; drop role {names['auth_admin']}")


async def _rows(database: FreshDatabase) -> dict[str, list[dict[str, Any]]]:
    async with connected(database.url) as owner:
        tables = {table: await owner.fetch(f"select to_jsonb(t)::text from {table} t order by 1") for table in TABLES}
    return {table: [json.loads(row[0]) for row in rows] for table, rows in tables.items()}


async def test_no_row_is_lost_or_changed_but_where_it_is_said(supabase: FreshDatabase) -> None:
    before = await _rows(supabase)
    said: list[str] = []
    await migrate(supabase.url, MIGRATIONS, progress=said.append)
    after = await _rows(supabase)
    told = {
        "a0000000-0000-4000-8000-000000000003": {"embedding"},
        "a0000000-0000-4000-8000-000000000005": {"embedding", "status", "external_id"},
        "a0000000-0000-4000-8000-000000000006": {"status", "external_id"},
        "a0000000-0000-4000-8000-000000000008": {"external_id"},
        "a0000000-0000-4000-8000-000000000009": {"external_id"},
    }
    for table in TABLES:
        key = "lock_name" if table == "cron_locks" else "id"
        now = {row[key]: row for row in after[table]}
        for row in before[table]:
            changed = {column for column, value in row.items() if now[row[key]][column] != value}
            assert changed == told.get(row[key], set()), (table, row[key])
    assert any("2 rows were a second copy of a posting" in line for line in said)
    assert any("2 rows had an empty external_id" in line for line in said)
    assert any("1 rows had a vector without being active" in line for line in said)
    assert await check(supabase.url, MIGRATIONS) == []


async def test_of_two_copies_the_one_that_seekers_find_stays(supabase: FreshDatabase) -> None:
    await migrate(supabase.url, MIGRATIONS)
    async with connected(supabase.url) as owner:
        kept = await owner.fetch("select title from jobs where company_name = 'KPMG' and external_id = '17'")
        closed = await owner.fetch(
            "select title, failure, closed_at is not null as at from jobs where status = 'closed' order by 1"
        )
    assert [row["title"] for row in kept] == ["First copy"]
    sentence = "the same posting as job a0000000-0000-4000-8000-000000000004, external_id 17"
    assert [tuple(row) for row in closed] == [
        ("Older, never finished", sentence, True),
        ("Second copy", sentence, True),
    ]


async def test_vectors_from_before_are_of_the_model_they_were_made_with(supabase: FreshDatabase) -> None:
    await migrate(supabase.url, MIGRATIONS)
    async with connected(supabase.url) as owner:
        jobs = await owner.fetch(
            "select embedding is null as none, embedding_model as model from jobs group by 1, 2 order by 1"
        )
        users = await owner.fetch(
            "select resume_embedding is null as none, embedding_model as model from users group by 1, 2"
        )
        pinned = await owner.fetch("select model from embedding_models")
        misplaced = await owner.fetchval("select count(*) from jobs where embedding is not null and status <> 'active'")
    for rows in (jobs, users):
        assert {tuple(row) for row in rows} == {(False, "text-embedding-3-small"), (True, None)}
    assert [row["model"] for row in pinned] == ["text-embedding-3-small"]
    assert misplaced == 0


async def test_conversations_are_taken_in_and_read_back_equal(supabase: FreshDatabase) -> None:
    async with connected(supabase.url) as owner:
        before = await owner.fetch("select id, conversation_log from chat_sessions order by id")
        await migrate(supabase.url, MIGRATIONS)
        await owner.fetchval("select chat_flush(array(select id from chat_sessions))")
        after = await owner.fetch("select id, conversation_log from chat_sessions order by id")
        messages = await owner.fetch(
            "select seq, kind, role, content, meta ->> 'hidden' from chat_messages order by seq"
        )
    assert [tuple(row) for row in before] == [tuple(row) for row in after]
    assert [tuple(row) for row in messages] == [
        (1, "message", "system", "Context for the model", "true"),
        (2, "message", "user", "How do I improve my resume?", None),
        (3, "message", "assistant", "Based on your experience …", None),
        (4, "message", "user", "Thanks", None),
        (5, "message", "user", "Thanks", None),
        (6, "message", "admin", "", None),
    ]


async def test_what_was_open_to_clients_is_closed(supabase: FreshDatabase) -> None:
    await migrate(supabase.url, MIGRATIONS)
    async with connected(supabase.url) as owner:
        async with acting_as(owner, "anon"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await owner.fetch("select resume_text from users")
        async with acting_as(owner, "authenticated", ASHA):
            assert await owner.fetchval("select count(*) from users") == 1
            assert await owner.fetchval("select count(*) from chat_messages") == 5
            assert await owner.fetchval("select count(*) from chat_sessions") == 2
        for statement in ("update users set role = 'admin'", "delete from jobs", "select chat_flush(null)"):
            async with acting_as(owner, "authenticated", CHITRA):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await owner.execute(statement)


async def test_nothing_is_created_in_auth(supabase: FreshDatabase) -> None:
    what = (
        "select array_agg(proname::text || proowner) from pg_proc where pronamespace = 'auth'::regnamespace"
        " union all select array_agg(relname::text) from pg_class where relnamespace = 'auth'::regnamespace"
    )
    async with connected(supabase.admin_url) as admin:
        before = await admin.fetch(what)
        await migrate(supabase.url, MIGRATIONS)
        assert await admin.fetch(what) == before


async def test_a_writer_of_before_goes_on_working(supabase: FreshDatabase) -> None:
    """The older server beside this one inserts as it always did, with the service role."""
    await migrate(supabase.url, MIGRATIONS)
    async with connected(supabase.url) as owner, owner.transaction():
        await owner.execute("set local role service_role")
        job = await owner.fetchrow(
            "insert into jobs (title, description_raw, embedding)"
            " values ('New', 'Text', array_fill(1, array[384])::vector) returning status, embedding is not null"
        )
        session = await owner.fetchrow(
            "insert into chat_sessions (user_id) values ($1) returning status::text, conversation_log", ASHA
        )
        assert tuple(job) == ("active", True)
        assert tuple(session) == ("active_ai", "[]")
        assert len(await owner.fetch("select * from match_jobs(array_fill(1, array[384])::vector)")) == 3


async def test_a_project_whose_vectors_are_too_long_is_left_alone(supabase: FreshDatabase) -> None:
    async with connected(supabase.url) as owner:
        await owner.execute("drop index idx_jobs_embedding_hnsw; update jobs set embedding = null")
        await owner.execute("alter table jobs alter embedding type vector(1536)")
    before = await _rows(supabase)
    with pytest.raises(MigrationError, match=r"jobs\.embedding is .*vector\(1536\) where vector\(384\) is needed"):
        await migrate(supabase.url, MIGRATIONS)
    assert await _rows(supabase) == before


async def test_a_status_of_their_own_is_kept_and_told(supabase: FreshDatabase) -> None:
    async with connected(supabase.url) as owner:
        await owner.execute("update jobs set status = 'draft' where title = 'Never enriched'")
    said: list[str] = []
    await migrate(supabase.url, MIGRATIONS, progress=said.append)
    assert any("a status that this server does not know (draft)" in line for line in said)
    assert [line for line in await check(supabase.url, MIGRATIONS) if "constraint on jobs: CHECK" in line]
    async with connected(supabase.url) as owner:
        assert await owner.fetchval("select count(*) from jobs where status = 'draft'") == 1
