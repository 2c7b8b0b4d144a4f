"""Texts that an expression almost finds: what stands before one of its repetitions, then that many times over.

An expression that reads such a text again from many places, or tries many ways to share it out, takes the square or
the cube of its length. The same search engine is the one of messages, resumes and advertisements of strangers.
"""

from collections.abc import Iterator
from importlib import import_module
from random import Random
from re import Pattern
from typing import Any

# Of the standard library, without a type that anybody promises.
codes: Any = import_module("re._constants")
parser: Any = import_module("re._parser")

PUMPED_FROM = 8
"""Repetitions that may go on for as long as this, or for ever, are pumped."""
_CATEGORIES = {
    codes.CATEGORY_DIGIT: "17", codes.CATEGORY_SPACE: " \n", codes.CATEGORY_WORD: "aA1_",
    codes.CATEGORY_NOT_SPACE: "a1.", codes.CATEGORY_NOT_WORD: " .-", codes.CATEGORY_NOT_DIGIT: "a ",
}  # fmt: skip
_ANYTHING = "a1 .-\n@/:x"
_REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT)


def _matches(item: tuple[Any, Any], character: str) -> bool:
    code, value = item
    match code:
        case codes.LITERAL:
            return bool(ord(character) == value)
        case codes.RANGE:
            return bool(value[0] <= ord(character) <= value[1])
        case codes.CATEGORY:
            return character in _CATEGORIES.get(value, "")
    return False


def _one_of(items: Any, chance: Random) -> str:
    if items[0][0] is codes.NEGATE:
        left = [one for one in _ANYTHING if not any(_matches(item, one) for item in items[1:])]
        return chance.choice(left or ["é"])
    code, value = chance.choice(items)
    match code:
        case codes.LITERAL:
            return chr(value)
        case codes.RANGE:
            return chr(chance.choice((value[0], value[1])))
    return chance.choice(_CATEGORIES.get(value, "a"))


class _Walk:
    """One way through an expression; `pumps` has, for each long repetition, the text before it and what repeats."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self.pumps: list[tuple[str, str]] = []

    def through(self, parsed: Any, before: str) -> str:
        """A text that the items find, more or less; `before` is what stands before them."""
        said = ""
        for code, value in parsed:
            said += self._item(code, value, before + said)
        return said

    def _item(self, code: Any, value: Any, before: str) -> str:
        match code:
            case codes.LITERAL:
                return chr(value)
            case codes.NOT_LITERAL | codes.ANY:
                return self._chance.choice(_ANYTHING)
            case codes.IN:
                return _one_of(value, self._chance)
            case codes.BRANCH:
                return self.through(self._chance.choice(value[1]), before)
            case codes.SUBPATTERN:
                return self.through(value[3], before)
            case codes.ATOMIC_GROUP:
                return self.through(value, before)
        if code in _REPEATS:
            least, most, repeated = value
            once = self.through(repeated, before)
            if most >= PUMPED_FROM and once:
                self.pumps.append((before, once))
            times = self._chance.choice((least, min(most, least + 1), min(most, least + 3)))
            return "".join(self.through(repeated, before) for _ in range(times)) if times else ""
        return ""


def pumped(pattern: Pattern[str], length: int, ways: int, seed: str) -> Iterator[str]:
    """Texts of about `length` characters, made by `ways` walks through the expression."""
    parsed = parser.parse(pattern.pattern, pattern.flags)
    known: set[tuple[str, str]] = set()
    for way in range(ways):
        walk = _Walk(Random(f"{seed} {way}"))
        whole = walk.through(parsed, "")
        known.update(walk.pumps)
        if whole:
            # The whole again and again: a search that begins at each of them, and looks far.
            known.add(("", whole))
            known.add(("", f"{whole}\n"))
            known.add(("", whole[:-1] or whole))
    for before, once in sorted(known):
        times = max(1, (length - len(before)) // len(once))
        # What ends the run is nothing that the expression wants; digits, for the rules that want some somewhere.
        yield f"{before}{once * times}\x01 1234567890123456"
        if before:
            # Many beginnings, each with a run of its own.
            few = max(1, length // 40 // len(once))
            piece = f"{before}{once * few}\x01"
            yield piece * max(1, length // len(piece)) + " 1234567890123456"
