"""What Unicode says of equal characters holds for every text that people write, and holds nobody up for any other."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.core.normal_form import GROWTH_MAX, MARKS_MAX, SMALL_CHARACTERS, normal_form


@given(st.text(max_size=MARKS_MAX))
def test_it_is_the_form_that_the_standard_says(text: str) -> None:
    assert normal_form(text) == unicodedata.normalize("NFKC", text)


@pytest.mark.parametrize("text", [
    "ﬁnance", "①", "हिन्दी में नौकरी", "Việt Nam", "e\u0301te\u0301", "ﷺ", "한국어", "שָׁלוֹם", "ＳＱＬ",
    # Tibetan, of which one letter bears more marks than any of the others.
    "ཧྐྵྨླྺྼྻྂ",
])  # fmt: skip
def test_no_word_of_any_language_loses_a_mark(text: str) -> None:
    assert normal_form(text * 20) == unicodedata.normalize("NFKC", text * 20)


@pytest.mark.parametrize("mark", ["\u0301", "\u0316", "\u0344", "\uff9e", "\u0f73"])
def test_a_crowd_of_marks_is_thinned_out(mark: str) -> None:
    thinned = normal_form(f"a{mark * 5_000}b")
    assert thinned == unicodedata.normalize("NFKC", f"a{mark * MARKS_MAX}b")


def test_a_text_of_signs_that_stand_for_words_stays_within_bounds() -> None:
    assert len(normal_form("ﷺ" * 50)) == 50 * 18
    assert len(normal_form("ﷺ" * 10_000)) == 10_000 * GROWTH_MAX + SMALL_CHARACTERS
