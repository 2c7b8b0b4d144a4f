"""One session under its lock: what is read for a decision, and how a change is written."""

from collections.abc import Sequence
from uuid import UUID, uuid4

import asyncpg
import msgspec

from chatserver.core.chat_ports import Applied
from chatserver.core.conversation import Change, Running, State
from chatserver.core.errors import Refused
from chatserver.core.events import Logged
from chatserver.core.server_frames import Source, SourceReason
from chatserver.core.system_texts import HELP_CODES

ANSWER_LEASE_SECONDS = 5.0

COLUMNS = "session_id, seq, id, turn, of_turn, kind, role, author_id, content, meta, created_at"

LOCK_WAIT = "3s"
"""So long a command waits for whoever holds the session: longer than any of our transactions takes."""
IDLE_WAIT = "10s"
"""So long a transaction may stand still under the lock: a node that was stopped, or is cut off, holds it no longer."""

# The settings are those of the transaction, and made before its first lock: a row is locked once it was joined.
_LOCK = f"""
with patience as materialized (
  select set_config('lock_timeout', '{LOCK_WAIT}', true),
         set_config('idle_in_transaction_session_timeout', '{IDLE_WAIT}', true))
select s.id, s.user_id, coalesce(u.full_name, split_part(u.email, '@', 1), 'Seeker') as seeker_name,
       coalesce(s.status, 'active_ai')::text as status, s.seq, s.turn, s.admin_id,
       coalesce(s.admin_lease_until < clock_timestamp(), true) as lease_over, s.waiting_since is not null as waiting,
       s.urgent_since is not null as urgent,
       extract(epoch from clock_timestamp() - s.waiting_since)::float8 as waited_seconds
  from patience, public.chat_sessions s
  left join public.users u on u.id = s.user_id
 where s.id = $1 for no key update of s
"""

# A row that was waited for is read anew, one that is joined to it is not: who took the session over meanwhile would
# have no name.
_NAME = "select coalesce(full_name, split_part(email, '@', 1)) from public.users where id = $1"

_RUNNING = """
select turn, first_turn, attempt, lease_until < clock_timestamp() as lease_over,
       lease_until = '-infinity' as handed_over
  from public.chat_answers where session_id = $1 and state = 'running'
"""

_LAST_QUESTION = """
select q.seq, coalesce((q.meta -> 'taken_in')::boolean, false) as taken_in, q.created_at
  from public.chat_messages q where q.session_id = $1 and q.kind = 'message' and q.role = 'user'
   and not coalesce((q.meta -> 'hidden')::boolean, false)
 order by q.seq desc limit 1
"""

_SETTLED = """
select exists (select from public.chat_messages m where m.session_id = $1 and m.seq > $2 and (
  (m.kind = 'message' and m.role in ('assistant', 'admin') and not coalesce((m.meta -> 'interrupted')::boolean, false))
  or (m.kind = 'status' and m.meta ->> 'reason' = 'stopped')))
"""

_HELPED = """
select exists (select from public.chat_messages m where m.session_id = $1 and m.seq > $2 and m.kind = 'message'
  and m.role = 'system' and m.meta ->> 'code' = any ($3::text[]))
"""

_ENDED_TURN = """
select m.of_turn from public.chat_messages m
 where m.session_id = $1 and m.turn = $2 and m.kind = 'status'
   and (m.meta ->> 'reason' = 'stopped' or m.meta ->> 'reason' like 'answer\\_failed:%') limit 1
"""


_SOURCES = """
select r.ref, r.job_id, r.match, j.title, j.company_name, j.location, j.status, j.external_apply_url
  from unnest($2::int[]) with ordinality as wanted (ref, nth)
  join public.chat_references r on r.session_id = $1 and r.ref = wanted.ref
  join public.jobs j on j.id = r.job_id order by wanted.nth
"""


async def read_sources(connection: asyncpg.Connection, session: UUID, refs: Sequence[int]) -> list[Source]:
    if not refs:
        return []
    rows = await connection.fetch(_SOURCES, session, list(refs))
    return [
        Source(
            ref=f"J{row['ref']}", job=row["job_id"], title=row["title"], company=row["company_name"] or "",
            status=row["status"], location=row["location"], apply_url=row["external_apply_url"],
            reasons=msgspec.convert(row["match"].get("reasons", []), list[SourceReason]),
            matched_skills=row["match"].get("matched_skills", []),
            missing_skills=row["match"].get("missing_skills", []),
        )
        for row in rows
    ]  # fmt: skip


def logged(row: asyncpg.Record) -> Logged:
    return Logged(
        row["session_id"], row["seq"], row["id"], row["turn"], row["of_turn"], row["kind"], row["role"],
        row["author_id"], row["content"], row["meta"], row["created_at"],
    )  # fmt: skip


class LockedSession:
    """One session under its lock."""

    def __init__(self, connection: asyncpg.Connection, session: UUID, owner: UUID, lease_seconds: float) -> None:
        self._connection = connection
        self._session = session
        self._owner = owner
        self._admin_lease_seconds = lease_seconds

    async def known(self, id: UUID) -> Logged | None:
        row = await self._connection.fetchrow(
            f"select {COLUMNS} from public.chat_messages where session_id = $1 and id = $2", self._session, id
        )
        return logged(row) if row else None

    async def state(self, *, unanswered: bool = False, ended_turn: bool = False) -> State:
        row = await self._connection.fetchrow(_LOCK, self._session)
        if row is None:
            raise Refused("not_found", "There is no such conversation.")
        admin_name = await self._connection.fetchval(_NAME, row["admin_id"]) if row["admin_id"] else None
        running = await self._connection.fetchrow(_RUNNING, self._session)
        waits = helped = False
        if unanswered:
            question = await self._connection.fetchrow(_LAST_QUESTION, self._session)
            waits = question is not None and not await self._connection.fetchval(
                _SETTLED, self._session, question["seq"]
            )
            helped = waits and await self._connection.fetchval(
                _HELPED, self._session, question["seq"], list(HELP_CODES)
            )
        ended = await self._connection.fetchval(_ENDED_TURN, self._session, row["turn"]) if ended_turn else None
        return State(
            row["id"], row["user_id"], row["seeker_name"], row["status"], row["seq"], row["turn"], row["admin_id"],
            admin_name, row["lease_over"], row["waiting"], row["urgent"],
            Running(running["turn"], running["first_turn"], running["attempt"], running["lease_over"],
                    running["handed_over"]) if running else None,
            waits, helped, ended, row["waited_seconds"],
        )  # fmt: skip

    async def apply(self, state: State, change: Change, *, leaving: bool = False) -> Applied:
        turn = state.turn + (1 if change.raises_turn else 0)
        seq = state.seq + len(change.events)
        await self._update_session(seq, turn, change)
        rows = await self._insert_events(state.seq, turn, change)
        if state.running is not None and change.ends:
            await self._connection.execute(
                "update public.chat_answers set state = $3, finished_at = clock_timestamp()"
                " where session_id = $1 and turn = $2", self._session, state.running.turn, change.ends,
            )  # fmt: skip
        if change.claims:
            await self._connection.execute(
                """
                insert into public.chat_answers (session_id, turn, first_turn, owner, lease_until)
                values ($1, $2, $2, $3, case when $4 then '-infinity'::timestamptz
                                             else clock_timestamp() + make_interval(secs => $5) end)
                """,
                self._session, turn, self._owner, leaving, ANSWER_LEASE_SECONDS,
            )  # fmt: skip
        if change.reaps and state.running is not None:
            await self._connection.execute(
                "update public.chat_answers set turn = $3, owner = $4, attempt = attempt + $5,"
                " lease_until = case when $6 then '-infinity'::timestamptz"
                " else clock_timestamp() + make_interval(secs => $7) end where session_id = $1 and turn = $2",
                self._session, state.running.turn, turn, self._owner, 1 if change.counts_attempt else 0, leaving,
                ANSWER_LEASE_SECONDS,
            )  # fmt: skip
        if change.status is not None:
            await self._connection.execute("select public.chat_write_log($1)", self._session)
        return Applied(rows, seq, turn, change.raises_turn, (change.claims or change.reaps) and not leaving)

    async def _update_session(self, seq: int, turn: int, change: Change) -> None:
        await self._connection.execute(
            """
            update public.chat_sessions set seq = $2, turn = $3, updated_at = clock_timestamp(),
              status = coalesce($4::text::public.chat_status, status, 'active_ai'),
              closed_at = case when $4 = 'closed' then clock_timestamp() else closed_at end,
              admin_id = case when $5 then $6 else admin_id end,
              admin_lease_until = case when $5 and $6::uuid is not null
                then clock_timestamp() + make_interval(secs => $7) when $5 then null else admin_lease_until end,
              waiting_since = case when $8 then coalesce(waiting_since, clock_timestamp())
                when not $8 then null else waiting_since end,
              waiting_reason = case when $8 then $9 when not $8 then null else waiting_reason end,
              urgent_since = case when $10 then coalesce(urgent_since, clock_timestamp())
                when not $10 then null else urgent_since end
            where id = $1
            """,
            self._session, seq, turn, change.status, change.admin is not None,
            None if change.admin == "nobody" else change.admin, self._admin_lease_seconds, change.waiting,
            change.waiting_reason, change.urgent,
        )  # fmt: skip

    async def _insert_events(self, after: int, turn: int, change: Change) -> list[Logged]:
        if not change.events:
            return []
        events = change.events
        rows = await self._connection.fetch(
            f"""
            insert into public.chat_messages (session_id, seq, id, turn, of_turn, kind, role, author_id, content, meta)
            select $1, $2 + e.nth, e.id, $3, e.of_turn, e.kind, e.role, e.author_id, e.content, e.meta
              from unnest($4::uuid[], $5::bigint[], $6::text[], $7::text[], $8::uuid[], $9::text[], $10::jsonb[])
                with ordinality as e (id, of_turn, kind, role, author_id, content, meta, nth) order by e.nth
            returning {COLUMNS}
            """,
            self._session, after, turn, [event.id or uuid4() for event in events], [event.of_turn for event in events],
            [event.kind for event in events], [event.role for event in events], [event.author for event in events],
            [event.content for event in events], [event.meta for event in events],
        )  # fmt: skip
        return [logged(row) for row in rows]

    async def sources(self, refs: Sequence[int]) -> list[Source]:
        """What a message says of the jobs it names, in the order named; numbers that were never given are left out."""
        return await read_sources(self._connection, self._session, refs)
