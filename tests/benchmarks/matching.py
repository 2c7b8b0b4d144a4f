"""The nearest jobs out of 1,000, 10,000 and 100,000: time, and recall@10 against comparing all, with each filter.

Vectors are MiniLM's of titles from the gazetteer, mixed by twos and jittered: clustered as real ones are. Times are
medians of a client on the same machine; a bare round trip is printed beside them.
"""

import asyncio
import gzip
import random
import statistics
import time
from collections.abc import Awaitable, Callable
from uuid import UUID

import asyncpg
import numpy as np

from chatserver.adapters.catalogue import nearest_rows
from chatserver.adapters.gazetteer import DATA
from chatserver.adapters.minilm import MODEL, MiniLM
from chatserver.adapters.postgres import connect
from chatserver.core.job import SYSTEM_PROVIDER
from chatserver.core.job_ports import Filters
from chatserver.core.ports import Vector
from tests.benchmarks.servers import servers

SIZES = (1_000, 10_000, 100_000)
TITLES = 3_000
QUERIES = 60
CANDIDATES = 200
TOP = 10
LOAD = 5_000

PLACES = (("Pune", 0.30), ("Bengaluru", 0.30), ("Mumbai", 0.25), ("Kochi", 0.10), ("Delhi", 0.049), ("Leh", 0.001))
FILTERS = {
    "no filter": Filters(),
    "source (25 %)": Filters(source="ey"),
    "place (10 %)": Filters(locations=("Kochi",)),
    "place (0.1 %)": Filters(locations=("Leh",)),
    "language (5 %)": Filters(language="de"),
    "source, place (2.5 %)": Filters(source="ey", locations=("Kochi",)),
}


def near(vectors: Vector, count: int, seed: int) -> Vector:
    """So many unit vectors between two of these, shape (count, 384)."""
    chance = np.random.default_rng(seed)
    one, two = chance.integers(len(vectors), size=(2, count))
    noise = chance.normal(scale=0.02, size=(count, vectors.shape[1]))
    mixed = vectors[one] + 0.4 * vectors[two] + noise
    found: Vector = (mixed / np.linalg.norm(mixed, axis=1, keepdims=True)).astype(np.float32)
    return found


class Jobs:
    """What was put into the table, as arrays."""

    def __init__(self, pool: asyncpg.Pool, vectors: Vector) -> None:
        chance = random.Random(1)
        self.pool = pool
        self.vectors = vectors
        self.ids = [UUID(int=number + 1) for number in range(len(vectors))]
        self.sources = [chance.choice(("deloitte", "pwc", "kpmg", "ey")) for _ in self.ids]
        self.places = chance.choices([name for name, _ in PLACES], [share for _, share in PLACES], k=len(self.ids))
        self.languages = chance.choices(("en", "de"), (0.95, 0.05), k=len(self.ids))

    async def load(self, upto: int, already: int) -> None:
        """Rows first, then the graph: it is built anew, as after a restore."""
        await self.pool.execute("drop index idx_jobs_embedding_hnsw")
        columns = (
            "id", "provider_id", "title", "description_raw", "status", "source_name", "location", "language",
            "embedding", "embedding_model",
        )  # fmt: skip
        for start in range(already, upto, LOAD):
            rows = [
                (self.ids[n], SYSTEM_PROVIDER, f"Job {n}", "Words.", "active", self.sources[n], self.places[n],
                 self.languages[n], self.vectors[n], MODEL)
                for n in range(start, min(start + LOAD, upto))
            ]  # fmt: skip
            async with self.pool.acquire() as connection:
                await connection.copy_records_to_table("jobs", schema_name="public", records=rows, columns=columns)
        async with self.pool.acquire() as connection:
            await connection.execute("set maintenance_work_mem = '1GB'")
            await connection.execute(
                "create index idx_jobs_embedding_hnsw on public.jobs using hnsw (embedding vector_cosine_ops)"
                " with (m = 16, ef_construction = 64)",
                timeout=1800,
            )
        await self.pool.execute("vacuum analyze public.jobs")

    def exact(self, query: Vector, filters: Filters, upto: int) -> set[UUID]:
        wanted = [
            n
            for n in range(upto)
            if (filters.source is None or self.sources[n] == filters.source)
            and (not filters.locations or self.places[n] in filters.locations)
            and (filters.language is None or self.languages[n] == filters.language)
        ]
        order = np.argsort(-(self.vectors[wanted] @ query))[:TOP]
        return {self.ids[wanted[place]] for place in order}


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return (time.perf_counter() - began) * 1000


async def compare(jobs: Jobs, queries: Vector, upto: int) -> None:
    async with jobs.pool.acquire() as connection:
        trips = [await timed(lambda: connection.fetchval("select 1")) for _ in range(200)]
        print(f"{upto:,} jobs; a bare round trip takes {statistics.median(trips):.2f} ms")
        for name, filters in FILTERS.items():
            for most in (TOP, CANDIDATES):
                found: list[list[asyncpg.Record]] = []
                times: list[float] = []
                for query in (*queries, *queries):
                    began = time.perf_counter()
                    async with connection.transaction(readonly=True):
                        rows = await nearest_rows(connection, query, MODEL, filters, most)
                    times.append((time.perf_counter() - began) * 1000)
                    found.append(rows)
                # Afterwards: comparing all of them in between would empty the processor's caches.
                best = [jobs.exact(query, filters, upto) for query in queries]
                recall = statistics.mean(
                    len(exact & {row["id"] for row in rows[:TOP]}) / max(len(exact), 1)
                    for exact, rows in zip(best, found, strict=False)
                )
                print(
                    f"  {name:<22} nearest {most:>3}: {statistics.median(times):6.2f} ms, recall@{TOP} {recall:.3f}",
                    flush=True,
                )


async def measure() -> None:
    with gzip.open(DATA / "titles.txt.gz", "rt", encoding="utf-8") as packed:
        titles = [line.partition("\t")[0].strip() for line in packed]
    titles = random.Random(7).sample(titles, TITLES)
    vectors = await MiniLM().embed(titles)
    everything, queries = near(vectors, max(SIZES), 11), near(vectors, QUERIES, 13)
    async with servers() as own:
        pool = await connect(own.database_url, size=2)
        try:
            jobs = Jobs(pool, everything)
            already = 0
            for size in SIZES:
                began = time.perf_counter()
                await jobs.load(size, already)
                print(f"loaded and indexed in {time.perf_counter() - began:.0f} s", flush=True)
                already = size
                await compare(jobs, queries, size)
        finally:
            await pool.close()


def main() -> None:
    asyncio.run(measure())


if __name__ == "__main__":
    main()
