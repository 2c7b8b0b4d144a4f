"""Postings of Avature portals: what their pages say, and what they do instead."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from tests.career_sites.avature import CHALLENGE, LOREM, AvatureJob, AvatureSite
from tests.career_sites.stage import Stage
from workers.boards import avature
from workers.boards.avature import Avature
from workers.boards.board import Blocked, Board, ChangedShape, Found, Gone, Stub, Withheld

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


async def detail(stage: Stage, adapter: Avature, id: str) -> Found:
    return await adapter.detail(Stub(id, "As listed", f"{stage.url}/en_US/careersUSI/JobDetail/A-Title/{id}"))


async def test_structured_data_comes_first(stage: Stage) -> None:
    adapter = reader(stage, AvatureSite({"9": AvatureJob("Night Train Planner")}))
    found = await detail(stage, adapter, "9")
    assert found.title == "Night Train Planner"
    assert found.description == f"{LOREM}\n\n- Timetables\n- C & C++"
    assert found.posted_at == datetime(2026, 11, 2, tzinfo=UTC)
    assert (found.requisition, found.language) == ("9", "en")
    assert found.url == f"{stage.url}/en_US/careersUSI/JobDetail/A-Title/9"


async def test_labels_come_second(stage: Stage) -> None:
    found = await detail(stage, reader(stage, AvatureSite({"9": AvatureJob()}, detail="labels")), "9")
    assert found.title == "As listed"
    assert found.description == (f"What you will do\n\n{LOREM}\n\n- Timetables\n- C & C++\n\nEqual chances for all.")
    assert found.location == "Hyderabad, Telangana, India"
    assert found.posted_at == datetime(2026, 8, 21, tzinfo=UTC)
    assert found.closes_at == datetime(2026, 11, 30, tzinfo=UTC)
    assert found.requisition == "R-9"


async def test_labels_fill_what_structured_data_leaves_out(stage: Stage) -> None:
    found = await detail(stage, reader(stage, AvatureSite({"9": AvatureJob()}, detail="dated-json-ld")), "9")
    assert found.description.startswith(f"What you will do\n\n{LOREM}")
    assert found.title == "As listed", "a block without an identifier may have the firm's own title"
    assert found.posted_at == datetime(2026, 11, 2, tzinfo=UTC)
    assert found.location == "Hyderabad, Telangana, India"


async def test_field_spans_are_read_and_hidden_ones_are_not(stage: Stage) -> None:
    found = await detail(stage, reader(stage, AvatureSite({"9": AvatureJob()}, detail="spans")), "9")
    assert found.description == f"{LOREM}\n\n- Timetables\n- C & C++"
    assert found.location == "Pune, India"
    assert found.requisition is None


async def test_a_text_without_fields_is_read_as_it_is(stage: Stage) -> None:
    found = await detail(stage, reader(stage, AvatureSite({"9": AvatureJob()}, detail="text")), "9")
    assert found.description == f"{LOREM}\n\n- Timetables\n- C & C++"
    assert found.location is None


@pytest.mark.parametrize("layout", ["json-ld", "labels", "spans", "text"])
async def test_all_places_of_a_job_are_its_places(stage: Stage, layout: str) -> None:
    job = AvatureJob(places=("Pune, Maharashtra, India", "Kochi, Kerala, India"))
    found = await detail(stage, reader(stage, AvatureSite({"9": job}, detail=layout)), "9")
    assert found.location == "Pune, Maharashtra, India; Kochi, Kerala, India"
    assert "Kochi" not in found.description


async def test_a_page_in_windows_1252_and_one_with_odd_spaces(stage: Stage) -> None:
    job = AvatureJob(text=f"<p>{LOREM}</p><p>The planner’s\xa0desk – “tidy”\r\n\r\nor not 🚂</p>")
    site = AvatureSite({"9": job}, detail="labels", charset="windows-1252")
    found = await detail(stage, reader(stage, site), "9")
    assert "The planner’s desk – “tidy” or not 🚂" in found.description


@pytest.mark.parametrize("status", [404, 410])
async def test_a_posting_that_is_no_more_is_gone(stage: Stage, status: int) -> None:
    site = AvatureSite(jobs(1))
    site.details_show = status, "<h1>Gone for good</h1>"
    with pytest.raises(Gone):
        await detail(stage, reader(stage, site), "7000")


async def test_a_posting_that_nobody_may_see_is_withheld(stage: Stage) -> None:
    site = AvatureSite(jobs(3))
    site.withheld, site.walled = {"7000"}, {"7001"}
    adapter = reader(stage, site)
    for id in ("7000", "7001"):
        with pytest.raises(Withheld):
            await detail(stage, adapter, id)
    assert (await detail(stage, adapter, "7002")).title == "Planner 2"


async def test_a_challenge_in_place_of_a_posting_is_not_withheld(stage: Stage) -> None:
    site = AvatureSite(jobs(1))
    site.details_show = 403, CHALLENGE
    with pytest.raises(Blocked):
        await detail(stage, reader(stage, site), "7000")


async def test_only_refusals_in_a_row_are_a_refusal(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(avature, "WITHHELD_MAX", 2)
    site = AvatureSite(jobs(1))
    site.withheld = {"1", "2", "3"}
    adapter = reader(stage, site)
    for id in ("1", "2"):
        with pytest.raises(Withheld):
            await detail(stage, adapter, id)
    await detail(stage, adapter, "7000")
    for id in ("1", "2"):
        with pytest.raises(Withheld):
            await detail(stage, adapter, id)
    with pytest.raises(Blocked, match="2 postings in a row"):
        await detail(stage, adapter, "3")


@pytest.mark.parametrize("shown", ["<h1>Our offices</h1>", "", '<meta name="avature.portal.page" content="JobDetail">'])
async def test_a_page_without_a_text_is_an_unknown_shape(stage: Stage, shown: str) -> None:
    site = AvatureSite(jobs(1))
    site.details_show = 200, shown
    with pytest.raises(ChangedShape):
        await detail(stage, reader(stage, site), "7000")


async def test_another_posting_is_not_this_one(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    site = AvatureSite(jobs(2))
    adapter = reader(stage, site)
    original = stage.web.request

    async def elsewhere(method: str, url: str, **said: Any) -> Any:
        return await original(method, url.replace("/7000", "/7001"), **said)

    monkeypatch.setattr(stage.web, "request", elsewhere)
    with pytest.raises(ChangedShape):
        await detail(stage, adapter, "7000")
