"""Reads the gazetteer's files, which `chatserver/data/derive.py` made, and the lists of our own beside them."""

import gzip
from pathlib import Path

from chatserver.core.gazetteer import AMBIGUOUS, Gazetteer, Names, Occupations, key
from chatserver.core.lexical import Corpus

DATA = Path(__file__).parent.parent / "data"
FILE_MAX_CHARACTERS = 8 * 1024 * 1024


def load_gazetteer() -> Gazetteer:
    """Takes some 0.1 s. Raises `ValueError` if a file is larger than it may be."""
    titles, by_title, by_occupation = _titles()
    # A title of one word ("Guide", "Runner") is a title only where it is written like one.
    single = {name: titles.pop(low) for low, name in list(titles.items()) if " " not in low}
    skills = {low: name for name, low, _ in _rows(DATA / "skills.txt.gz")}
    skills.update(own_skills())
    for name in AMBIGUOUS:
        skills.pop(name.lower(), None)
    return Gazetteer(
        Names(titles, as_written={name: name for name in single if name[:1].isupper()}),
        Names(skills, ambiguous=AMBIGUOUS),
        Occupations(by_title, by_occupation),
        general_skills(),
        _corpus(),
    )


def own_skills() -> dict[str, str]:
    """By key: each line is a name, then after bars what else people write for it."""
    found: dict[str, str] = {}
    for line in (DATA / "own_skills.txt").read_text(encoding="utf-8").splitlines():
        name, *others = (part.strip() for part in line.split("|"))
        found |= {key(written): name for written in (name, *others)}
    found.pop("", None)
    return found


def general_skills() -> list[str]:
    """The names of skills that people of every trade have."""
    return (DATA / "general_skills.txt").read_text(encoding="utf-8").splitlines()


def _corpus() -> Corpus:
    words = {low: int(told) for _, low, told in _rows(DATA / "words.txt.gz")}
    # The first line is about no word: of how many texts it tells.
    return Corpus(words.pop(""), words)


def _titles() -> tuple[dict[str, str], dict[str, tuple[int, ...]], dict[int, list[str]]]:
    """Names by key, the occupations of each, and the names of each occupation."""
    names: dict[str, str] = {}
    by_title: dict[str, tuple[int, ...]] = {}
    by_occupation: dict[int, list[str]] = {}
    for name, low, told in _rows(DATA / "titles.txt.gz"):
        names[low] = name
        by_title[low] = occupations = tuple(map(int, told.split()))
        # An abbreviation says little by itself.
        if " " in name or not name.isupper():
            for one in occupations:
                by_occupation.setdefault(one, []).append(name)
    return names, by_title, by_occupation


def _rows(file: Path) -> list[tuple[str, str, str]]:
    """Name, key and what else the line tells; a key that is the name in lower case is left out in the file."""
    with gzip.open(file, "rt", encoding="utf-8") as packed:
        text = packed.read(FILE_MAX_CHARACTERS + 1)
    if len(text) > FILE_MAX_CHARACTERS:
        raise ValueError(f"{file.name} is larger than it may be; install Ottobon Jobs anew.")
    found = []
    for line in text.split("\n"):
        name, _, rest = line.partition("\t")
        low, _, told = rest.partition("\t")
        found.append((name, low or name.lower(), told))
    return found
