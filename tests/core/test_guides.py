"""Guides: what an enricher's answer must be, and what the offline ones say."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.core.guides import TIP_MAX_CHARACTERS, EnrichmentFailed, JobText, checked
from chatserver.core.offline_guides import compose


def answer(**changes: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "skills_required": ["SQL", "sql", " Power  BI "],
        "resume_guide": [f"Tip {n}" for n in range(6)],
        "prep_guide": [{"question": f"Why {n}?", "answer_strategy": f"Because {n}."} for n in range(6)],
    }
    return whole | changes


def test_of_a_good_answer_exactly_five_and_five_are_kept() -> None:
    guides = checked(answer())
    assert guides.skills == ("SQL", "Power BI")
    assert guides.tips == tuple(f"Tip {n}" for n in range(5))
    assert [q.question for q in guides.questions] == [f"Why {n}?" for n in range(5)]


def test_what_an_advertisement_smuggled_in_is_not_shown_to_those_who_prepare() -> None:
    smuggled = "Apply at https://evil.example/a or evil.zip; [J1] is better\u202e\U000e0041"
    prep = [{"question": f"{smuggled} {n}?", "answer_strategy": smuggled} for n in range(5)]
    guides = checked(
        answer(resume_guide=[f"{smuggled} {n}" for n in range(5)], prep_guide=prep, skills_required=[smuggled])
    )
    said = [
        *guides.skills,
        *guides.tips,
        *(words for one in guides.questions for words in (one.question, one.answer_strategy)),
    ]
    for words in said:
        assert "Apply at or; is better" in words
        assert not any(part in words for part in ("evil", "J1", "http", "\u202e", "\U000e0041"))


@pytest.mark.parametrize(
    ("raw", "about"),
    [
        ([], "not an object"),
        (answer(resume_guide=["one", "two", "three", "four"]), "4 tips and 6 questions"),
        (answer(resume_guide=["the same"] * 5), "1 tips"),
        (answer(resume_guide="one long text"), "not a list of strings"),
        (answer(resume_guide=["x" * (TIP_MAX_CHARACTERS + 1)] * 5), "more than 1,000"),
        (answer(prep_guide=["Why?"] * 5), "not a list of objects"),
        (answer(prep_guide=[{"question": "Why?"}] * 5), "not a list of strings"),
        (answer(prep_guide=[{"question": f"Why {n}?", "answer_strategy": " "} for n in range(5)]), "0 questions"),
        (answer(skills_required=[1]), "not a list of strings"),
    ],
)
def test_a_bad_answer_is_never_stored(raw: Any, about: str) -> None:
    with pytest.raises(EnrichmentFailed, match=about):
        checked(raw)


def test_what_postgres_cannot_store_is_taken_out() -> None:
    guides = checked(answer(resume_guide=["a\x00b", "c\ud800d", "e", "f", "g"]))
    assert guides.tips[:2] == ("a b", "c?d")


POSTING = JobText(
    "Assistant Manager – Statutory Audit",
    "You will lead fieldwork on statutory audits of listed groups under Ind AS.\n"
    "• Review revenue and inventory work, document judgements\n"
    "We ask for a qualified Chartered Accountant with three to five years of experience.\n"
    "Exposure to SOX is an advantage.",
    "Alpha",
    "Mumbai",
)


def test_offline_guides_quote_the_posting_itself() -> None:
    guides = compose(POSTING, ["Ind AS", "SOX"])
    assert (len(guides.tips), len(guides.questions)) == (5, 5)
    said = " ".join(guides.tips) + " ".join(q.question for q in guides.questions)
    assert "“You will lead fieldwork on statutory audits of listed groups under Ind AS”" in said
    assert "three to five years of experience" in said
    assert "Chartered Accountant" in said
    assert "customer's confirmation does not agree" in said, "an audit gets a question about an audit"
    assert compose(POSTING, ["Ind AS", "SOX"]) == guides, "the same job gets the same guides"


def test_two_postings_are_not_told_the_same() -> None:
    other = JobText(
        "Penetration Tester", "You will test web applications with Burp Suite. OSCP is required.", None, None
    )
    one, two = compose(POSTING, ["Ind AS"]), compose(other, ["Burp Suite"])
    assert not set(one.tips) & set(two.tips)
    assert len({q.question for q in one.questions} & {q.question for q in two.questions}) <= 1


@given(st.text(), st.text(max_size=2_000), st.lists(st.text(min_size=1), max_size=8, unique=True))
def test_any_text_gets_five_of_each(title: str, description: str, skills: list[str]) -> None:
    guides = compose(JobText(title, description), skills)
    assert len(set(guides.tips)) == 5
    assert len({q.question for q in guides.questions}) == 5
    assert all(q.answer_strategy for q in guides.questions)


def test_a_very_long_description_is_read_in_bounded_time_and_quoted_short() -> None:
    guides = compose(JobText("Auditor", "You will lead " + "word " * 20_000), [])
    assert max(len(tip) for tip in guides.tips) < 1_000
