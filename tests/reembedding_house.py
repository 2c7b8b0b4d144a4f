"""Jobs and resumes with vectors of an old model, and a look into the switch to a new one."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import pytest

from chatserver.adapters.jobs import PostgresJobs
from chatserver.adapters.reembedding import PostgresVectors
from chatserver.adapters.resumes import PostgresResumes
from chatserver.core.access import User
from chatserver.core.consent import Recipients
from chatserver.core.draft import JobDraft
from chatserver.core.gazetteer import Gazetteer
from chatserver.core.guides import Guides
from chatserver.core.job import PrepQuestion
from chatserver.core.job_ports import Enrichment, Outcome
from chatserver.core.ports import StoredResume, Vector
from chatserver.core.reembedding import Switch, Vectors
from chatserver.jobs import SYSTEM_PROVIDER
from chatserver.matches import embed_job
from chatserver.reembedding import Progress, Reembedding
from chatserver.resumes import embed_resume
from tests.adapters.people import person
from tests.embedders import HashedEmbedder

OLD, NEW = "old", "new"
GUIDES = Guides(("SQL",), tuple(f"Tip {n}" for n in range(5)), tuple(PrepQuestion(f"Q{n}?", f"S{n}") for n in range(5)))


class House:
    """Jobs and resumes whose vectors are of the old model."""

    def __init__(self, database: asyncpg.Pool, gazetteer: Gazetteer) -> None:
        self.database = database
        self.gazetteer = gazetteer
        self.store = PostgresJobs(database)
        self.resumes = PostgresResumes(database)
        self.vectors = PostgresVectors(database, Recipients())
        self.old, self.new = HashedEmbedder(OLD), HashedEmbedder(NEW)

    async def published(self, title: str, text: str) -> Enrichment:
        return (await self.store.add(SYSTEM_PROVIDER, JobDraft(title, text)))[1]

    async def enriched(self, enrichment: Enrichment, embedder: HashedEmbedder) -> None:
        """As a worker does it that believes this embedder to be the pinned model's."""
        task = await self.store.begin(enrichment.job, enrichment.version)
        assert task is not None
        vector = await embed_job(embedder, self.gazetteer, task.text.title, task.text.description)
        assert await self.store.complete(task, Outcome(GUIDES, "offline", vector, embedder.model))

    async def job(self, title: str, text: str = "Pipelines in Python.") -> UUID:
        enrichment = await self.published(title, text)
        await self.enriched(enrichment, self.old)
        return enrichment.job

    async def uploaded(self, user: User, text: str, embedder: HashedEmbedder) -> None:
        vector = await embed_resume(embedder, self.gazetteer, text)
        await self.resumes.put(user.id, StoredResume(text, None, None, embedder.model), vector)

    async def seeker(self, text: str) -> User:
        user = await person(self.database)
        await self.uploaded(user, text, self.old)
        return user

    async def filled(self, jobs: int, resumes: int = 0) -> None:
        for n in range(jobs):
            await self.job(f"Job {n}", f"Text {n}.")
        for n in range(resumes):
            await self.seeker(f"I audit banks in {n} towns of Maharashtra.")

    def run(
        self, progress: Progress = lambda step, done: None, *, vectors: Vectors | None = None,
        pauses_seconds: Sequence[float] = (0, 0),
    ) -> Reembedding:  # fmt: skip
        return Reembedding(vectors or self.vectors, self.new, self.gazetteer, progress, pauses_seconds=pauses_seconds)

    async def models(self) -> set[str | None]:
        """All that anybody compares: what is pinned, and what jobs and resumes have."""
        rows = await self.database.fetch(
            "select model from embedding_models union select embedding_model from jobs where status = 'active'"
            " union select embedding_model from users where resume_text <> ''"
        )
        return {row["model"] for row in rows}

    async def is_all_new_and_true(self) -> bool:
        """Each vector is the new model's of the text as it stands now."""
        assert await self.models() == {NEW}
        jobs = await self.database.fetch("select * from jobs where status = 'active'")
        for row in jobs:
            vector = await embed_job(HashedEmbedder(NEW), self.gazetteer, row["title"], row["description_raw"])
            assert_same(row["embedding"], vector)
        for row in await self.database.fetch("select * from users where resume_text <> ''"):
            vector = await embed_resume(HashedEmbedder(NEW), self.gazetteer, row["resume_text"])
            assert_same(row["resume_embedding"], vector)
        assert await self.kept() == 0
        return True

    async def kept(self) -> int:
        count: int = await self.database.fetchval("select count(*) from next_embeddings")
        return count


def assert_same(stored: object, vector: Vector) -> None:
    assert float(stored.to_numpy() @ vector) == pytest.approx(1, abs=1e-5)  # type: ignore[attr-defined]


class Watched:
    """The real vectors; `at` is awaited with the name of each step of the switch before it is taken."""

    def __init__(self, vectors: PostgresVectors, at: Callable[[str], object]) -> None:
        self._vectors = vectors
        self._at = at

    def __getattr__(self, name: str) -> object:
        return getattr(self._vectors, name)

    @asynccontextmanager
    async def switch(self, model: str) -> AsyncIterator[Switch]:
        async with self._vectors.switch(model) as switch:
            yield _WatchedSwitch(switch, self._at)  # type: ignore[misc]


class _WatchedSwitch:
    def __init__(self, switch: object, at: Callable[[str], object]) -> None:
        self._switch = switch
        self._at = at

    def __getattr__(self, name: str) -> object:
        async def step(*arguments: object) -> object:
            await self._at(name)  # type: ignore[misc]
            return await getattr(self._switch, name)(*arguments)

        return step
