"""Oracle Recruiting Cloud, with what it does wrong."""

import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from tests.career_sites.impatient import ImpatientWeb
from tests.career_sites.oracle import OracleJob, OracleSite
from tests.career_sites.stage import Stage, listed
from workers.boards import oracle
from workers.boards.board import Away, Blocked, Board, ChangedShape, Found, Gone, Stub
from workers.boards.oracle import TRIES_MAX, Oracle

module = pytest.mark.asyncio(loop_scope="module")
LIST = "/hcmRestApi/resources/latest/recruitingCEJobRequisitions"
PATH = "/hcmUI/CandidateExperience/en/sites/CX_1"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage() -> AsyncIterator[Stage]:
    async with Stage.open() as stage:
        yield stage


def jobs(count: int, **more: Any) -> dict[str, OracleJob]:
    return {str(30_000_000 + number): OracleJob(f"Analyst {number}", **more) for number in range(count)}


def reader(stage: Stage, site: OracleSite, country: str | None = None) -> Oracle:
    return Oracle(Board("one", "kpmg", "KPMG", "oracle", f"{stage.shows(site)}{PATH}", "acme", country), stage.web)


async def detail(stage: Stage, site: OracleSite, id: str) -> Found:
    return await reader(stage, site).detail(Stub(id, "As listed", f"{stage.url}{PATH}/job/{id}", handle=id))


@module
@pytest.mark.parametrize("cap", [200, 25, 3])
async def test_a_list_is_read_by_the_rows_that_came_whatever_was_asked_for(stage: Stage, cap: int) -> None:
    stubs, last = await listed(reader(stage, OracleSite(jobs(310) | {"INTG10038681": OracleJob("Lead")}, cap=cap)))
    assert len(stubs) == 311
    assert (last.complete, last.advertised) == (True, 311)
    assert stubs["INTG10038681"] == Stub(
        "INTG10038681", "Lead", f"{stage.url}{PATH}/job/INTG10038681", "Bengaluru, Karnataka, India",
        datetime(2026, 11, 20, tzinfo=UTC), "INTG10038681",
    )  # fmt: skip


@module
@pytest.mark.parametrize("written", ["number", "text"])
async def test_numbers_come_with_exponents(stage: Stage, written: str) -> None:
    _, last = await listed(reader(stage, OracleSite(jobs(30), exponents=written)))
    assert (last.complete, last.advertised) == (True, 30)


@module
@pytest.mark.parametrize(("moves", "complete"), [((0, 1, 2), True), ((0, 20, 40, 40), False)])
async def test_a_total_may_move_a_little(stage: Stage, moves: tuple[int, ...], complete: bool) -> None:
    _, last = await listed(reader(stage, OracleSite(jobs(300), cap=150, moves=moves)))
    assert last.complete is complete
    assert complete or "advertised" in str(last.partial)


@module
async def test_a_list_that_only_shows_its_first_page_is_partial(stage: Stage) -> None:
    site = OracleSite(jobs(60), cap=25, repeats=True)
    stubs, last = await listed(reader(stage, site))
    assert (len(stubs), last.complete, len(site.asked)) == (25, False, 1 + TRIES_MAX)
    assert last.partial == "25 of 60 advertised postings were shown. The site showed a page again and again."


@module
@pytest.mark.parametrize("glitch", ["empty", "short", "first"])
async def test_a_page_in_trouble_is_asked_for_again(stage: Stage, glitch: str) -> None:
    stubs, last = await listed(reader(stage, OracleSite(jobs(90), cap=25, glitches={22: glitch, 44: glitch})))
    assert (len(stubs), last.complete, last.advertised) == (90, True, 90)


@module
async def test_what_moves_up_while_it_is_read_is_not_missed(stage: Stage) -> None:
    """Two postings of the first page close before the second is asked for."""
    site = OracleSite(jobs(60), cap=25)
    pages = reader(stage, site).pages()
    seen = [stub.external_id for stub in (await anext(pages)).stubs]
    del site.jobs["30000000"], site.jobs["30000001"]
    seen += [stub.external_id async for page in pages for stub in page.stubs]
    assert (len(seen), len(set(seen))) == (60, 60), "what is read twice is given once"


@module
async def test_a_total_without_rows_is_no_empty_list(stage: Stage) -> None:
    with pytest.raises(ChangedShape, match="of 3 postings and shows 0"):
        await listed(reader(stage, OracleSite(jobs(3), hollow=True)))
    _, last = await listed(reader(stage, OracleSite({})))
    assert (last.complete, last.advertised) == (True, 0)


@module
async def test_a_total_of_nothing_beside_rows_is_no_whole_list(stage: Stage) -> None:
    with pytest.raises(ChangedShape, match="of 0 postings and shows 3"):
        await listed(reader(stage, OracleSite(jobs(3), moves=(-3,))))


@module
async def test_behind_the_window_nothing_is_asked_for(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where less than a hundredth lies behind: it would be the same oldest ones every day."""
    monkeypatch.setattr(oracle, "WINDOW_MAX", 300)
    site = OracleSite(jobs(302))
    stubs, last = await listed(reader(stage, site))
    assert (len(stubs), last.complete) == (300, False)
    assert last.partial == "The site shows 300 of its 302 postings."
    assert [re.findall(r"(?:limit|offset)=(\d+)", asked) for asked in site.asked] == [["200", "0"], ["103", "197"]]


@module
async def test_a_list_without_end_is_left(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oracle, "PAGES_MAX", 2)
    _, last = await listed(reader(stage, OracleSite(jobs(90), cap=25)))
    assert last.partial == "The list has more than 2 pages."


@module
async def test_the_finder_is_written_as_the_site_reads_it(stage: Stage) -> None:
    site = OracleSite(jobs(1))
    await listed(reader(stage, site))
    await detail(stage, site, "30000000")
    assert site.asked == [
        "onlyData=true&expand=requisitionList.workLocation,requisitionList.otherWorkLocations,"
        "requisitionList.secondaryLocations,flexFieldsFacet.values,requisitionList.requisitionFlexFields"
        "&finder=findReqs;siteNumber=CX_1,facetsList=LOCATIONS%3BWORK_LOCATIONS%3BWORKPLACE_TYPES%3BTITLES"
        "%3BCATEGORIES%3BORGANIZATIONS%3BPOSTING_DATES%3BFLEX_FIELDS,limit=200,offset=0,sortBy=POSTING_DATES_DESC",
        "expand=all&onlyData=true&finder=ById;Id=%2230000000%22,siteNumber=CX_1",
    ]


@module
async def test_the_site_of_the_tests_has_the_faults_that_it_stands_for(stage: Stage) -> None:
    """An offset beside the finder counts for nothing, and without `expand` there are no rows."""
    site = OracleSite(jobs(30), cap=25)
    await listed(reader(stage, site))
    good = site.asked[0]
    for query, rows in (
        (good, 25),
        (f"{good}&offset=25&limit=5", 25),
        (good.replace("offset=0", "offset=25"), 5),
        (good.replace("expand=requisitionList.", "x="), 0),
    ):
        answer = await stage.web.request("GET", f"{stage.url}{LIST}?{query}")
        told = json.loads(answer.body)["items"][0]
        assert (told["TotalJobsCount"], len(told["requisitionList"])) == (30, rows)
    encoded = good.replace(";", "%3B").replace(",", "%2C")
    assert (await stage.web.request("GET", f"{stage.url}{LIST}?{encoded}")).status == 400


@module
async def test_one_country_also_where_it_is_a_second_place(stage: Stage) -> None:
    site = OracleSite({
        "1": OracleJob("Here"),
        "2": OracleJob("There", country="GB", place="London"),
        "3": OracleJob("Both", country="GB", place="London", others=(("Pune, India", "IN"),)),
    })  # fmt: skip
    stubs, last = await listed(reader(stage, site, "IN"))
    assert (set(stubs), last.complete, last.advertised) == ({"1", "3"}, True, None)
    assert stubs["3"].location == "London; Pune, India"


@module
async def test_where_the_posting_names_no_place_its_office_does(stage: Stage) -> None:
    site = OracleSite({
        "1": OracleJob("Here", country="", place="", office="Kochi, in"),
        "2": OracleJob("There", country="", place="", office="Leeds, GB"),
        "3": OracleJob("Nowhere", country="", place=""),
    })  # fmt: skip
    stubs, _ = await listed(reader(stage, site, "IN"))
    assert {id: stub.location for id, stub in stubs.items()} == {"1": "Kochi, in", "3": None}


@module
async def test_a_posting_is_put_together_from_its_three_texts(stage: Stage) -> None:
    site = OracleSite(
        {
            "1": OracleJob("A", responsibilities="<p>You lead.</p>"),
            "2": OracleJob("B", description="", qualifications=""),
        }
    )
    found = await detail(stage, site, "1")
    assert found.description == "You build dashboards.\n\nYou lead.\n\n- SQL"
    assert (found.posted_at, found.requisition) == (datetime(2026, 11, 19, tzinfo=UTC), "1")
    assert (await detail(stage, site, "2")).description == ""


@module
async def test_a_posting_that_is_no_more_is_gone(stage: Stage) -> None:
    with pytest.raises(Gone):
        await detail(stage, OracleSite({"1": OracleJob("A", gone=True)}), "1")
    with pytest.raises(Gone):
        await detail(stage, OracleSite({}, faults=[404]), "1")


@module
@pytest.mark.parametrize("fault", [302, 403, 429, 503, "html"])
async def test_bad_moments_pass(stage: Stage, fault: int | str) -> None:
    site = OracleSite(jobs(3), faults=[fault, fault])
    stubs, last = await listed(reader(stage, site))
    assert (len(stubs), last.complete) == (3, True)


@module
async def test_what_no_patience_helps_against(stage: Stage) -> None:
    with pytest.raises(Blocked):
        await listed(reader(stage, OracleSite(jobs(3), faults=[403] * 9)))
    with pytest.raises(Blocked):
        await listed(reader(stage, OracleSite(jobs(3), faults=[401])))
    with pytest.raises(Away):
        await listed(reader(stage, OracleSite(jobs(90), cap=25, fails_from=2)))
    with pytest.raises(ChangedShape):
        await listed(reader(stage, OracleSite(jobs(3), faults=[404])))


def test_a_pasted_address_is_a_board() -> None:
    pasted = f"https://ejgk.fa.em2.oraclecloud.com{PATH}/job/30036316/?utm=x"
    assert Oracle.board_from_url(pasted) == {"url": f"https://ejgk.fa.em2.oraclecloud.com{PATH}", "tenant": "ejgk"}
    for other in ("https://careers.example.com/jobs", f"https://oraclecloud.example.com{PATH}", "https://["):
        assert Oracle.board_from_url(other) is None


def test_an_address_of_no_site_is_told_at_once() -> None:
    with pytest.raises(ChangedShape, match="write …/sites/NAME"):
        Oracle(Board("one", "kpmg", "KPMG", "oracle", "https://careers.example.com/jobs", "acme"), ImpatientWeb())


@module
async def test_pages_of_postings_hang_under_the_site(stage: Stage) -> None:
    url = f"{stage.shows(OracleSite(jobs(1)))}{PATH}/requisitions?keyword=tax"
    stubs, _ = await listed(Oracle(Board("one", "kpmg", "KPMG", "oracle", url, "acme"), stage.web))
    assert [stub.url for stub in stubs.values()] == [f"{stage.url}{PATH}/job/30000000"]
