"""What lists of sessions show: who, in which status, waiting since when, and the last word."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from chatserver.adapters.postgres import acquired
from chatserver.core.events import instant
from chatserver.core.server_frames import Person, SessionSummary

LAST_MAX_CHARACTERS = 160

_SUMMARY = f"""
select s.id, s.user_id, coalesce(u.full_name, split_part(u.email, '@', 1), 'Seeker') as seeker_name,
       coalesce(s.status, 'active_ai')::text as status, s.admin_id,
       coalesce(a.full_name, split_part(a.email, '@', 1)) as admin_name,
       s.waiting_since, s.waiting_reason, s.urgent_since, s.updated_at,
       s.status = 'active_human' and coalesce(s.admin_lease_until < clock_timestamp(), true) as lease_over,
       left(l.content, {LAST_MAX_CHARACTERS}) as last,
       (select count(*) from public.chat_messages m where m.session_id = s.id and m.kind = 'message'
         and m.role <> 'user' and not m.meta ? 'hidden' and m.seq > coalesce((select r.seq from public.chat_reads r
           where r.session_id = s.id and r.user_id = s.user_id), 0)) as unread_by_seeker,
       (select count(*) from public.chat_messages m where m.session_id = s.id and m.kind = 'message' and m.role = 'user'
         and m.seq > coalesce((select max(d.seq) from public.chat_messages d where d.session_id = s.id
           and d.kind = 'message' and d.role in ('assistant', 'admin')), 0)) as unread
  from public.chat_sessions s
  left join public.users u on u.id = s.user_id
  left join public.users a on a.id = s.admin_id
  left join lateral (select m.content from public.chat_messages m where m.session_id = s.id and m.kind = 'message'
     and not m.meta ? 'hidden' order by m.seq desc limit 1) l on true
"""

_NOBODY_THERE = "s.status = 'active_ai' or (s.status = 'active_human' and s.admin_lease_until < clock_timestamp())"


def _summary(row: asyncpg.Record, *, for_seeker: bool = False) -> SessionSummary:
    """`unread` is what the seeker has not seen, or for admins what nobody has answered."""
    return SessionSummary(
        id=row["id"], user=Person(row["user_id"] or UUID(int=0), row["seeker_name"], "seeker"), status=row["status"],
        unread=row["unread_by_seeker" if for_seeker else "unread"], updated_at=instant(row["updated_at"]),
        admin=Person(row["admin_id"], row["admin_name"] or "", "admin") if row["admin_id"] else None,
        waiting_since=instant(row["waiting_since"]) if row["waiting_since"] else None, reason=row["waiting_reason"],
        urgent_since=instant(row["urgent_since"]) if row["urgent_since"] else None,
        last=row["last"], lease_over=bool(row["lease_over"]),
    )  # fmt: skip


def _like(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


class SummaryStore:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def lobby(self, most: int) -> list[SessionSummary]:
        """In danger and nobody there first; then those whose admin is gone, who waits longest, and the newest."""
        async with acquired(self._pool) as connection:
            rows = await connection.fetch(
                _SUMMARY + " where s.status is distinct from 'closed' or s.updated_at > now() - interval '1 day'"
                f" order by (s.urgent_since is not null and ({_NOBODY_THERE})) desc, (s.status = 'active_human'"
                " and coalesce(s.admin_lease_until < clock_timestamp(), true)) desc,"
                " s.waiting_since nulls last, s.updated_at desc limit $1",
                most,
            )  # fmt: skip
        return [_summary(row) for row in rows]

    async def some(self, sessions: Sequence[UUID]) -> list[SessionSummary]:
        async with acquired(self._pool) as connection:
            rows = await connection.fetch(_SUMMARY + " where s.id = any ($1::uuid[])", list(sessions))
        return [_summary(row) for row in rows]

    async def page(
        self, *, seeker: UUID | None, status: str | None, q: str | None, before: tuple[datetime, UUID] | None,
        most: int, for_seeker: bool,
    ) -> list[tuple[datetime, SessionSummary]]:  # fmt: skip
        """The newest first, of one seeker or of all; `q` is looked for in names, addresses and messages."""
        async with acquired(self._pool) as connection:
            rows = await connection.fetch(
                _SUMMARY
                + """ where ($1::uuid is null or s.user_id = $1) and ($2::text is null or s.status::text = $2)
                and ($3::text is null or u.full_name ilike $3 or u.email ilike $3 or exists (
                  select from public.chat_messages m where m.session_id = s.id and m.kind = 'message'
                    and not m.meta ? 'hidden' and m.content ilike $3))
                and ($4::timestamptz is null or (s.updated_at, s.id) < ($4, $5::uuid))
                order by s.updated_at desc, s.id desc limit $6""",
                seeker, status, _like(q) if q else None, before[0] if before else None, before[1] if before else None,
                most,
            )  # fmt: skip
        return [(row["updated_at"], _summary(row, for_seeker=for_seeker)) for row in rows]
