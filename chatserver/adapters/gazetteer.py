"""Reads the gazetteer's files, which `chatserver/data/derive.py` made, and the lists of our own beside them."""

import gzip
from pathlib import Path

from chatserver.core.gazetteer import AMBIGUOUS, Gazetteer, Names, key

DATA = Path(__file__).parent.parent / "data"
FILE_MAX_CHARACTERS = 8 * 1024 * 1024


def load_gazetteer() -> Gazetteer:
    """Takes some 0.1 s. Raises `ValueError` if a file is larger than it may be."""
    titles = _packed(DATA / "titles.txt.gz")
    # A title of one word ("Guide", "Runner") is a title only where it is written like one.
    single = {name: titles.pop(low) for low, name in list(titles.items()) if " " not in low}
    skills = _packed(DATA / "skills.txt.gz")
    skills.update(own_skills())
    for name in AMBIGUOUS:
        skills.pop(name.lower(), None)
    return Gazetteer(
        Names(titles, as_written={name: name for name in single if name[:1].isupper()}),
        Names(skills, ambiguous=AMBIGUOUS),
    )


def own_skills() -> dict[str, str]:
    """By key: each line is a name, then after bars what else people write for it."""
    found: dict[str, str] = {}
    for line in (DATA / "own_skills.txt").read_text(encoding="utf-8").splitlines():
        name, *others = (part.strip() for part in line.split("|"))
        found |= {key(written): name for written in (name, *others)}
    found.pop("", None)
    return found


def _packed(file: Path) -> dict[str, str]:
    with gzip.open(file, "rt", encoding="utf-8") as packed:
        text = packed.read(FILE_MAX_CHARACTERS + 1)
    if len(text) > FILE_MAX_CHARACTERS:
        raise ValueError(f"{file.name} is larger than it may be; install Ottobon Jobs anew.")
    found = {}
    for line in text.split("\n"):
        name, bar, other_key = line.partition("\t")
        found[other_key if bar else name.lower()] = name
    return found
