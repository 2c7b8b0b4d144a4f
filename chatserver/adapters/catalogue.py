"""How jobs are found in Postgres: by vector, by words, by age."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg

from chatserver.adapters.jobs import JOB_COLUMNS, job_of
from chatserver.adapters.postgres import acquired, answering
from chatserver.core.job import Job
from chatserver.core.job_ports import Candidate, Filters, Place, ResumeOf
from chatserver.core.ports import Vector

EF_SEARCH_MIN = 64
"""Fewer are read where less is asked for; a LIMIT above ef_search is cut to it without a word."""
NARROW_MIN = 30
"""A filtered walk that ends at the first rows it finds misses nearer ones, which it would meet a little later."""
STEP_COMPARISONS = 10
"""A row that the walk through the graph meets costs as much as so many that are compared one by one."""
SCAN_MAX = 500_000
"""So far a walk goes before it gives up: the default of 20,000 would lose what a filter hides behind others."""
TEXT_CHARACTERS = 20_000
"""Of each candidate for the lexical score; a description is hardly ever longer."""

_TEXT = f"left(concat_ws(E'\\n', title, company_name, location, description_raw), {TEXT_CHARACTERS}) as text"
_PLACE = "to_tsvector('pg_catalog.simple'::regconfig, coalesce(location, ''))"
_WORDS = "public.job_words(title, company_name, location, description_raw) @@ websearch_to_tsquery('simple', {0})"


class _Query:
    """Conditions and their arguments; only what is asked for, so that the planner sees which index fits."""

    def __init__(self, filters: Filters) -> None:
        self.arguments: list[Any] = []
        self.conditions = ["status = 'active'"] if filters.active_only else []
        if filters.source is not None:
            self.add("source_name = {0}", filters.source)
        if filters.locations:
            said = " || ".join(f"phraseto_tsquery('simple', {self.place(name)}::text)" for name in filters.locations)
            self.conditions.append(f"{_PLACE} @@ ({said})")
        if filters.provider is not None:
            self.add("provider_id = {0}", filters.provider)
        if filters.language is not None:
            self.add("(language = {0} or language is null)", filters.language)

    def add(self, condition: str, value: Any) -> None:
        self.conditions.append(condition.format(self.place(value)))

    def place(self, value: Any) -> str:
        self.arguments.append(value)
        return f"${len(self.arguments)}"

    @property
    def where(self) -> str:
        return " and ".join(self.conditions) or "true"


def _candidate(row: asyncpg.Record) -> Candidate:
    return Candidate(row["id"], row["text"], row["similarity"])


async def _few(connection: asyncpg.Connection, query: _Query, most: int) -> bool:
    """Whether comparing all that the filters leave costs less than walking until `most` of them are found.

    By what the planner expects: counting would take longer than most searches.
    """
    told = await connection.fetchval(
        f"explain (format json) select from public.jobs where {query.where} and embedding is not null", *query.arguments
    )
    left = int(told[0]["Plan"]["Plan Rows"])
    total: float = await connection.fetchval("select reltuples from pg_class where oid = 'public.jobs'::regclass")
    steps = most * max(total, left) / left
    return left <= STEP_COMPARISONS * steps


async def nearest_rows(
    connection: asyncpg.Connection, vector: Vector, model: str, filters: Filters, most: int, *columns: str
) -> list[asyncpg.Record]:
    """`id`, `similarity` and `columns` of the nearest active jobs, nearest first, whatever share the filters leave.

    The graph is read first and filtered afterwards: where few rows are left, all of these are compared instead. How few
    is the planner's guess; where it errs, the other way takes longer and finds the same. Wants a transaction.
    """
    query = _Query(filters)
    query.add("embedding_model = {0}", model)
    walked = max(most, NARROW_MIN) if filters.narrow else most
    few = filters.narrow and await _few(connection, query, walked)
    to = query.place(vector)
    distance = f"embedding <=> {to}"
    if not few:
        await connection.execute(
            # The graph gives its rows in order; whatever would have to sort them has read them all.
            f"set local hnsw.ef_search = {max(most, EF_SEARCH_MIN)}; set local hnsw.iterative_scan = 'relaxed_order';"
            f" set local hnsw.max_scan_tuples = {SCAN_MAX}; set local enable_sort = off"
        )
    # Added to nothing, the distance is no order that the graph could give.
    order = f"({distance}) + 0" if few else distance
    # The graph's order is relaxed from one step to the next, so what it gave is put in order here.
    rows: list[asyncpg.Record] = await connection.fetch(
        f"with near as materialized (select id, {distance} as distance from public.jobs"
        f" where {query.where} and embedding is not null order by {order} limit {int(walked)})"
        f" select {', '.join(('id', '1 - distance as similarity', *columns))} from near"
        f"{' join public.jobs using (id)' if columns else ''} order by distance + 0 limit {int(most)}",
        *query.arguments,
    )
    return rows


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
        async with acquired(self._pool) as connection, connection.transaction(readonly=True):
            rows = await nearest_rows(connection, vector, model, filters, most, _TEXT)
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
