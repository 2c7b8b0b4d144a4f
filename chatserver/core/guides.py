"""What enrichment adds to a job (skills, five resume tips, five interview questions), and the check it has to pass."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

from chatserver.core.draft import SKILL_MAX_CHARACTERS
from chatserver.core.gate import Gate
from chatserver.core.job import QUESTIONS_PER_JOB, SKILLS_MAX, TIPS_PER_JOB, PrepQuestion

TIP_MAX_CHARACTERS = 1_000
QUESTION_MAX_CHARACTERS = 500
STRATEGY_MAX_CHARACTERS = 1_500

EnricherKind = Literal["anthropic", "offline"]

GUIDES_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "skills_required": {"type": "array", "items": {"type": "string"}},
        "resume_guide": {"type": "array", "items": {"type": "string"}},
        "prep_guide": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"question": {"type": "string"}, "answer_strategy": {"type": "string"}},
                "required": ["question", "answer_strategy"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["skills_required", "resume_guide", "prep_guide"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Guides:
    """Checked: exactly five tips and five questions, each of them said once."""

    skills: tuple[str, ...]
    tips: tuple[str, ...]
    questions: tuple[PrepQuestion, ...]


@dataclass(frozen=True, slots=True)
class JobText:
    """What an enricher reads of a job. It is data, never instructions."""

    title: str
    description: str
    company: str | None = None
    location: str | None = None


class EnrichmentFailed(Exception):
    """No guides for this job. The sentence is shown to its provider; `again` says whether another try may help."""

    def __init__(self, sentence: str, *, again: bool = True) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.again = again


class Enricher(Protocol):
    """Writes the guides of a job."""

    kind: EnricherKind
    """Stored as `jobs.enriched_by`; guides are reused among jobs of one kind only."""

    async def write(self, job: JobText) -> Guides:
        """Raises `EnrichmentFailed`."""
        ...


@dataclass(slots=True)
class Bill:
    """What a call has cost so far in US dollars; while nobody can tell, the most that it can have."""

    usd: float = 0.0


class PaidEnricher(Protocol):
    """An `Enricher` that somebody pays for."""

    kind: EnricherKind

    def ceiling_usd(self, job: JobText) -> float:
        """The most that `write` can cost, all its tries included."""
        ...

    async def write(self, job: JobText, bill: Bill) -> Guides:
        """Raises `EnrichmentFailed`. However it ends, a cancelled call included, `bill` says what is to be counted."""
        ...


@dataclass(frozen=True, slots=True)
class Spent:
    """Today's money for guides, in US dollars."""

    limit_usd: float
    spent_usd: float
    """Settled, or set aside for calls under way."""
    mean_usd: float | None
    """Of one call in the last weeks; None where there was none."""


@dataclass(frozen=True, slots=True)
class EnrichmentEstimate:
    """What the jobs that wait will cost, in US dollars, and what there is for it today."""

    jobs_waiting: int
    known: int
    """Of those that wait: descriptions whose guides are there, or are written for another one. They cost nothing."""
    calls: int
    expected_usd: float
    is_ceiling: bool
    """True while no call has been paid for yet: then it is the most that it can be."""
    limit_usd: float
    left_usd: float


def checked(raw: Any) -> Guides:
    """The guides in an answer shaped like `GUIDES_SCHEMA`, whose bounds nobody enforces. Raises `EnrichmentFailed`."""
    if not isinstance(raw, dict):
        raise EnrichmentFailed("The enricher's answer was not an object.")
    entries = raw.get("prep_guide")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise EnrichmentFailed("The enricher's interview questions were not a list of objects.")
    skills = _strings(raw.get("skills_required"), "skills", SKILL_MAX_CHARACTERS)
    tips = _strings(raw.get("resume_guide"), "resume tips", TIP_MAX_CHARACTERS)
    questions = _strings([entry.get("question") for entry in entries], "questions", QUESTION_MAX_CHARACTERS)
    strategies = _strings([entry.get("answer_strategy") for entry in entries], "strategies", STRATEGY_MAX_CHARACTERS)
    pairs = {q.casefold(): PrepQuestion(q, s) for q, s in zip(questions, strategies, strict=True) if q and s}
    tips = _once(tips)
    if len(tips) < TIPS_PER_JOB or len(pairs) < QUESTIONS_PER_JOB:
        raise EnrichmentFailed(
            f"The enricher wrote {len(tips)} tips and {len(pairs)} questions; "
            f"{TIPS_PER_JOB} and {QUESTIONS_PER_JOB} different ones are needed."
        )
    return Guides(
        _once(skills)[:SKILLS_MAX],
        tips[:TIPS_PER_JOB],
        tuple(pairs.values())[:QUESTIONS_PER_JOB],
    )


def _once(texts: tuple[str, ...]) -> tuple[str, ...]:
    kept: dict[str, str] = {}
    for text in filter(None, texts):
        kept.setdefault(text.casefold(), text)
    return tuple(kept.values())


def _strings(raw: Any, what: str, most: int) -> tuple[str, ...]:
    """Every entry on one line, without what Postgres cannot store, and as an answer may say it.

    The model that wrote it had read an advertisement, and seekers are shown what it wrote: no links, and no numbers of
    jobs, which mean another job in each conversation.
    """
    if not isinstance(raw, list) or not all(isinstance(one, str) for one in raw):
        raise EnrichmentFailed(f"The enricher's {what} were not a list of strings.")
    clean = tuple(" ".join(one.replace("\x00", " ").encode("utf-8", "replace").decode().split()) for one in raw)
    if any(len(one) > most for one in clean):
        raise EnrichmentFailed(f"One of the enricher's {what} has more than {most:,} characters.")
    return tuple(map(_gated, clean))


def _gated(text: str) -> str:
    gate = Gate(lambda _: False)
    return (gate.feed(text) + gate.finish()).strip()
