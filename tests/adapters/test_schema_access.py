"""What clients of the database itself may see and do: rows by policy, commands by grant."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from uuid import UUID, uuid4

import asyncpg
import pytest

from chatserver.adapters.migrate import migrate
from tests.adapters.migration_databases import MIGRATIONS, acting_as, connected, fresh_database

OURS = (
    "users", "jobs", "chat_sessions", "chat_messages", "chat_answers", "chat_references", "scraping_logs",
    "scraping_boards", "job_listings", "cron_locks", "embedding_models", "enrichment_claims", "bought_guides",
    "chat_reads", "next_embeddings", "spend", "audit_log",
)  # fmt: skip


@dataclass(slots=True)
class Cast:
    seeker: UUID = field(default_factory=uuid4)
    other_seeker: UUID = field(default_factory=uuid4)
    provider: UUID = field(default_factory=uuid4)
    other_provider: UUID = field(default_factory=uuid4)
    admin: UUID = field(default_factory=uuid4)
    former_admin: UUID = field(default_factory=uuid4)
    stranger: UUID = field(default_factory=uuid4)
    """Signed in at Supabase, without a row."""
    session: UUID = field(default_factory=uuid4)


@pytest.fixture
async def stage(postgres_server: SimpleNamespace) -> AsyncIterator[tuple[asyncpg.Connection, Cast]]:
    cast = Cast()
    async with fresh_database(postgres_server.admin_url) as fresh:
        await migrate(fresh.url, MIGRATIONS)
        async with connected(fresh.url) as owner:
            await _fill(owner, cast)
            yield owner, cast


async def _fill(owner: asyncpg.Connection, cast: Cast) -> None:
    people = [
        (cast.seeker, "asha", "seeker"),
        (cast.other_seeker, "ben", "seeker"),
        (cast.provider, "chitra", "provider"),
        (cast.other_provider, "dev", "provider"),
        (cast.admin, "esha", "admin"),
        (cast.former_admin, "farid", "admin"),
    ]
    await owner.executemany(
        "insert into users (id, email, role, resume_text) values ($1, $2 || '@example.com', $3::text::user_role, 'CV')",
        people,
    )
    await owner.execute("update users set deactivated_at = now() where id = $1", cast.former_admin)
    for provider in (cast.provider, cast.other_provider):
        for status in ("active", "processing", "closed"):
            await owner.execute(
                "insert into jobs (provider_id, title, description_raw, status) values ($1, 'Analyst', 'Work', $2)",
                provider,
                status,
            )
    await owner.execute("insert into chat_sessions (id, user_id) values ($1, $2)", cast.session, cast.seeker)
    other = await owner.fetchval("insert into chat_sessions (user_id) values ($1) returning id", cast.other_seeker)
    for session in (cast.session, other):
        await owner.executemany(
            "insert into chat_messages (session_id, seq, id, turn, kind, role, content, meta)"
            " values ($1, $2, gen_random_uuid(), 0, $3, $4, 'text', $5::text::jsonb)",
            [
                (session, 1, "message", "user", "{}"),
                (session, 2, "message", "system", '{"hidden": true}'),
                (session, 3, "note", "admin", "{}"),
                (session, 4, "status", None, "{}"),
            ],
        )
        await owner.execute(
            "insert into chat_references (session_id, ref, job_id) select $1, 1, id from jobs limit 1", session
        )
        await owner.execute(
            "insert into chat_answers (session_id, turn, first_turn, owner, lease_until)"
            " values ($1, 1, 1, gen_random_uuid(), now())",
            session,
        )
    await owner.execute("insert into spend (day, user_id, purpose) values (current_date, $1, 'answers')", cast.seeker)
    await owner.execute("insert into audit_log (action) values ('resume_read')")
    run = await owner.fetchval("insert into scraping_logs (source_name) values ('kpmg') returning id")
    await owner.execute("insert into scraping_boards (run_id, board) values ($1, 'kpmg-in')", run)


# Rows seen by:                   seeker  other  provider  other  admin  former  stranger
SEEN = """
users                                  1      1         1      1      7       1         0
jobs                                   2      2         4      4      2       2         2
chat_sessions                          1      1         0      0      2       0         0
chat_messages                          2      2         0      0      8       0         0
chat_references                        1      1         0      0      2       0         0
scraping_logs                          0      0         0      0      1       0         0
scraping_boards                        0      0         0      0      1       0         0
spend                                  0      0         0      0      1       0         0
audit_log                              0      0         0      0      1       0         0
"""
SERVER_ONLY = (
    "bought_guides", "chat_answers", "chat_reads", "cron_locks", "embedding_models", "enrichment_claims",
    "job_listings", "next_embeddings",
)  # fmt: skip


async def test_everybody_sees_their_own_rows(stage: tuple[asyncpg.Connection, Cast]) -> None:
    owner, cast = stage
    people = (
        cast.seeker, cast.other_seeker, cast.provider, cast.other_provider, cast.admin, cast.former_admin,
        cast.stranger,
    )  # fmt: skip
    for line in SEEN.strip().splitlines():
        table, *expected = line.split()
        seen = []
        for person in people:
            async with acting_as(owner, "authenticated", person):
                seen.append(await owner.fetchval(f"select count(*) from {table}"))
        assert seen == [int(number) for number in expected], table


async def test_nobody_without_an_account_sees_anything(stage: tuple[asyncpg.Connection, Cast]) -> None:
    owner, cast = stage
    refused = [("anon", table) for table in OURS] + [("authenticated", table) for table in SERVER_ONLY]
    for role, table in refused:
        async with acting_as(owner, role, cast.admin if role == "authenticated" else None):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await owner.fetch(f"select count(*) from {table}")


async def test_clients_write_nothing_not_even_an_admin(stage: tuple[asyncpg.Connection, Cast]) -> None:
    owner, cast = stage
    for table in OURS:
        for command in (f"insert into {table} default values", f"delete from {table}", f"truncate {table}"):
            for role, person in (("anon", None), ("authenticated", cast.provider), ("authenticated", cast.admin)):
                async with acting_as(owner, role, person):
                    with pytest.raises(asyncpg.InsufficientPrivilegeError):
                        await owner.execute(command)
    attempts = {
        "update users set role = 'admin'": cast.seeker,
        "update users set full_name = 'Somebody else'": cast.seeker,
        "update jobs set title = 'Better'": cast.provider,
        "update chat_sessions set status = 'closed'": cast.seeker,
        "update chat_messages set content = 'never said'": cast.admin,
    }
    for statement, person in attempts.items():
        async with acting_as(owner, "authenticated", person):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await owner.execute(statement)


async def test_a_seeker_reads_neither_notes_nor_hidden_entries(stage: tuple[asyncpg.Connection, Cast]) -> None:
    owner, cast = stage
    async with acting_as(owner, "authenticated", cast.seeker):
        rows = await owner.fetch("select seq, kind from chat_messages order by seq")
        assert [tuple(row) for row in rows] == [(1, "message"), (4, "status")]
        assert await owner.fetchval("select status::text from chat_sessions") == "active_ai"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await owner.fetch("select conversation_log from chat_sessions")


async def test_clients_cannot_call_what_writes_conversations(stage: tuple[asyncpg.Connection, Cast]) -> None:
    owner, cast = stage
    calls = {
        "select public.chat_flush(array[$1::uuid])": cast.session,
        "select public.chat_write_log($1::uuid)": cast.session,
        "select public.chat_take_in($1::uuid, '[]'::jsonb)": cast.session,
    }
    for call, session in calls.items():
        for role in ("anon", "authenticated"):
            async with acting_as(owner, role, cast.seeker):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await owner.execute(call, session)


async def test_a_seeker_may_match_and_gets_active_jobs_only(stage: tuple[asyncpg.Connection, Cast]) -> None:
    owner, cast = stage
    await owner.execute("update jobs set embedding = array_fill(1, array[384])::vector where status = 'active'")
    async with acting_as(owner, "authenticated", cast.seeker):
        found = await owner.fetch(
            "select status from match_jobs(array_fill(1, array[384])::vector) join jobs using (id)"
        )
        assert [row["status"] for row in found] == ["active", "active"]


async def test_the_service_role_does_all(stage: tuple[asyncpg.Connection, Cast]) -> None:
    owner, cast = stage
    for table in OURS:
        async with acting_as(owner, "service_role"):
            await owner.fetch(f"select * from {table}")
            await owner.execute(f"delete from {table} where false")
    async with acting_as(owner, "service_role"):
        await owner.execute("update users set role = 'provider' where id = $1", cast.seeker)
        assert await owner.fetchval("select public.chat_flush(array[$1::uuid])", cast.session) == 1
        await owner.execute("insert into jobs (title, description_raw) values ('Analyst', 'Work')")


async def test_claims_left_empty_on_a_pooled_connection_are_nobody(stage: tuple[asyncpg.Connection, Cast]) -> None:
    owner, _ = stage
    async with acting_as(owner, "authenticated"):
        await owner.execute("select set_config('request.jwt.claims', '', true)")
        await owner.execute("select set_config('request.jwt.claim.sub', '', true)")
        assert await owner.fetchval("select count(*) from users") == 0


async def test_every_table_is_protected(stage: tuple[asyncpg.Connection, Cast]) -> None:
    """Written so that a table of tomorrow without row level security, or with a grant too many, fails here."""
    owner, _ = stage
    tables = await owner.fetch(
        "select relname, relrowsecurity from pg_class"
        " where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')"
    )
    assert {row["relname"] for row in tables} >= set(OURS)
    assert [row["relname"] for row in tables if not row["relrowsecurity"]] == []
    grants = await owner.fetch(
        "select table_name, grantee, privilege_type from information_schema.role_table_grants"
        " where table_schema = 'public' and grantee in ('anon', 'authenticated', 'PUBLIC')"
    )
    assert {(row["grantee"], row["privilege_type"]) for row in grants} == {("authenticated", "SELECT")}
    policies = await owner.fetch(
        "select tablename, policyname, roles::text[] as roles, cmd, concat(qual, with_check) as rule"
        " from pg_policies where schemaname = 'public'"
    )
    for policy in policies:
        name = f"{policy['tablename']}.{policy['policyname']}"
        assert policy["roles"] == ["authenticated"], name
        assert policy["cmd"] != "ALL" or policy["policyname"] == "provider_manage_own_jobs", name
        assert policy["rule"].count("auth.uid()") == policy["rule"].count("SELECT auth.uid()"), name
    definers = await owner.fetch(
        "select n.nspname, p.proname, p.proconfig from pg_proc p join pg_namespace n on n.oid = p.pronamespace"
        " where p.prosecdef and n.nspname in ('public', 'private')"
    )
    assert [(row["nspname"], row["proconfig"]) for row in definers] == [("private", ['search_path=""'])]
