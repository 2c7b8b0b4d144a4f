"""What Unicode says of equal characters holds for every text that people write, and holds nobody up for any other."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.core.normal_form import GROWTH_MAX, MARKS_MAX, normal_form

WHOLE_SENTENCES = "\ufdfa\ufdfb"


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters=WHOLE_SENTENCES), max_size=MARKS_MAX))
def test_it_is_the_form_that_the_standard_says(text: str) -> None:
    assert normal_form(text) == unicodedata.normalize("NFKC", text)


@pytest.mark.parametrize("text", [
    "ﬁnance", "①", "हिन्दी में नौकरी", "Việt Nam", "e\u0301te\u0301", "한국어", "שָׁלוֹם", "ＳＱＬ",
    # Tibetan, of which one letter bears more marks than any of the others.
    "ཧྐྵྨླྺྼྻྂ",
])  # fmt: skip
def test_no_word_of_any_language_loses_a_mark(text: str) -> None:
    assert normal_form(text * 20) == unicodedata.normalize("NFKC", text * 20)


@pytest.mark.parametrize("mark", ["\u0301", "\u0316", "\u0344", "\uff9e", "\u0f73"])
def test_a_crowd_of_marks_is_thinned_out(mark: str) -> None:
    thinned = normal_form(f"a{mark * 5_000}b")
    assert thinned == unicodedata.normalize("NFKC", f"a{mark * MARKS_MAX}b")


def test_no_character_becomes_many_and_the_two_that_would_stay() -> None:
    """None is cut off for it: what stands behind them is to be found by whoever looks for it."""
    for code in range(0x80, 0x110000):
        if not 0xD800 <= code < 0xE000:
            assert len(normal_form(chr(code))) <= GROWTH_MAX
    assert normal_form(f"{WHOLE_SENTENCES * 5_000} ＳＱＬ") == f"{WHOLE_SENTENCES * 5_000} SQL"
