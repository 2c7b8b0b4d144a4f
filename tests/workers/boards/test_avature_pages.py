"""What is read in an Avature portal's pages."""

from typing import Any

import pytest
from selectolax.lexbor import LexborHTMLParser

from workers.boards.avature import Avature
from workers.boards.avature_list import posting_at, read_list, total_in

META = '<meta name="avature.portal.id" content="4">'


@pytest.mark.parametrize(
    ("said", "total"),
    [
        ("1-10 of 826 results", (826, False)),
        ("Displaying 1-10 of 1,826 results", (1826, False)),
        ("1 - 10 of 1\u00a0826 results", (1826, False)),
        ("Ergebnisse 1-10 von 826", (826, False)),
        ("826", (826, False)),
        ("0 results", (0, False)),
        ("1-10 of 999+ results", (999, True)),
        ("more than 1,000 jobs", (1000, True)),
        ("1-10", None),
        ("Search results", None),
        ("", None),
    ],
)
def test_legends(said: str, total: tuple[int, bool] | None) -> None:
    assert total_in(said) == total


@pytest.mark.parametrize(
    ("subtitle", "place"),
    [
        ("<span>Deloitte UK</span> | <span>Tax, Legal & People</span> | <span>London</span>", "London"),
        ("<span>Deloitte US</span> | <span>Mobile, Alabama, United States</span>", "Mobile, Alabama, United States"),
        ("<span>Deloitte US</span> | <span>Audit</span>", None),
        ("<span>Deloitte US</span> | <span>Risk, Cyber</span> | <span></span>", None),
        ("<b>Porto, Portugal</b> <span>Full-Time</span> <span>Posted 06-Oct-2026</span>", "Porto, Portugal"),
        ("Bengaluru, India Posted 06-Oct-2026", "Bengaluru, India"),
        ("Bengaluru, India | Internship", "Bengaluru, India"),
        (
            '<div><span class="icon-location"></span><span>Bonn</span></div><div><span>Until 1 May 2027</span></div>',
            "Bonn",
        ),
        ('<span class="list-item-city">Pune</span><span class="list-item-country">India</span>', "Pune, India"),
        ('<span class="list-item-ref">Ref #4</span><span class="list-item-workplace">Hybrid</span>', None),
        ("", None),
    ],
)
def test_places_in_cards(subtitle: str, place: str | None) -> None:
    html = f'<article class="article--result"><h3><a href="JobDetail/x/1">T</a></h3><div class="{{}}">{subtitle}</div>'
    tree = LexborHTMLParser(html.format("article__header__text__subtitle"))
    assert read_list(tree, "https://jobs.example.com/careers/", "Deloitte").cards[0].location == place


def test_a_card_that_nobody_closed_does_not_take_from_the_next() -> None:
    card = '<article class="article--result"><h3><a href="JobDetail/x/{}">T{}</a></h3>{}'
    place = '<div class="article__header__text__subtitle"><span class="list-item-location">Pune</span></div>'
    tree = LexborHTMLParser(card.format(1, 1, "") + card.format(2, 2, place))
    cards = read_list(tree, "https://jobs.example.com/careers/").cards
    assert [(card.id, card.title, card.location) for card in cards] == [("1", "T1", None), ("2", "T2", "Pune")]


def test_a_button_is_no_title() -> None:
    button = '<a class="button button--primary" href="/c/JobDetail/x/1">Apply</a>'
    tree = LexborHTMLParser(
        f'<article class="article--result">{button}<a href="/c/JobDetail/x/1">Planner</a></article>'
    )
    assert [card.title for card in read_list(tree, "https://jobs.example.com/").cards] == ["Planner"]


@pytest.mark.parametrize(
    ("html", "says_none"),
    [
        (META + '<p>There are no open roles that match.</p>', True),
        (META + '<h2>0 results</h2>', True),
        ("<p>There are no open roles that match.</p>", False),
        (META + '<p>You have no saved jobs, and no job alerts.</p>', False),
        ('<div class="pagination__legend">0 results</div>', True),
        (META + '<div class="pagination__legend">7 results</div><p>No jobs found</p>',
         False),
    ],
)  # fmt: skip
def test_only_a_portal_that_says_so_is_empty(html: str, says_none: bool) -> None:
    assert read_list(LexborHTMLParser(html), "https://jobs.example.com/").says_none is says_none


@pytest.mark.parametrize(
    ("address", "found"),
    [
        (
            "https://jobs.example.com/careers/JobDetail/A-B/12?x=1#y",
            ("12", "https://jobs.example.com/careers/JobDetail/A-B/12"),
        ),
        ("https://jobs.example.com/careers/JobDetail/389", ("389", "https://jobs.example.com/careers/JobDetail/389")),
        (
            "https://jobs.example.com/careers/JobDetail?jobId=12&source=web",
            ("12", "https://jobs.example.com/careers/JobDetail?jobId=12"),
        ),
        (
            "https://jobs.example.com/careers/FolderDetail/A/7/",
            ("7", "https://jobs.example.com/careers/FolderDetail/A/7/"),
        ),
        ("https://jobs.example.com/careers/SaveJob?jobId=12", None),
        ("javascript:JobDetail/1", None),
        ("https://jobs.example.com/careers/JobDetail/A-B/١٢", None),
    ],
)
def test_addresses_of_postings(address: str, found: tuple[str, str] | None) -> None:
    assert posting_at(address) == found


@pytest.mark.parametrize(
    ("address", "board"),
    [
        (
            "https://usijobs.deloitte.com/en_US/careersUSI/SearchJobs/?jobOffset=20",
            {"url": "https://usijobs.deloitte.com/en_US/careersUSI", "tenant": "usijobs"},
        ),
        (
            "https://apply.deloitte.co.uk/UKCareers/JobDetail/A-B/12",
            {"url": "https://apply.deloitte.co.uk/UKCareers", "tenant": "deloitte"},
        ),
        ("https://lamps.avature.net/careers", {"url": "https://lamps.avature.net/careers", "tenant": "lamps"}),
        (
            "https://lamps.avature.net/en_GB/people/SearchJobsMaps",
            {"url": "https://lamps.avature.net/en_GB/people", "tenant": "lamps", "list": "SearchJobsMaps"},
        ),
        ("https://lamps.avature.net/", None),
        ("https://jobs.example.com/careers", None),
        ("https://example.wd3.myworkdayjobs.com/Careers", None),
        ("https://[", None),
    ],
)
def test_boards_from_addresses(address: str, board: dict[str, Any] | None) -> None:
    assert Avature.board_from_url(address) == board
