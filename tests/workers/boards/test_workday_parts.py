"""Workday's lists that are cut, and the facets by which they are read all the same."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

import tests.career_sites.workday
from tests.career_sites.stage import Stage, listed
from tests.career_sites.workday import WorkdayJob, WorkdaySite
from workers.boards import workday, workday_facets
from workers.boards.board import Board
from workers.boards.workday import Workday
from workers.boards.workday_facets import Facet, Value, divisions, facets, fewest, groups, narrowed_to

module = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage() -> AsyncIterator[Stage]:
    async with Stage.open() as stage:
        yield stage


def reader(stage: Stage, site: WorkdaySite, country: str | None = None) -> Workday:
    url = f"{stage.shows(site)}/Careers"
    return Workday(Board("one", "pwc", "PwC", "workday", url, "acme", country=country), stage.web)


def divided(count: int, **more: Any) -> dict[str, WorkdayJob]:
    """Of three families."""
    return {
        f"JR-{number:05}": WorkdayJob(f"Analyst {number}", family=("audit", "tax", "deals")[number % 3], **more)
        for number in range(count)
    }


@module
async def test_a_list_that_is_cut_at_two_thousand_is_read_in_parts(stage: Stage) -> None:
    site = WorkdaySite(divided(2_450))
    stubs, last = await listed(reader(stage, site))
    assert (len(stubs), last.complete, last.advertised) == (2_450, True, None)
    asked = [asked["appliedFacets"]["jobFamilyGroup"] for asked in site.asked if asked["appliedFacets"]]
    assert sorted({tuple(ids) for ids in asked}) == [("audit", "tax"), ("deals",)]


@pytest.fixture
def cut_at_200(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of what is real, and ten times as fast; here and on the site."""
    for reads in (workday, workday_facets, tests.career_sites.workday):
        monkeypatch.setattr(reads, "CAP", 200)


@module
@pytest.mark.usefixtures("cut_at_200")
@pytest.mark.parametrize(("wraps", "found"), [(False, 245), (True, 221)])
async def test_what_the_parts_omit_is_found_behind_the_cut_where_the_site_shows_it(
    stage: Stage, wraps: bool, found: int
) -> None:
    """The first page behind the cut has nothing new, the last ones have."""
    site = WorkdaySite(divided(245), wraps=wraps)
    for number in (*range(100), *range(221, 245)):
        site.jobs[f"JR-{number:05}"].family = ""
    stubs, last = await listed(reader(stage, site))
    assert (len(stubs), last.complete) == (found, not wraps)
    assert not wraps or last.partial == "221 of about 245 postings were shown; the site cuts its list at 200."


@module
@pytest.mark.usefixtures("cut_at_200")
async def test_what_the_only_facet_omits_is_missed_by_what_the_list_itself_shows(stage: Stage) -> None:
    """Of the 200 that it lists half are in no part: so are about as many of those that it does not list."""
    site = WorkdaySite(divided(245, places=(), level=""), facet=None)
    for number in (*range(0, 200, 2), *range(221, 245)):
        site.jobs[f"JR-{number:05}"].family = ""
    stubs, last = await listed(reader(stage, site))
    assert (len(stubs), last.complete) == (221, False)
    assert last.partial == "221 of about 242 postings were shown; the site cuts its list at 200."


@module
@pytest.mark.usefixtures("cut_at_200")
async def test_what_one_facet_omits_another_finds(stage: Stage) -> None:
    site = WorkdaySite(divided(245))
    for number, job in enumerate(site.jobs.values()):
        job.level = ("junior", "senior")[number % 2]
        job.family = job.family if number < 215 else ""
        job.places = (("Pune", "Delhi")[number % 2], f"Town {number % 7}") if number < 215 else ()
    stubs, last = await listed(reader(stage, site))
    assert (len(stubs), last.complete) == (245, True)
    asked = [name for asked in site.asked for name in asked["appliedFacets"]]
    assert list(dict.fromkeys(asked)) == ["locations", "jobLevel"], "the third can have nothing more"


@module
@pytest.mark.usefixtures("cut_at_200")
async def test_a_posting_in_two_parts_is_one_and_no_sign_of_more(stage: Stage) -> None:
    cities = ("Pune", "Delhi", "Kochi", "Surat", "Patna")
    site = WorkdaySite({
        f"JR-{number:05}": WorkdayJob(f"Analyst {number}", places=(cities[number % 5], cities[number // 5 % 5]))
        for number in range(220)
    })  # fmt: skip
    stubs, last = await listed(reader(stage, site))
    assert (len(stubs), last.complete) == (220, True)


@module
@pytest.mark.usefixtures("cut_at_200")
async def test_a_part_that_is_cut_itself_is_divided_again(stage: Stage) -> None:
    site = WorkdaySite(divided(240))
    for number, job in enumerate(site.jobs.values()):
        job.family = "tax" if number < 20 else "audit"
        job.level = "junior" if number % 8 else "senior"
    stubs, last = await listed(reader(stage, site))
    assert (len(stubs), last.complete) == (240, True)
    assert any(len(asked["appliedFacets"]) == 2 for asked in site.asked)


@module
@pytest.mark.usefixtures("cut_at_200")
@pytest.mark.parametrize("count", [401, 470])
async def test_a_part_that_stays_cut_is_missed_by_its_own_count(stage: Stage, count: int) -> None:
    """What is listed and what its parts show agree with each other; only the counts know better."""
    site = WorkdaySite(divided(count, places=(), level=""), facet=None)
    for number, job in enumerate(site.jobs.values()):
        job.family = ("audit", "tax")[number % 2]
    stubs, last = await listed(reader(stage, site))
    enough = count == 401
    assert (len(stubs), last.complete) == (400, enough)
    assert enough or last.partial == "400 of about 470 postings were shown; the site cuts its list at 200."


@module
@pytest.mark.usefixtures("cut_at_200")
async def test_exactly_what_a_list_shows_is_whole_where_the_facets_agree(stage: Stage) -> None:
    stubs, last = await listed(reader(stage, WorkdaySite(divided(200))))
    assert (len(stubs), last.complete) == (200, True)


def bare(count: int) -> dict[str, WorkdayJob]:
    """Of no facet at all."""
    return {f"JR-{number:05}": WorkdayJob("Analyst", places=(), family="", level="") for number in range(count)}


@module
@pytest.mark.usefixtures("cut_at_200")
async def test_a_list_that_goes_on_to_its_end_needs_no_facets(stage: Stage) -> None:
    stubs, last = await listed(reader(stage, WorkdaySite(bare(245), facet=None, wraps=False)))
    assert (len(stubs), last.complete) == (245, True)


@module
@pytest.mark.usefixtures("cut_at_200")
async def test_nothing_at_the_very_cut_is_no_end(stage: Stage) -> None:
    stubs, last = await listed(reader(stage, WorkdaySite(bare(200), facet=None, wraps=False)))
    assert (len(stubs), last.complete) == (200, False)


@module
@pytest.mark.usefixtures("cut_at_200")
async def test_what_can_not_be_split_is_partial(stage: Stage) -> None:
    stubs, last = await listed(reader(stage, WorkdaySite(bare(210), facet=None)))
    assert len(stubs) == 200
    assert last.partial == "200 postings were shown and perhaps not all; the site cuts its list at 200."


@module
@pytest.mark.usefixtures("cut_at_200")
async def test_one_country_that_is_cut_is_read_in_parts_of_that_country(stage: Stage) -> None:
    site = WorkdaySite(divided(240), nested=True)
    for number in range(0, 240, 20):
        site.jobs[f"JR-{number:05}"].country = "US"
    stubs, last = await listed(reader(stage, site, "IN"))
    assert (len(stubs), last.complete) == (228, True)


def test_values_are_grouped_below_the_cut_and_a_hundred_at_most() -> None:
    many = Facet("place", tuple(Value(str(number), "", 1) for number in range(250)))
    assert [len(group) for group in groups(many)] == [100, 100, 50]
    large = Facet("family", tuple(Value(str(count), "", count) for count in (10, 1_200, 799, 2_500, 800)))
    assert [[value.count for value in group] for group in groups(large)] == [[2_500], [1_200], [800, 799, 10]]


def test_a_list_is_divided_by_what_covers_most_and_is_not_cut() -> None:
    cut = Facet("country", (Value("a", "", 2_300), Value("b", "", 900)))
    small = Facet("level", (Value("a", "", 1_000), Value("b", "", 900)))
    large = Facet("family", (Value("a", "", 1_500), Value("b", "", 900)))
    one = Facet("kind", (Value("a", "", 1_500),))
    assert divisions((cut, small, large, one), {}) == [large, small, cut]
    assert divisions((cut, small, large, one), {"family": ["a"]}) == [small, cut]


def test_there_are_at_least_as_many_as_one_value_counts() -> None:
    """Another country's postings are none of a list that is narrowed to one."""
    country = Facet("country", (Value("in", "India", 3_000), Value("us", "United States of America", 9_000)))
    family = Facet("family", (Value("a", "", 1_700), Value("b", "", 1_200)))
    assert fewest((country, family), {"country": ["in"]}) == 3_000
    assert fewest((family,), {"country": ["in"]}) == 1_700
    assert fewest((), {}) == 0


def test_a_country_is_found_by_its_id_before_its_name() -> None:
    region = Facet("region", (Value("r1", "India", 9),))
    country = Facet("Country", (Value("c4f78be1a8f14da0ab49ce1162348a5e", "Indien", 7), Value("x", "Irland", 2)))
    other = Facet("Country", (Value("bc33aa3152ec42d4995f4791a106ed09", "USA", 7),))
    assert narrowed_to("IN", (region, country)) == {"Country": ["c4f78be1a8f14da0ab49ce1162348a5e"]}
    assert narrowed_to("IN", (region,)) == {"region": ["r1"]}
    assert narrowed_to("IN", (other,)) == {"Country": ["c4f78be1a8f14da0ab49ce1162348a5e"]}
    assert narrowed_to("GB", (region, country)) is None


def test_facets_of_any_shape_are_read_as_far_as_they_go() -> None:
    assert facets(None) == facets([None, {"values": "none"}, {"facetParameter": "a", "values": [1, {}]}]) == ()
    odd = [{"facetParameter": "a", "values": [{"id": 1, "count": "many"}, {"id": "2", "count": -3}]}]
    assert facets(odd) == (Facet("a", (Value("1", "", 0), Value("2", "", 0))),)
