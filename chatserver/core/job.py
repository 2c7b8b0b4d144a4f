"""The nouns of the catalogue: a job as stored, and how well it fits a resume."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

JobStatus = Literal["processing", "active", "failed", "closed"]

SYSTEM_PROVIDER = UUID("00000000-0000-4000-a000-000000000001")
"""Owns what was scraped."""

TIPS_PER_JOB = 5
QUESTIONS_PER_JOB = 5
TITLE_MAX_CHARACTERS = 300
DESCRIPTION_MAX_CHARACTERS = 100_000
SKILLS_MAX = 50


@dataclass(frozen=True, slots=True)
class PrepQuestion:
    """An interview question and what a good answer does; one entry of `jobs.prep_guide_generated`."""

    question: str
    answer_strategy: str


@dataclass(frozen=True, slots=True)
class Job:
    """A row of `jobs`, without its vector."""

    id: UUID
    provider_id: UUID | None
    title: str
    description_raw: str
    skills_required: tuple[str, ...]
    resume_guide_generated: tuple[str, ...]
    prep_guide_generated: tuple[PrepQuestion, ...]
    description_hash: str | None
    status: JobStatus
    company_name: str | None
    external_id: str | None
    external_apply_url: str | None
    created_at: datetime
    source_name: str | None = None
    location: str | None = None
    language: str | None = None
    posted_at: datetime | None = None
    closed_at: datetime | None = None
    enriched_by: str | None = None
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a job fits: one passage of each text, verbatim."""

    resume: str
    job: str


@dataclass(frozen=True, slots=True)
class Match:
    """One job held against one resume. `similarity` is a cosine: it ranks, it is no probability."""

    job: Job
    rank: int
    similarity: float
    matched_skills: tuple[str, ...]
    missing_skills: tuple[str, ...]
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class JobMatch(Match):
    """One job that somebody asked about, and what to do about what is missing."""

    advice: tuple[str, ...]


MATCHED_LEAST = 5
"""Fewer could be told apart: a provider may know who of four people lives where the job is."""


@dataclass(frozen=True, slots=True)
class Matched:
    """For how many seekers a job was a match; null below `least`, whoever asks."""

    seekers: int | None
    least: int = MATCHED_LEAST
