"""KPMG's site in the United States, with what it does wrong."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from tests.career_sites.kpmg_us import LIST, KpmgUsJob, KpmgUsSite
from tests.career_sites.stage import Stage, listed
from workers.boards import kpmg_us
from workers.boards.board import Away, Blocked, Board, ChangedShape, Found, Gone, Stub
from workers.boards.kpmg_us import KpmgUs, read_cards
from workers.web import Answer

MANY = tuple(f"Town {number}, TX" for number in range(60))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage() -> AsyncIterator[Stage]:
    async with Stage.open() as stage:
        yield stage


def jobs(count: int) -> dict[str, KpmgUsJob]:
    return {str(133_000 + number): KpmgUsJob(f"Auditor {number}") for number in range(count)}


def reader(stage: Stage, site: KpmgUsSite) -> KpmgUs:
    return KpmgUs(Board("one", "kpmg", "KPMG", "kpmg_us", stage.shows(site), "kpmgus"), stage.web)


async def detail(stage: Stage, site: KpmgUsSite, id: str, location: str | None = None) -> Found:
    stub = Stub(id, "As listed", f"{stage.url}/jobdetail/?jobId={id}", location)
    return await reader(stage, site).detail(stub)


def answer(said: Any) -> Answer:
    return Answer(
        200, {"content-type": "text/html; charset=UTF-8"}, json.dumps(said).encode(), "https://jobs.example.com"
    )


module = pytest.mark.asyncio(loop_scope="module")

# The list


@module
async def test_the_site_is_read_to_its_end(stage: Stage) -> None:
    site = KpmgUsSite(jobs(26) | {"134718-B": KpmgUsJob("Lamp & Lens Lead", ("Reno, NV", "Boise, ID"))})
    stubs, last = await listed(reader(stage, site))
    assert len(stubs) == 27
    assert (last.complete, last.partial, last.advertised) == (True, None, 27)
    assert stubs["134718-B"] == Stub(
        "134718-B", "Lamp & Lens Lead", f"{stage.url}/jobdetail/?jobId=134718-B", "Reno, NV; Boise, ID"
    )
    assert [asked.removeprefix(LIST) for asked in site.asked] == [
        f"?ajax=1&page_type=search&order=posted&spage={page}" for page in (1, 2, 3)
    ]


@module
async def test_a_posting_on_two_cards_is_one_with_all_its_places(stage: Stage) -> None:
    site = KpmgUsSite({"1": KpmgUsJob(places=MANY)} | jobs(30))
    stubs, last = await listed(reader(stage, site))
    assert stubs["1"].location == "; ".join(MANY)
    # 32 cards are 31 postings.
    assert (len(stubs), last.advertised, last.complete) == (31, 31, True)


@module
async def test_hundreds_of_split_postings_do_not_look_like_missing_ones(stage: Stage) -> None:
    site = KpmgUsSite({str(number): KpmgUsJob(f"Auditor {number}", MANY) for number in range(20)})
    stubs, last = await listed(reader(stage, site))
    assert (len(stubs), last.advertised, last.complete) == (20, 20, True)


@module
async def test_the_number_of_places_is_no_place(stage: Stage) -> None:
    stubs, _ = await listed(reader(stage, KpmgUsSite({"1": KpmgUsJob(places=())})))
    assert stubs["1"].location is None


@module
async def test_places_are_bounded(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kpmg_us, "PLACES_MAX", 50)
    stubs, _ = await listed(reader(stage, KpmgUsSite({"1": KpmgUsJob(places=MANY)})))
    assert (stubs["1"].location or "").count(";") == 49


@module
async def test_behind_the_last_page_the_count_is_still_there(stage: Stage) -> None:
    site = KpmgUsSite(jobs(20))
    site.counts = 30
    stubs, last = await listed(reader(stage, site))
    assert len(stubs) == 20
    assert last.partial == "20 of 30 advertised cards were read."
    assert len(site.asked) == 3


@module
async def test_without_a_count_the_list_goes_on_to_its_end(stage: Stage) -> None:
    stubs, last = await listed(reader(stage, KpmgUsSite(jobs(24), counted=False)))
    assert (len(stubs), last.complete, last.advertised) == (24, True, None)


@module
async def test_a_page_that_is_shown_again_ends_the_list(stage: Stage) -> None:
    site = KpmgUsSite(jobs(24), counted=False, repeats_past_end=True)
    stubs, last = await listed(reader(stage, site))
    assert (len(stubs), last.partial) == (24, "The site showed a page twice.")
    site = KpmgUsSite(jobs(24), repeats_past_end=True)
    site.counts = 1_024
    _, last = await listed(reader(stage, site))
    assert (last.partial, last.advertised) == ("24 of 1,024 advertised cards were read.", 1_024)


@module
async def test_a_site_that_fails_half_way_has_given_what_it_gave(stage: Stage) -> None:
    adapter = reader(stage, KpmgUsSite(jobs(30), fails_from=3))
    seen: list[str] = []

    async def read() -> None:
        async for page in adapter.pages():
            seen.extend(stub.external_id for stub in page.stubs)
            assert not page.complete

    with pytest.raises(Away):
        await read()
    assert len(seen) == 24


@module
@pytest.mark.parametrize(("says_none", "counted"), [(True, True), (False, True), (True, False)])
async def test_a_site_that_says_none_has_none(stage: Stage, says_none: bool, counted: bool) -> None:
    stubs, last = await listed(reader(stage, KpmgUsSite(says_none=says_none, counted=counted)))
    assert (stubs, last.complete, last.advertised) == ({}, True, 0 if counted else None)


@module
@pytest.mark.parametrize(
    ("shown", "error"),
    [
        ({"showing": "", "postings": {"size": 0, "jobs": ""}}, ChangedShape),
        ({"showing": '<span data-action="count">5</span>', "postings": {"jobs": ""}}, ChangedShape),
        ({"showing": '<span data-action="count">1</span>', "postings": {"jobs": '<div class="search--item">x</div>'}},
         ChangedShape),
        ({"showing": "", "postings": {"size": 3}}, ChangedShape),
        ({"results": []}, ChangedShape),
        ("<html><body><h1>Welcome</h1></body></html>", ChangedShape),
        ("<html><head><title>Just a moment...</title></head></html>", Blocked),
    ],
)  # fmt: skip
async def test_other_shapes_are_not_an_empty_list(stage: Stage, shown: Any, error: type[Exception]) -> None:
    site = KpmgUsSite()
    site.list_shows = shown
    with pytest.raises(error):
        await listed(reader(stage, site))


@module
async def test_a_refusal_is_a_refusal(stage: Stage) -> None:
    with pytest.raises(Blocked):
        await listed(reader(stage, KpmgUsSite(jobs(1), fails_from=1, fails_with=403)))


@module
async def test_cards_without_a_title_are_counted_and_make_the_list_partial(stage: Stage) -> None:
    listing = {str(number): KpmgUsJob(f"Auditor {number}" if number else "") for number in range(5)}
    stubs, last = await listed(reader(stage, KpmgUsSite(listing)))
    assert (len(stubs), last.partial) == (4, "4 of 5 advertised cards were read.")
    _, last = await listed(reader(stage, KpmgUsSite(listing, counted=False)))
    assert last.partial == "1 cards of the list could not be read."


@module
async def test_a_list_without_an_end_is_cut(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kpmg_us, "PAGES_MAX", 2)
    stubs, last = await listed(reader(stage, KpmgUsSite(jobs(30))))
    assert (len(stubs), last.partial) == (24, "The list has more than 2 pages; split the board.")


# The postings


@module
async def test_structured_data_comes_first(stage: Stage) -> None:
    found = await detail(stage, KpmgUsSite(jobs(1)), "133000")
    assert found.title == "Auditor 0"
    assert found.description.startswith("You will count lamps")
    assert found.location == "Austin, TX, US"
    assert found.posted_at == datetime(2026, 11, 12, tzinfo=UTC)
    assert (found.requisition, found.url) == ("133000", f"{stage.url}/jobdetail/?jobId=133000")


@module
async def test_the_fullest_places_are_taken(stage: Stage) -> None:
    site = KpmgUsSite({"1": KpmgUsJob(places=MANY[:3])})
    assert (await detail(stage, site, "1", "Town 0, TX")).location == "; ".join(MANY[:3])
    assert (await detail(stage, site, "1", "; ".join(MANY))).location == "; ".join(MANY)


@module
async def test_without_structured_data_the_page_is_read(stage: Stage) -> None:
    found = await detail(stage, KpmgUsSite(jobs(1), structured=False), "133000")
    assert found.title == "As listed"
    assert found.description.startswith("You will count lamps")
    assert (found.location, found.posted_at, found.requisition) == ("Austin, TX", None, "133000")


@module
@pytest.mark.parametrize(
    ("posted", "closes", "kept"),
    [
        ("2026-11-01", "2026-11-30", False),
        ("2026-11-01", "2026-12-31", True),
        ("2026-11-02", "2026-11-30", True),
        ("2026-11-01", None, True),
    ],
)
async def test_a_month_from_end_to_end_is_no_date(stage: Stage, posted: str, closes: str | None, kept: bool) -> None:
    found = await detail(stage, KpmgUsSite({"1": KpmgUsJob(posted=posted, closes=closes)}), "1")
    assert (found.posted_at is not None) is kept
    assert (found.closes_at is not None) is (kept and closes is not None)


@module
async def test_a_posting_that_is_no_more_says_so_with_200(stage: Stage) -> None:
    site = KpmgUsSite(jobs(1))
    site.removed = {"133000"}
    with pytest.raises(Gone):
        await detail(stage, site, "133000")


@module
@pytest.mark.parametrize(
    ("status", "shown", "error"),
    [
        (404, "", Gone),
        (410, "", Gone),
        (403, "<h1>Forbidden</h1>", Blocked),
        (200, "<title>Just a moment...</title>", Blocked),
        (200, "<h1>Our firm</h1>", ChangedShape),
        (418, "<h1>Teapot</h1>", ChangedShape),
    ],
)
async def test_other_answers_have_their_names(stage: Stage, status: int, shown: str, error: type[Exception]) -> None:
    site = KpmgUsSite(jobs(1))
    site.details_show = status, shown
    with pytest.raises(error):
        await detail(stage, site, "133000")


# Pure parts


@pytest.mark.parametrize(
    ("said", "places"),
    [
        ("Tax | Reno, NV; Boise, ID; Reno, NV", ("Reno, NV", "Boise, ID")),
        ("Tax | 6 Locations", ()),
        ("Reno, NV; Remote", ("Reno, NV", "Remote")),
        ("Tax", ()),
        ("", ()),
    ],
)
def test_places_in_cards(said: str, places: tuple[str, ...]) -> None:
    card = f'<div class="list-view"><div class="h5">Auditor</div><div class="text-xs">{said}</div></div>'
    html = f'<div class="search--item"><a href="/jobdetail/?jobId=1">{card}</a></div>'
    page = read_cards(answer({"postings": {"jobs": html}}))
    assert page is not None
    assert page.cards[0].places == places


@pytest.mark.parametrize("postings", [[], None, {"jobs": None}, {"jobs": ""}])
def test_nothing_behind_the_last_page_has_many_forms(postings: Any) -> None:
    page = read_cards(answer({"showing": '<span data-action="count">1,024</span> Results', "postings": postings}))
    assert page is not None
    assert (page.cards, page.rows, page.total) == ((), 0, 1_024)


@pytest.mark.parametrize("said", [[], 5, {"postings": "<div>"}, {"postings": {"jobs": 4}}, {"postings": ["x"]}])
def test_what_is_no_list_is_none(said: Any) -> None:
    assert read_cards(answer(said)) is None


@pytest.mark.parametrize(
    ("address", "is_one"),
    [
        ("https://www.kpmguscareers.com/jobdetail/?jobId=1", True),
        ("https://kpmguscareers.com", True),
        ("https://kpmguscareers.com.example.com/", False),
        ("ftp://kpmguscareers.com", False),
        ("https://[", False),
    ],
)
def test_boards_from_addresses(address: str, is_one: bool) -> None:
    board = {"url": "https://www.kpmguscareers.com", "tenant": "kpmgus"}
    assert KpmgUs.board_from_url(address) == (board if is_one else None)
