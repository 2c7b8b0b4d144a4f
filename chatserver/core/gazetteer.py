"""Titles and skills in a text, by the longest known name at each word, and what else a title is called."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache

from chatserver.core.lexical import Corpus

WORDS_MAX = 8
TEXT_MAX_CHARACTERS = 200_000
TITLES_KEPT = 2_000
FOCUS_TITLES_MAX = 10
FOCUS_SKILLS_MAX = 30
ALSO_CALLED_MAX = 16
OCCUPATIONS_MAX = 4
"""A title of more occupations than these ("Machine Operator") says too little."""

# `/` and `-` part words, so that "R/Python" names both and "full-stack" is "full stack"; `.` and `&` inside keep them.
_WORD = re.compile(r"(?<![\w.])\.(?=NET\b)\w+|[^\W_](?:[\w+#]|[.&'’](?=[\w+#]))*")

# What is an ordinary word, a letter or an initial unless it stands as a name stands. The value is the name to show.
AMBIGUOUS: Mapping[str, str] = {
    "R": "R", "C": "C", "Go": "Go", "Access": "Microsoft Access", "Excel": "Microsoft Excel", "Word": "Microsoft Word",
    "Outlook": "Microsoft Outlook", "Teams": "Microsoft Teams", "Windows": "Microsoft Windows", "Chef": "Chef",
    "Dart": "Dart", "Express": "Express.js", "Flask": "Flask", "Helm": "Helm", "Hive": "Apache Hive", "Lean": "Lean",
    "Maven": "Maven", "Oracle": "Oracle", "Puppet": "Puppet", "Ruby": "Ruby", "Rust": "Rust", "Scheme": "Scheme",
    "Slack": "Slack", "Spark": "Apache Spark", "Spring": "Spring", "Swift": "Swift", "Unity": "Unity", "Zoom": "Zoom",
    "Blender": "Blender", "Illustrator": "Adobe Illustrator", "Maya": "Maya", "Julia": "Julia", "Salt": "Salt",
    "CA": "Chartered Accountant", "SAFe": "SAFe", "RAG": "RAG", "SAS": "SAS",
}  # fmt: skip

_LIST_MARKS = frozenset(",;/|•·▪●:()[]&+")
_JOINING = frozenset({"and", "or", "in", "with", "using", "like", "including", "as", "of"})
_SENTENCE_FOLLOWS = frozenset({"to", "the", "at", "a", "an", "into", "our", "your", "their", "is", "are", "on", "by"})
_LANGUAGE_FOLLOWS = frozenset({"programming", "language", "developer", "programmer", "scripts", "packages", "shiny"})
_AROUND_CHARACTERS = 24


def words(text: str) -> list[str]:
    return _WORD.findall(text)


def key(name: str) -> str:
    """What a name is looked up by: its words in lower case."""
    return " ".join(words(name)).lower()


def keyed(names: Iterable[str]) -> dict[str, str]:
    """Names by their keys, the first of several alike."""
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(key(name), name)
    found.pop("", None)
    return found


def stands_as_name(text: str, start: int, end: int) -> bool:
    """Whether an ambiguous word at this place names a thing: in a list, alone on a line, or in mid-sentence."""
    before = text[max(0, start - _AROUND_CHARACTERS) : start].rstrip(" \t")
    after = text[end : end + _AROUND_CHARACTERS].lstrip(" \t")
    previous = re.search(r"[^\W\d_]+$", before)
    following = re.match(r"[^\W\d_]+", after)
    said_before = previous[0] if previous else ""
    said_after = following[0] if following else ""
    if said_after in _SENTENCE_FOLLOWS:
        return False
    if after[:1] in _LIST_MARKS or before[-1:] in _LIST_MARKS or said_after.lower() in ("and", "or"):
        return True
    if said_before.lower() in _JOINING or said_after.lower() in _LANGUAGE_FOLLOWS:
        return True
    if not before or before[-1] == "\n":
        return not after or after[0] == "\n"
    return end - start > 1 and said_before.islower()


class Names:
    """Known names, found whatever their case; others only as they are written, or where they stand as names."""

    def __init__(
        self,
        known: Mapping[str, str],
        *,
        as_written: Mapping[str, str] | None = None,
        ambiguous: Mapping[str, str] | None = None,
    ) -> None:
        """`known` is by `key`; `as_written` and `ambiguous` hold single words in their own case."""
        self._known = known
        self._as_written = as_written or {}
        self._ambiguous = ambiguous or {}
        self._firsts = {name.partition(" ")[0] for name in known}

    def find(self, text: str) -> list[str]:
        """Each name once, in order of first mention."""
        text = text[:TEXT_MAX_CHARACTERS]
        spans = [match.span() for match in _WORD.finditer(text)]
        said = [text[start:end] for start, end in spans]
        lower = [word.lower() for word in said]
        found: dict[str, None] = {}
        place = 0
        while place < len(said):
            length, name = self._known_at(lower, place)
            if length < 2:
                name = self._alone(text, said[place], spans[place], name)
            if name is not None:
                found.setdefault(name)
            place += max(length, 1)
        return list(found)

    def _known_at(self, lower: Sequence[str], place: int) -> tuple[int, str | None]:
        if lower[place] not in self._firsts and _singular(lower[place]) not in self._firsts:
            return 0, None
        for length in range(min(WORDS_MAX, len(lower) - place), 0, -1):
            asked = " ".join(lower[place : place + length])
            name = self._known.get(asked) or self._known.get(_singular(asked))
            if name is not None:
                return length, name
        return 0, None

    def _alone(self, text: str, word: str, span: tuple[int, int], known: str | None) -> str | None:
        if (name := self._ambiguous.get(word)) is not None:
            return name if stands_as_name(text, *span) else None
        if known is not None or word not in self._as_written:
            return known
        # "Extra-curricular" is no extra.
        joined = text[span[1] : span[1] + 1] == "-" and text[span[1] + 1 : span[1] + 2].isalpha()
        return None if joined else self._as_written[word]


def _singular(words: str) -> str:
    return words[:-1] if len(words) > 4 and words[-1] == "s" and words[-2] != "s" else words


class Occupations:
    """What titles the people of one occupation bear."""

    def __init__(self, by_title: Mapping[str, Collection[int]], titles: Mapping[int, Sequence[str]]) -> None:
        """`by_title` is by `key` of the title: the occupations that it is a title of. `titles` is by occupation."""
        self._by_title = by_title
        self._titles = titles

    def of(self, title: str) -> Collection[int]:
        """Empty where the title is not known or says too little."""
        low = key(title)
        found = self._by_title.get(low) or self._by_title.get(_singular(low), ())
        return found if len(found) <= OCCUPATIONS_MAX else ()

    def titles(self, occupations: Collection[int]) -> list[str]:
        """At most `ALSO_CALLED_MAX`, an equal share of each occupation, spread over all that it has."""
        share = ALSO_CALLED_MAX // max(len(occupations), 1)
        return list(dict.fromkeys(name for one in sorted(occupations) for name in _spread(self._titles[one], share)))


def _spread(names: Sequence[str], most: int) -> Sequence[str]:
    return names if len(names) <= most else [names[place * len(names) // most] for place in range(most)]


class Gazetteer:
    """What the platform knows of titles, skills and words. `general` skills are those that say nothing of a trade."""

    def __init__(
        self,
        titles: Names,
        skills: Names,
        occupations: Occupations | None = None,
        general: Collection[str] = (),
        corpus: Corpus | None = None,
    ) -> None:
        self._titles = titles
        self._skills = skills
        self._occupations = occupations or Occupations({}, {})
        self._general = frozenset(general)
        self.corpus = corpus
        # A search looks up the titles of all its candidates, and the candidates are mostly the same.
        self._calling = lru_cache(maxsize=TITLES_KEPT)(self._also_called)

    def titles(self, text: str) -> list[str]:
        return self._titles.find(text)

    def skills(self, text: str) -> list[str]:
        return self._skills.find(text)

    def focus(self, text: str) -> str:
        """What a text is about, as one line: the titles and the skills of a trade in it. Empty where it names none."""
        skills = [skill for skill in self.skills(text) if skill not in self._general]
        return ", ".join(self.titles(text)[:FOCUS_TITLES_MAX] + skills[:FOCUS_SKILLS_MAX])

    def also_called(self, title: str) -> list[str]:
        """Other titles of the occupation that a job's title names, or that of its names which fewest bear."""
        return list(self._calling(title))

    def _also_called(self, title: str) -> tuple[str, ...]:
        if whole := self._occupations.of(title):
            return tuple(self._occupations.titles(whole))
        named = [found for name in self._titles.find(title) if (found := self._occupations.of(name))]
        return tuple(self._occupations.titles(min(named, key=len))) if named else ()
