"""A database in which every table has rows of everybody, for the tests of who reaches which."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import asyncpg

from chatserver.adapters.migrate import migrate
from tests.adapters.migration_databases import CLIENT_ROLES, MIGRATIONS, connected, fresh_database

PEOPLE = ("seeker", "other seeker", "provider", "other provider", "admin")

# Supabase projects from before October 2026 give clients everything that is new in public.
OPEN_BY_DEFAULT = "; ".join(
    f"alter default privileges in schema public grant all on {kind} to {', '.join(CLIENT_ROLES)}"
    for kind in ("tables", "sequences", "functions")
)

Cast = dict[str, UUID]
Stage = tuple[asyncpg.Connection, Cast]


@asynccontextmanager
async def everybodys_rows(server_url: str, *, open_by_default: bool) -> AsyncIterator[Stage]:
    """The owner's connection to it, and the ids of `PEOPLE`."""
    cast = {person: uuid4() for person in PEOPLE}
    async with fresh_database(server_url) as fresh, connected(fresh.url) as owner:
        if open_by_default:
            await owner.execute(OPEN_BY_DEFAULT)
        await migrate(fresh.url, MIGRATIONS)
        await _fill(owner, cast)
        yield owner, cast


async def _fill(owner: asyncpg.Connection, cast: Cast) -> None:
    """Rows of everybody in every table: who was a seeker once may be a provider or an admin now, and the reverse."""
    run = await owner.fetchval("insert into scraping_logs (source_name) values ('kpmg') returning id")
    await owner.execute("insert into scraping_boards (run_id, board) values ($1, 'kpmg-in')", run)
    await owner.execute(
        "insert into cron_locks (lock_name, locked_by, expires_at) values ('daily_ingestion', 'one', now())"
    )
    await owner.execute("insert into embedding_models (model) values ('minilm')")
    await owner.execute("insert into enrichment_claims values ('hash', 'bought', gen_random_uuid(), now())")
    await owner.execute("insert into bought_guides values ('hash', 'bought', gen_random_uuid(), '{}')")
    await owner.executemany(
        "insert into users (id, email, role, resume_text) values ($1, $2 || '@example.com', $3::text::user_role, 'CV')",
        [(person, name.replace(" ", "."), name.split()[-1]) for name, person in cast.items()],
    )
    for person in cast.values():
        session = await owner.fetchval("insert into chat_sessions (user_id) values ($1) returning id", person)
        for status in ("active", "processing", "failed", "closed"):
            job = await owner.fetchval(
                "insert into jobs (provider_id, title, description_raw, status) values ($1, 'Analyst', 'Work', $2)"
                " returning id", person, status,
            )  # fmt: skip
        await owner.execute("insert into chat_references (session_id, ref, job_id) values ($1, 1, $2)", session, job)
        await owner.execute(
            "insert into job_listings (board, external_id, job_id, title, url, first_run, last_run)"
            " values ('kpmg-in', $1::text, $2, 'Analyst', 'https://example.com', $3, $3)", str(job), job, run,
        )  # fmt: skip
        await owner.executemany(
            "insert into chat_messages (session_id, seq, id, turn, kind, role, content, meta, author_id)"
            " values ($1, $2, gen_random_uuid(), 0, $3, $4, 'text', $5::text::jsonb, $6)",
            [
                (session, 1, "message", "user", "{}", person),
                (session, 2, "message", "system", '{"hidden": true}', None),
                (session, 3, "note", "admin", "{}", cast["admin"]),
                (session, 4, "status", None, "{}", None),
                (session, 5, "note", "admin", "{}", person),
            ],
        )
        await owner.execute(
            "insert into chat_answers (session_id, turn, first_turn, owner, lease_until)"
            " values ($1, 1, 1, $2, now())", session, person,
        )  # fmt: skip
        await owner.execute("insert into chat_reads (session_id, user_id, seq) values ($1, $2, 1)", session, person)
        await owner.execute(
            "insert into next_embeddings (user_id, model, text_hash, embedding)"
            " values ($1, 'minilm', 'hash', array_fill(1, array[384])::vector)", person,
        )  # fmt: skip
        await owner.execute("insert into spend (day, user_id, purpose) values (current_date, $1, 'answers')", person)
        await owner.execute(
            "insert into audit_log (actor_id, action, subject_type, subject_id) values ($1, 'resume_read', 'user', $1)",
            person,
        )
