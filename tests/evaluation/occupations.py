"""What the evaluation is made from: O*NET's occupations, resumes of our own, and what stands around in resumes."""

import gzip
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Occupation:
    """Half of its tasks are told in the job, the other half in resumes."""

    code: str
    title: str
    description: str
    related: tuple[int, ...]
    reported_titles: tuple[str, ...]
    tasks: tuple[str, ...]

    @cached_property
    def job_description(self) -> str:
        return "\n".join((self.description, *self.tasks[0::2]))

    @property
    def tasks_of_resumes(self) -> Sequence[str]:
        return self.tasks[1::2] or self.tasks


def occupations() -> list[Occupation]:
    text = gzip.decompress((FOLDER / "occupations.txt.gz").read_bytes()).decode()
    found = []
    for line in text.split("\n"):
        code, title, description, related, titles, *tasks = line.split("\t")
        places = tuple(map(int, related.split()))
        found.append(Occupation(code, title, description, places, tuple(titles.split("|")), tuple(tasks)))
    return found


def padding() -> tuple[list[str], list[str]]:
    """What resumes say of people, and of employers."""
    people, employers = (FOLDER / "padding.txt").read_text(encoding="utf-8").strip().split("\n\n")
    return people.split("\n"), employers.split("\n")


def written_resumes() -> list[tuple[tuple[str, ...], str]]:
    """Codes of the fitting occupations, and the text. Those of one trade have the same codes."""
    parts = (FOLDER / "resumes.txt").read_text(encoding="utf-8").removeprefix("== ").strip().split("\n== ")
    split = [part.partition("\n") for part in parts]
    return [(tuple(codes.split()), text.strip()) for codes, _, text in split]


def chance_for(*names: object) -> random.Random:
    """The same for the same names, whatever else is made before."""
    return random.Random(" ".join(map(str, names)))
