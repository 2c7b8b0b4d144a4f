"""The gate on a streamed answer: no reference that was not retrieved, nothing that a client would make a link of.

The text is cut into tokens (space, bracket, word) whose ends do not depend on how it arrived, and a token is let
through once its end is known. So every way of cutting the stream gives the same result, and what is held back is a
word or a bracket. Where something was taken out, its neighbours never close up: two harmless halves make no link.
"""

import re
from collections.abc import Callable
from typing import Literal, NamedTuple

from chatserver.core.links import FULL_STOPS, HOST_ENDS, INVISIBLE, UNSPACED_RANGES, without_links
from chatserver.core.normal_form import normal_form

WORD_MAX = 500
"""Characters; what follows in a longer word is dropped, for no language has such a word."""
BRACKET_MAX = 300
TARGET_MAX = 500
_OPEN = "[［【〔"
_CLOSE = "]］】〕"
_UNSPACED = re.compile(f"[{UNSPACED_RANGES}]")
# These end a word even where it already has a sign of a link; the full-width signs of a link are not among them.
_STOPS = frozenset("。、，！？；（）「」『』《》〈〉…।")
_LINK_SIGNS = frozenset(":.@/\\：．＠／＼")
# Within these no word ends and no link begins.
_PLAIN = re.compile(f"[^\\s!{re.escape(_OPEN + ''.join(_STOPS | _LINK_SIGNS))}{UNSPACED_RANGES}]+")
# Never shown: what turns the reading order round, what is a message for machines alone, and what no text has.
_NEVER_SHOWN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e0fff]")

_NUMBER = re.compile(r"(?<![^\W_])J\s?0*([1-9]\d{0,5})(?![^\W_])", re.IGNORECASE)
_BETWEEN_NUMBERS = re.compile(r"(?:[\s,;&/+\-–—*_`]|and|or|to)*", re.IGNORECASE)

_CLOSING = frozenset(".,;:!?)]}>*_`'\"|।。，！？；")
_ENDING = frozenset(".,;:!?)]}>।。，！？；")
_OPENING = frozenset("(<{*_`'\"|")


class _Token(NamedTuple):
    kind: Literal["space", "bracket", "word"]
    end: int
    rest_is_dropped: bool = False


class Gate:
    """Lets a streamed answer through piece by piece. `is_retrieved` says which numbers were given in this session."""

    def __init__(self, is_retrieved: Callable[[int], bool]) -> None:
        self._is_retrieved = is_retrieved
        self._held = ""
        self._space = ""
        # The character that came before the next one; the last one shown; whether that place was altered.
        self._left = ""
        self._shown = ""
        self._altered = False
        self._dropping = False
        self.used: list[int] = []
        """References that were let through, each once, in order of first mention."""

    @property
    def held(self) -> int:
        """Characters that came and were neither shown nor taken out; at most `BRACKET_MAX + TARGET_MAX + WORD_MAX`."""
        return len(self._held)

    def feed(self, text: str) -> str:
        """What may be shown now that `text` has come."""
        self._held += _NEVER_SHOWN.sub("", text)
        return self._release(final=False)

    def finish(self) -> str:
        """The rest; nothing comes after it."""
        shown = self._release(final=True)
        space, self._space = self._space, ""
        return shown + (space.strip(" ") if self._altered else space)

    def _release(self, *, final: bool) -> str:
        shown: list[str] = []
        held, place = self._held, 0
        while place < len(held):
            if self._dropping:
                if not held[place].isspace():
                    place += 1
                    continue
                self._dropping = False
            token = _token_at(held, place, final=final)
            if token is None:
                break
            source = held[place : token.end]
            if token.kind == "space":
                self._space += source
            else:
                shown.append(self._pass(token.kind, source))
                self._dropping = token.rest_is_dropped
            self._left = source[-1]
            place = token.end
        self._held = held[place:]
        return "".join(shown)

    def _pass(self, kind: str, source: str) -> str:
        joined = bool(self._left) and not self._left.isspace()
        if kind == "bracket":
            text = self._bracket(source)
        elif joined and self._left.isalnum():
            # The letters before it went out already, as scripts without spaces do: `例.com` is a domain all the same.
            text = without_links(f"a{source}").removeprefix("a")
        else:
            text = without_links(source)
        altered = text != source
        if not text:
            self._altered = True
            return ""
        if (
            joined
            and (altered or self._altered)
            and not self._space
            and self._shown
            and not _may_touch(self._shown, text)
        ):
            self._space = " "
        if self._shown == "]" and text[0] == "(" and not self._space:
            self._space = " "
        if self._shown in FULL_STOPS and not self._space and HOST_ENDS.match(text):
            self._space = " "
        if self._altered and " " in self._space:
            # Something was taken out of the middle of a sentence: one space stays, and none before its full stop.
            self._space = self._space if "\n" in self._space else " "
        if (altered or self._altered) and _ENDING.issuperset(text) and not self._space.strip(" "):
            self._space = ""
        if not self._shown:
            self._space = self._space if not self._altered else self._space.lstrip(" ")
        shown, self._space = self._space + text, ""
        self._shown, self._altered = shown[-1], altered
        return shown

    def _bracket(self, group: str) -> str:
        close = next(at for at, character in enumerate(group) if character in _CLOSE)
        exclaimed, group_open = ("!", group[1]) if group[0] == "!" else ("", group[0])
        label, has_target = group[len(exclaimed) + 1 : close], close + 1 < len(group)
        words = _words_without_links(label)
        plain = normal_form(INVISIBLE.sub("", words))
        numbers = [int(found) for found in _NUMBER.findall(plain)]
        if not numbers:
            return words if has_target else f"{exclaimed}{group_open}{words}{group[close]}"
        refs = list(dict.fromkeys(ref for ref in numbers if self._is_retrieved(ref)))
        self.used.extend(ref for ref in refs if ref not in self.used)
        cited = " ".join(f"[J{ref}]" for ref in refs)
        said = " ".join(_NUMBER.sub(" ", plain).split())
        if not _BETWEEN_NUMBERS.fullmatch(said):
            cited = f"({said}) {cited}".rstrip()
        return cited if has_target else f"{exclaimed}{cited}"


def _token_at(held: str, place: int, *, final: bool) -> _Token | None:
    """The token that begins here, None where its end is not known yet."""
    if held[place].isspace():
        return _Token("space", place + 1)
    if held[place] in _OPEN or held[place] == "!":
        if held[place] == "!" and place + 1 >= len(held) and not final:
            return None
        if held[place] != "!" or held[place + 1 : place + 2] == "[":
            end = _bracket_end(held, place, final=final)
            if end is None:
                return None
            if end > 0:
                return _Token("bracket", end)
    return _word(held, place, final=final)


def _bracket_end(held: str, place: int, *, final: bool) -> int | None:
    """The end of the bracket that opens here with its target, -1 where it is none, None where that is not known yet."""
    start = place + (2 if held[place] == "!" else 1)
    limit = start + BRACKET_MAX
    for at in range(start, min(len(held), limit)):
        if held[at] in _CLOSE:
            break
        if held[at] == "\n" or held[at] in _OPEN:
            return -1
    else:
        return -1 if final or len(held) >= limit else None
    if at + 1 >= len(held):
        return at + 1 if final else None
    if held[at + 1] != "(":
        return at + 1
    depth = 0
    for target in range(at + 1, min(len(held), at + 2 + TARGET_MAX)):
        if held[target].isspace():
            return at + 1
        depth += {"(": 1, ")": -1}.get(held[target], 0)
        if depth == 0:
            return target + 1
    return at + 1 if final or len(held) >= at + 2 + TARGET_MAX else None


def _word(held: str, place: int, *, final: bool) -> _Token | None:
    limit = place + WORD_MAX
    plain = _PLAIN.match(held, place, limit)
    signs = held[place] in _LINK_SIGNS
    for at in range(plain.end() if plain else place + 1, min(len(held), limit)):
        before, character = held[at - 1], held[at]
        if character.isspace() or character in _OPEN or before in _STOPS or (not signs and _UNSPACED.match(before)):
            return _Token("word", at)
        if character == "!" and (at + 1 < len(held) or not final):
            if at + 1 >= len(held):
                return None
            if held[at + 1] == "[":
                return _Token("word", at)
        signs = signs or character in _LINK_SIGNS
    if len(held) > limit:
        end = limit
        goes_on = not held[end].isspace() and held[end] not in _OPEN
        return _Token("word", end, rest_is_dropped=goes_on)
    last = held[-1]
    complete = final or last in _STOPS or (not signs and _UNSPACED.match(last) is not None)
    return _Token("word", len(held)) if complete else None


def _may_touch(left: str, text: str) -> bool:
    return left in _OPENING or _CLOSING.issuperset(text)


def _words_without_links(text: str) -> str:
    return "".join(part if part.isspace() else without_links(part) for part in re.split(r"(\s+)", text))
