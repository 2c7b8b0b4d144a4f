"""The documented schema, row by row, against the catalog of a migrated database."""

import asyncpg
import pytest

from tests.adapters.migration_databases import connected

# table, column, type, default, nullable: as the document's tables say it.
DOCUMENT = """
users          id                      uuid                      auth.uid()                  no
users          email                   text                      -                           no
users          role                    user_role                 'seeker'::user_role         yes
users          full_name               text                      -                           yes
users          resume_text             text                      -                           yes
users          resume_embedding        vector(384)               -                           yes
users          resume_file_url         text                      -                           yes
users          resume_file_name        text                      -                           yes
users          created_at              timestamp_with_time_zone  now()                       yes
jobs           id                      uuid                      gen_random_uuid()           no
jobs           provider_id             uuid                      -                           yes
jobs           title                   text                      -                           no
jobs           description_raw         text                      -                           no
jobs           skills_required         jsonb                     -                           yes
jobs           resume_guide_generated  jsonb                     -                           yes
jobs           prep_guide_generated    jsonb                     -                           yes
jobs           embedding               vector(384)               -                           yes
jobs           description_hash        text                      -                           yes
jobs           status                  text                      'active'::text              yes
jobs           company_name            text                      -                           yes
jobs           external_id             text                      -                           yes
jobs           external_apply_url      text                      -                           yes
jobs           created_at              timestamp_with_time_zone  now()                       yes
chat_sessions  id                      uuid                      gen_random_uuid()           no
chat_sessions  user_id                 uuid                      -                           yes
chat_sessions  status                  chat_status               'active_ai'::chat_status    yes
chat_sessions  conversation_log        jsonb                     '[]'::jsonb                 yes
chat_sessions  created_at              timestamp_with_time_zone  now()                       yes
scraping_logs  id                      uuid                      gen_random_uuid()           no
scraping_logs  source_name             text                      -                           no
scraping_logs  status                  text                      'running'::text             yes
scraping_logs  jobs_fetched            integer                   0                           yes
scraping_logs  jobs_new                integer                   0                           yes
scraping_logs  jobs_skipped            integer                   0                           yes
scraping_logs  errors                  integer                   0                           yes
scraping_logs  started_at              timestamp_with_time_zone  now()                       yes
scraping_logs  completed_at            timestamp_with_time_zone  -                           yes
cron_locks     lock_name               text                      -                           no
cron_locks     locked_by               text                      -                           no
cron_locks     locked_at               timestamp_with_time_zone  now()                       yes
cron_locks     expires_at              timestamp_with_time_zone  -                           no
"""
ROWS = [tuple(line.split()) for line in DOCUMENT.strip().splitlines()]

CONSTRAINTS = {
    ("users", "PRIMARY KEY (id)"),
    ("users", "UNIQUE (email)"),
    ("jobs", "PRIMARY KEY (id)"),
    ("jobs", "FOREIGN KEY (provider_id) REFERENCES users(id)"),
    ("chat_sessions", "PRIMARY KEY (id)"),
    ("chat_sessions", "FOREIGN KEY (user_id) REFERENCES users(id)"),
    ("scraping_logs", "PRIMARY KEY (id)"),
    ("cron_locks", "PRIMARY KEY (lock_name)"),
}

MATCH_JOBS = """
begin
  return query
    select jobs.id, 1 - (jobs.embedding <=> query_embedding) as similarity
    from jobs
    where jobs.embedding is not null
    order by jobs.embedding <=> query_embedding
    limit match_count;
end;
"""


async def test_columns_are_as_documented(database_url: str) -> None:
    async with connected(database_url) as database:
        rows = await database.fetch(
            """
            select c.relname, a.attname, replace(format_type(a.atttypid, a.atttypmod), ' ', '_'),
                   coalesce(pg_get_expr(d.adbin, d.adrelid), '-'), case when a.attnotnull then 'no' else 'yes' end
              from pg_attribute a join pg_class c on c.oid = a.attrelid
              left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
             where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
               and a.attnum > 0 and not a.attisdropped
            """
        )
    documented = {row[:2] for row in ROWS}
    there = [tuple(row) for row in rows]
    assert sorted(row for row in there if row[:2] in documented) == sorted(ROWS)


async def test_documented_columns_come_first_and_in_order(database_url: str) -> None:
    """A writer that inserts without naming columns still hits the right ones."""
    async with connected(database_url) as database:
        for table in dict.fromkeys(row[0] for row in ROWS):
            documented = [row[1] for row in ROWS if row[0] == table]
            there = await database.fetch(
                "select attname from pg_attribute where attrelid = to_regclass('public.' || $1) and attnum > 0"
                " and not attisdropped order by attnum",
                table,
            )
            assert [row["attname"] for row in there][: len(documented)] == documented


async def test_constraints_are_as_documented(database_url: str) -> None:
    async with connected(database_url) as database:
        rows = await database.fetch(
            "select conrelid::regclass::text as table, pg_get_constraintdef(oid) as definition from pg_constraint"
            " where connamespace = 'public'::regnamespace and contype in ('p', 'u', 'f')"
        )
    assert {(row["table"], row["definition"]) for row in rows} >= CONSTRAINTS


async def test_enums_are_as_documented(database_url: str) -> None:
    async with connected(database_url) as database:
        rows = await database.fetch(
            "select t.typname, array_agg(e.enumlabel::text order by e.enumsortorder) as labels"
            " from pg_enum e join pg_type t on t.oid = e.enumtypid"
            " where t.typnamespace = 'public'::regnamespace group by 1"
        )
    assert {row["typname"]: row["labels"] for row in rows} == {
        "user_role": ["seeker", "provider", "admin"],
        "chat_status": ["active_ai", "active_human", "closed"],
    }


async def test_the_vector_index_has_the_documented_parameters(database_url: str) -> None:
    async with connected(database_url) as database:
        index = await database.fetchrow(
            """
            select am.amname as method, c.reloptions as options, o.opcname as operators, i.indpred is null as whole,
                   pg_get_indexdef(i.indexrelid, 1, true) as on_column, i.indrelid::regclass::text as on_table
              from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am am on am.oid = c.relam
              join pg_opclass o on o.oid = i.indclass[0] where c.relname = 'idx_jobs_embedding_hnsw'
            """
        )
    assert dict(index) == {
        "method": "hnsw",
        "options": ["m=16", "ef_construction=64"],
        "operators": "vector_cosine_ops",
        "whole": True,
        "on_column": "embedding",
        "on_table": "jobs",
    }


async def test_match_jobs_has_the_documented_signature_and_source(database_url: str) -> None:
    async with connected(database_url) as database:
        function = await database.fetchrow(
            """
            select pg_get_function_arguments(p.oid) as arguments, pg_get_function_result(p.oid) as result,
                   l.lanname as language, p.prosrc as source, p.proconfig as settings, p.prosecdef as as_owner
              from pg_proc p join pg_language l on l.oid = p.prolang where p.oid = to_regproc('public.match_jobs')
            """
        )
    assert dict(function) == {
        "arguments": "query_embedding vector, match_count integer DEFAULT 10",
        "result": "TABLE(id uuid, similarity double precision)",
        "language": "plpgsql",
        "source": MATCH_JOBS,
        "settings": ["search_path=public, pg_temp"],
        "as_owner": False,
    }


async def test_policies_are_as_documented(database_url: str) -> None:
    async with connected(database_url) as database:
        protected = await database.fetchval("select relrowsecurity from pg_class where oid = 'public.jobs'::regclass")
        rows = await database.fetch(
            "select policyname, permissive, roles::text[] as roles, cmd, qual, with_check from pg_policies"
            " where schemaname = 'public' and tablename = 'jobs' order by 1"
        )
    assert protected
    assert [tuple(row) for row in rows] == [
        (
            "provider_manage_own_jobs",
            "PERMISSIVE",
            ["authenticated"],
            "ALL",
            "(( SELECT auth.uid() AS uid) = provider_id)",
            None,
        ),
        ("seeker_view_active_jobs", "PERMISSIVE", ["authenticated"], "SELECT", "(status = 'active'::text)", None),
    ]


def _vector(*leading: float) -> str:
    return str([*leading, *[0.0] * (384 - len(leading))])


async def _publish(database: asyncpg.Connection, title: str, embedding: str | None, status: str = "active") -> None:
    await database.execute(
        "insert into public.jobs (title, description_raw, embedding, status) values ($1, $1, $2::text::vector, $3)",
        title,
        embedding,
        status,
    )


async def test_match_jobs_ranks_active_jobs_for_an_ordinary_role(database_url: str) -> None:
    async with connected(database_url) as database:
        assert not await database.fetchval("select rolsuper from pg_roles where rolname = current_user")
        await _publish(database, "Same direction", _vector(2.0))
        await _publish(database, "Across", _vector(0.0, 1.0))
        await _publish(database, "Near", _vector(1.0, 1.0))
        await _publish(database, "Not yet enriched", None)
        await _publish(database, "Withdrawn", _vector(1.0), status="closed")
        found = await database.fetch(
            "select j.title, round(m.similarity::numeric, 4)::float8 as similarity"
            " from match_jobs($1::text::vector) m join jobs j using (id) order by m.similarity desc",
            _vector(1.0),
        )
        assert [tuple(row) for row in found] == [("Same direction", 1.0), ("Near", 0.7071), ("Across", 0.0)]
        assert len(await database.fetch("select id from match_jobs($1::text::vector, 2)", _vector(1.0))) == 2


async def test_a_job_loses_its_vector_with_its_activity(database_url: str) -> None:
    async with connected(database_url) as database:
        await _publish(database, "Auditor", _vector(1.0))
        await database.execute("update jobs set embedding_model = 'all-MiniLM-L6-v2'")
        await database.execute("update jobs set title = 'Senior auditor'")
        assert await database.fetchval("select embedding is not null from jobs")
        await database.execute("update jobs set status = 'closed'")
        row = await database.fetchrow("select embedding is null as gone, embedding_model from jobs")
        assert tuple(row) == (True, None)
        await database.execute("update jobs set embedding = $1::text::vector", _vector(1.0))
        assert await database.fetchval("select embedding is null from jobs")


async def test_what_nobody_may_store(database_url: str) -> None:
    async with connected(database_url) as database:
        with pytest.raises(asyncpg.CheckViolationError):
            await _publish(database, "Auditor", None, status="archived")
        await database.execute("insert into embedding_models (model) values ('one')")
        with pytest.raises(asyncpg.UniqueViolationError):
            await database.execute("insert into embedding_models (model) values ('two')")
        with pytest.raises(asyncpg.CheckViolationError):
            await database.execute("insert into embedding_models (singleton, model) values (false, 'two')")
        scraped = "insert into jobs (title, description_raw, company_name, external_id) values ('a', 'b', 'KPMG', $1)"
        await database.execute(scraped, None)
        await database.execute(scraped, None)
        await database.execute(scraped, "17")
        with pytest.raises(asyncpg.UniqueViolationError):
            await database.execute(scraped, "17")


async def test_the_system_provider_is_there(database_url: str) -> None:
    async with connected(database_url) as database:
        row = await database.fetchrow(
            "select role::text, email from users where id = '00000000-0000-4000-a000-000000000001'"
        )
    assert tuple(row) == ("provider", "00000000-0000-4000-a000-000000000001@users.invalid")
