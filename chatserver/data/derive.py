"""Derives the gazetteer's files from the O*NET database: `python -m chatserver.data.derive FOLDER`."""

import csv
import gzip
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from chatserver.core.gazetteer import WORDS_MAX, key

HERE = Path(__file__).parent
NAME_MAX_CHARACTERS = 70
SHORT_TITLE_CHARACTERS = 4

# O*NET writes the maker in front: "Microsoft Excel", "Adobe Systems Adobe Photoshop"; people write the product alone.
_MAKERS = re.compile(
    r"^(?:Adobe Systems|Apache Software Foundation|Atlassian|Google|IBM|Microsoft|Oracle|SAP|Intuit|Salesforce|Tableau|"
    r"The MathWorks|Autodesk|Amazon Web Services|Red Hat|Citrix|VMware|Splunk|Qlik Tech)\s+(?=\S)"
)
_ASIDE = re.compile(r"\s*\((?P<short>[^)]*)\)")
_SUFFIX = re.compile(r"\s+(?:software|systems?|programs?|tools?)$", re.IGNORECASE)
_LOWER_CASE_WORD = re.compile(r"(?<![\w.])[a-z]+(?!\w)")


def rows(file: Path) -> Iterator[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as text:
        yield from csv.DictReader(text, delimiter="\t", quoting=csv.QUOTE_NONE)


def fits(name: str) -> bool:
    return (
        1 < len(name) <= NAME_MAX_CHARACTERS
        and 0 < len(key(name).split()) <= WORDS_MAX
        and not name.replace(" ", "").isdigit()
        and name != "n/a"
    )


def ordinary_words(folder: Path) -> set[str]:
    """What O*NET's own sentences use as a word."""
    texts = [row["Task"] for row in rows(folder / "Task Statements.txt")]
    texts += [row["Description"] for row in rows(folder / "Occupation Data.txt")]
    words = {word for text in texts for word in _LOWER_CASE_WORD.findall(text)}
    return words | {word[:-1] for word in words if word.endswith("s")}


def titles(folder: Path) -> set[str]:
    found: set[str] = set()
    for row in rows(folder / "Alternate Titles.txt"):
        found |= {_ASIDE.sub("", row["Alternate Title"]).strip(), row["Short Title"].strip()}
    for row in rows(folder / "Sample of Reported Titles.txt"):
        found.add(_ASIDE.sub("", row["Reported Job Title"]).strip())
    for row in rows(folder / "Occupation Data.txt"):
        found.add(row["Title"].strip())
    return {name for name in found if fits(name) and _is_title(name)}


def _is_title(name: str) -> bool:
    # "Cook" and "Maid" are surnames and words; "CFO" is nothing else.
    return " " in name or len(name) > SHORT_TITLE_CHARACTERS or name.isupper()


def skills(folder: Path) -> set[str]:
    ordinary = ordinary_words(folder)
    found: set[str] = set()
    for row in rows(folder / "Technology Skills.txt"):
        name = row["Example"].strip()
        aside = _ASIDE.search(name)
        if aside and 2 < len(aside["short"]) <= 12:
            found.add(aside["short"].strip())
        name = _SUFFIX.sub("", _ASIDE.sub("", name)).strip()
        found.add(name)
        if row["Hot Technology"] == "Y":
            found.add(_MAKERS.sub("", name))
    # "Word", "Drive" and what is left of "Tax software" are words; those that are skills too are in our own lists.
    return {name for name in found if fits(name) and key(name) not in ordinary and len(name) > 2}


def write(file: Path, names: Iterable[str]) -> None:
    by_key: dict[str, str] = {}
    # Of names that differ by case alone the one in usual spelling comes first.
    for name in sorted(names, key=lambda name: (name.isupper(), name.islower(), name)):
        by_key.setdefault(key(name), name)
    # A plural is found by its singular.
    kept = {low: name for low, name in by_key.items() if not (low.endswith("s") and low[:-1] in by_key)}
    lines = [name if name.lower() == low else f"{name}\t{low}" for low, name in sorted(kept.items())]
    # Without a time stamp the same names give the same file.
    with file.open("wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as out:
        out.write("\n".join(lines).encode())


def derive(source: Path, target: Path) -> None:
    write(target / "titles.txt.gz", titles(source))
    write(target / "skills.txt.gz", skills(source))


if __name__ == "__main__":
    derive(Path(sys.argv[1]), HERE)
