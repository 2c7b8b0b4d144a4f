"""What people agreed to, in their row of `users`, and each time that it changed in the trail."""

from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from chatserver.adapters.postgres import acquired, answering
from chatserver.core.consent import VERSION, Consent, Recipient, consent_of, says_the_same
from chatserver.core.errors import account_gone
from chatserver.core.events import instant

_STANDS = "select consent from public.users where id = $1 for no key update"


class PostgresConsents:
    """The store of `chatserver.consents`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def get(self, user: UUID) -> Consent | None:
        async with answering():
            return consent_of(await self._pool.fetchval("select consent from public.users where id = $1", user))

    async def now(self) -> str:
        async with answering():
            moment: datetime = await self._pool.fetchval("select clock_timestamp()")
        return instant(moment)

    async def put(self, user: UUID, consent: Consent) -> Consent:
        action = "consent_given" if consent.recipients else "consent_withdrawn"
        async with acquired(self._pool) as connection, connection.transaction():
            # Locked: of two who say the same at once the second finds it said.
            row = await connection.fetchrow(_STANDS, user)
            if row is None:
                raise account_gone()
            before = consent_of(row["consent"])
            if before is not None and says_the_same(before, consent):
                return before
            await connection.execute(
                "update public.users set consent = $2 where id = $1", user, msgspec.to_builtins(consent)
            )
            await connection.execute(
                "insert into public.audit_log (actor_id, action, subject_type, subject_id, detail)"
                " values ($1, $2, 'user', $1, $3)", user, action,
                {"version": consent.version, "recipients": list(consent.recipients or consent.asked)},
            )  # fmt: skip
        return consent


def agreed_sql(recipient: Recipient) -> str:
    """The condition that the owner of a row `t` of `users` has agreed to the recipient, as `covers` decides it."""
    quoted = recipient.id.replace("'", "''")
    return (
        f"(coalesce(t.consent ->> 'version', '') = '{VERSION}'"
        f" and coalesce(t.consent -> 'recipients' ? '{quoted}', false))"
    )
