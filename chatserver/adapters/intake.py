"""How postings find the rows of `jobs` that are already theirs."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from chatserver.adapters.jobs import PENDING, enrichment_of
from chatserver.adapters.postgres import answering
from chatserver.core.draft import Posting
from chatserver.core.intake import Known
from chatserver.core.job_ports import Enrichment

_KNOWN = """
select id, status, title, description_hash, language, board, coalesce(closed_because = 'gone', false) as gone
  from public.jobs where company_name = any ($1::text[]) and external_id = any ($2::text[])
 order by array_position($2::text[], external_id), created_at limit 1
"""

# An edit that a person made of a scraped job is not undone: only what is empty is filled, and dates and places follow.
_COMPLETE = """
update public.jobs set
    source_name = coalesce(source_name, $2), board = coalesce(board, $3), language = coalesce(language, $4),
    posted_at = coalesce($5, posted_at), closes_at = coalesce($6, closes_at), location = coalesce($7, location),
    external_apply_url = coalesce(external_apply_url, $8), last_seen_at = clock_timestamp()
 where id = $1 and (source_name is null or board is null or (language is null and $4::text is not null)
    or coalesce($5, posted_at) is distinct from posted_at or coalesce($6, closes_at) is distinct from closes_at
    or coalesce($7, location) is distinct from location or (external_apply_url is null and $8::text is not null))
"""

_REOPEN = f"""
update public.jobs set status = 'processing', closed_because = null, closed_at = null, failure = null,
    pending = {PENDING}
 where id = $4 and status = 'closed' and closed_because = 'gone' returning id, pending
"""


class PostgresIntake:
    """The store of `chatserver.intake`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def known(self, companies: Sequence[str], external_ids: Sequence[str]) -> Known | None:
        async with answering():
            row = await self._pool.fetchrow(_KNOWN, list(companies), list(external_ids))
        return Known(**row) if row else None

    async def complete(self, job: UUID, posting: Posting) -> None:
        async with answering():
            await self._pool.execute(
                _COMPLETE, job, posting.source_name, posting.board, posting.language, posting.posted_at,
                posting.closes_at, posting.draft.location, posting.draft.external_apply_url,
            )  # fmt: skip

    async def reopen(self, job: UUID) -> Enrichment | None:
        async with answering():
            row = await self._pool.fetchrow(_REOPEN, True, False, {}, job)
        return enrichment_of(row) if row else None
