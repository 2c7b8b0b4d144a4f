"""Titles and skills in a text: the longest known name that begins at each word, without a model."""

import re
from collections.abc import Iterable, Mapping, Sequence

WORDS_MAX = 8
TEXT_MAX_CHARACTERS = 200_000

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
        return known or self._as_written.get(word)


def _singular(words: str) -> str:
    return words[:-1] if len(words) > 4 and words[-1] == "s" and words[-2] != "s" else words


class Gazetteer:
    """What the platform knows of titles and skills."""

    def __init__(self, titles: Names, skills: Names) -> None:
        self._titles = titles
        self._skills = skills

    def titles(self, text: str) -> list[str]:
        return self._titles.find(text)

    def skills(self, text: str) -> list[str]:
        return self._skills.find(text)
