"""SuccessFactors by its three doors, with what it does wrong."""

import tracemalloc
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from tests.career_sites.stage import Stage, listed
from tests.career_sites.successfactors import SuccessFactorsJob, SuccessFactorsSite
from workers.boards import successfactors_feed
from workers.boards.board import Away, Blocked, Board, ChangedShape, Found, Gone, Stub
from workers.boards.countries import is_elsewhere
from workers.boards.successfactors import SuccessFactors
from workers.boards.successfactors_feed import items

module = pytest.mark.asyncio(loop_scope="module")
DATE = "Tue, 18 Aug 2026 00:00:00 GMT"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage() -> AsyncIterator[Stage]:
    async with Stage.open() as stage:
        yield stage


def jobs(count: int, **more: Any) -> dict[str, SuccessFactorsJob]:
    return {str(1_428_000_000 + number): SuccessFactorsJob(f"Analyst {number}", **more) for number in range(count)}


def reader(stage: Stage, site: SuccessFactorsSite, country: str | None = None) -> SuccessFactors:
    url = f"{stage.shows(site)}{site.root}"
    board = Board("one", "ey", "EY", "successfactors", url, "acme", country, options={"feed": "/googlefeed.xml"})
    return SuccessFactors(board, stage.web)


async def detail(stage: Stage, site: SuccessFactorsSite, id: str) -> Found:
    adapter = reader(stage, site)
    return await adapter.detail(Stub(id, "As listed", f"{stage.url}{site.root}/job/Somewhere/{id}/"))


@module
@pytest.mark.parametrize("feed", ["open", "gzip"])
@pytest.mark.parametrize("root", ["", "/ey"])
async def test_the_feed_has_everything_at_once(stage: Stage, feed: str, root: str) -> None:
    adapter = reader(stage, SuccessFactorsSite(jobs(230, published=DATE), feed, root=root))
    stubs, last = await listed(adapter)
    assert (len(stubs), last.complete, adapter.passes_to_close) == (230, True, 1)
    stub = stubs["1428000000"]
    assert (stub.title, stub.location, stub.incomplete) == ("Analyst 0", "Pune, IN, 411001", None)
    assert stub.carried is not None
    assert stub.carried.read() == Found(
        "Analyst 0", "You close the books.\n\n- SAP", "Pune, IN, 411001",
        posted_at=datetime(2026, 8, 18, tzinfo=UTC), url=f"{stage.url}{root}/job/Somewhere/1428000000/",
    )  # fmt: skip


@module
async def test_what_the_feed_lacks_is_worth_a_look_at_the_page(stage: Stage) -> None:
    site = SuccessFactorsSite({"100": SuccessFactorsJob("A"), "200": SuccessFactorsJob("B", description="")})
    stubs, _ = await listed(reader(stage, site))
    assert stubs["100"].incomplete == "the feed has no date"
    assert stubs["200"].incomplete == "the feed has no text"
    assert stubs["200"].carried is None, "a title in the place of a text is no text"


@module
async def test_one_country_of_a_feed_for_the_world(stage: Stage) -> None:
    places = {
        "100": "Bengaluru, KA, IN, 560048",
        "200": "Indianapolis, IN, US, 46204",
        "300": "Pune, IN",
        "400": "Berlin, DE",
    }
    site = SuccessFactorsSite({id: SuccessFactorsJob("A", location=place) for id, place in places.items()})
    stubs, last = await listed(reader(stage, site, "IN"))
    assert (set(stubs), last.complete) == ({"100", "300"}, True)


@pytest.mark.parametrize(
    ("place", "elsewhere"),
    [
        ("Tempe, AZ, US, 85288", True), ("London, GB, EC1A 1BB", True), ("Dublin, Ireland", True), ("Germany", True),
        ("Amsterdam, NL", True), ("Indianapolis, IN, US, 46204", True), ("Pune, India", False),
        ("Bengaluru, KA, India 560048", False), ("Bengaluru, KARNATAKA, IN", False), ("Noida, UP", False),
        ("Bengaluru, KARNATAKA", False), ("Mumbai, MH", False), ("Chennai, TN, 600001", False), ("Remote", False),
        ("KA", False), ("", False), (None, False), ("Mysuru, KA, IND", False),
    ],
)  # fmt: skip
def test_a_place_is_elsewhere_only_where_it_names_another_country(place: str | None, elsewhere: bool) -> None:
    assert is_elsewhere(place, "IN") is elsewhere


@module
async def test_a_feed_that_does_not_answer_shuts_one_door(stage: Stage) -> None:
    stubs, last = await listed(reader(stage, SuccessFactorsSite(jobs(3), "down")))
    assert (len(stubs), last.complete) == (3, True)


@module
async def test_a_feed_with_nothing_in_it_is_believed_only_where_the_list_says_so_too(stage: Stage) -> None:
    stubs, last = await listed(reader(stage, SuccessFactorsSite(jobs(3), "hollow")))
    assert (len(stubs), last.complete) == (3, True)
    with pytest.raises(ChangedShape, match="a list of postings"):
        await listed(reader(stage, SuccessFactorsSite({}, "hollow", pages="other")))


@module
async def test_a_posting_that_speaks_of_pages_is_no_page(stage: Stage) -> None:
    job = SuccessFactorsJob("Writer", description="&lt;html> and &lt;body> are tags. <![CDATA[<html><body>]]>")
    site = SuccessFactorsSite({"100": job})
    stubs, _ = await listed(reader(stage, site))
    assert set(stubs) == {"100"}
    assert not any("/search/" in path for path in site.asked), "the feed was taken for no feed"


@module
@pytest.mark.parametrize(("whole", "complete", "short"), [(3, False, True), (150, True, True)])
async def test_what_of_a_feed_cannot_be_read_is_not_as_if_it_were_not_there(
    stage: Stage, whole: int, complete: bool, short: bool
) -> None:
    site = SuccessFactorsSite({**jobs(whole), "99": SuccessFactorsJob("An id too short to be one")})
    stubs, last = await listed(reader(stage, site))
    assert (len(stubs), last.complete, last.short) == (whole, complete, short)


@module
async def test_a_feed_that_breaks_off_is_no_whole_list(stage: Stage) -> None:
    with pytest.raises(Away, match="broke off"):
        await listed(reader(stage, SuccessFactorsSite(jobs(40), "cut")))


@module
async def test_a_feed_that_defines_entities_is_not_read(stage: Stage) -> None:
    async def feed() -> AsyncIterator[bytes]:
        yield b'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "aaaa">]><rss><channel></channel></rss>'

    with pytest.raises(ChangedShape, match="entities"):
        async for _ in items(feed()):
            pass
    site = SuccessFactorsSite(jobs(1), "entities")
    assert set((await listed(reader(stage, site)))[0]) == set(jobs(1)), "the list is another door"


async def feed_of(count: int, size_bytes: int) -> AsyncIterator[bytes]:
    yield b'<?xml version="1.0"?><rss xmlns:g="http://base.google.com/ns/1.0"><channel>'
    for number in range(count):
        words = b"You plan the work of a team. " * (size_bytes // 29)
        yield b"<item><title>A %d</title><link>https://jobs.example.com/job/x/%d/</link><description>" % (
            number,
            100_000 + number,
        )
        yield words
        yield b"</description></item>"
    yield b"</channel></rss>"


async def test_a_feed_of_any_length_takes_the_memory_of_a_page() -> None:
    seen = 0
    tracemalloc.start()
    try:
        async for batch in items(feed_of(6_000, 5_000)):
            seen += len(batch)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert seen == 6_000
    assert peak < 8 * 1024 * 1024, "a feed of 30 MB was kept"


async def test_a_posting_without_an_end_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(successfactors_feed, "ITEM_MAX_BYTES", 20_000)
    with pytest.raises(ChangedShape, match="larger"):
        async for _ in items(feed_of(1, 90_000)):
            pass


@module
@pytest.mark.parametrize("feed", ["html", "none"])
async def test_where_the_feed_is_shut_the_pages_have_to_do(stage: Stage, feed: str) -> None:
    site = SuccessFactorsSite(jobs(1_043), feed, dates=True)
    adapter = reader(stage, site)
    stubs, last = await listed(adapter)
    assert (len(stubs), last.complete, last.advertised, adapter.passes_to_close) == (1_043, True, 1_043, 2)
    stub = stubs["1428000000"]
    assert (stub.location, stub.posted_at) == ("Pune, IN, 411001", datetime(2026, 9, 9, tzinfo=UTC))


@module
async def test_pages_of_one_country_are_asked_for_as_such(stage: Stage) -> None:
    site = SuccessFactorsSite(
        {"100": SuccessFactorsJob("A"), "200": SuccessFactorsJob("B", location="Berlin, DE")}, "none"
    )
    stubs, last = await listed(reader(stage, site, "IN"))
    assert (set(stubs), last.complete) == ({"100"}, True)
    assert any("optionsFacetsDD_country=IN" in asked for asked in site.asked)


@module
async def test_a_page_that_comes_twice_ends_the_list_as_partial(stage: Stage) -> None:
    _, last = await listed(reader(stage, SuccessFactorsSite(jobs(60), "none", repeats=True)))
    assert "twice" in str(last.partial)


@module
async def test_no_postings_and_no_page_are_told_apart(stage: Stage) -> None:
    _, last = await listed(reader(stage, SuccessFactorsSite({}, "none")))
    assert last.complete
    with pytest.raises(ChangedShape):
        await listed(reader(stage, SuccessFactorsSite(jobs(3), "none", pages="other")))
    with pytest.raises(Blocked):
        await listed(reader(stage, SuccessFactorsSite(jobs(3), "none", pages="login")))


@module
async def test_tiles_where_there_is_no_list(stage: Stage) -> None:
    stubs, last = await listed(reader(stage, SuccessFactorsSite(jobs(60), "none", pages="tiles")))
    assert (len(stubs), last.complete) == (60, True)
    assert stubs["1428000000"].location == "Pune, IN, 411001"


@module
async def test_a_page_of_another_character_set_is_read(stage: Stage) -> None:
    site = SuccessFactorsSite({"100": SuccessFactorsJob("Café “Lead” – ops")}, "none", encoding="cp1252")
    stubs, _ = await listed(reader(stage, site))
    assert stubs["100"].title == "Café “Lead” – ops"


@module
async def test_a_posting_is_read_from_its_marks(stage: Stage) -> None:
    long = "<p>Guten Tag.</p>\r\n<p>You\u00a0lead \U0001f680 teams.</p>"
    found = await detail(stage, SuccessFactorsSite({"100": SuccessFactorsJob("A & B", description=long)}), "100")
    assert (found.title, found.requisition) == ("A & B", "REQ-7")
    assert found.description == "Guten Tag.\n\nYou lead \U0001f680 teams."
    assert found.location == "Pune, IN; Kochi, IN"
    assert found.posted_at == datetime(2026, 9, 16, tzinfo=UTC)


@module
@pytest.mark.parametrize("gone", [404, 410, "redirect", "word"])
async def test_ways_to_say_that_a_posting_is_no_more(stage: Stage, gone: int | str) -> None:
    site = SuccessFactorsSite({"100": SuccessFactorsJob("A", gone=gone), "200": SuccessFactorsJob("B")})
    with pytest.raises(Gone):
        await detail(stage, site, "100")


@module
async def test_a_refusal_is_not_gone(stage: Stage) -> None:
    with pytest.raises(Away):
        await detail(stage, SuccessFactorsSite({"100": SuccessFactorsJob("A", gone=403)}), "100")


def test_a_pasted_address_is_a_board() -> None:
    for pasted in ("https://careers.ey.com/ey/search/?q=", "https://careers.ey.com/ey/job/Pune-Analyst/1428318100/"):
        assert SuccessFactors.board_from_url(pasted) == {"url": "https://careers.ey.com/ey", "tenant": "ey"}
    assert SuccessFactors.board_from_url("https://careers.example.com/about") is None
