"""The sessions' rows in Postgres: locked, read and changed in one transaction each."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg

from chatserver.adapters.locked_session import ANSWER_LEASE_SECONDS, COLUMNS, LockedSession, logged, read_sources
from chatserver.adapters.postgres import acquired
from chatserver.core.access import User
from chatserver.core.chat_ports import ChatTransaction, Position, SessionRow
from chatserver.core.errors import account_gone
from chatserver.core.events import Logged
from chatserver.core.server_frames import Source

_SESSION = """
select s.id, s.user_id, coalesce(u.full_name, split_part(u.email, '@', 1), 'Seeker') as seeker_name,
       coalesce(s.status, 'active_ai')::text as status, s.seq, s.turn, s.admin_id,
       coalesce(a.full_name, split_part(a.email, '@', 1)) as admin_name,
       coalesce(s.admin_lease_until < clock_timestamp(), true) as lease_over,
       s.waiting_since, s.waiting_reason, s.job_id, coalesce(s.created_at, s.updated_at) as created_at,
       r.turn as running_turn{0}
  from public.chat_sessions s
  left join public.users u on u.id = s.user_id
  left join public.users a on a.id = s.admin_id
  left join public.chat_answers r on r.session_id = s.id and r.state = 'running'
 where s.id = $1
"""
_GLANCE = _SESSION.format("")
# Reads the whole array, which costs more than all the rest.
_LOOK = _SESSION.format(
    ", s.conversation_log <> '[]' and s.logged_hash is distinct from md5(s.conversation_log::text) as is_foreign"
)

_OWNERLESS = """
select a.session_id from public.chat_answers a join public.chat_sessions s on s.id = a.session_id
 where a.state = 'running' and a.lease_until < clock_timestamp()
 order by random() limit $1 for no key update of s skip locked
"""

_RATE = """
update public.chat_messages set meta = case when $3::int = 0 then meta - 'rating' - 'rating_comment'
    else meta || jsonb_build_object('rating', $3::int, 'rating_comment', $4::text) end
 where session_id = $1 and seq = $2 and kind = 'message' and role = 'assistant' returning true
"""

_SEE = """
insert into public.chat_reads as r (session_id, user_id, seq)
select s.id, $2, least($3, s.seq) from public.chat_sessions s where s.id = $1
on conflict (session_id, user_id) do update set seq = excluded.seq where r.seq < excluded.seq returning true
"""


class ChatStore:
    """`owner` is this process's UUID, the name under which it runs answers."""

    def __init__(self, pool: asyncpg.Pool, owner: UUID, admin_lease_seconds: float) -> None:
        self._pool = pool
        self._owner = owner
        self._admin_lease_seconds = admin_lease_seconds

    @asynccontextmanager
    async def transaction(self, session: UUID) -> AsyncIterator[ChatTransaction]:
        async with acquired(self._pool) as connection, connection.transaction():
            yield LockedSession(connection, session, self._owner, self._admin_lease_seconds)

    async def open(self, user: User, *, job: UUID | None, new: UUID | None) -> tuple[UUID, bool]:
        """The seeker's session and whether it was made just now. The user's row is locked: two tabs open one."""
        async with acquired(self._pool) as connection, connection.transaction():
            if not await connection.fetchval("select 1 from public.users where id = $1 for no key update", user.id):
                raise account_gone()
            if new is not None:
                found = await connection.fetchval(
                    "select id from public.chat_sessions where user_id = $1 and opened_as = $2", user.id, new
                )
            else:
                found = await connection.fetchval(
                    "select id from public.chat_sessions where user_id = $1 and status <> 'closed'"
                    " and ($2::uuid is null or job_id = $2) order by updated_at desc limit 1", user.id, job,
                )  # fmt: skip
            if found is not None:
                return found, False
            made = await connection.fetchval(
                "insert into public.chat_sessions (user_id, job_id, opened_as) values ($1, $2, $3) returning id",
                user.id, job, new,
            )  # fmt: skip
            return made, True

    async def session(self, session: UUID) -> SessionRow | None:
        """The session as it stands, after what another writer left in `conversation_log` was taken in."""
        async with acquired(self._pool) as connection:
            row = await connection.fetchrow(_LOOK, session)
            if row is not None and row["is_foreign"]:
                await connection.execute("select public.chat_flush(array[$1]::uuid[])", session)
                row = await connection.fetchrow(_LOOK, session)
        return SessionRow(*tuple(row.values())[:-1]) if row else None

    async def glance(self, session: UUID) -> SessionRow | None:
        """The session as it stands, whatever another writer left in `conversation_log`."""
        async with acquired(self._pool) as connection:
            row = await connection.fetchrow(_GLANCE, session)
        return SessionRow(*row.values()) if row else None

    async def events_after(self, session: UUID, after: int, most: int, upto: int | None = None) -> list[Logged]:
        async with acquired(self._pool) as connection:
            rows = await connection.fetch(
                f"select {COLUMNS} from public.chat_messages where session_id = $1 and seq > $2"
                " and ($4::bigint is null or seq <= $4) order by seq limit $3", session, after, most, upto,
            )  # fmt: skip
        return [logged(row) for row in rows]

    async def events_before(self, session: UUID, before: int, most: int) -> list[Logged]:
        """The last `most` events below `before`, oldest first."""
        async with acquired(self._pool) as connection:
            rows = await connection.fetch(
                f"select {COLUMNS} from public.chat_messages where session_id = $1 and seq < $2"
                " order by seq desc limit $3", session, before, most,
            )  # fmt: skip
        return [logged(row) for row in reversed(rows)]

    async def positions(self, sessions: Sequence[UUID]) -> list[Position]:
        async with acquired(self._pool) as connection:
            rows = await connection.fetch(
                "select id, seq, turn from public.chat_sessions where id = any ($1::uuid[])", list(sessions)
            )
        return [Position(row["id"], row["seq"], row["turn"]) for row in rows]

    async def sources(self, session: UUID, refs: Sequence[int]) -> list[Source]:
        async with acquired(self._pool) as connection:
            return await read_sources(connection, session, refs)

    async def number(self, session: UUID, matches: Sequence[tuple[UUID, dict[str, Any]]]) -> list[int]:
        async with acquired(self._pool) as connection:
            numbers: list[int] = await connection.fetchval(
                "select public.chat_number($1, $2::uuid[], $3::jsonb[])",
                session, [job for job, _ in matches], [match for _, match in matches],
            )  # fmt: skip
        return numbers

    async def queue_position(self, session: UUID) -> int:
        """1 for the next: those in danger first, then who has waited longest."""
        async with acquired(self._pool) as connection:
            place: int = await connection.fetchval(
                "select count(*) from public.chat_sessions s, public.chat_sessions mine where mine.id = $1"
                " and s.waiting_since is not null and (coalesce(s.urgent_since, 'infinity'), s.waiting_since)"
                " <= (coalesce(mine.urgent_since, 'infinity'), mine.waiting_since)", session,
            )  # fmt: skip
        return place

    async def renew_leases(self, running: Collection[tuple[UUID, int]]) -> set[tuple[UUID, int]]:
        """Which of these answers this process still owns; in one statement for all of them.

        What is not among them ends: a row of ours without a task here would never be gone on with.
        """
        async with acquired(self._pool) as connection:
            rows = await connection.fetch(
                "update public.chat_answers set lease_until = clock_timestamp() + make_interval(secs => $2)"
                " where owner = $1 and state = 'running' and lease_until > '-infinity' and (session_id, turn) in"
                " (select * from unnest($3::uuid[], $4::bigint[])) returning session_id, turn",
                self._owner, ANSWER_LEASE_SECONDS, [session for session, _ in running], [turn for _, turn in running],
            )  # fmt: skip
        return {(row["session_id"], row["turn"]) for row in rows}

    async def give_up_leases(self) -> None:
        """Hands this process's answers over to whoever looks next."""
        async with acquired(self._pool) as connection:
            await connection.execute(
                "update public.chat_answers set lease_until = '-infinity' where owner = $1 and state = 'running'",
                self._owner,
            )

    async def ownerless(self, most: int) -> list[UUID]:
        """Sessions whose answer nobody writes, in no order, so that not all nodes begin with the same; those that
        somebody holds just now are left out."""
        async with acquired(self._pool) as connection:
            rows = await connection.fetch(_OWNERLESS, most)
        return [row["session_id"] for row in rows]

    async def note_usage(self, session: UUID, turn: int, usage: dict[str, Any]) -> None:
        async with acquired(self._pool) as connection:
            await connection.execute(
                "update public.chat_answers set usage = $3 where session_id = $1 and turn = $2", session, turn, usage
            )

    async def flush(self, sessions: Sequence[UUID]) -> None:
        async with acquired(self._pool) as connection:
            await connection.execute("select public.chat_flush($1::uuid[])", list(sessions))

    async def flush_left(self, seconds: float, most: int) -> int:
        async with acquired(self._pool) as connection:
            written: int = await connection.fetchval(
                "select public.chat_flush_left(now() - make_interval(secs => $1), $2)", seconds, most
            )
        return written

    async def rate(self, session: UUID, seq: int, rating: int, comment: str | None) -> bool:
        async with acquired(self._pool) as connection:
            return bool(await connection.fetchval(_RATE, session, seq, rating, comment))

    async def see(self, session: UUID, user: UUID, seq: int) -> bool:
        async with acquired(self._pool) as connection:
            return bool(await connection.fetchval(_SEE, session, user, seq))

    async def renew_admin_lease(self, session: UUID, admin: UUID) -> None:
        async with acquired(self._pool) as connection:
            await connection.execute(
                "update public.chat_sessions set admin_lease_until = clock_timestamp() + make_interval(secs => $3)"
                " where id = $1 and admin_id = $2 and status = 'active_human'",
                session, admin, self._admin_lease_seconds,
            )  # fmt: skip

    async def end_leases_of_the_gone(self, most: int) -> None:
        """Whoever was demoted or deactivated, by whichever node or command, holds nothing any more."""
        async with acquired(self._pool) as connection:
            await connection.execute(
                """
                update public.chat_sessions set admin_lease_until = clock_timestamp() where id in (
                  select s.id from public.chat_sessions s join public.users u on u.id = s.admin_id
                   where s.status = 'active_human' and s.admin_lease_until > clock_timestamp()
                     and (u.deactivated_at is not null or u.role is distinct from 'admin')
                   order by random() limit $1 for no key update of s skip locked)
                """,
                most,
            )

    async def unread(self, most: int) -> list[tuple[UUID, int]]:
        """Session and turn of answers that run for a seeker who was deactivated."""
        async with acquired(self._pool) as connection:
            rows = await connection.fetch(
                "select a.session_id, a.turn from public.chat_answers a"
                " join public.chat_sessions s on s.id = a.session_id join public.users u on u.id = s.user_id"
                " where a.state = 'running' and u.deactivated_at is not null order by random() limit $1",
                most,
            )
        return [(row["session_id"], row["turn"]) for row in rows]

    async def overdue(self, most: int) -> list[UUID]:
        """Sessions whose holder is gone while a message that came through this server waits another lease."""
        async with acquired(self._pool) as connection:
            rows = await connection.fetch(
                """
                select s.id from public.chat_sessions s, lateral (
                  select m.seq, m.created_at from public.chat_messages m
                   where m.session_id = s.id and m.kind = 'message' and m.role = 'user' and not m.meta ? 'taken_in'
                   order by m.seq desc limit 1) q
                 where s.status = 'active_human'
                   and greatest(q.created_at, coalesce(s.admin_lease_until, q.created_at))
                       < clock_timestamp() - make_interval(secs => $1)
                   and not exists (select from public.chat_messages m where m.session_id = s.id and m.seq > q.seq and (
                     (m.kind = 'message' and m.role in ('assistant', 'admin')
                       and not coalesce((m.meta -> 'interrupted')::boolean, false))
                     or (m.kind = 'status' and m.meta ->> 'reason' = 'stopped')))
                 order by random() limit $2 for no key update of s skip locked
                """,
                self._admin_lease_seconds, most,
            )  # fmt: skip
        return [row["id"] for row in rows]
