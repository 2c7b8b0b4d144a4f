"""Workday, with what it does wrong."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from tests.career_sites.stage import Stage, listed
from tests.career_sites.workday import WorkdayJob, WorkdaySite
from workers.boards.board import Away, Blocked, Board, ChangedShape, Found, Gone, Stub
from workers.boards.workday import CAP, LIMIT, Workday, facets, requisition

module = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage() -> AsyncIterator[Stage]:
    async with Stage.open() as stage:
        yield stage


def jobs(count: int, **more: Any) -> dict[str, WorkdayJob]:
    return {f"JR-{number:05}": WorkdayJob(f"Analyst {number}", **more) for number in range(count)}


def reader(stage: Stage, site: WorkdaySite, country: str | None = None) -> Workday:
    url = f"{stage.shows(site)}/en-US/Careers"
    return Workday(Board("one", "pwc", "PwC", "workday", url, "acme", country=country), stage.web)


async def detail(stage: Stage, site: WorkdaySite, id: str, country: str | None = None) -> Found:
    adapter = reader(stage, site, country)
    stubs, _ = await listed(adapter)
    stub = stubs.get(id) or Stub(id, "As listed", "https://jobs.example.com", handle=site.path(id))
    return await adapter.detail(stub)


@module
async def test_a_list_is_read_to_its_end_though_only_its_first_page_knows_its_length(stage: Stage) -> None:
    site = WorkdaySite(jobs(45))
    stubs, last = await listed(reader(stage, site))
    assert len(stubs) == 45
    assert last.complete
    assert [asked["offset"] for asked in site.asked] == [0, 20, 40]
    assert site.asked[0] == {"appliedFacets": {}, "limit": LIMIT, "offset": 0, "searchText": ""}


@module
@pytest.mark.parametrize("nested", [False, True])
async def test_one_country_is_asked_for_by_the_name_that_the_site_gives_its_facet(stage: Stage, nested: bool) -> None:
    site = WorkdaySite(
        {"1": WorkdayJob("Here"), "2": WorkdayJob("There", country="US")}, facet="Location_Country", nested=nested
    )
    stubs, last = await listed(reader(stage, site, "IN"))
    assert (set(stubs), last.complete) == ({"1"}, True)


@module
async def test_a_site_without_such_a_facet_is_judged_by_its_details(stage: Stage) -> None:
    site = WorkdaySite({"1": WorkdayJob("Here"), "2": WorkdayJob("There", country="US")}, facet=None)
    assert (await detail(stage, site, "1", "IN")).title == "Here"
    with pytest.raises(Gone):
        await detail(stage, site, "2", "IN")


@module
async def test_a_list_that_is_cut_at_two_thousand_is_read_in_parts(stage: Stage) -> None:
    site = WorkdaySite({
        f"JR-{number:05}": WorkdayJob(f"Analyst {number}", family=("audit", "tax", "deals")[number % 3])
        for number in range(2_450)
    })  # fmt: skip
    stubs, last = await listed(reader(stage, site))
    assert (len(stubs), last.complete) == (2_450, True)


@module
async def test_what_the_parts_omit_is_found_behind_the_cut_where_the_site_shows_it(stage: Stage) -> None:
    site = WorkdaySite(jobs(2_100), wraps=False)
    stubs, last = await listed(reader(stage, site))
    assert (len(stubs), last.complete) == (2_100, True)


@module
async def test_what_can_not_be_split_is_partial(stage: Stage) -> None:
    stubs, last = await listed(reader(stage, WorkdaySite(jobs(2_100))))
    assert len(stubs) == CAP
    assert not last.complete
    assert "2,000" in str(last.partial)


@module
async def test_places_that_are_a_number_are_none_and_the_detail_has_them_all(stage: Stage) -> None:
    site = WorkdaySite({"1": WorkdayJob("A", places=("Pune", "Delhi", "Kochi")), "2": WorkdayJob("B", places=())})
    stubs, _ = await listed(reader(stage, site))
    assert (stubs["1"].location, stubs["2"].location) == (None, None)
    found = await detail(stage, site, "1")
    assert found == Found(
        "A", found.description, "Pune; Delhi; Kochi", posted_at=datetime(2026, 11, 20, tzinfo=UTC),
        closes_at=datetime(2026, 12, 20, tzinfo=UTC), url=f"https://acme.example.com/Careers{site.path('1')}",
        apply_url=f"https://acme.example.com/Careers{site.path('1')}/apply", requisition="1",
    )  # fmt: skip
    assert found.description == "You close the books.\n\n- SAP"


@module
async def test_a_twin_on_a_second_site_has_the_same_id(stage: Stage) -> None:
    stubs, _ = await listed(reader(stage, WorkdaySite({"JR-0105489": WorkdayJob("Auditor", twin="-1")})))
    assert set(stubs) == {"JR-0105489"}


@pytest.mark.parametrize(
    ("path", "bullets", "id"),
    [
        ("/job/Pune/Data-Engineer_ATCI-54-S20-1", ["ATCI-54-S20", "Pune"], "ATCI-54-S20"),
        ("/job/Pune/Data-Engineer_739604WD", [], "739604WD"),
        ("/job/Pune/Data-Engineer_739604WD-2", None, "739604WD"),
        ("/job/Pune/Engineer_R_1022", ["R_1022"], "R_1022"),
    ],
)
def test_the_id_of_a_requisition(path: str, bullets: Any, id: str) -> None:
    assert requisition(path, bullets) == id


@module
@pytest.mark.parametrize("gone", ["404", "S22", "posted"])
async def test_three_ways_to_say_that_a_posting_is_no_more(stage: Stage, gone: str) -> None:
    with pytest.raises(Gone):
        await detail(stage, WorkdaySite({"1": WorkdayJob("A", gone=gone)}), "1")


@module
@pytest.mark.parametrize("fault", [429, "redirect", "html", 503])
async def test_a_bad_moment_is_asked_again_as_it_was(stage: Stage, fault: int | str) -> None:
    site = WorkdaySite(jobs(3), faults=[fault, fault])
    stubs, last = await listed(reader(stage, site))
    assert (len(stubs), last.complete) == (3, True)
    assert site.asked[0] == site.asked[1] == site.asked[2], "a redirect of a POST was followed"


@module
async def test_what_no_patience_helps_against(stage: Stage) -> None:
    with pytest.raises(Blocked):
        await listed(reader(stage, WorkdaySite(jobs(3), forbidden=True)))
    with pytest.raises(Blocked):
        await listed(reader(stage, WorkdaySite(jobs(3), faults=["html"] * 9)))
    with pytest.raises(Away):
        await listed(reader(stage, WorkdaySite(jobs(45), fails_from=2)))
    for status in (400, 422, 404):
        with pytest.raises(ChangedShape):
            await listed(reader(stage, WorkdaySite(jobs(3), faults=[status])))


@module
async def test_nothing_is_complete_where_the_site_says_nothing(stage: Stage) -> None:
    _, last = await listed(reader(stage, WorkdaySite({})))
    assert (last.complete, last.advertised) == (True, 0)


def test_a_pasted_address_is_a_board() -> None:
    told = Workday.board_from_url("https://pwc.wd3.myworkdayjobs.com/en-US/Global_Experienced_Careers/job/Pune/A_1WD")
    assert told == {"url": "https://pwc.wd3.myworkdayjobs.com/Global_Experienced_Careers", "tenant": "pwc"}
    assert Workday.board_from_url("https://careers.example.com/jobs") is None


def test_facets_of_any_shape_are_read_as_far_as_they_go() -> None:
    assert facets(None) == facets([None, {"values": "none"}, {"facetParameter": "a", "values": [1, {}]}]) == []
