"""The vectors of jobs and resumes in Postgres, those in use and those kept for the next model."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import asyncpg

from chatserver.adapters.consents import agreed_sql
from chatserver.adapters.pinned import keep_pinned
from chatserver.adapters.postgres import acquired, answering
from chatserver.core.consent import Recipients
from chatserver.core.reembedding import KINDS, Extent, Kind, Original, Remade

READ_CHARACTERS = 7_000
"""Of one text: six pieces are all that a model reads."""


@dataclass(frozen=True, slots=True)
class _Table:
    """Where vectors of one kind are. Its rows are `t`."""

    name: str
    title: str
    text: str
    vector: str
    key: str
    """The column of `next_embeddings`."""
    wanted: str
    """Which rows are to have a vector, of whatever model; and may, where the model is outside this server."""

    @property
    def hash(self) -> str:
        return f"encode(sha256(convert_to({self.title} || E'\\n' || {self.text}, 'UTF8')), 'hex')"

    @property
    def original(self) -> str:
        return f"t.id, {self.title} as title, {self.text} as text, {self.hash} as hash"

    # As ranges, because no index serves `is distinct from`.
    other_model = "(t.embedding_model is null or t.embedding_model < $1 or t.embedding_model > $1)"

    @property
    def unmade(self) -> str:
        return (
            f"from {self.name} t where {self.wanted} and {self.other_model} and not exists (select from "
            f"public.next_embeddings n where n.{self.key} = t.id and n.model = $1 and n.text_hash = {self.hash})"
        )


_Tables = Mapping[Kind, _Table]
_TABLES: _Tables = {
    "job": _Table("public.jobs", "t.title", "t.description_raw", "embedding", "job_id", "t.status = 'active'"),
    "resume": _Table("public.users", "''::text", "t.resume_text", "resume_embedding", "user_id", "t.resume_text <> ''"),
}

_PINNED = "select model from public.embedding_models"
_FIRST = UUID(int=0)


def _original(kind: Kind, row: asyncpg.Record) -> Original:
    return Original(kind, row["id"], row["title"], row["text"], row["hash"])


def _tables(recipients: Recipients, model: str) -> _Tables:
    """A resume whose owner did not agree to a model outside this server gets no vector of it."""
    recipient = recipients.embeddings.get(model)
    if recipient is None:
        return _TABLES
    resumes = _TABLES["resume"]
    return {**_TABLES, "resume": replace(resumes, wanted=f"{resumes.wanted} and {agreed_sql(recipient)}")}


async def _write(connection: asyncpg.Connection, tables: _Tables, model: str, remade: Sequence[Remade]) -> None:
    for kind in KINDS:
        table = tables[kind]
        await connection.executemany(
            f"update {table.name} t set {table.vector} = $2, embedding_model = $1"
            f" where t.id = $3 and {table.wanted} and {table.hash} = $4",
            [(model, one.embedding, one.original.id, one.original.hash) for one in remade if one.original.kind == kind],
        )


class _Switch:
    # It waits for nobody's row: whoever waits for one of its own could hold what it waits for.

    def __init__(self, connection: asyncpg.Connection, tables: _Tables, model: str) -> None:
        self._connection = connection
        self._tables = tables
        self._model = model

    async def apply(self, kind: Kind, after: UUID | None, most: int) -> tuple[int, UUID | None]:
        table = self._tables[kind]
        row = await self._connection.fetchrow(
            f"""
            with part as (
              select {table.key} as id, text_hash, embedding from public.next_embeddings
               where {table.key} > $2 and model = $1 order by {table.key} limit $3
            ), free as (
              select t.id, part.embedding from {table.name} t join part on part.id = t.id
               where {table.wanted} and {table.other_model} and part.text_hash = {table.hash}
                 for no key update of t skip locked
            ), done as (
              update {table.name} t set {table.vector} = free.embedding, embedding_model = $1 from free
               where t.id = free.id returning t.id
            )
            select (select count(*) from done) as done, (select id from part order by id desc limit 1) as last
            """,
            self._model, after or _FIRST, most,
        )  # fmt: skip
        return row["done"], row["last"]

    async def left(self) -> int:
        counted = [
            await self._connection.fetchval(
                f"select count(*) from {table.name} t where {table.wanted} and {table.other_model}", self._model
            )
            for table in self._tables.values()
        ]
        return sum(counted)

    async def lock(self) -> None:
        await self._connection.execute(
            "insert into public.embedding_models (model) values ($1) on conflict do nothing", self._model
        )
        await self._connection.fetchval(f"{_PINNED} for update")

    async def rest(self, kind: Kind, most: int) -> list[Original]:
        table = self._tables[kind]
        rows = await self._connection.fetch(
            f"select {table.original} from {table.name} t where {table.wanted} and {table.other_model}"
            f" order by t.id limit {int(most)} for no key update skip locked",
            self._model,
        )
        return [_original(kind, row) for row in rows]

    async def write(self, remade: Sequence[Remade]) -> None:
        await _write(self._connection, self._tables, self._model, remade)

    async def pin(self) -> None:
        await self._connection.execute(
            "update public.embedding_models set model = $1, pinned_at = clock_timestamp()", self._model
        )
        await self._connection.execute("delete from public.next_embeddings")


class PostgresVectors:
    """The store of `chatserver.reembedding`."""

    def __init__(self, pool: asyncpg.Pool, recipients: Recipients) -> None:
        self._pool = pool
        self._recipients = recipients

    def _of(self, model: str) -> _Tables:
        return _tables(self._recipients, model)

    async def extent(self, model: str) -> Extent:
        counted: dict[Kind, Any] = {}
        async with acquired(self._pool) as connection:
            pinned = await connection.fetchval(_PINNED)
            for kind, table in self._of(model).items():
                counted[kind] = await connection.fetchrow(
                    f"select count(*) as texts, coalesce(sum(least(length({table.title}) + length({table.text}), "
                    f"{READ_CHARACTERS})), 0)::bigint as characters {table.unmade}",
                    model,
                )
            kept = await connection.fetchval("select count(*) from public.next_embeddings where model = $1", model)
        return Extent(
            pinned, counted["job"]["texts"], counted["resume"]["texts"],
            counted["job"]["characters"] + counted["resume"]["characters"], kept,
        )  # fmt: skip

    async def unmade(self, model: str, kind: Kind, after: UUID | None, most: int) -> list[Original]:
        table = self._of(model)[kind]
        async with answering():
            rows = await self._pool.fetch(
                f"select {table.original} {table.unmade} and t.id > $2 order by t.id limit {int(most)}",
                model, after or _FIRST,
            )  # fmt: skip
        return [_original(kind, row) for row in rows]

    async def keep(self, model: str, remade: Sequence[Remade]) -> None:
        async with acquired(self._pool) as connection, connection.transaction():
            for kind, table in self._of(model).items():
                # A row that is gone by now would be an error: it is passed over, and so is a text that has changed.
                await connection.executemany(
                    f"insert into public.next_embeddings ({table.key}, model, text_hash, embedding)"
                    f" select t.id, $1, $3, $4 from {table.name} t where t.id = $2 for key share"
                    f" on conflict ({table.key}) do update set model = excluded.model,"
                    " text_hash = excluded.text_hash, embedding = excluded.embedding",
                    [(model, r.original.id, r.original.hash, r.embedding) for r in remade if r.original.kind == kind],
                )

    async def forget(self, besides: str) -> None:
        async with answering():
            await self._pool.execute("delete from public.next_embeddings where model <> $1", besides)

    @asynccontextmanager
    async def switch(self, model: str) -> AsyncIterator[_Switch]:
        async with acquired(self._pool) as connection, connection.transaction():
            yield _Switch(connection, self._of(model), model)

    async def strays(self, model: str, kind: Kind, most: int) -> list[Original]:
        table = self._of(model)[kind]
        async with answering():
            rows = await self._pool.fetch(
                f"select {table.original} from {table.name} t where {table.wanted} and {table.other_model}"
                f" limit {int(most)}",
                model,
            )
        return [_original(kind, row) for row in rows]

    async def mend(self, model: str, remade: Sequence[Remade]) -> None:
        async with acquired(self._pool) as connection, connection.transaction():
            await _write(connection, self._of(model), model, remade)
            await keep_pinned(connection, model)
