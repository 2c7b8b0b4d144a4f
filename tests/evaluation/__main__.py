"""`python -m tests.evaluation`: how well resumes find their jobs, the naive way and the server's, side by side."""

import asyncio
import statistics
import time
from collections.abc import Mapping, Sequence

import numpy as np

from chatserver.adapters.gazetteer import load_gazetteer
from chatserver.adapters.minilm import MiniLM
from tests.evaluation.measure import hit, interval, ndcg
from tests.evaluation.occupations import chance_for, occupations
from tests.evaluation.sets import Query, jobs_of, made, of_one_trade, written
from tests.evaluation.ways import (
    Remembering,
    WithoutOccupations,
    blended,
    blended_resumes,
    mixed,
    naive,
    nearest,
)

MADE = 300
TIMES_WRITTEN = 3

Rankings = Sequence[Sequence[int]]


def table(name: str, queries: Sequence[Query], ways: Mapping[str, Rankings]) -> None:
    """The first way is the one that the others are compared with."""
    print(f"\n{name}: {len(queries)} queries, {sum(query.held_out for query in queries)} of them held out")
    print(f"  {'':<42} nDCG@10  Hit@10  held out     change of nDCG@10 [95 %]")
    base: list[float] | None = None
    for way, rankings in ways.items():
        pairs = list(zip(rankings, queries, strict=True))
        gains = [ndcg(ranking, query.fitting) for ranking, query in pairs]
        hits = [hit(ranking, query.fitting) for ranking, query in pairs]
        kept = [place for place, query in enumerate(queries) if query.held_out]
        line = (
            f"  {way:<42}   {statistics.mean(gains):.3f}   {statistics.mean(hits):.3f}"
            f"  {statistics.mean(gains[k] for k in kept):.3f} {statistics.mean(hits[k] for k in kept):.3f}"
        )
        if base is not None:
            changes = [gain - before for gain, before in zip(gains, base, strict=True)]
            low, high = interval(changes)
            line += f"    {statistics.mean(changes):+.3f} [{low:+.3f}, {high:+.3f}]"
        base = base or gains
        print(line, flush=True)


async def main() -> None:
    began = time.monotonic()
    embedder, gazetteer = Remembering(MiniLM()), load_gazetteer()
    plain = WithoutOccupations(gazetteer)
    everything = occupations()
    jobs = jobs_of(everything)
    texts = [job.whole for job in jobs]
    places = sorted(chance_for("places").sample(range(len(jobs)), MADE))
    known = [gazetteer.also_called(job.title) for job in jobs]
    for name, queries in (
        (f"Resumes made of O*NET's tasks, {len(jobs)} occupations as jobs", made(everything, places, known)),
        (f"Resumes written by hand, {len(jobs)} occupations as jobs", written(everything, TIMES_WRITTEN)),
    ):
        resumes = [query.text for query in queries]
        without = await blended(embedder, plain, jobs, resumes)
        full = await blended(embedder, gazetteer, jobs, resumes)
        table(name, queries, {
            "naive: the first 256 tokens": nearest(await naive(embedder, texts, resumes)),
            "blended": nearest(without),
            "blended + lexical": mixed(without, plain, texts, resumes),
            "blended with alternate titles": nearest(full),
            "blended with alternate titles + lexical": mixed(full, gazetteer, texts, resumes),
        })  # fmt: skip
    shelf, queries = of_one_trade()
    resumes = [query.text for query in queries]
    before = await naive(embedder, shelf, resumes)
    found = await blended_resumes(embedder, gazetteer, shelf, resumes)
    for similarities in (before, found):
        # One's own resume is on the shelf too.
        np.fill_diagonal(similarities, -np.inf)
    table("Resumes find those of their trade", queries, {
        "naive: the first 256 tokens": nearest(before),
        "blended": nearest(found),
        "blended + lexical": mixed(found, gazetteer, shelf, resumes),
    })  # fmt: skip
    print(f"\n{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    asyncio.run(main())
