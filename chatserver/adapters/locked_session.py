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

_LOCK = "select * from public.chat_lock($1, $2, $3)"

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

_END = """
update public.chat_answers set state = $3, finished_at = clock_timestamp() where session_id = $1 and turn = $2
"""

# A change with all that belongs to it. What it has not is null, and finds no row.
_APPLY = f"""
with session as (
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
), ended as (
  update public.chat_answers set state = $12, finished_at = clock_timestamp()
   where session_id = $1 and turn = $11::bigint
), lease as (
  select case when $17 then '-infinity'::timestamptz
              else clock_timestamp() + make_interval(secs => $18) end as until
), reaped as (
  update public.chat_answers set turn = $3, owner = $16, attempt = attempt + $14, lease_until = lease.until
    from lease where session_id = $1 and turn = $13::bigint
), claimed as (
  insert into public.chat_answers (session_id, turn, first_turn, owner, lease_until)
  select $1, $3, $3, $16::uuid, lease.until from lease where $15::boolean
), events as (
  insert into public.chat_messages (session_id, seq, id, turn, of_turn, kind, role, author_id, content, meta)
  select $1, $19 + e.nth, e.id, $3, e.of_turn, e.kind, e.role, e.author_id, e.content, e.meta
    from unnest($20::uuid[], $21::bigint[], $22::text[], $23::text[], $24::uuid[], $25::text[], $26::jsonb[])
      with ordinality as e (id, of_turn, kind, role, author_id, content, meta, nth)
  returning {COLUMNS}
)
select {COLUMNS} from events order by seq
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
        row = await self._connection.fetchrow(_LOCK, self._session, LOCK_WAIT, IDLE_WAIT)
        if row is None:
            raise Refused("not_found", "There is no such conversation.")
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
            row["admin_name"], row["lease_over"], row["waiting"], row["urgent"],
            Running(row["running_turn"], row["first_turn"], row["attempt"], row["running_lease_over"],
                    row["handed_over"]) if row["running_turn"] is not None else None,
            waits, helped, ended, row["waited_seconds"],
        )  # fmt: skip

    async def apply(self, state: State, change: Change, *, leaving: bool = False) -> Applied:
        turn = state.turn + (1 if change.raises_turn else 0)
        seq = state.seq + len(change.events)
        running = state.running.turn if state.running is not None else None
        ends, reaps = running if change.ends else None, running if change.reaps else None
        if ends is not None and change.claims:
            # Of one statement's parts none comes first, and only one answer of a session may run.
            await self._connection.execute(_END, self._session, ends, change.ends)
            ends = None
        events = change.events
        rows = await self._connection.fetch(
            _APPLY, self._session, seq, turn, change.status, change.admin is not None,
            None if change.admin == "nobody" else change.admin, self._admin_lease_seconds, change.waiting,
            change.waiting_reason, change.urgent,
            ends, change.ends, reaps, 1 if change.counts_attempt else 0, change.claims, self._owner,
            leaving, ANSWER_LEASE_SECONDS, state.seq,
            [event.id or uuid4() for event in events], [event.of_turn for event in events],
            [event.kind for event in events], [event.role for event in events], [event.author for event in events],
            [event.content for event in events], [event.meta for event in events],
        )  # fmt: skip
        if change.status is not None:
            await self._connection.execute("select public.chat_write_log($1)", self._session)
        claimed = (change.claims or change.reaps) and not leaving
        return Applied([logged(row) for row in rows], seq, turn, change.raises_turn, claimed)

    async def sources(self, refs: Sequence[int]) -> list[Source]:
        """What a message says of the jobs it names, in the order named; numbers that were never given are left out."""
        return await read_sources(self._connection, self._session, refs)
