"""Old rows, found and taken out of Postgres a batch at a time."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from chatserver.adapters.postgres import acquired, answering

_BEFORE = "clock_timestamp() - make_interval(days => $1)"

# Held by an admin or being answered just now: somebody is about to use it.
_IDLE = f"""
delete from public.chat_sessions where id in (
  select s.id from public.chat_sessions s where s.updated_at < {_BEFORE}
     and coalesce(s.status <> 'active_human' or s.admin_lease_until < clock_timestamp(), true)
     and not exists (select from public.chat_answers a where a.session_id = s.id and a.state = 'running')
   order by s.updated_at limit $2 for update skip locked) returning id
"""
_USED = f"""
select s.id from public.chat_sessions s where s.created_at < {_BEFORE} and s.updated_at >= {_BEFORE}
   and exists (select from public.chat_messages m where m.session_id = s.id and m.created_at < {_BEFORE})
 order by s.id limit $2
"""
_TRIM_MESSAGES = f"delete from public.chat_messages where session_id = $2 and created_at < {_BEFORE}"
_TRIM_ANSWERS = f"""
delete from public.chat_answers where session_id = $2 and created_at < {_BEFORE} and state <> 'running'
"""
# The array holds what is left of the log and nothing else; with its hash, so that nobody takes it for a foreign one.
_TRIM_LOG = """
with kept as (
  select coalesce(jsonb_agg(e.value order by e.ordinality), '[]'::jsonb) as log
    from public.chat_sessions c, jsonb_array_elements(c.conversation_log) with ordinality e
   where c.id = $1 and e.value::text in (
     select public.chat_log_entry(m.role, m.content, m.meta, m.created_at)::text
       from public.chat_messages m where m.session_id = $1 and m.kind = 'message')
)
update public.chat_sessions s set conversation_log = kept.log, logged_hash = md5(kept.log::text)
  from kept where s.id = $1 and jsonb_typeof(s.conversation_log) = 'array'
"""

_RESUMES = f"""
select id, resume_file_url from public.users
 where seen_at < {_BEFORE} and (resume_text is not null or resume_file_url is not null)
   and ($2::uuid is null or id > $2)
 order by id limit $3
"""
_ERASE_RESUME = f"""
with gone as (
  update public.users set resume_text = null, resume_file_name = null, resume_file_url = null, resume_embedding = null,
      embedding_model = null
   where id = $2 and seen_at < {_BEFORE} and resume_file_url is not distinct from $3 returning id
), vectors as (
  delete from public.next_embeddings n using gone where n.user_id = gone.id
)
select count(*) = 1 from gone
"""

# A deactivated account stays: without it the same person would come in anew.
_UNSEEN = f"""
with gone as (
  delete from public.users where id in (
    select u.id from public.users u where u.seen_at < {_BEFORE} and coalesce(u.role, 'seeker') = 'seeker'
       and u.deactivated_at is null and u.resume_text is null and u.resume_file_url is null
       and not exists (select from public.chat_sessions s where s.user_id = u.id)
       and not exists (select from public.jobs j where j.provider_id = u.id)
     order by u.seen_at limit $2 for update skip locked) returning id)
insert into public.audit_log (action, subject_type, subject_id, detail)
select 'user_erased', 'user', id, '{{"reason": "retention"}}'::jsonb from gone returning id
"""

_SPEND = f"""
with gone as (
  delete from public.spend where id in (
    select id from public.spend where day < ({_BEFORE})::date and user_id is not null
     order by day limit $2 for update skip locked)
  returning day, purpose, reserved_usd, settled_usd, calls
), added as (
  insert into public.spend as s (day, user_id, purpose, reserved_usd, settled_usd, calls)
  select day, null, purpose, sum(reserved_usd), sum(settled_usd), sum(calls) from gone group by day, purpose
  on conflict (day, user_id, purpose) do update set reserved_usd = s.reserved_usd + excluded.reserved_usd,
    settled_usd = s.settled_usd + excluded.settled_usd, calls = s.calls + excluded.calls
)
select count(*) from gone
"""
_TRAIL = f"""
delete from public.audit_log where id in (
  select id from public.audit_log where created_at < {_BEFORE} order by id limit $2 for update skip locked) returning id
"""


class PostgresAged:
    """The store of `chatserver.retention`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def erase_idle_sessions(self, days: int, most: int) -> int:
        return len(await self._fetch(_IDLE, days, most))

    async def trim_used_sessions(self, days: int, most: int) -> int:
        used = await self._fetch(_USED, days, most)
        trimmed = 0
        for row in used:
            trimmed += await self._trim(row["id"], days)
        return trimmed

    async def _trim(self, session: UUID, days: int) -> bool:
        async with acquired(self._pool) as connection, connection.transaction():
            if not await connection.fetchval(
                "select true from public.chat_sessions where id = $1 for update skip locked", session
            ):
                return False
            # What another writer left in the array is taken in first, with its time.
            await connection.execute("select public.chat_write_log($1)", session)
            done: str = await connection.execute(_TRIM_MESSAGES, days, session)
            await connection.execute(_TRIM_ANSWERS, days, session)
            await connection.execute(_TRIM_LOG, session)
        return done != "DELETE 0"

    async def old_resumes(self, days: int, after: UUID | None, most: int) -> Sequence[tuple[UUID, str | None]]:
        return [(row["id"], row["resume_file_url"]) for row in await self._fetch(_RESUMES, days, after, most)]

    async def erase_resume(self, user: UUID, file: str | None, days: int) -> bool:
        async with answering():
            erased: bool = await self._pool.fetchval(_ERASE_RESUME, days, user, file)
        return erased

    async def erase_unseen(self, days: int, most: int) -> int:
        return len(await self._fetch(_UNSEEN, days, most))

    async def sum_spend(self, days: int, most: int) -> int:
        async with answering():
            summed: int = await self._pool.fetchval(_SPEND, days, most)
        return summed

    async def forget_trail(self, days: int, most: int) -> int:
        return len(await self._fetch(_TRAIL, days, most))

    async def _fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        async with answering():
            rows: list[asyncpg.Record] = await self._pool.fetch(query, *arguments)
        return rows
