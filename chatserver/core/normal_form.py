"""The compatibility normal form (NFKC, Unicode Standard Annex #15) of what strangers write, within bounds."""

import re
import unicodedata
from functools import cache

MARKS_MAX = 30
"""Combining marks on one letter, as in the annex's Stream-Safe Text Format, which no language comes near: the algorithm
takes the square of their number."""
GROWTH_MAX = 6
"""A text becomes at most so many times as long."""

_MARKS = range(0x300, 0x1E94B)
"""Where all characters stand that combine with the one before them."""
_WHOLE_SENTENCES = re.compile("([\ufdfa\ufdfb])")
"""Two ligatures stand for eighteen and eight letters. They stay: a message of them alone would become a book."""


@cache
def _crowds() -> re.Pattern[str]:
    # Five are letters of their own until they are taken apart.
    apart = ((mark, unicodedata.normalize("NFKD", mark)[0]) for mark in map(chr, _MARKS))
    marks = "".join(mark for mark, first in apart if unicodedata.combining(first))
    return re.compile(f"([{marks}]{{{MARKS_MAX}}})[{marks}]+")


def normal_form(text: str) -> str:
    if text.isascii():
        return text
    thinned = _crowds().sub(r"\1", text)
    # Every second piece is one of the ligatures.
    pieces = _WHOLE_SENTENCES.split(thinned)
    pieces[::2] = [unicodedata.normalize("NFKC", piece) for piece in pieces[::2]]
    return "".join(pieces)
