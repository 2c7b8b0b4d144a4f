"""The rows of `users`, as far as authority and names go, and the trail of who looked at them or changed them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg

from chatserver.adapters.postgres import acquired
from chatserver.core.access import Role, User
from chatserver.core.errors import Refused
from chatserver.core.ports import Unavailable

_COLUMNS = "id, email, coalesce(role, 'seeker')::text as role, full_name, deactivated_at is not null as deactivated"

_CONVERSATION_READ = """
insert into public.audit_log (actor_id, action, subject_type, subject_id, detail)
select $1, 'conversation_read', 'user', $2, jsonb_build_object('session', $3::text)
 where not exists (
   select from public.audit_log l where l.subject_id = $2 and l.created_at > clock_timestamp() - interval '10 minutes'
      and l.actor_id = $1 and l.action = 'conversation_read' and l.detail ->> 'session' = $3)
"""

# Tokens are issued in whole seconds.
_ERASED_SINCE = """
select exists (select from public.audit_log where subject_id = $1 and action = 'user_erased'
   and created_at > to_timestamp($2) + interval '1 second')
"""
_SEARCHED = """
insert into public.audit_log (actor_id, action, subject_type)
select $1, 'conversations_searched', 'session'
 where not exists (
   select from public.audit_log l where l.actor_id = $1 and l.action = 'conversations_searched'
      and l.created_at > clock_timestamp() - interval '10 minutes')
"""


def _user(row: asyncpg.Record) -> User:
    return User(row["id"], row["email"], row["role"], row["full_name"], row["deactivated"])


class UserStore:
    """Raises `Unavailable` while the database does not answer."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def get(self, id: UUID) -> User | None:
        async with acquired(self._pool) as connection:
            row = await connection.fetchrow(f"select {_COLUMNS} from public.users where id = $1", id)
        return _user(row) if row else None

    async def _seen(self, id: UUID) -> User | None:
        """The user, and at most once a day a note that they were here: what is kept of them begins to age anew."""
        async with acquired(self._pool) as connection:
            row = await connection.fetchrow(
                f"select {_COLUMNS}, seen_at < clock_timestamp() - interval '1 day' as is_back"
                " from public.users where id = $1", id,
            )  # fmt: skip
            if row is not None and row["is_back"]:
                await connection.execute("update public.users set seen_at = clock_timestamp() where id = $1", id)
        return _user(row) if row else None

    async def by_email(self, email: str) -> User | None:
        """The user of this address, in whatever case it is written. Raises `Refused` where that is more than one."""
        async with acquired(self._pool) as connection:
            rows = await connection.fetch(
                f"select {_COLUMNS} from public.users where lower(email) = lower($1)"
                " order by email = $1 desc, created_at, id limit 2", email.strip(),
            )  # fmt: skip
        if len(rows) > 1 and rows[0]["email"] != email.strip():
            raise Refused("conflict", "Several accounts have this address in different spellings; write one exactly.")
        return _user(rows[0]) if rows else None

    async def some(self, ids: Sequence[UUID]) -> list[User]:
        async with acquired(self._pool) as connection:
            rows = await connection.fetch(f"select {_COLUMNS} from public.users where id = any ($1::uuid[])", list(ids))
        return [_user(row) for row in rows]

    async def see(self, id: UUID, email: str | None, name: str | None, *, signed_in_at: float | None = None) -> User:
        """The user of this id; at first sight the row is made, as a seeker.

        A row is never given to another id because of its address: that is a `conflict`. Nor does it come back with what
        was issued before its owner had it erased (`unauthorized`; `signed_in_at` is in epoch seconds): another tab of
        theirs would bring it back at once.
        """
        known = await self._seen(id)
        if known is not None:
            return known
        taken = False
        try:
            async with acquired(self._pool) as connection:
                if signed_in_at is not None and await connection.fetchval(_ERASED_SINCE, id, signed_in_at):
                    raise Refused("unauthorized", "This account was erased; sign in again to begin a new one.")
                await connection.execute(
                    "insert into public.users (id, email, role, full_name) values ($1, $2, 'seeker', $3)"
                    " on conflict (id) do nothing", id, email or f"{id}@users.invalid", name,
                )  # fmt: skip
        except asyncpg.UniqueViolationError:
            taken = True
        # Of two first requests at once one may be told that the address is taken, by its own twin.
        known = await self.get(id)
        if known is None and taken:
            raise Refused(
                "conflict", "This e-mail address belongs to another account; sign in to that one, or write to an admin."
            )
        if known is None:
            raise Unavailable("Your account could not be read just now; try again.")
        return known

    async def set_full_name(self, id: UUID, full_name: str | None) -> None:
        async with acquired(self._pool) as connection:
            await connection.execute("update public.users set full_name = $2 where id = $1", id, full_name)

    async def set_role(self, id: UUID, role: Role) -> None:
        await self.change(id, role=role)

    async def set_deactivated(self, id: UUID, deactivated: bool) -> None:
        await self.change(id, deactivated=deactivated)

    async def change(
        self, id: UUID, *, role: Role | None = None, deactivated: bool | None = None, by: UUID | None = None
    ) -> None:
        """Changes what is not None, together with its entry in the trail; `by` None is an operator at the machine.

        Raises `Refused` (`forbidden`) where `by` is no admin any more: of two who shut each other out one stays.
        """
        async with acquired(self._pool) as connection, connection.transaction():
            locked = await connection.fetch(
                f"select {_COLUMNS} from public.users where id = any ($1::uuid[]) order by id for update",
                [id, by or id],
            )
            rows = {row["id"]: row for row in locked}
            if by is not None and (by not in rows or rows[by]["role"] != "admin" or rows[by]["deactivated"]):
                raise Refused("forbidden", "You are no admin any more; sign in again.")
            row = rows.get(id)
            if row is None:
                return
            wanted = {"role": role, "deactivated": deactivated}
            detail = {
                name: {"from": row[name], "to": value}
                for name, value in wanted.items()
                if value is not None and value != row[name]
            }
            if not detail:
                return
            await connection.execute(
                "update public.users set role = coalesce($2::text::public.user_role, role), deactivated_at ="
                " case when $3 then coalesce(deactivated_at, now()) when $3 is null then deactivated_at end"
                " where id = $1", id, role, deactivated,
            )  # fmt: skip
            await _note(connection, by, "user_changed", id, detail)

    async def note(self, by: UUID, action: str, subject: UUID) -> None:
        """Writes into the trail that `by` did `action` to the user `subject`."""
        async with acquired(self._pool) as connection:
            await _note(connection, by, action, subject, {})

    async def note_conversation(self, by: UUID, seeker: UUID, session: UUID) -> None:
        """Once in ten minutes: whoever works at the desk comes back to each conversation again and again."""
        async with acquired(self._pool) as connection:
            await connection.execute(_CONVERSATION_READ, by, seeker, str(session))

    async def note_search(self, by: UUID) -> None:
        """Once in ten minutes, and not for what: the words that were looked for are somebody's own."""
        async with acquired(self._pool) as connection:
            await connection.execute(_SEARCHED, by)


async def _note(
    connection: asyncpg.Connection, by: UUID | None, action: str, subject: UUID, detail: dict[str, Any]
) -> None:
    await connection.execute(
        "insert into public.audit_log (actor_id, action, subject_type, subject_id, detail)"
        " values ($1, $2, 'user', $3, $4)", by, action, subject, detail,
    )  # fmt: skip
