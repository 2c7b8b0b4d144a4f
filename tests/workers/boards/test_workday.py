"""Workday, with what it does wrong."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from tests.career_sites.impatient import ImpatientWeb
from tests.career_sites.stage import Stage, listed
from tests.career_sites.workday import WorkdayJob, WorkdaySite
from workers.boards import workday
from workers.boards.board import Away, Blocked, Board, ChangedShape, Found, Gone, Stub
from workers.boards.workday import LIMIT, Workday
from workers.boards.workday_facets import CAP
from workers.web import Answer

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
    assert [asked["offset"] for asked in site.asked] == [0, 18, 36], "pages overlap: the list moves while it is read"
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
async def test_a_country_without_postings_is_empty_by_the_word_of_the_site(stage: Stage) -> None:
    """Its facet leaves out what has none; the other country's value tells the parameter."""
    stubs, last = await listed(reader(stage, WorkdaySite(jobs(3, country="US")), "IN"))
    assert (stubs, last.complete, last.advertised) == ({}, True, 0)


@module
async def test_a_site_without_such_a_facet_is_judged_by_its_details(stage: Stage) -> None:
    site = WorkdaySite({"1": WorkdayJob("Here"), "2": WorkdayJob("There", country="US")}, facet=None)
    assert (await detail(stage, site, "1", "IN")).title == "Here"
    with pytest.raises(Gone):
        await detail(stage, site, "2", "IN")


@module
async def test_a_list_that_does_not_end_is_left(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workday, "OFFSET_MAX", 40)
    stubs, last = await listed(reader(stage, WorkdaySite(jobs(90))))
    assert (len(stubs), last.partial) == (38, "38 of 90 advertised postings were shown.")


@module
async def test_a_twin_in_the_same_list_is_a_row_and_no_posting(stage: Stage) -> None:
    pages = [page async for page in reader(stage, WorkdaySite(jobs(12, twice=True))).pages()]
    assert [len(page.stubs) for page in pages] == [10, 2, 0]
    assert (pages[-1].complete, pages[-1].advertised) == (True, 12)


@module
async def test_what_a_site_says_that_can_not_be(stage: Stage) -> None:
    for site in (
        WorkdaySite(jobs(3), says=0),
        WorkdaySite({}, says=3),
        WorkdaySite(jobs(3), hollow=True),
    ):
        with pytest.raises(ChangedShape, match="tells of"):
            await listed(reader(stage, site))
    _, last = await listed(reader(stage, WorkdaySite(jobs(50), says=100)))
    assert last.partial == "50 of 100 advertised postings were shown."


@module
async def test_the_site_of_the_tests_has_the_faults_that_it_stands_for(stage: Stage) -> None:
    api = f"{stage.shows(WorkdaySite(jobs(2_050)))}/wday/cxs/acme/Careers/jobs"
    whole = {"appliedFacets": {}, "limit": LIMIT, "offset": 0, "searchText": ""}
    for body, status in (({}, 422), (whole | {"limit": LIMIT + 1}, 400), (whole, 200)):
        assert (await stage.web.request("POST", api, json=body)).status == status
    pages = [await stage.web.request("POST", api, json=whole | {"offset": offset}) for offset in (0, 20, CAP)]
    first, second, behind = (json.loads(page.body) for page in pages)
    assert (first["total"], second["total"]) == (CAP, 0)
    assert behind["jobPostings"] == first["jobPostings"] != second["jobPostings"]


@module
async def test_places_that_are_a_number_are_none_and_the_detail_has_them_all(stage: Stage) -> None:
    site = WorkdaySite({"1": WorkdayJob("A", places=("Pune", "Delhi", "Kochi")), "2": WorkdayJob("B", places=())})
    stubs, _ = await listed(reader(stage, site))
    assert (stubs["1"].location, stubs["2"].location) == (None, None)
    assert stubs["1"].incomplete == "The list says 3 Locations of its places."
    assert stubs["2"].incomplete == "The list says nothing of its places."
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


@module
async def test_a_place_that_is_said_is_taken(stage: Stage) -> None:
    stubs, _ = await listed(reader(stage, WorkdaySite(jobs(1))))
    assert (stubs["JR-00000"].location, stubs["JR-00000"].incomplete) == ("Pune", None)


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
async def test_a_detail_that_is_refused_closes_nothing(stage: Stage) -> None:
    for status, error in ((403, Blocked), (401, Blocked), (400, ChangedShape)):
        site = WorkdaySite({"1": WorkdayJob("A")}, faults=[status])
        with pytest.raises(error):
            await reader(stage, site).detail(Stub("1", "A", "https://jobs.example.com", handle=site.path("1")))


@module
async def test_an_empty_list_is_whole_where_the_site_says_so(stage: Stage) -> None:
    _, last = await listed(reader(stage, WorkdaySite({})))
    assert (last.complete, last.advertised) == (True, 0)


async def test_the_tenants_of_a_pod_share_a_pace() -> None:
    web = Noted()
    adapter = Workday(
        Board("one", "pwc", "PwC", "workday", "https://pwc.WD3.myworkdayjobs.com/en-US/Careers", "acme"), web
    )
    await listed(adapter)
    with pytest.raises(ChangedShape):
        await adapter.detail(Stub("1", "A", "https://jobs.example.com", handle="/job/A_1"))
    api = "https://pwc.WD3.myworkdayjobs.com/wday/cxs/pwc/Careers"
    assert web.asked == [("POST", f"{api}/jobs"), ("GET", f"{api}/job/A_1")]
    assert web.paces == ["wd3", "wd3"]


class Noted(ImpatientWeb):
    """Says that there is nothing, and notes the pace that it was asked at."""

    def __init__(self) -> None:
        super().__init__()
        self.paces: list[str | None] = []

    async def request(self, method: str, url: str, *, pace: str | None = None, **_: Any) -> Answer:
        self.asked.append((method, url))
        self.paces.append(pace)
        return Answer(200, {}, b'{"total": 0, "jobPostings": [], "facets": []}', url)


@pytest.mark.parametrize(
    "path",
    [
        "/en-US/Global_Experienced_Careers/job/Pune/A_1WD",
        "/Global_Experienced_Careers?q=tax",
        "/wday/cxs/pwc/Global_Experienced_Careers/jobs",
    ],
)
def test_a_pasted_address_is_a_board(path: str) -> None:
    assert Workday.board_from_url(f"https://PwC.wd3.myworkdayjobs.com{path}") == {
        "url": "https://pwc.wd3.myworkdayjobs.com/Global_Experienced_Careers", "tenant": "pwc",
    }  # fmt: skip


@pytest.mark.parametrize(
    "url", ["https://careers.example.com/jobs", "https://pwc.wd3.myworkdayjobs.com/en-US/", "https://["]
)
def test_other_addresses_are_none(url: str) -> None:
    assert Workday.board_from_url(url) is None


def test_a_board_without_a_site_is_told_at_once() -> None:
    with pytest.raises(ChangedShape, match="names no site"):
        Workday(Board("one", "pwc", "PwC", "workday", "https://pwc.wd3.myworkdayjobs.com/en-US", "pwc"), Noted())
