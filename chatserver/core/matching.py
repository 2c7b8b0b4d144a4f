"""How well texts fit each other: blended vectors, a lexical score, and reasons in the texts' own words."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from chatserver.core.gazetteer import AMBIGUOUS, stands_as_name
from chatserver.core.job import Reason
from chatserver.core.ports import Vector
from chatserver.core.redaction import clean, redact

LEXICAL_WEIGHT = 0.5
K1, B = 1.2, 0.75
"""BM25's saturation and length normalisation, as Robertson and Zaragoza recommend (The Probabilistic Relevance
Framework: BM25 and Beyond, 2009)."""

QUERY_TERMS_MAX = 400
REASONS_MAX = 3
PASSAGE_MAX_CHARACTERS = 240
PASSAGE_MIN_CHARACTERS = 12
PASSAGES_MAX = 400
COMPARISONS_MAX = 100_000
SHORT_NAME_CHARACTERS = 3
SKILLS_SHOWN_MAX = 20

# `/` and `-` part words, as in the gazetteer: who asks for Python finds "Python/Java".
_TERM = re.compile(r"[^\W_](?:[\w+#]|[.&](?=\w))*")
# A line that goes on in lower case is the same sentence, wrapped.
_PASSAGE = re.compile(r"[^\n.!?;•·▪●|。！？।]+(?:(?:\.(?=\w)|\n(?=[a-z]))[^\n.!?;•·▪●|。！？।]+)*")

STOP_WORDS = frozenset(
    """
    a about above across after all also am an and any are as at be been before being between both but by can could
    did do does doing each etc few for from further had has have having he her here hers him his how i if in into is
    it its itself just may me more most must my no nor not of off on once only or other our ours out over own per
    s same shall she should so some such t than that the their them then there these they this those through to too
    under until up upon us very via was we were what when where which while who whom why will with within without
    would you your yours
    """.split()  # noqa: SIM905 - a list of a hundred quoted words is nobody's reading
)


def _unit(vector: Vector) -> Vector:
    length = float(np.linalg.norm(vector))
    return (vector / length if length > 0 else vector).astype(np.float32)


def blend(chunks: Vector, focus: Vector | None) -> Vector:
    """A unit vector of shape (384,): the mean of the chunks' vectors, shape (n, 384), and the focus at equal weight."""
    mean = _unit(np.asarray(chunks, dtype=np.float32).mean(axis=0))
    return mean if focus is None else _unit(mean + _unit(focus))


def terms(text: str) -> list[str]:
    """Words in lower case without the commonest; `c++`, `c#`, `r&d` and `node.js` stay whole."""
    return [term for term in _TERM.findall(text.lower()) if term not in STOP_WORDS]


def lexical_scores(query: str, documents: Sequence[str]) -> list[float]:
    """BM25 of each document for the query, with frequencies from these documents alone."""
    if not documents:
        return []
    wanted = dict(Counter(terms(query)).most_common(QUERY_TERMS_MAX))
    counted = [Counter(terms(document)) for document in documents]
    lengths = [sum(counts.values()) for counts in counted]
    average = sum(lengths) / len(lengths) or 1.0
    weights = {}
    for term in wanted:
        having = sum(1 for counts in counted if term in counts)
        if having:
            weights[term] = math.log(1 + (len(documents) - having + 0.5) / (having + 0.5))
    return [
        sum(
            weight * counts[term] * (K1 + 1) / (counts[term] + K1 * (1 - B + B * length / average))
            for term, weight in weights.items()
            if term in counts
        )
        for counts, length in zip(counted, lengths, strict=True)
    ]


def mix(similarities: Sequence[float], lexical: Sequence[float]) -> list[float]:
    """Both as z-scores among the candidates, the lexical one with `LEXICAL_WEIGHT`. A ranking, no probability."""
    if not similarities:
        return []
    return [float(score) for score in _z(similarities) + LEXICAL_WEIGHT * _z(lexical)]


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
        if i not in used_mine and j not in used_theirs and not _identifies(mine[i]):
            chosen.append(Reason(mine[i], theirs[j]))
            used_mine.add(i)
            used_theirs.add(j)
    return tuple(chosen)


def _identifies(passage: str) -> bool:
    # A reason is shown and goes into prompts: a line with an address or a number in it is no reason.
    return redact(passage) != clean(passage)
