"""Ways to rank jobs for a resume: the naive one, and the server's own by its parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from chatserver.core.gazetteer import Gazetteer
from chatserver.core.job_ports import Candidate
from chatserver.core.ports import Embedder, Vector
from chatserver.core.redaction import redact
from chatserver.matches import CANDIDATES, embed_job, rank
from chatserver.resumes import embed_resume


@dataclass(frozen=True, slots=True)
class Text:
    """A job, or a resume that is looked for."""

    title: str
    description: str

    @property
    def whole(self) -> str:
        return f"{self.title}\n{self.description}"


class Remembering:
    """An embedder that reads each text once, however many ways it is used in."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.model = embedder.model
        self._known: dict[str, Vector] = {}

    def chunks(self, text: str) -> list[str]:
        return self._embedder.chunks(text)

    async def embed(self, texts: Sequence[str]) -> Vector:
        new = list(dict.fromkeys(text for text in texts if text not in self._known))
        self._known |= dict(zip(new, await self._embedder.embed(new), strict=True))
        return np.stack([self._known[text] for text in texts])


class WithoutOccupations(Gazetteer):
    """Knows no other titles of an occupation."""

    def __init__(self, full: Gazetteer) -> None:
        self.__dict__.update(full.__dict__)

    def also_called(self, title: str) -> list[str]:
        return []


async def naive(embedder: Embedder, jobs: Sequence[str], resumes: Sequence[str]) -> Vector:
    """Similarities, shape (resumes, jobs), of the first 256 tokens of each text."""
    vectors = await embedder.embed([embedder.chunks(job)[0] for job in jobs])
    asked = await embedder.embed([embedder.chunks(redact(resume))[0] for resume in resumes])
    return asked @ vectors.T


async def blended(embedder: Embedder, gazetteer: Gazetteer, jobs: Sequence[Text], resumes: Sequence[str]) -> Vector:
    """Similarities of the vectors as the server stores them."""
    vectors = np.stack([await embed_job(embedder, gazetteer, job.title, job.description) for job in jobs])
    return await _of_resumes(embedder, gazetteer, resumes) @ vectors.T


async def blended_resumes(
    embedder: Embedder, gazetteer: Gazetteer, shelf: Sequence[str], resumes: Sequence[str]
) -> Vector:
    return await _of_resumes(embedder, gazetteer, resumes) @ (await _of_resumes(embedder, gazetteer, shelf)).T


async def _of_resumes(embedder: Embedder, gazetteer: Gazetteer, resumes: Sequence[str]) -> Vector:
    return np.stack([await embed_resume(embedder, gazetteer, resume) for resume in resumes])


def nearest(similarities: Vector) -> list[list[int]]:
    """The places of the most similar, best first; what is at minus infinity is not there."""
    order = [np.argsort(-row, kind="stable")[:CANDIDATES] for row in similarities]
    return [
        [int(place) for place in places if row[place] > -np.inf]
        for row, places in zip(similarities, order, strict=True)
    ]


def mixed(similarities: Vector, gazetteer: Gazetteer, jobs: Sequence[str], resumes: Sequence[str]) -> list[list[int]]:
    """The nearest as the server ranks them, by their words too."""
    found = []
    for resume, row, places in zip(resumes, similarities, nearest(similarities), strict=True):
        candidates = [Candidate(UUID(int=place), jobs[place], float(row[place])) for place in places]
        found.append([one.id.int for one in rank(candidates, [resume], gazetteer)])
    return found
