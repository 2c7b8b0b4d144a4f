"""Who is asked in the tests: nobody where all stays on this server, or whoever a test names."""

import asyncpg

from chatserver.adapters.consents import PostgresConsents
from chatserver.consents import Consents
from chatserver.core.consent import Recipients


def consents_on(database: asyncpg.Pool, recipients: Recipients | None = None) -> Consents:
    return Consents(PostgresConsents(database), recipients or Recipients())
