"""How well texts fit each other: blended vectors, mixed scores, and reasons in the texts' own words."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from chatserver.core.gazetteer import AMBIGUOUS, stands_as_name
from chatserver.core.job import Reason
from chatserver.core.lexical import terms
from chatserver.core.ports import Vector
from chatserver.core.redaction import clean, redact

LEXICAL_WEIGHT = 0.4
LEXICAL_WEIGHT_FOREIGN = 1.0
"""Where the embedding model knows the language badly, the words are the surer guide."""

REASONS_MAX = 3
PASSAGE_MAX_CHARACTERS = 240
PASSAGE_MIN_CHARACTERS = 12
PASSAGES_MAX = 400
COMPARISONS_MAX = 100_000
SHORT_NAME_CHARACTERS = 3
SKILLS_SHOWN_MAX = 20

# A line that goes on in lower case is the same sentence, wrapped.
_PASSAGE = re.compile(r"[^\n.!?;•·▪●|。！？।]+(?:(?:\.(?=\w)|\n(?=[a-z]))[^\n.!?;•·▪●|。！？।]+)*")


def _unit(vector: Vector) -> Vector:
    length = float(np.linalg.norm(vector))
    return (vector / length if length > 0 else vector).astype(np.float32)


def blend(*parts: Vector) -> Vector:
    """A unit vector of shape (384,): the mean of each part's vectors, shape (n, 384), at equal weight.

    A part without vectors does not count.
    """
    means = [_unit(np.asarray(part, dtype=np.float32).mean(axis=0)) for part in parts if len(part)]
    return _unit(np.sum(means, axis=0))


def mix(similarities: Sequence[float], lexical: Sequence[float], weight: float) -> list[float]:
    """Both as z-scores among the candidates, the lexical one with this weight. A ranking, no probability."""
    if not similarities:
        return []
    return [float(score) for score in _z(similarities) + weight * _z(lexical)]


def _z(values: Sequence[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    array = np.asarray(values, dtype=np.float64)
    spread = float(array.std())
    return (array - array.mean()) / spread if spread > 1e-12 else np.zeros_like(array)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a job fits and what is missing; every reason is a passage of each text, word for word."""

    matched: tuple[str, ...]
    missing: tuple[str, ...]
    reasons: tuple[Reason, ...]


def explain(resume_text: str, resume_skills: Sequence[str], job_text: str, job_skills: Sequence[str]) -> Explanation:
    """Skills of the job that the resume has or lacks, and passages of both that speak of the same things."""
    has = {skill.casefold() for skill in resume_skills}
    matched: list[str] = []
    missing: list[str] = []
    for skill in dict.fromkeys(job_skills):
        shared = skill.casefold() in has or _mentions(resume_text, skill)
        (matched if shared else missing).append(skill)
    return Explanation(
        tuple(matched[:SKILLS_SHOWN_MAX]), tuple(missing[:SKILLS_SHOWN_MAX]), _reasons(resume_text, job_text, matched)
    )


def _mentions(text: str, skill: str) -> bool:
    # Short names are words of other meaning in lower case: SAP, GST, C++.
    as_written = len(skill) <= SHORT_NAME_CHARACTERS or skill in AMBIGUOUS
    pattern = re.compile(rf"(?<![\w+#]){re.escape(skill)}(?![\w+#])", 0 if as_written else re.IGNORECASE)
    if skill not in AMBIGUOUS:
        return pattern.search(text) is not None
    return any(stands_as_name(text, *found.span()) for found in pattern.finditer(text))


def _passages(text: str) -> list[str]:
    found: dict[str, None] = {}
    for match in _PASSAGE.finditer(text):
        passage = _short(match[0].strip())
        if len(passage) >= PASSAGE_MIN_CHARACTERS:
            found.setdefault(passage)
        if len(found) == PASSAGES_MAX:
            break
    return list(found)


def _short(passage: str) -> str:
    if len(passage) <= PASSAGE_MAX_CHARACTERS:
        return passage
    return passage[:PASSAGE_MAX_CHARACTERS].rsplit(None, 1)[0]


def _places(passages: Sequence[str]) -> tuple[dict[str, list[int]], list[int]]:
    """Where each term stands, and how many different ones each passage has."""
    by_term: dict[str, list[int]] = {}
    sizes = []
    for place, passage in enumerate(passages):
        found = set(terms(passage))
        sizes.append(len(found))
        for term in found:
            by_term.setdefault(term, []).append(place)
    return by_term, sizes


def _reasons(resume_text: str, job_text: str, matched: Sequence[str]) -> tuple[Reason, ...]:
    """The pairs of passages that share most, weighed by how rare the shared words are; each passage once."""
    mine, theirs = _passages(resume_text), _passages(job_text)
    mine_by, mine_sizes = _places(mine)
    theirs_by, theirs_sizes = _places(theirs)
    named = {term for skill in matched for term in terms(skill)}
    seen = {term: len(mine_by[term]) + len(theirs_by[term]) for term in mine_by.keys() & theirs_by.keys()}
    scores: dict[tuple[int, int], float] = {}
    shared: Counter[tuple[int, int]] = Counter()
    left = COMPARISONS_MAX
    # The rarest first: what is cut off when two long texts repeat themselves says least.
    for term, count in sorted(seen.items(), key=lambda entry: (entry[1], entry[0])):
        left -= len(mine_by[term]) * len(theirs_by[term])
        if left < 0:
            break
        weight = math.log(1 + (len(mine) + len(theirs)) / count) * (2.0 if term in named else 1.0)
        for pair in product(mine_by[term], theirs_by[term]):
            scores[pair] = scores.get(pair, 0.0) + weight
            shared[pair] += 2 if term in named else 1

    def fit(pair: tuple[int, int]) -> float:
        return scores[pair] / math.sqrt(max(mine_sizes[pair[0]], 4) * max(theirs_sizes[pair[1]], 4))

    chosen: list[Reason] = []
    used_mine: set[int] = set()
    used_theirs: set[int] = set()
    for i, j in sorted((pair for pair in scores if shared[pair] >= 2), key=lambda pair: (-fit(pair), pair)):
        if len(chosen) == REASONS_MAX:
            break
        if i in used_mine or j in used_theirs:
            continue
        # Judged once, chosen or not: it may share something with each passage of the other.
        used_mine.add(i)
        if not _identifies(mine[i]):
            chosen.append(Reason(mine[i], theirs[j]))
            used_theirs.add(j)
    return tuple(chosen)


def _identifies(passage: str) -> bool:
    # A reason is shown and goes into prompts: a line with an address or a number in it is no reason.
    return redact(passage) != clean(passage)
