"""Who waits for whom in the database of a test."""

import asyncpg


async def somebody_waits(database: asyncpg.Pool) -> bool:
    """In this database, for what another one has locked: the server has others, which come and go meanwhile."""
    waits: bool = await database.fetchval(
        "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')"
    )
    return waits
