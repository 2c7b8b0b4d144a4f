"""Jobs that another program took from the career sites before the first run: whose they are and where they stand."""

from collections.abc import Callable, Sequence
from uuid import UUID

import asyncpg

from chatserver.adapters.cron_locks import still_held
from chatserver.adapters.listings import Writer
from chatserver.adapters.postgres import acquired, answering
from chatserver.core.job import SYSTEM_PROVIDER

Place = Callable[[str, str | None], tuple[str, str]]
"""From a job's `external_id` and its address to the board that it stands on and its bare id there."""

_SPELLINGS = """
select distinct company_name from public.jobs
 where provider_id = $2 and lower(btrim(company_name)) = any (select lower(c) from unnest($1::text[]) c)
"""

_FOUND = """
select id, external_id, title, coalesce(external_apply_url, '') as url, location from public.jobs j
 where company_name = any ($1::text[]) and board is null and provider_id = $2 and external_id is not null
   and status <> 'closed' and not exists (select from public.job_listings l where l.job_id = j.id)
 order by created_at, id
"""

# It starts with one pass to spare: which list it came from is a guess.
_ADOPT = """
insert into public.job_listings (board, external_id, job_id, title, url, location, first_run, last_run, missed)
values ($1, $2, $3, $4, $5, $6, gen_random_uuid(), gen_random_uuid(), -1)
on conflict (board, external_id) do update set job_id = excluded.job_id where job_listings.job_id is null
returning job_id
"""

_TWIN = """
update public.jobs set status = 'closed', closed_because = 'twin', closed_at = clock_timestamp(), embedding = null,
    embedding_model = null, pending = null
 where id = $1 and status <> 'closed'
"""


class Adoption:
    """Each method raises `Unavailable` while the database does not answer."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def spellings(self, companies: Sequence[str]) -> tuple[str, ...]:
        """`companies`, and after them what rows call the firm with other capitals or spaces around."""
        async with answering():
            rows = await self._pool.fetch(_SPELLINGS, list(companies), SYSTEM_PROVIDER)
        return tuple(dict.fromkeys((*companies, *(row["company_name"] for row in rows))))

    async def adopt(self, by: Writer, companies: Sequence[str], place: Place) -> None:
        """What stands on no board of ours yet counts as seen on one; of two rows for one posting the older one stays.

        Raises `Lost`.
        """
        async with acquired(self._pool) as connection, connection.transaction():
            await still_held(connection, by.lock, by.holder)
            for row in await connection.fetch(_FOUND, list(companies), SYSTEM_PROVIDER):
                board, bare = place(row["external_id"], row["url"] or None)
                adopted: UUID | None = await connection.fetchval(
                    _ADOPT, board, bare, row["id"], row["title"], row["url"], row["location"]
                )
                if adopted is None:
                    await connection.execute(_TWIN, row["id"])
