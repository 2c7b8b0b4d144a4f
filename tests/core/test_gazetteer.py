"""Names in texts: the longest wins, case decides where a name is a word too."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.core.gazetteer import AMBIGUOUS, TEXT_MAX_CHARACTERS, WORDS_MAX, Gazetteer, Names, keyed

TITLES = Names(
    keyed(["Software Engineer", "Engineer of Record", "Data Scientist"]), as_written={"Accountant": "Accountant"}
)
KNOWN = ["Audit", "Internal Audit", "SAP FICO", "C++", "C#", ".NET", "Node.js", "CI/CD", "Power BI", "M&A", "PL/SQL"]
SKILLS = Names(keyed(KNOWN), ambiguous=AMBIGUOUS)


def test_the_longest_name_wins_and_is_named_once() -> None:
    assert SKILLS.find("Internal audit and statutory audit, internal audit.") == ["Internal Audit", "Audit"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("C++/C#/.NET on ASP", ["C++", "C#", ".NET"]),
        ("node.js; ci/cd", ["Node.js", "CI/CD"]),
        ("CI - CD", ["CI/CD"]),
        ("POWER BI.", ["Power BI"]),
        ("M&A, pl-sql", ["M&A", "PL/SQL"]),
        ("the network.net of auditors", []),
        ("SAPFICO", []),
    ],
)
def test_punctuation_is_part_of_a_name_or_parts_two(text: str, found: list[str]) -> None:
    assert SKILLS.find(text) == found


@pytest.mark.parametrize("text", ["Software engineers", "SOFTWARE ENGINEER", "software-engineer", "software\nengineer"])
def test_plurals_case_and_line_ends_make_no_difference(text: str) -> None:
    assert TITLES.find(text) == ["Software Engineer"]


def test_a_title_of_one_word_is_found_as_it_is_written() -> None:
    assert TITLES.find("Accountant at a bank") == ["Accountant"]
    assert TITLES.find("the accountant of a bank") == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Skills: R, C, Go, Excel", ["R", "C", "Go", "Microsoft Excel"]),
        ("Python and R", ["R"]),
        ("models written in R for insurers", ["R"]),
        ("R programming", ["R"]),
        ("advanced Excel and Access skills", ["Microsoft Excel", "Microsoft Access"]),
        ("Go\nRust\nWord", ["Go", "Rust", "Microsoft Word"]),
        ("services in Go.", ["Go"]),
    ],
)
def test_a_name_that_is_a_word_too_counts_where_it_stands_as_a_name(text: str, found: list[str]) -> None:
    assert SKILLS.find(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "I excel at this and have access to data, so go on.",
        "Access to finance for small firms",
        "Excel at what you do. Go to market. Word of mouth.",
        "Managed budgets; Access to records was mine",
        "R. Sharma wrote to John C. Patel",
        "Swift decisions, rust on the spring, express trains",
    ],
)
def test_an_ordinary_word_is_no_skill(text: str) -> None:
    assert SKILLS.find(text) == []


def test_a_longer_name_that_begins_with_such_a_word_is_found() -> None:
    names = Names(keyed(["Spring Boot"]), ambiguous={"Spring": "Spring"})
    assert names.find("Spring Boot in spring") == ["Spring Boot"]


def test_only_the_beginning_of_an_endless_text_is_read() -> None:
    assert SKILLS.find(" " * TEXT_MAX_CHARACTERS + "audit") == []


def test_names_without_a_word_and_names_too_long_are_not_found() -> None:
    long = " ".join(["word"] * (WORDS_MAX + 1))
    assert Names(keyed(["", "…", long])).find(f"… {long}") == []


def test_a_gazetteer_has_both() -> None:
    both = Gazetteer(TITLES, SKILLS)
    text = "Software Engineer, Power BI"
    assert (both.titles(text), both.skills(text)) == (["Software Engineer"], ["Power BI"])


@given(st.text(max_size=200))
def test_any_text_can_be_searched_and_names_nothing_that_is_not_known(text: str) -> None:
    assert set(SKILLS.find(text)) <= {*KNOWN, *AMBIGUOUS.values()}


@given(st.lists(st.sampled_from(["Audit", "Power BI", "C++", "CI/CD"]), unique=True, max_size=4))
def test_every_name_that_was_put_in_is_found_in_order(names: list[str]) -> None:
    assert SKILLS.find("; ".join(names)) == names
