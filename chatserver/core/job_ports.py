"""What the use cases around jobs ask of the store, of the catalogue and of the queue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from chatserver.core.draft import JobDraft, Posting
from chatserver.core.guides import EnricherKind, Guides, JobText
from chatserver.core.job import Job
from chatserver.core.ports import Vector


@dataclass(frozen=True, slots=True)
class Enrichment:
    """One version of a job that waits for its guides. A newer edit has a newer version; the older one is void."""

    job: UUID
    version: str
    bulk: bool


@dataclass(frozen=True, slots=True)
class EnrichmentTask:
    """A version as the worker takes it up; `attempt` counts from 1, this one included."""

    job: UUID
    version: str
    attempt: int
    text: JobText
    description_hash: str
    given_skills: tuple[str, ...]
    kept: Guides | None
    """The job's own guides where the description is the one they were written for."""
    kept_by: str | None
    fresh: bool
    """Somebody asked for new guides: nothing is reused."""
    bulk: bool
    """Nobody waits for it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What enrichment found out."""

    guides: Guides
    enriched_by: str
    embedding: Vector
    embedding_model: str


class JobStore(Protocol):
    """The rows of `jobs`. Every method raises `Unavailable` while the database does not answer."""

    async def add(self, provider: UUID, draft: JobDraft) -> tuple[Job, Enrichment]: ...

    async def take_in(self, provider: UUID, posting: Posting) -> tuple[Job, Enrichment] | None:
        """None where `(company_name, external_id)` is already there."""
        ...

    async def change(
        self, job: UUID, columns: Mapping[str, Any], *, fresh: bool, bulk: bool = False
    ) -> tuple[Job, Enrichment] | None:
        """A new version; an active job shows its old one until `complete`. None where the job is closed."""
        ...

    async def close(self, job: UUID) -> Job: ...
    async def job(self, job: UUID) -> Job | None: ...

    async def seekers_matched(self, job: UUID) -> int:
        """How many people it was a match for in a conversation of theirs."""
        ...

    async def jobs(self, jobs: Sequence[UUID]) -> list[Job]: ...

    async def begin(self, job: UUID, version: str) -> EnrichmentTask | None:
        """Takes the version up and counts the attempt. None where it is no longer wanted."""
        ...

    async def reusable(self, description_hash: str, kind: EnricherKind, besides: UUID) -> Guides | None: ...
    async def complete(self, task: EnrichmentTask, outcome: Outcome) -> bool:
        """False where the version is no longer wanted. Raises `Repinned`."""
        ...

    async def postpone(self, job: UUID, version: str, sentence: str | None, seconds: float | None) -> None:
        """Gives the attempt back and says why, unless that is None. The version is overdue from `seconds` on.

        Where `seconds` is None: from the next day on, as money counts days.
        """
        ...

    async def fail(self, job: UUID, version: str, sentence: str) -> bool: ...

    async def overdue(self, seconds: float, most: int) -> list[Enrichment]:
        """Versions queued or taken up longer than `seconds` ago and not done, the oldest `most` of each queue."""
        ...


class JobQueue(Protocol):
    """Carries work to the workers and may lose it: the rows say what is left to do."""

    async def enrich(self, enrichment: Enrichment) -> None:
        """Asking twice for one version is asking once. Raises `Unavailable`."""
        ...


@dataclass(frozen=True, slots=True)
class Filters:
    """Which jobs count at all. `provider` narrows to one provider's own, whatever their status."""

    source: str | None = None
    locations: tuple[str, ...] = ()
    """Any of these spellings of one place."""
    provider: UUID | None = None
    active_only: bool = True
    language: str | None = None
    """ISO 639-1; jobs whose language nobody knows count too."""

    @property
    def narrow(self) -> bool:
        """Whether they leave out any active job at all."""
        return bool(self.source or self.locations or self.provider or self.language)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A job on the way to a ranking. `similarity` is None where its vector is not comparable."""

    id: UUID
    text: str
    similarity: float | None


@dataclass(frozen=True, slots=True)
class ResumeOf:
    """A seeker's resume as matching reads it."""

    text: str
    embedding: Vector | None
    embedding_model: str | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list by age goes on."""

    created_at: datetime
    id: UUID


class Catalogue(Protocol):
    """Finds jobs. Every method raises `Unavailable` while the database does not answer."""

    async def resume(self, seeker: UUID) -> ResumeOf | None: ...
    async def nearest(self, vector: Vector, model: str, filters: Filters, most: int) -> list[Candidate]: ...
    async def worded(
        self, words: str, vector: tuple[Vector, str] | None, filters: Filters, most: int
    ) -> list[Candidate]:
        """Jobs that hold all the words, newest first."""
        ...

    async def these(self, jobs: Sequence[UUID], vector: tuple[Vector, str] | None) -> list[Candidate]: ...
    async def newest(self, filters: Filters, most: int, after: Place | None = None) -> list[Job]: ...
