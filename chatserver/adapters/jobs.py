"""The rows of `jobs` in Postgres: published, edited, closed, and how far their enrichment is."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from chatserver.adapters.pinned import keep_pinned
from chatserver.adapters.postgres import acquired, answering
from chatserver.core.draft import JobDraft, Posting, description_hash
from chatserver.core.errors import account_gone
from chatserver.core.guides import EnricherKind, Guides, JobText
from chatserver.core.job import QUESTIONS_PER_JOB, TIPS_PER_JOB, Job, PrepQuestion
from chatserver.core.job_ports import Enrichment, EnrichmentTask, Outcome

DRAFT_COLUMNS = (
    "title", "description_raw", "skills_required", "company_name", "location", "external_apply_url",
)  # fmt: skip
JOB_COLUMNS = """id, provider_id, title, description_raw, skills_required, resume_guide_generated, prep_guide_generated,
  description_hash, status, company_name, external_id, external_apply_url, created_at, source_name, location, language,
  posted_at, closed_at, enriched_by, failure"""

# What is waited for, in one jsonb: {version, since, attempts, bulk, fresh, changes} and, once given up, {failed}.
PENDING = """jsonb_build_object('version', gen_random_uuid(), 'since', clock_timestamp(), 'attempts', 0,
  'bulk', $1::boolean, 'fresh', $2::boolean, 'changes', $3::jsonb)"""

_INSERT = f"""
insert into public.jobs (pending, provider_id, title, description_raw, skills_required, skills_given, company_name,
    location, external_apply_url, description_hash, status, source_name, board, external_id, language, posted_at,
    closes_at, last_seen_at)
select {PENDING}, $4::uuid, $5::text, $6::text, $7::jsonb, $7::jsonb, $8::text, $9::text, $10::text, $11::text,
    'processing', $12::text, $13::text, $14::text, $15::text, $16::timestamptz, $17::timestamptz,
    case when $13::text is not null then clock_timestamp() end
 where $14::text is null
    or not exists (select from public.jobs where company_name = $8::text and external_id = $14::text)
on conflict do nothing
returning {JOB_COLUMNS}, pending
"""

_BEGIN = """
update public.jobs set pending = pending || jsonb_build_object('since', clock_timestamp(),
    'attempts', coalesce((pending ->> 'attempts')::int, 0) + 1)
 where id = $1 and pending ->> 'version' = $2 and status in ('processing', 'active') and not (pending ? 'failed')
returning title, description_raw, skills_required, skills_given, resume_guide_generated, prep_guide_generated,
    description_hash, company_name, location, enriched_by, pending
"""

# A column that the edit names, or as it was; `?` tells "taken away" from "not named".
_CHANGED = "case when pending -> 'changes' ? '{0}' then pending -> 'changes' ->> '{0}' else {0} end"

_COMPLETE = f"""
update public.jobs set
    {", ".join(f"{name} = {_CHANGED.format(name)}" for name in DRAFT_COLUMNS if name != "skills_required")},
    skills_given = case when pending -> 'changes' ? 'skills_required' then pending -> 'changes' -> 'skills_required'
                        else skills_given end,
    skills_required = $3, resume_guide_generated = $4, prep_guide_generated = $5, description_hash = $6,
    embedding = $7, embedding_model = $8, enriched_by = $9, status = 'active', failure = null, pending = null
 where id = $1 and pending ->> 'version' = $2 and status in ('processing', 'active')
"""

_FAIL = """
update public.jobs set failure = $3, pending = pending || '{"failed": true}'::jsonb,
    status = case when status = 'processing' then 'failed' else status end
 where id = $1 and pending ->> 'version' = $2 and status in ('processing', 'active')
"""

# Until when is said by `since`: the sweep looks for what has been overdue from then on.
_POSTPONE = """
update public.jobs set failure = coalesce($3, failure), pending = pending || jsonb_build_object(
    'attempts', greatest((pending ->> 'attempts')::int - 1, 0),
    'since', case when $4::float8 is null
        then (date_trunc('day', clock_timestamp() at time zone 'UTC') + interval '1 day') at time zone 'UTC'
        else clock_timestamp() + make_interval(secs => $4) end)
 where id = $1 and pending ->> 'version' = $2 and status in ('processing', 'active')
"""

# Rows that another writer left in `processing` have nothing pending: they are given a version here.
_ADOPT = f"""
update public.jobs set pending = {PENDING} - 'since' || jsonb_build_object('since', created_at),
    description_hash = coalesce(description_hash, encode(sha256(convert_to(description_raw, 'UTF8')), 'hex'))
 where id in (select id from public.jobs where status = 'processing' and pending is null
    and created_at < clock_timestamp() - make_interval(secs => $4) limit $5 for update skip locked)
"""

# So many of each queue: a thousand postings must not hide the one job that somebody waits for.
_OVERDUE = """
with overdue as (
  select id, pending, row_number() over (partition by coalesce((pending ->> 'bulk')::boolean, false)
      order by (pending ->> 'since')::timestamptz) as place
    from public.jobs
   where pending is not null and not (pending ? 'failed') and status in ('processing', 'active')
     and (pending ->> 'since')::timestamptz < clock_timestamp() - make_interval(secs => $1)
)
select id, pending from overdue where place <= $2 order by coalesce((pending ->> 'bulk')::boolean, false), place
"""

_REUSABLE = """
select skills_required, resume_guide_generated, prep_guide_generated from public.jobs
 where description_hash = $1 and enriched_by = $2 and id <> $3 and jsonb_array_length(resume_guide_generated) = $4
   and jsonb_array_length(prep_guide_generated) = $5
 order by coalesce(skills_given, '[]'::jsonb) <> '[]'::jsonb, created_at desc limit 1
"""


def job_of(row: asyncpg.Record) -> Job:
    """A row as the rest of the house reads it; shapes that older writers left are read as far as they go."""
    values = {name.strip(): row[name.strip()] for name in JOB_COLUMNS.split(",")}
    guides = guides_of(row)
    values |= {"skills_required": guides.skills, "resume_guide_generated": guides.tips}
    return Job(**values | {"prep_guide_generated": guides.questions})


def guides_of(row: asyncpg.Record) -> Guides:
    questions = [entry for entry in _entries(row["prep_guide_generated"]) if isinstance(entry, dict)]
    return Guides(
        _strings(row["skills_required"]),
        _strings(row["resume_guide_generated"]),
        tuple(PrepQuestion(str(e.get("question", "")), str(e.get("answer_strategy", ""))) for e in questions),
    )


def _entries(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _strings(value: Any) -> tuple[str, ...]:
    return tuple(entry for entry in _entries(value) if isinstance(entry, str))


def enrichment_of(row: asyncpg.Record) -> Enrichment:
    return Enrichment(row["id"], row["pending"]["version"], bool(row["pending"].get("bulk")))


class PostgresJobs:
    """The store of `chatserver.jobs` and of the workers."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def add(self, provider: UUID, draft: JobDraft) -> tuple[Job, Enrichment]:
        try:
            row = await self._insert(False, provider, draft, None, None, None, None, None, None)
        except asyncpg.ForeignKeyViolationError:
            raise account_gone() from None
        return job_of(row), enrichment_of(row)

    async def take_in(self, provider: UUID, posting: Posting) -> tuple[Job, Enrichment] | None:
        row = await self._insert(
            True, provider, posting.draft, posting.source_name, posting.board, posting.external_id, posting.language,
            posting.posted_at, posting.closes_at,
        )  # fmt: skip
        return (job_of(row), enrichment_of(row)) if row else None

    async def _insert(self, bulk: bool, provider: UUID, draft: JobDraft, *source: Any) -> Any:
        async with answering():
            return await self._pool.fetchrow(
                _INSERT, bulk, False, {}, provider, draft.title, draft.description_raw, list(draft.skills_required),
                draft.company_name, draft.location, draft.external_apply_url, description_hash(draft.description_raw),
                *source,
            )  # fmt: skip

    async def change(
        self, job: UUID, columns: Mapping[str, Any], *, fresh: bool, bulk: bool = False
    ) -> tuple[Job, Enrichment] | None:
        changes = {n: list(v) if isinstance(v, tuple) else v for n, v in columns.items() if n in DRAFT_COLUMNS}
        async with acquired(self._pool) as connection, connection.transaction():
            row = await connection.fetchrow("select status, pending from public.jobs where id = $1 for update", job)
            if row is None or row["status"] == "closed":
                return None
            pending = row["pending"] or {}
            fresh = fresh or bool(pending.get("fresh"))
            if row["status"] == "active":
                changes = pending.get("changes", {}) | changes
            else:
                await self._write(connection, job, changes)
                changes = {}
            row = await connection.fetchrow(
                f"update public.jobs set pending = {PENDING}, failure = null, "
                "status = case when status = 'active' then status else 'processing' end "
                f"where id = $4 returning {JOB_COLUMNS}, pending",
                bulk, fresh, changes, job,
            )  # fmt: skip
            return job_of(row), enrichment_of(row)

    @staticmethod
    async def _write(connection: Any, job: UUID, changes: Mapping[str, Any]) -> None:
        """An edit of a job that nobody has been shown yet."""
        written = dict(changes)
        if "description_raw" in written:
            written["description_hash"] = description_hash(written["description_raw"])
        if "skills_required" in written:
            written["skills_given"] = written["skills_required"]
        if written:
            assignments = ", ".join(f"{name} = ${place}" for place, name in enumerate(written, start=2))
            await connection.execute(f"update public.jobs set {assignments} where id = $1", job, *written.values())

    async def close(self, job: UUID) -> Job:
        async with answering():
            row = await self._pool.fetchrow(
                "update public.jobs set status = 'closed', embedding = null, embedding_model = null, pending = null, "
                f"closed_at = coalesce(closed_at, now()) where id = $1 returning {JOB_COLUMNS}",
                job,
            )
        return job_of(row)

    async def job(self, job: UUID) -> Job | None:
        found = await self.jobs([job])
        return found[0] if found else None

    async def seekers_matched(self, job: UUID) -> int:
        async with answering():
            count: int = await self._pool.fetchval(
                "select count(distinct s.user_id) from public.chat_references r"
                " join public.chat_sessions s on s.id = r.session_id where r.job_id = $1", job,
            )  # fmt: skip
        return count

    async def jobs(self, jobs: Sequence[UUID]) -> list[Job]:
        async with answering():
            rows = await self._pool.fetch(
                f"select {JOB_COLUMNS} from public.jobs where id = any ($1::uuid[]) "
                "order by array_position($1::uuid[], id)",
                list(jobs),
            )
        return [job_of(row) for row in rows]

    async def begin(self, job: UUID, version: str) -> EnrichmentTask | None:
        async with answering():
            row = await self._pool.fetchrow(_BEGIN, job, version)
        if row is None:
            return None
        pending = row["pending"]
        changes = pending.get("changes") or {}
        new = {name: changes.get(name, row[name]) for name in ("title", "description_raw", "company_name", "location")}
        hashed = description_hash(new["description_raw"])
        guides = guides_of(row)
        whole = len(guides.tips) == TIPS_PER_JOB and len(guides.questions) == QUESTIONS_PER_JOB
        return EnrichmentTask(
            job, version, pending["attempts"],
            JobText(new["title"], new["description_raw"], new["company_name"], new["location"]),
            hashed,
            _strings(changes.get("skills_required", row["skills_given"])),
            guides if whole and hashed == row["description_hash"] and changes.get("skills_required") != [] else None,
            row["enriched_by"],
            bool(pending.get("fresh")),
            bool(pending.get("bulk")),
        )  # fmt: skip

    async def reusable(self, description_hash: str, kind: EnricherKind, besides: UUID) -> Guides | None:
        async with answering():
            row = await self._pool.fetchrow(_REUSABLE, description_hash, kind, besides, TIPS_PER_JOB, QUESTIONS_PER_JOB)
        return guides_of(row) if row else None

    async def complete(self, task: EnrichmentTask, outcome: Outcome) -> bool:
        questions = [{"question": q.question, "answer_strategy": q.answer_strategy} for q in outcome.guides.questions]
        async with acquired(self._pool) as connection, connection.transaction():
            done = await connection.execute(
                _COMPLETE, task.job, task.version, list(outcome.guides.skills), list(outcome.guides.tips), questions,
                task.description_hash, outcome.embedding, outcome.embedding_model, outcome.enriched_by,
            )  # fmt: skip
            if done == "UPDATE 1":
                await keep_pinned(connection, outcome.embedding_model)
        return bool(done == "UPDATE 1")

    async def postpone(self, job: UUID, version: str, sentence: str | None, seconds: float | None) -> None:
        async with answering():
            await self._pool.execute(_POSTPONE, job, version, sentence, seconds)

    async def fail(self, job: UUID, version: str, sentence: str) -> bool:
        async with answering():
            return bool(await self._pool.execute(_FAIL, job, version, sentence) == "UPDATE 1")

    async def overdue(self, seconds: float, most: int) -> list[Enrichment]:
        async with answering():
            await self._pool.execute(_ADOPT, True, False, {}, seconds, most)
            rows = await self._pool.fetch(_OVERDUE, seconds, most)
        return [enrichment_of(row) for row in rows]
