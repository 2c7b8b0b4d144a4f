"""What clients of the database reach beside rows: columns, functions, sequences, schemas, and by which claims."""

import json
from uuid import uuid4

import asyncpg
import pytest

from tests.adapters.everybodys_rows import Stage
from tests.adapters.migration_databases import CLIENT_ROLES, acting_as

pytestmark = pytest.mark.asyncio(loop_scope="module")

# Of the tables that clients read, the columns that they do not.
UNREADABLE = {
    "jobs": {
        "board", "last_seen_at", "embedding_model", "enriched_by", "failure", "pending", "skills_given",
        "closed_because",
    },
    "chat_sessions": {
        "conversation_log", "admin_lease_until", "waiting_reason", "opened_as", "logged_seq", "logged_hash",
        "notice_since", "notice_tries", "notice_due_at", "urgent_since",
    },
}  # fmt: skip

CALLABLE = """
match_jobs       authenticated service_role
job_words        service_role
chat_log_entry   service_role
chat_take_in     service_role
chat_write_log   service_role
chat_flush       service_role
chat_flush_left  service_role
chat_lock        service_role
chat_number      service_role
spend_reserve    service_role
is_admin         authenticated service_role
is_shut_out      authenticated service_role
keep_vector_only_while_active
"""

CLIENTS = (("anon", None), ("authenticated", "seeker"), ("authenticated", "admin"))


async def test_clients_read_and_do_nothing_else(stage: Stage) -> None:
    owner, _ = stage
    rights = await owner.fetch(
        "select distinct grantee, privilege_type from information_schema.column_privileges"
        " where table_schema in ('public', 'private') and grantee in ('PUBLIC', 'anon', 'authenticated')"
        " union select grantee, privilege_type from information_schema.role_table_grants"
        " where table_schema in ('public', 'private') and grantee in ('PUBLIC', 'anon', 'authenticated')"
    )
    assert [tuple(row) for row in rights] == [("authenticated", "SELECT")]


async def test_of_a_row_that_clients_see_they_see_the_columns_that_are_for_them(stage: Stage) -> None:
    owner, _ = stage
    rows = await owner.fetch(
        "select c.relname, array_agg(a.attname::text) as columns"
        "  from pg_class c join pg_attribute a on a.attrelid = c.oid"
        " where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped"
        "   and has_any_column_privilege('authenticated', c.oid, 'select')"
        "   and not has_column_privilege('authenticated', c.oid, a.attnum, 'select') group by c.relname"
    )
    assert {row["relname"]: set(row["columns"]) for row in rows} == UNREADABLE


async def test_an_edit_that_is_not_published_yet_is_nobodys_to_read(stage: Stage) -> None:
    owner, cast = stage
    await owner.execute("""update jobs set pending = '{"changes": {"title": "Secret"}}' where status = 'active'""")
    for person in cast.values():
        for columns in ("pending", "*"):
            async with acting_as(owner, "authenticated", person):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await owner.fetch(f"select {columns} from jobs")


async def test_a_seeker_reads_neither_notes_nor_hidden_entries(stage: Stage) -> None:
    owner, cast = stage
    async with acting_as(owner, "authenticated", cast["seeker"]):
        rows = await owner.fetch("select seq, kind from chat_messages order by seq")
        assert [tuple(row) for row in rows] == [(1, "message"), (4, "status")]
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await owner.fetch("select conversation_log from chat_sessions")


async def test_an_admin_who_reads_resumes_here_would_leave_no_trace_and_so_reads_none(stage: Stage) -> None:
    owner, cast = stage
    async with acting_as(owner, "authenticated", cast["admin"]):
        assert [row["id"] for row in await owner.fetch("select id, resume_text from users")] == [cast["admin"]]


async def test_nobody_makes_themselves_an_admin(stage: Stage) -> None:
    owner, cast = stage
    for statement in (
        "update users set role = 'admin' where id = $1",
        "insert into users (id, email, role) values ($1, 'new@example.com', 'admin')",
        "insert into users (id, email, role) values ($1, 'new@example.com', 'admin')"
        " on conflict (id) do update set role = excluded.role",
        "merge into users using (select $1::uuid as id) as me on users.id = me.id"
        " when matched then update set role = 'admin'",
    ):
        for person in (*cast.values(), uuid4()):
            async with acting_as(owner, "authenticated", person):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await owner.execute(statement, person)


async def test_nobody_empties_a_table(stage: Stage) -> None:
    """Row level security says nothing about truncate; only the grant does."""
    owner, cast = stage
    tables = await owner.fetch("select tablename from pg_tables where schemaname = 'public'")
    for table in tables:
        for role, who in CLIENTS:
            async with acting_as(owner, role, cast[who] if who else None):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await owner.execute(f"truncate {table['tablename']} cascade")


async def test_what_a_token_claims_besides_its_subject_opens_nothing(stage: Stage) -> None:
    """`user_metadata` is the person's own to write, and the token's role is the database's."""
    owner, cast = stage
    named = {"role": "admin", "user_role": "admin"}
    claims = {"sub": str(cast["seeker"]), **named, "user_metadata": named, "app_metadata": named}
    async with acting_as(owner, "authenticated"):
        await owner.execute("select set_config('request.jwt.claims', $1, true)", json.dumps(claims))
        assert await owner.fetchval("select count(*) from chat_sessions") == 1
        assert await owner.fetchval("select count(*) from audit_log") == 0


async def test_a_former_admin_is_nobody_special_and_a_stranger_sees_the_active_jobs_alone(stage: Stage) -> None:
    """A stranger is signed in at Supabase, perhaps anonymously, without a row here."""
    owner, cast = stage
    await owner.execute("update users set role = 'seeker' where id = $1", cast["admin"])
    async with acting_as(owner, "authenticated", cast["admin"]):
        assert await owner.fetchval("select count(*) from chat_sessions") == 1
        assert await owner.fetchval("select count(*) from audit_log") == 0
    async with acting_as(owner, "authenticated", uuid4()):
        for table in ("users", "chat_sessions", "chat_messages", "chat_references", "audit_log", "spend"):
            assert await owner.fetchval(f"select count(*) from {table}") == 0
        assert {row["status"] for row in await owner.fetch("select status from jobs")} == {"active"}


async def test_claims_left_empty_on_a_pooled_connection_are_nobody(stage: Stage) -> None:
    owner, _ = stage
    async with acting_as(owner, "authenticated"):
        await owner.execute("select set_config('request.jwt.claims', '', true)")
        await owner.execute("select set_config('request.jwt.claim.sub', '', true)")
        for table in ("users", "chat_sessions", "chat_messages", "audit_log"):
            assert await owner.fetchval(f"select count(*) from {table}") == 0


async def test_functions_are_called_by_those_they_are_for(stage: Stage) -> None:
    owner, _ = stage
    rows = await owner.fetch(
        "select p.proname, array(select r from unnest($1::text[]) r where has_function_privilege(r, p.oid, 'execute'))"
        "  as roles from pg_proc p where p.pronamespace in ('public'::regnamespace, 'private'::regnamespace)"
        "  and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')",
        list(CLIENT_ROLES),
    )
    expected = {line.split()[0]: line.split()[1:] for line in CALLABLE.strip().splitlines()}
    assert {row["proname"]: row["roles"] for row in rows} == expected


async def test_a_seeker_may_match_and_gets_active_jobs_only(stage: Stage) -> None:
    owner, cast = stage
    await owner.execute("update jobs set embedding = array_fill(1, array[384])::vector where status = 'active'")
    # A table of one's own does not stand for jobs.
    for before in ("select 1", "create temporary table jobs (id uuid, embedding vector(384)) on commit drop"):
        async with acting_as(owner, "authenticated", cast["seeker"]):
            await owner.execute(before)
            found = await owner.fetch(
                "select j.status from public.match_jobs(array_fill(1, array[384])::vector)"
                " join public.jobs j using (id)"
            )
            assert [row["status"] for row in found] == ["active"] * len(cast)


async def test_clients_turn_back_no_sequence(stage: Stage) -> None:
    owner, cast = stage
    sequences = await owner.fetch("select oid::regclass::text as name from pg_class where relkind = 'S'")
    assert {row["name"] for row in sequences} == {"audit_log_id_seq", "spend_id_seq"}
    for row in sequences:
        for role, who in CLIENTS:
            for call in (f"select setval('{row['name']}', 1)", f"select nextval('{row['name']}')"):
                async with acting_as(owner, role, cast[who] if who else None):
                    with pytest.raises(asyncpg.InsufficientPrivilegeError):
                        await owner.execute(call)


async def test_clients_create_nothing_in_the_schemas_that_functions_look_in(stage: Stage) -> None:
    owner, cast = stage
    for schema in ("public", "private", "auth"):
        for role, who in CLIENTS:
            async with acting_as(owner, role, cast[who] if who else None):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await owner.execute(f"create table {schema}.mine (id int)")


async def test_the_service_role_works_as_before(stage: Stage) -> None:
    owner, cast = stage
    async with acting_as(owner, "service_role"):
        await owner.execute("update users set role = 'provider' where id = $1", cast["seeker"])
        assert await owner.fetchval("select public.chat_flush(array(select id from chat_sessions))") == len(cast)
        await owner.execute("insert into jobs (title, description_raw) values ('Analyst', 'Work')")
        await owner.execute("insert into audit_log (action) values ('resume_read')")
