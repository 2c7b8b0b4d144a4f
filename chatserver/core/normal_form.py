"""The compatibility normal form (NFKC, Unicode Standard Annex #15) of what strangers write, within bounds."""

import re
import unicodedata
from functools import cache

MARKS_MAX = 30
"""Combining marks on one letter, as in the annex's Stream-Safe Text Format, which no language comes near: the algorithm
takes the square of their number."""
GROWTH_MAX = 4
SMALL_CHARACTERS = 1_000
"""A text becomes at most so many times as long, and so many characters more: one character stands for eighteen."""

_MARKS = range(0x300, 0x1E94B)
"""Where all characters stand that combine with the one before them."""


@cache
def _crowds() -> re.Pattern[str]:
    # Five are letters of their own until they are taken apart.
    apart = ((mark, unicodedata.normalize("NFKD", mark)[0]) for mark in map(chr, _MARKS))
    marks = "".join(mark for mark, first in apart if unicodedata.combining(first))
    return re.compile(f"([{marks}]{{{MARKS_MAX}}})[{marks}]+")


def normal_form(text: str) -> str:
    if text.isascii():
        return text
    most = GROWTH_MAX * len(text) + SMALL_CHARACTERS
    return unicodedata.normalize("NFKC", _crowds().sub(r"\1", text))[:most]
