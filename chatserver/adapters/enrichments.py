"""What Postgres knows of guides that are being written or wait: whose turn it is, and how many there are."""

from uuid import UUID, uuid4

import asyncpg
import msgspec

from chatserver.adapters.postgres import answering
from chatserver.core.guides import EnricherKind, Guides
from chatserver.core.job import QUESTIONS_PER_JOB, TIPS_PER_JOB
from chatserver.core.job_ports import EnrichmentTask

KEPT_DAYS = 30
"""Guides that nobody came for: their job was edited or closed meanwhile."""
WOKEN_AT_ONCE = 1_000
"""In one statement, which has a time limit: a row with its vector is written anew."""

_CLAIM = """
insert into public.enrichment_claims as c (description_hash, kind, claimed_by, expires_at)
values ($1, $2, $3, clock_timestamp() + make_interval(secs => $4))
on conflict (description_hash, kind) do update
   set claimed_by = excluded.claimed_by, expires_at = excluded.expires_at
 where c.expires_at <= clock_timestamp()
returning true
"""

# The hash of a version is that of its text after the edit. Guides of the row itself serve where they fit that text.
_WAITING = f"""
with waiting as (
  select id, coalesce(pending ->> 'fresh', 'false') = 'true' as fresh,
         case when pending -> 'changes' ? 'description_raw'
              then encode(sha256(convert_to(pending -> 'changes' ->> 'description_raw', 'UTF8')), 'hex')
              else description_hash end as hash
    from public.jobs
   where pending is not null and not (pending ? 'failed') and status in ('processing', 'active')
), unknown as (
  select w.fresh, w.hash, w.id from waiting w
   where w.fresh or (not exists (
     select from public.jobs j where j.description_hash = w.hash and j.enriched_by = $1
        and j.resume_guide_generated -> {TIPS_PER_JOB - 1} is not null
        and j.prep_guide_generated -> {QUESTIONS_PER_JOB - 1} is not null)
   and not exists (select from public.bought_guides b where b.description_hash = w.hash and b.kind = $1))
)
select (select count(*) from waiting) as jobs,
       (select count(*) filter (where fresh) + count(distinct hash) filter (where not fresh) from unknown) as calls
"""

_KEEP = """
insert into public.bought_guides as b (description_hash, kind, version, guides) values ($1, $2, $3, $4)
on conflict (description_hash, kind, version) do update set guides = excluded.guides, bought_at = clock_timestamp()
"""

# Who asks anew is not served with what was there before.
_BOUGHT = """
select guides from public.bought_guides where description_hash = $1 and kind = $2 and (version = $3 or not $4)
 order by bought_at desc limit 1
"""

_SWEEP = "delete from public.bought_guides where bought_at < clock_timestamp() - make_interval(days => $1)"

_WAKE = """
update public.jobs set pending = pending || jsonb_build_object('since', clock_timestamp())
 where id in (select id from public.jobs
    where pending is not null and (pending ->> 'since')::timestamptz > clock_timestamp() limit $1)
"""


class PostgresEnrichments:
    """Each method raises `Unavailable` while the database does not answer."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def claim(self, description_hash: str, kind: EnricherKind, seconds: float) -> UUID | None:
        """None where somebody else has it. Whoever has it writes the guides, or dies, within `seconds`."""
        claim = uuid4()
        async with answering():
            taken = await self._pool.fetchval(_CLAIM, description_hash, kind, claim, seconds)
        return claim if taken else None

    async def release(self, claim: UUID) -> None:
        async with answering():
            await self._pool.execute("delete from public.enrichment_claims where claimed_by = $1", claim)

    async def keep(self, task: EnrichmentTask, kind: EnricherKind, guides: Guides) -> None:
        async with answering():
            await self._pool.execute(_KEEP, task.description_hash, kind, task.version, msgspec.to_builtins(guides))

    async def bought(self, task: EnrichmentTask, kind: EnricherKind) -> Guides | None:
        async with answering():
            found = await self._pool.fetchval(_BOUGHT, task.description_hash, kind, task.version, task.fresh)
        return msgspec.convert(found, Guides) if found else None

    async def forget(self, task: EnrichmentTask, kind: EnricherKind) -> None:
        async with answering():
            await self._pool.execute(
                "delete from public.bought_guides where description_hash = $1 and kind = $2 and version = $3",
                task.description_hash, kind, task.version,
            )  # fmt: skip

    async def waiting(self, kind: EnricherKind) -> tuple[int, int]:
        """How many versions wait for guides, and how many calls of an enricher of this kind they take."""
        async with answering():
            row = await self._pool.fetchrow(_WAITING, kind)
        return row["jobs"], row["calls"]

    async def wake(self) -> None:
        """At a worker's start: there may be money or a key now, so what was to wait longer is due."""
        woken = WOKEN_AT_ONCE
        while woken == WOKEN_AT_ONCE:
            async with answering():
                woken = int((await self._pool.execute(_WAKE, WOKEN_AT_ONCE)).split()[-1])

    async def tidy(self) -> None:
        """Claims of workers that died, and guides that nobody came for, go."""
        async with answering():
            await self._pool.execute("delete from public.enrichment_claims where expires_at < clock_timestamp()")
            await self._pool.execute(_SWEEP, KEPT_DAYS)
