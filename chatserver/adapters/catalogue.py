"""How jobs are found in Postgres: by vector, by words, by age."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg

from chatserver.adapters.jobs import JOB_COLUMNS, job_of
from chatserver.adapters.postgres import answering
from chatserver.core.job import Job
from chatserver.core.job_ports import Candidate, Filters, Place, ResumeOf
from chatserver.core.ports import Vector

# As many as are ever asked for: a LIMIT above ef_search is cut to it without a word.
EF_SEARCH = 200
TEXT_CHARACTERS = 20_000
"""Of each candidate for the lexical score; a description is hardly ever longer."""

_TEXT = f"left(concat_ws(E'\\n', title, company_name, location, description_raw), {TEXT_CHARACTERS}) as text"
_WORDS = "public.job_words(title, company_name, location, description_raw) @@ websearch_to_tsquery('simple', {0})"


class _Query:
    """Conditions and their arguments; only what is asked for, so that the planner sees which index fits."""

    def __init__(self, filters: Filters) -> None:
        self.arguments: list[Any] = []
        self.conditions = ["status = 'active'"] if filters.active_only else []
        if filters.source is not None:
            self.add("source_name = {0}", filters.source)
        if filters.locations:
            patterns = [f"%{_escaped(spelling)}%" for spelling in filters.locations]
            self.add("location ilike any ({0}::text[])", patterns)
        if filters.provider is not None:
            self.add("provider_id = {0}", filters.provider)

    def add(self, condition: str, value: Any) -> None:
        self.conditions.append(condition.format(self.place(value)))

    def place(self, value: Any) -> str:
        self.arguments.append(value)
        return f"${len(self.arguments)}"

    @property
    def where(self) -> str:
        return " and ".join(self.conditions) or "true"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _candidate(row: asyncpg.Record) -> Candidate:
    return Candidate(row["id"], row["text"], row["similarity"])


class PostgresCatalogue:
    """The catalogue of `chatserver.jobs`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def resume(self, seeker: UUID) -> ResumeOf | None:
        async with answering():
            row = await self._pool.fetchrow(
                "select resume_text, resume_embedding, embedding_model from public.users where id = $1", seeker
            )
        if row is None or not row["resume_text"]:
            return None
        embedding = row["resume_embedding"]
        return ResumeOf(row["resume_text"], None if embedding is None else embedding.to_numpy(), row["embedding_model"])

    async def nearest(self, vector: Vector, model: str, filters: Filters, most: int) -> list[Candidate]:
        query = _Query(filters)
        to = query.place(vector)
        query.add("embedding_model = {0}", model)
        statement = (
            f"select id, {_TEXT}, 1 - (embedding <=> {to}) as similarity from public.jobs "
            f"where {query.where} and embedding is not null order by embedding <=> {to} limit {int(most)}"
        )
        async with answering(), self._pool.acquire() as connection, connection.transaction(readonly=True):
            # A filter is applied after the scan of the graph; without iteration it would eat the result.
            await connection.execute(
                f"set local hnsw.ef_search = {EF_SEARCH}; set local hnsw.iterative_scan = 'strict_order'"
            )
            rows = await connection.fetch(statement, *query.arguments)
        return [_candidate(row) for row in rows]

    async def worded(
        self, words: str, vector: tuple[Vector, str] | None, filters: Filters, most: int
    ) -> list[Candidate]:
        query = _Query(filters)
        query.add(_WORDS, words)
        return await self._candidates(query, vector, f"order by created_at desc limit {int(most)}")

    async def these(self, jobs: Sequence[UUID], vector: tuple[Vector, str] | None) -> list[Candidate]:
        query = _Query(Filters(active_only=False))
        query.add("id = any ({0}::uuid[])", list(jobs))
        return await self._candidates(query, vector, "")

    async def _candidates(self, query: _Query, vector: tuple[Vector, str] | None, rest: str) -> list[Candidate]:
        similarity = "null::float8"
        if vector is not None:
            to, model = query.place(vector[0]), query.place(vector[1])
            similarity = f"case when embedding_model = {model} then 1 - (embedding <=> {to}) end"
        async with answering():
            rows = await self._pool.fetch(
                f"select id, {_TEXT}, {similarity} as similarity from public.jobs where {query.where} {rest}",
                *query.arguments,
            )
        return [_candidate(row) for row in rows]

    async def newest(self, filters: Filters, most: int, after: Place | None = None) -> list[Job]:
        query = _Query(filters)
        if after is not None:
            query.conditions.append(f"(created_at, id) < ({query.place(after.created_at)}, {query.place(after.id)})")
        async with answering():
            rows = await self._pool.fetch(
                f"select {JOB_COLUMNS} from public.jobs where {query.where} "
                f"order by created_at desc, id desc limit {int(most)}",
                *query.arguments,
            )
        return [job_of(row) for row in rows]
