"""Who is asked in the tests: nobody where all stays on this server, or whoever a test names."""

import asyncpg
import msgspec

from chatserver.adapters.consents import PostgresConsents
from chatserver.consents import Consents
from chatserver.core.consent import VERSION, Consent, Recipients


def consents_on(database: asyncpg.Pool, recipients: Recipients | None = None) -> Consents:
    return Consents(PostgresConsents(database), recipients or Recipients())


async def everybody_agrees(database: asyncpg.Pool, recipients: Recipients) -> None:
    """All who are there now let all of these have something of their resumes."""
    asked = tuple(one.id for one in recipients.all)
    agreed = Consent(VERSION, asked, asked, given_at="2026-11-30T00:00:00.000000Z")
    await database.execute("update users set consent = $1", msgspec.to_builtins(agreed))
