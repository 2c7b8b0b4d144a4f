"""Derives the gazetteer's files from the O*NET database: `python -m chatserver.data.derive FOLDER`."""

import csv
import gzip
import re
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from chatserver.core.gazetteer import WORDS_MAX, key
from chatserver.core.lexical import terms

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


def titles(folder: Path) -> dict[str, set[int]]:
    """Each title with its occupations, as their places in O*NET's order."""
    own = {row["O*NET-SOC Code"]: row["Title"].strip() for row in rows(folder / "Occupation Data.txt")}
    places = {code: place for place, code in enumerate(own)}
    found: dict[str, set[int]] = {}
    for code, name in _written_titles(folder, own):
        if fits(name) and _is_title(name):
            found.setdefault(name, set()).add(places[code])
    return found


def _written_titles(folder: Path, own: dict[str, str]) -> Iterator[tuple[str, str]]:
    yield from own.items()
    for row in rows(folder / "Alternate Titles.txt"):
        yield row["O*NET-SOC Code"], _ASIDE.sub("", row["Alternate Title"]).strip()
        yield row["O*NET-SOC Code"], row["Short Title"].strip()
    for row in rows(folder / "Sample of Reported Titles.txt"):
        yield row["O*NET-SOC Code"], _ASIDE.sub("", row["Reported Job Title"]).strip()


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


def write(file: Path, names: Iterable[str], occupations: Mapping[str, set[int]], own: Collection[str] = ()) -> None:
    """A name per line, its key where that is not the name in lower case, and its occupations if it has any.

    `own` are the names of the occupations themselves.
    """
    by_key: dict[str, str] = {}
    of_key: dict[str, set[int]] = {}
    # Of names that differ by case alone the one in usual spelling comes first.
    for name in sorted(names, key=lambda name: (name.isupper(), name.islower(), name)):
        by_key.setdefault(key(name), name)
        of_key.setdefault(key(name), set()).update(occupations.get(name, ()))
    # What an occupation itself is called means that one, though others may bear the title too.
    for name in own:
        for low in (key(name), key(name).removesuffix("s")):
            if low in of_key:
                of_key[low] = occupations[name]
    # A plural is found by its singular.
    kept = {low: name for low, name in by_key.items() if not (low.endswith("s") and low[:-1] in by_key)}
    lines = []
    for low, name in sorted(kept.items()):
        written = (name, "" if name.lower() == low else low, " ".join(map(str, sorted(of_key[low]))))
        lines.append("\t".join(written).rstrip("\t"))
    pack(file, lines)


def pack(file: Path, lines: Iterable[str]) -> None:
    # Without a time stamp the same lines give the same file.
    with file.open("wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as out:
        out.write("\n".join(lines).encode())


def occupation_texts(folder: Path) -> dict[str, list[str]]:
    """By code: title, description and tasks of each occupation that has tasks."""
    tasks: dict[str, list[str]] = {}
    for row in rows(folder / "Task Statements.txt"):
        tasks.setdefault(row["O*NET-SOC Code"], []).append(row["Task"])
    return {
        code: [row["Title"], row["Description"], *tasks[code]]
        for row in rows(folder / "Occupation Data.txt")
        if (code := row["O*NET-SOC Code"]) in tasks
    }


def word_lines(texts: Collection[str]) -> list[str]:
    """How many texts there are; then each word that stands in more than one of them, and in how many."""
    having = Counter(term for text in texts for term in set(terms(text)))
    return [f"\t\t{len(texts)}", *(f"{term}\t\t{count}" for term, count in sorted(having.items()) if count > 1)]


def derive(source: Path, target: Path) -> None:
    by_title = titles(source)
    own = [row["Title"].strip() for row in rows(source / "Occupation Data.txt")]
    write(target / "titles.txt.gz", by_title, by_title, [name for name in own if name in by_title])
    write(target / "skills.txt.gz", skills(source), {})
    texts = ["\n".join(said) for said in occupation_texts(source).values()]
    pack(target / "words.txt.gz", word_lines(texts))


if __name__ == "__main__":
    derive(Path(sys.argv[1]), HERE)
