"""What an answer says of a job and the job's text does not: pay, percentages, and firms of which nothing was retrieved.

Only what a table can decide with hardly an error: an amount in a sentence that names one job has to stand in what was
read of that job, or in the seeker's own words. Nothing is held back for it; a remark follows the answer.
"""

import re
from collections.abc import Mapping

from chatserver.core.references import REFERENCE

REMARKS_MAX = 3
SENTENCE_MAX_CHARACTERS = 2_000
FIRMS = ("Deloitte", "EY", "KPMG", "PwC")
"""Whose career sites are read: of these a model knows much that is in no posting."""

_SENTENCE = re.compile(r"(?<=[.!?।。])\s+|\n+")
# Bounded, and begun at its first digit alone: an answer that is one long number must not take hours to read.
_NUMBER = r"(?<!\d)\d[\d,]{0,30}(?:\.\d++)?"
_SCALES = {
    "k": 1e3, "thousand": 1e3, "lpa": 1e5, "lakh": 1e5, "lakhs": 1e5, "lac": 1e5, "lacs": 1e5, "cr": 1e7, "crore": 1e7,
    "crores": 1e7, "m": 1e6, "mn": 1e6, "million": 1e6,
}  # fmt: skip
_SCALE = "|".join(sorted(_SCALES, key=len, reverse=True))
_AMOUNT = re.compile(
    rf"(?:₹|\$|€|£|\b(?:rs|inr|usd|eur|gbp)\b\.?)\s?(?P<after>{_NUMBER})(?:\s?(?P<scale>{_SCALE})\b)?"
    rf"|(?P<before>{_NUMBER})\s?(?P<unit>%|(?:lpa|lakhs?|lacs?|crores?)\b|(?:rupees|dollars|euros)\b)",
    re.IGNORECASE,
)
_ANY_NUMBER = re.compile(rf"(?P<number>{_NUMBER})(?:\s?(?P<scale>{_SCALE})\b)?", re.IGNORECASE)


def speaks_of_claims(answer: str) -> bool:
    """Whether `remark` could find anything to say of the answer."""
    return _AMOUNT.search(answer) is not None or any(_names(firm, answer) for firm in FIRMS)


def remark(answer: str, jobs: Mapping[int, str], heard: str) -> str:
    """What is to be added to the answer, "" where there is nothing to say.

    `jobs` has all that was read of each job, by its number; `heard` what the seeker wrote and their resume.
    """
    remarks = [
        f"The posting of [J{ref}] does not say “{amount}”; take it for a guess."
        for ref, amount in _unfounded(answer, jobs, heard)
    ]
    known = f"{heard}\n{chr(10).join(jobs.values())}"
    remarks += [
        f"No job at {firm} was looked up for this answer."
        for firm in FIRMS
        if _names(firm, answer) and not _names(firm, known)
    ]
    return " ".join(remarks[:REMARKS_MAX])


def _unfounded(answer: str, jobs: Mapping[int, str], heard: str) -> list[tuple[int, str]]:
    found: dict[tuple[int, str], None] = {}
    known: dict[int, set[float]] = {}
    said: set[float] | None = None
    for sentence in _SENTENCE.split(answer):
        refs = {int(number) for number in REFERENCE.findall(sentence)}
        if len(refs) != 1 or len(sentence) > SENTENCE_MAX_CHARACTERS:
            continue
        (ref,) = refs
        for amount in _AMOUNT.finditer(REFERENCE.sub("", sentence)):
            # Long texts are read once, and only where somebody spoke of money.
            if said is None:
                said = _numbers(heard)
            if ref not in known:
                known[ref] = said | _numbers(jobs.get(ref, ""))
            if not _values(amount) & known[ref]:
                found[ref, " ".join(amount[0].split())] = None
    return list(found)


def _values(amount: re.Match[str]) -> set[float]:
    number = _value(amount["after"] or amount["before"])
    scale = (amount["scale"] or amount["unit"] or "").lower()
    return {number, number * _SCALES.get(scale, 1)}


def _numbers(text: str) -> set[float]:
    """Every number of a text, as it is written and as it is meant."""
    found: set[float] = set()
    for one in _ANY_NUMBER.finditer(text):
        number = _value(one["number"])
        found |= {number, number * _SCALES.get((one["scale"] or "").lower(), 1)}
    return found


def _value(number: str) -> float:
    return float(number.replace(",", ""))


def _names(firm: str, text: str) -> bool:
    # "EY" and "ey" differ: the one is a firm, the other a syllable.
    return re.search(rf"(?<!\w){re.escape(firm)}(?!\w)", text) is not None
