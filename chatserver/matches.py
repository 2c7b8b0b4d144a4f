"""Ranks jobs for a resume, a question or a search, and says why."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

import numpy as np

from chatserver.consents import Consents
from chatserver.core import matching
from chatserver.core.gazetteer import Gazetteer
from chatserver.core.job import Job, Match
from chatserver.core.job_ports import Candidate, Catalogue, Filters, JobStore, ResumeOf
from chatserver.core.lexical import is_foreign, lexical_scores
from chatserver.core.ports import Embedder, Embedders, NotConfigured, Unavailable, Vector
from chatserver.core.redaction import redact

CANDIDATES = 100
OPENING_CHARACTERS = 400
NAMES_MAX = 30
"""Titles and skills that are looked for as words where vectors find too little."""


class Matcher:
    """Candidates by vector from the catalogue, mixed here with how well the words fit."""

    def __init__(
        self, store: JobStore, catalogue: Catalogue, embedder: Embedders, gazetteer: Gazetteer, consents: Consents
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._embedder = embedder
        self._gazetteer = gazetteer
        self._consents = consents

    async def best(
        self, seeker: UUID, question: str | None, filters: Filters, limit: int, include: Sequence[UUID]
    ) -> list[Match]:
        resume = await self._catalogue.resume(seeker)
        question = (question or "").strip() or None
        queries = [text for text in (question, resume.text if resume else None) if text]
        if not queries:
            return await self._newest(filters, limit, include)
        asked = question if question and await self._may_embed(seeker, resume) else None
        compared = await self._compared(resume, asked)
        candidates = await self._catalogue.nearest(*compared, filters, CANDIDATES) if compared else []
        if len(candidates) < limit:
            # Few vectors are comparable, as before a change of the model is through: then the words decide.
            if words := await asyncio.to_thread(self._focus, queries):
                candidates += await self._worded(words, compared, filters, {candidate.id for candidate in candidates})
            seen = {candidate.id for candidate in candidates}
            newest = [job.id for job in await self._catalogue.newest(filters, CANDIDATES) if job.id not in seen]
            candidates += await self._catalogue.these(newest, None)
        there = {candidate.id for candidate in candidates}
        if missing := [id for id in dict.fromkeys(include) if id not in there]:
            candidates += await self._catalogue.these(missing, compared)
        ranked = await asyncio.to_thread(rank, candidates, queries, self._gazetteer)
        return await self._matches(_with(ranked, limit, set(include)), resume)

    async def _may_embed(self, seeker: UUID, resume: ResumeOf | None) -> bool:
        """A question may be a model's that has read the resume, which did not let the embedding model do so."""
        if resume is None:
            return True
        return await self._consents.let_embed(seeker, (await self._embedder.current()).model)

    def _focus(self, queries: Sequence[str]) -> str:
        return next((focus for query in queries if (focus := self._gazetteer.focus(query))), "")

    async def _worded(
        self, words: str, compared: tuple[Vector, str] | None, filters: Filters, seen: set[UUID]
    ) -> list[Candidate]:
        """Jobs that bear any of the titles and skills."""
        any_of = " or ".join(f'"{name}"' for name in words.replace('"', " ").split(", ")[:NAMES_MAX])
        found = await self._catalogue.worded(any_of, compared, filters, CANDIDATES)
        return [candidate for candidate in found if candidate.id not in seen]

    async def one(self, resume: ResumeOf, job: Job) -> Match:
        compared = await self._compared(resume, None)
        found = await self._catalogue.these([job.id], compared)
        similarity = found[0].similarity if found else None
        embedder = await self._embedder.current()
        if similarity is None and compared is not None and compared[1] == embedder.model:
            # A job that is not active has no vector stored; one of its own is worth the wait here.
            with suppress(NotConfigured):
                vector = await embed_job(embedder, self._gazetteer, job.title, job.description_raw)
                similarity = float(compared[0] @ vector)
        return await asyncio.to_thread(self._match, job, 1, similarity or 0.0, resume)

    async def ranked(self, words: str, filters: Filters) -> list[UUID]:
        """All jobs that a search finds, best first; at most twice `CANDIDATES`."""
        compared = await self._compared(None, words)
        near = await self._catalogue.nearest(*compared, filters, CANDIDATES) if compared else []
        worded = await self._catalogue.worded(words, compared, filters, CANDIDATES)
        candidates = list({candidate.id: candidate for candidate in (*worded, *near)}.values())
        return [candidate.id for candidate in await asyncio.to_thread(rank, candidates, [words], self._gazetteer)]

    async def _compared(self, resume: ResumeOf | None, question: str | None) -> tuple[Vector, str] | None:
        """One vector of what is known, and its model; None where there is none: then the words alone decide."""
        embedder = await self._embedder.current()
        model = embedder.model
        parts: list[Vector] = []
        if resume is not None and resume.embedding is not None:
            if resume.embedding_model not in (None, model):
                return resume.embedding, str(resume.embedding_model)
            parts.append(resume.embedding)
        if question is not None:
            with suppress(Unavailable):
                parts.append((await embedder.embed([redact(question)]))[0])
        return (matching.blend(np.stack(parts)), model) if parts else None

    async def _newest(self, filters: Filters, limit: int, include: Sequence[UUID]) -> list[Match]:
        asked = await self._store.jobs(list(dict.fromkeys(include)))
        there = {job.id for job in asked}
        others = [job for job in await self._catalogue.newest(filters, limit) if job.id not in there]
        jobs = (asked + others)[: max(limit, len(asked))]
        return [Match(job, rank, 0.0, (), (), ()) for rank, job in enumerate(jobs, start=1)]

    async def _matches(self, chosen: Sequence[Candidate], resume: ResumeOf | None) -> list[Match]:
        jobs = {job.id: job for job in await self._store.jobs([candidate.id for candidate in chosen])}

        def explained() -> list[Match]:
            found = [(jobs[one.id], one.similarity or 0.0) for one in chosen if one.id in jobs]
            return [self._match(job, place, near, resume) for place, (job, near) in enumerate(found, start=1)]

        return await asyncio.to_thread(explained)

    def _match(self, job: Job, place: int, similarity: float, resume: ResumeOf | None) -> Match:
        if resume is None:
            return Match(job, place, similarity, (), (), ())
        why = matching.explain(
            resume.text,
            self._gazetteer.skills(resume.text),
            job.description_raw,
            job.skills_required or self._gazetteer.skills(job.description_raw),
        )
        return Match(job, place, similarity, tuple(why.matched), tuple(why.missing), tuple(why.reasons))


async def embed_job(embedder: Embedder, gazetteer: Gazetteer, title: str, description: str) -> Vector:
    """The one vector of a job: its chunks' mean, blended with its title and opening, what else people of its
    occupation are called, and the titles and skills in it.

    Raises `Unavailable`.
    """

    def prepared() -> tuple[list[str], list[str], list[str]]:
        # A recruiter's number in an ad is somebody's too.
        plain = redact(description)
        text = f"{redact(title)}\n{plain}"
        opening = plain.strip()[:OPENING_CHARACTERS].rsplit(None, 1)
        focus = gazetteer.focus(text)
        lines = [f"{redact(title)}. {opening[0] if opening else ''}", *([focus] if focus else [])]
        return embedder.chunks(text), lines, gazetteer.also_called(title)

    chunks, lines, called = await asyncio.to_thread(prepared)
    vectors = await embedder.embed([*chunks, *lines, *called])
    others = vectors[len(chunks) + len(lines) :]
    single = vectors[len(chunks) : len(chunks) + len(lines)]
    return matching.blend(vectors[: len(chunks)], *single[:, None], others)


def rank(candidates: Sequence[Candidate], queries: Sequence[str], gazetteer: Gazetteer) -> list[Candidate]:
    """Best first, by vector and by the words of the first query that has any in common with the candidates.

    A candidate without a comparable vector counts as the farthest of those that have one. A resume's words beside those
    of a question would drown it; a question such as "hello" has none, and the resume's stand in.
    """
    if not candidates:
        return []
    known = [one.similarity for one in candidates if one.similarity is not None]
    farthest = min(known, default=0.0)
    similarities = [farthest if one.similarity is None else one.similarity for one in candidates]
    texts = [_with_titles(one.text, gazetteer) for one in candidates]
    lexical, weight = [0.0] * len(texts), matching.LEXICAL_WEIGHT
    for query in queries:
        found = lexical_scores(query, texts, gazetteer.corpus)
        if any(found):
            lexical = found
            weight = matching.LEXICAL_WEIGHT_FOREIGN if is_foreign(query) else weight
            break
    scores = matching.mix(similarities, lexical, weight)
    order = sorted(range(len(candidates)), key=lambda place: -scores[place])
    return [candidates[place] for place in order]


def _with_titles(text: str, gazetteer: Gazetteer) -> str:
    """A resume says "nurse" where the job says "caregiver": it is found by what else its title is called."""
    return "\n".join((text, *gazetteer.also_called(text.partition("\n")[0])))


def _with(ranked: Sequence[Candidate], limit: int, include: set[UUID]) -> list[Candidate]:
    """The first `limit`, the included ones always among them, the order kept."""
    asked = [one for one in ranked if one.id in include]
    others = [one for one in ranked if one.id not in include][: max(0, limit - len(asked))]
    chosen = {one.id for one in (*asked, *others)}
    return [one for one in ranked if one.id in chosen]
