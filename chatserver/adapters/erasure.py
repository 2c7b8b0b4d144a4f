"""A person's rows, taken out of Postgres at once."""

from uuid import UUID

import asyncpg

from chatserver.adapters.jobs import JOB_COLUMNS, job_of
from chatserver.adapters.postgres import acquired, answering
from chatserver.core.erasure import Erased
from chatserver.core.job import Job

# What a provider posted stays findable for those whom it was shown to, closed and without its owner.
_JOBS = """
update public.jobs set provider_id = null, status = 'closed', closed_at = coalesce(closed_at, clock_timestamp()),
    embedding = null, embedding_model = null, pending = null
 where provider_id = $1 returning id
"""

# What they wrote as an admin in other people's conversations belongs to those; their name goes.
_NAMES = """
update public.chat_messages set meta = jsonb_set(meta, '{author}', '{"name": "An admin", "kind": "admin"}')
 where author_id = $1 and meta ? 'author'
"""
_STATUSES = """
update public.chat_messages set meta = jsonb_set(meta, '{by}', jsonb_build_object('id', $1::text, 'name', 'An admin'))
 where author_id = $1 and kind = 'status'
"""

_HANDED_TO = """
update public.chat_messages set meta = jsonb_set(meta, '{to,name}', '"An admin"')
 where meta ? 'to' and meta -> 'to' ->> 'id' = $1
"""


class PostgresPeople:
    """Each method raises `Unavailable` while the database does not answer."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def open_sessions(self, user: UUID) -> list[UUID]:
        async with answering():
            rows = await self._pool.fetch(
                "select id from public.chat_sessions where user_id = $1 and status is distinct from 'closed'", user
            )
        return [row["id"] for row in rows]

    async def jobs(self, provider: UUID) -> list[Job]:
        async with answering():
            rows = await self._pool.fetch(
                f"select {JOB_COLUMNS} from public.jobs where provider_id = $1 order by created_at", provider
            )
        return [job_of(row) for row in rows]

    async def erase(self, user: UUID) -> Erased | None:
        async with acquired(self._pool) as connection, connection.transaction():
            # Of two admins who go at once one stays.
            admins = await connection.fetch(
                "select id from public.users where role = 'admin' and deactivated_at is null order by id for update"
            )
            if [row["id"] for row in admins] == [user]:
                return None
            messages: int = await connection.fetchval(
                "select count(*) from public.chat_messages m join public.chat_sessions s on s.id = m.session_id"
                " where s.user_id = $1 and m.kind = 'message'", user,
            )  # fmt: skip
            sessions = await connection.fetch("delete from public.chat_sessions where user_id = $1 returning id", user)
            jobs = await connection.fetch(_JOBS, user)
            await connection.execute(_NAMES, user)
            await connection.execute(_STATUSES, user)
            await connection.execute(_HANDED_TO, str(user))
            await connection.execute("delete from public.users where id = $1", user)
            at = await connection.fetchval(
                "insert into public.audit_log (actor_id, action, subject_type, subject_id) values ($1, 'user_erased',"
                " 'user', $1) returning created_at", user,
            )  # fmt: skip
        return Erased(at, len(sessions), messages, len(jobs))
