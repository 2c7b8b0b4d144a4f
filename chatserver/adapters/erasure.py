"""A person's rows, taken out of Postgres at once."""

from typing import Any
from uuid import UUID

import asyncpg

from chatserver.adapters.jobs import JOB_COLUMNS, job_of
from chatserver.adapters.postgres import acquired, answering
from chatserver.core.erasure import Erased
from chatserver.core.job import Job

TRAIL_MAX = 10_000
"""Entries of one person in an export, the newest first."""

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


_ACCOUNT = "select created_at, seen_at, deactivated_at from public.users where id = $1"
_TRAIL = f"""
select created_at as at, action, actor_id is not distinct from $1 as by_yourself from public.audit_log
 where subject_id = $1 or actor_id = $1 order by id desc limit {TRAIL_MAX}
"""
_SPEND = "select day, purpose, settled_usd::float8 as usd from public.spend where user_id = $1 order by day, purpose"


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

    async def noted(self, user: UUID) -> dict[str, Any]:
        async with acquired(self._pool) as connection:
            account = await connection.fetchrow(_ACCOUNT, user)
            trail = await connection.fetch(_TRAIL, user)
            spend = await connection.fetch(_SPEND, user)
        return {
            "account": dict(account) if account else None, "trail": [dict(row) for row in trail],
            "spend": [dict(row) for row in spend],
        }  # fmt: skip

    async def erase(self, user: UUID) -> Erased | None:
        async with acquired(self._pool) as connection, connection.transaction():
            # Of two admins who go at once one stays; and no session of theirs is opened any more. The weaker lock is
            # enough, and lets admins write meanwhile: what they write holds the session that waits to be deleted here.
            locked = await connection.fetch(
                "select id, role = 'admin' and deactivated_at is null as is_admin from public.users"
                " where id = $1 or (role = 'admin' and deactivated_at is null) order by id for no key update", user,
            )  # fmt: skip
            if [row["id"] for row in locked if row["is_admin"]] == [user]:
                return None
            messages: int = await connection.fetchval(
                "select count(*) from public.chat_messages m join public.chat_sessions s on s.id = m.session_id"
                " where s.user_id = $1 and m.kind = 'message'", user,
            )  # fmt: skip
            sessions = await connection.fetch("delete from public.chat_sessions where user_id = $1 returning id", user)
            # Once nothing in their sessions, nor in those that they hold, is under way: whoever writes in this name is
            # let end, and whoever begins to finds nobody.
            await connection.execute(
                "select from public.chat_sessions where admin_id = $1 order by id for no key update", user
            )
            await connection.execute("select from public.users where id = $1 for update", user)
            jobs = await connection.fetch(_JOBS, user)
            renamed = await connection.execute(_NAMES, user)
            await connection.execute(_STATUSES, user)
            await connection.execute(_HANDED_TO, str(user))
            await connection.execute("delete from public.users where id = $1", user)
            at = await connection.fetchval(
                "insert into public.audit_log (actor_id, action, subject_type, subject_id) values ($1, 'user_erased',"
                " 'user', $1) returning created_at", user,
            )  # fmt: skip
        return Erased(at, len(sessions), messages, len(jobs), int(renamed.split()[-1]))
