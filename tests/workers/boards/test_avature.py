"""Lists of Avature portals, with every habit that real ones have."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from tests.career_sites.avature import CHALLENGE, LOGIN, AvatureJob, AvatureSite
from tests.career_sites.stage import Stage, listed
from workers.boards import avature, avature_list, page
from workers.boards.avature import Avature
from workers.boards.board import Away, Blocked, Board, ChangedShape, Stub

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage() -> AsyncIterator[Stage]:
    async with Stage.open() as stage:
        yield stage


def jobs(count: int, **said: Any) -> dict[str, AvatureJob]:
    return {str(7000 + number): AvatureJob(f"Planner {number}", **said) for number in range(count)}


def reader(stage: Stage, site: AvatureSite, **said: Any) -> Avature:
    url = f"{stage.shows(site)}{site.portal}"
    return Avature(Board("one", "deloitte", "Deloitte", "avature", url, "usijobs", **said), stage.web)


async def test_a_portal_is_read_to_its_end(stage: Stage) -> None:
    site = AvatureSite(jobs(23))
    adapter = reader(stage, site)

    stubs, last = await listed(adapter)

    assert list(stubs) == [str(7000 + number) for number in range(23)]
    assert (last.complete, last.partial, last.advertised) == (True, None, 23)
    assert stubs["7004"] == Stub(
        "7004", "Planner 4", f"{stage.url}{site.portal}/JobDetail/Planner-4/7004", "Hyderabad, Telangana, India"
    )
    assert [asked.partition("?")[2] for asked in site.asked] == [
        f"jobRecordsPerPage=10&jobOffset={offset}" for offset in (0, 10, 20)
    ]


async def test_the_next_offset_is_what_the_site_gave_not_what_was_asked_for(stage: Stage) -> None:
    site = AvatureSite(jobs(20), page_rows=6)
    stubs, last = await listed(reader(stage, site))
    assert len(stubs) == 20
    assert last.complete
    assert [asked.rpartition("=")[2] for asked in site.asked] == ["0", "6", "12", "18"]


async def test_totals_have_separators(stage: Stage) -> None:
    stubs, last = await listed(reader(stage, AvatureSite(jobs(1_012), page_rows=400)))
    assert (len(stubs), last.advertised, last.complete) == (1_012, 1_012, True)


@pytest.mark.parametrize("next_link", [True, False])
async def test_without_a_total_the_list_goes_on_to_its_end(stage: Stage, next_link: bool) -> None:
    stubs, last = await listed(reader(stage, AvatureSite(jobs(25), legend="none", next_link=next_link)))
    assert len(stubs) == 25
    assert (last.complete, last.advertised) == (True, None)


@pytest.mark.parametrize("next_link", [True, False])
async def test_999_plus_is_no_total(stage: Stage, next_link: bool) -> None:
    site = AvatureSite(jobs(1_030), legend="plus", page_rows=333, next_link=next_link)
    stubs, last = await listed(reader(stage, site))
    assert len(stubs) == 1_030
    assert (last.complete, last.advertised) == (True, None)


async def test_fewer_than_999_of_999_plus_are_not_all(stage: Stage) -> None:
    stubs, last = await listed(reader(stage, AvatureSite(jobs(15), legend="plus")))
    assert len(stubs) == 15
    assert last.partial == "15 of more than 999 advertised postings were shown."


async def test_a_list_that_ends_before_its_total_is_partial(stage: Stage) -> None:
    stubs, last = await listed(reader(stage, AvatureSite(jobs(15), legend="40")))
    assert len(stubs) == 15
    assert (last.complete, last.advertised) == (False, 40)
    assert last.partial == "15 of 40 advertised postings were shown."


async def test_a_total_that_moves_by_one_in_a_hundred_is_believed(stage: Stage) -> None:
    stubs, last = await listed(reader(stage, AvatureSite(jobs(200), legend="202", page_rows=50)))
    assert len(stubs) == 200
    assert last.complete


async def test_a_page_that_is_shown_again_and_again_ends_the_list(stage: Stage) -> None:
    site = AvatureSite(jobs(25), ignores_offset=True)
    stubs, last = await listed(reader(stage, site))
    assert len(stubs) == 10
    assert last.partial == "10 of 25 advertised postings were shown."
    assert len(site.asked) == 2


async def test_a_repeated_page_without_a_total_is_partial(stage: Stage) -> None:
    site = AvatureSite(jobs(10), legend="none", next_link=False, repeats_past_end=True)
    stubs, last = await listed(reader(stage, site))
    assert len(stubs) == 10
    assert last.partial == "The site showed a page twice."


async def test_behind_its_end_a_portal_may_show_its_last_page_again(stage: Stage) -> None:
    site = AvatureSite(jobs(25), legend="none", repeats_past_end=True)
    stubs, last = await listed(reader(stage, site))
    assert len(stubs) == 25
    assert last.complete


async def test_406_means_slow_down(stage: Stage) -> None:
    site = AvatureSite(jobs(12), too_fast=3)
    stubs, last = await listed(reader(stage, site))
    assert len(stubs) == 12
    assert last.complete


async def test_406_for_ever_is_a_refusal(stage: Stage) -> None:
    with pytest.raises(Blocked):
        await listed(reader(stage, AvatureSite(jobs(12), too_fast=100)))


async def test_a_site_that_fails_half_way_has_given_what_it_gave(stage: Stage) -> None:
    adapter = reader(stage, AvatureSite(jobs(25), fails_from=3))
    seen: list[str] = []

    async def read() -> None:
        async for found in adapter.pages():
            seen.extend(stub.external_id for stub in found.stubs)
            assert not found.complete

    with pytest.raises(Away):
        await read()
    assert len(seen) == 20


@pytest.mark.parametrize("cards", ["deloitte", "classes", "table"])
async def test_unclosed_elements_mix_nothing_up(stage: Stage, cards: str) -> None:
    shown = {
        "1": AvatureJob("First", ("Pune, Maharashtra, India",)),
        "2": AvatureJob("Second", ("Austin, Texas, United States",)),
    }
    stubs, last = await listed(reader(stage, AvatureSite(shown, cards=cards, unclosed=True)))
    assert [(stub.title, stub.location) for stub in stubs.values()] == [
        ("First", "Pune, Maharashtra, India"),
        ("Second", "Austin, Texas, United States"),
    ]
    assert last.complete


async def test_named_spans_give_the_place_and_the_day(stage: Stage) -> None:
    shown = {
        "1": AvatureJob(listed_posted="Posted 21-Aug-2026"),
        "2": AvatureJob(places=(), listed_posted="Posted 30+ days ago"),
        "3": AvatureJob(places=("Pune, India", "Kochi, India")),
    }
    stubs, _ = await listed(reader(stage, AvatureSite(shown, cards="classes")))
    assert (stubs["1"].location, stubs["1"].posted_at) == (
        "Hyderabad, Telangana, India",
        datetime(2026, 8, 21, tzinfo=UTC),
    )
    assert (stubs["2"].location, stubs["2"].posted_at) == (None, None)
    assert stubs["3"].location is None


async def test_bare_spans_without_a_place_have_none(stage: Stage) -> None:
    shown = {"1": AvatureJob(places=()), "2": AvatureJob(places=("Pune, India", "Kochi, India"))}
    stubs, _ = await listed(reader(stage, AvatureSite(shown)))
    assert [stub.location for stub in stubs.values()] == [None, None]


@pytest.mark.parametrize("kind", ["folder", "pipeline"])
async def test_portals_that_call_postings_otherwise(stage: Stage, kind: str) -> None:
    site = AvatureSite(jobs(25), kind=kind, legend="none")
    adapter = reader(stage, site, options={"list": "SearchJobsMaps"})
    stubs, last = await listed(adapter)
    assert len(stubs) == 25
    assert last.complete
    assert site.asked[-1] == f"{site.portal}/SearchJobsMaps/?{kind}RecordsPerPage=10&{kind}Offset=20"
    assert (await adapter.detail(stubs["7000"])).title == "Planner 0"


async def test_a_portal_without_a_locale(stage: Stage) -> None:
    stubs, last = await listed(reader(stage, AvatureSite(jobs(3), portal="/UKCareers")))
    assert len(stubs) == 3
    assert last.complete


async def test_postings_of_other_countries_are_left_out(stage: Stage) -> None:
    shown = {
        "1": AvatureJob(places=("Pune, Maharashtra, India",)),
        "2": AvatureJob(places=("Austin, Texas, United States",)),
        "3": AvatureJob(places=()),
        "4": AvatureJob(places=("Atlantis",)),
    }
    stubs, last = await listed(reader(stage, AvatureSite(shown, cards="classes"), country="IN"))
    assert list(stubs) == ["1", "3", "4"]
    assert (last.advertised, last.complete) == (3, True)


async def test_a_list_that_says_that_it_is_empty_is_empty(stage: Stage) -> None:
    stubs, last = await listed(reader(stage, AvatureSite()))
    assert (stubs, last.complete, last.advertised) == ({}, True, 0)
    stubs, last = await listed(reader(stage, AvatureSite(legend="none")))
    assert (stubs, last.complete, last.advertised) == ({}, True, None)


@pytest.mark.parametrize("meta", [True, False])
async def test_a_list_that_only_has_no_rows_is_not_empty(stage: Stage, meta: bool) -> None:
    with pytest.raises(ChangedShape, match="does not show a list of postings"):
        await listed(reader(stage, AvatureSite(silent=True, meta=meta)))


@pytest.mark.parametrize("shown", [CHALLENGE, LOGIN])
async def test_a_challenge_or_a_login_is_a_third_thing(stage: Stage, shown: str) -> None:
    site = AvatureSite(jobs(3))
    site.list_shows = shown
    with pytest.raises(Blocked, match="a person has to look"):
        await listed(reader(stage, site))


async def test_cards_in_another_shape_are_not_an_empty_list(stage: Stage) -> None:
    site = AvatureSite()
    site.list_shows = (
        '<meta name="avature.portal.id" content="4"><div class="list-controls__text__legend">1-2 of 2 results</div>'
        '<div class="tile"><a href="/new/role?n=1">Planner</a></div>'
    )
    with pytest.raises(ChangedShape):
        await listed(reader(stage, site))


@pytest.mark.parametrize(("status", "error"), [(403, Blocked), (404, ChangedShape), (301, ChangedShape)])
async def test_other_answers_have_their_names(stage: Stage, status: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        await listed(reader(stage, AvatureSite(jobs(3), fails_from=1, fails_with=status)))


async def test_a_list_without_an_end_is_cut(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(avature, "PAGES_MAX", 2)
    stubs, last = await listed(reader(stage, AvatureSite(jobs(25))))
    assert len(stubs) == 20
    assert last.partial == "The list has more than 2 pages; split the board."


async def test_a_page_with_too_many_rows_is_read_in_several(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(avature_list, "ROWS_MAX", 5)
    stubs, last = await listed(reader(stage, AvatureSite(jobs(12))))
    assert len(stubs) == 12
    assert last.complete


async def test_pages_that_are_none_are_refused(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    site = AvatureSite()
    site.list_shows = "<div>" * (page.TAGS_MAX + 1)
    adapter = reader(stage, site)
    with pytest.raises(ChangedShape, match="50,000 tags"):
        await listed(adapter)
    monkeypatch.setattr(page, "PAGE_MAX_CHARACTERS", 1_000)
    with pytest.raises(ChangedShape, match="1,000 characters"):
        await listed(adapter)
