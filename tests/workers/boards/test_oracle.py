"""Oracle Recruiting Cloud, with what it does wrong."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from tests.career_sites.oracle import OracleJob, OracleSite
from tests.career_sites.stage import Stage, listed
from workers.boards import oracle
from workers.boards.board import Away, Blocked, Board, ChangedShape, Found, Gone, Stub
from workers.boards.oracle import Oracle

module = pytest.mark.asyncio(loop_scope="module")
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
@pytest.mark.parametrize("cap", [200, 25])
async def test_a_list_is_read_by_the_rows_that_came_whatever_was_asked_for(stage: Stage, cap: int) -> None:
    stubs, last = await listed(reader(stage, OracleSite(jobs(310) | {"INTG10038681": OracleJob("Lead")}, cap=cap)))
    assert len(stubs) == 311
    assert (last.complete, last.advertised) == (True, 311)
    assert stubs["INTG10038681"] == Stub(
        "INTG10038681", "Lead", f"{stage.url}{PATH}/job/INTG10038681", "Bengaluru, Karnataka, India",
        datetime(2026, 11, 20, tzinfo=UTC), "INTG10038681",
    )  # fmt: skip


@module
async def test_numbers_come_with_exponents(stage: Stage) -> None:
    _, last = await listed(reader(stage, OracleSite(jobs(30), exponents=True)))
    assert (last.complete, last.advertised) == (True, 30)


@module
@pytest.mark.parametrize(("moves", "complete"), [((0, 1, 2), True), ((0, 20, 40, 40), False)])
async def test_a_total_may_move_a_little(stage: Stage, moves: tuple[int, ...], complete: bool) -> None:
    _, last = await listed(reader(stage, OracleSite(jobs(300), cap=150, moves=moves)))
    assert last.complete is complete
    assert complete or "advertised" in str(last.partial)


@module
async def test_a_page_that_comes_twice_ends_the_list_as_partial(stage: Stage) -> None:
    stubs, last = await listed(reader(stage, OracleSite(jobs(60), cap=25, repeats=True)))
    assert (len(stubs), last.complete) == (25, False)
    assert "twice" in str(last.partial)


@module
async def test_a_total_without_rows_is_no_empty_list(stage: Stage) -> None:
    with pytest.raises(ChangedShape, match="shows none"):
        await listed(reader(stage, OracleSite(jobs(3), hollow=True)))
    _, last = await listed(reader(stage, OracleSite({})))
    assert (last.complete, last.advertised) == (True, 0)


@module
async def test_the_window_of_a_site_is_said(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oracle, "WINDOW_MAX", 40)
    _, last = await listed(reader(stage, OracleSite(jobs(90), cap=25)))
    assert "40 postings at most" in str(last.partial)


@module
async def test_one_country_also_where_it_is_a_second_place(stage: Stage) -> None:
    site = OracleSite({
        "1": OracleJob("Here"),
        "2": OracleJob("There", country="GB", place="London"),
        "3": OracleJob("Both", country="GB", place="London", others=(("Pune, India", "IN"),)),
    })  # fmt: skip
    stubs, last = await listed(reader(stage, site, "IN"))
    assert (set(stubs), last.complete) == ({"1", "3"}, True)
    assert stubs["3"].location == "London; Pune, India"


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
    assert Oracle.board_from_url("https://careers.example.com/jobs") is None
