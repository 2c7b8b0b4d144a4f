"""The pages behind a list: gone, withheld, failing, refused, back again; what becomes of their jobs."""

import asyncpg
import pytest

from chatserver.adapters.listings import TRIES_MAX
from tests.workers.scripted import POSTED, Gone, Shown, Stage, Withheld
from workers.board_pass import FAILED_IN_A_ROW_MAX
from workers.boards.board import Away, Blocked, RestingAway


@pytest.fixture
def stage(database: asyncpg.Pool) -> Stage:
    return Stage(database)


def titles(*ids: str) -> dict[str, str]:
    return {id: f"Analyst {id}" for id in ids}


async def test_a_page_behind_the_list_that_is_gone_makes_no_job_and_closes_one(stage: Stage) -> None:
    stage.shown["one"] = Shown(titles("1", "2"), details={"1": Gone()})
    done = await stage.run()
    assert await stage.jobs() == {"2": "processing"}
    assert done["errors"] == 0

    stage.shown["one"] = Shown({"2": "Analyst 2, renamed"}, details={"2": Gone()})
    assert (await stage.run())["closed"] == 1
    assert (await stage.jobs())["2"] == "closed"


async def test_a_page_that_is_withheld_leaves_the_line_of_the_list(stage: Stage) -> None:
    stage.shown["one"] = Shown(titles("1"), details={"1": Withheld()})
    await stage.run()
    assert await stage.database.fetchval("select description_raw from jobs") == "Analyst 1\nPune, IN"
    await stage.run()
    assert stage.shown["one"].asked == ["1"]


async def test_the_line_of_the_list_has_to_do_until_the_page_behind_it_answers(stage: Stage) -> None:
    stage.shown["one"] = Shown(titles("1", "2"), details={"1": Away("No answer.")})
    for _ in range(TRIES_MAX):
        assert "1" not in await stage.jobs()
        assert (await stage.run())["errors"] == 1
    assert (await stage.jobs())["1"] == "processing"
    assert await stage.description("1") == "Analyst 1\nPune, IN"
    stage.shown["one"].details.clear()
    assert (await stage.run())["errors"] == 0
    assert await stage.description("1") == "As Analyst 1 you help clients every day."


@pytest.mark.parametrize("wrong", [Away("No answer."), Withheld()], ids=["fails", "withheld"])
async def test_a_page_that_answers_no_more_takes_nothing_from_its_job(stage: Stage, wrong: Exception) -> None:
    stage.shown["one"] = Shown(titles("1"))
    await stage.run()
    stage.shown["one"] = Shown({"1": "Analyst 1, renamed"}, details={"1": wrong})
    for _ in range(TRIES_MAX + 1):
        await stage.run()
    assert await stage.description("1") == "As Analyst 1 you help clients every day."


@pytest.mark.parametrize("carries_text", [False, True], ids=["list", "feed"])
async def test_a_list_does_not_undo_what_the_page_of_a_posting_said(stage: Stage, carries_text: bool) -> None:
    def shown(title: str, **details: Exception) -> Shown:
        return Shown(
            {"1": title, "2": "Other"}, details=details, carries_text=carries_text, incomplete="the feed has no dates"
        )

    stage.shown["one"] = shown("Analyst")
    await stage.run()
    stage.shown["one"] = shown("Analyst, renamed", **{"1": Gone()})
    if carries_text:
        await stage.database.execute("update job_listings set wanted = true")
    assert (await stage.run())["closed"] == 1
    for _ in range(2):
        assert (await stage.run())["closed"] == 0
        assert (await stage.jobs())["1"] == "closed", "the list alone opened it again"
    stage.shown["one"] = shown("Analyst, renamed")
    await stage.run()
    assert (await stage.jobs())["1"] == "processing"


async def test_one_posting_that_is_refused_leaves_the_others_readable(stage: Stage) -> None:
    stage.shown["one"] = Shown(titles(*"123456"), details={"1": Blocked("A challenge page.")})
    done = await stage.run()
    assert (done["one"].status, done["errors"]) == ("ok", 1)
    assert set(await stage.jobs()) == set("23456")


async def test_pages_that_fail_one_after_another_are_left_alone_and_others_come_first_next_time(stage: Stage) -> None:
    ids = [f"{number:02}" for number in range(3 * FAILED_IN_A_ROW_MAX)]
    stage.shown["one"] = Shown(titles(*ids), details={id: Blocked("A challenge page.") for id in ids[:-5]})
    done = await stage.run()
    assert done["one"].status == "partial"
    assert "The pages behind the list: A challenge page." in done["one"].detail
    asked = stage.shown["one"].asked
    assert len(asked) < 2 * FAILED_IN_A_ROW_MAX
    asked.clear()
    await stage.run()
    await stage.run()
    assert set(ids[-5:]) == set(await stage.jobs()), "the same pages were in the way of the others every day"


async def test_a_host_that_is_left_alone_costs_no_posting_a_try(stage: Stage) -> None:
    stage.shown["one"] = Shown(titles("1", "2"), details=dict.fromkeys("12", RestingAway("It is left alone.")))
    for _ in range(TRIES_MAX + 1):
        assert (await stage.run())["one"].status == "partial"
    assert await stage.jobs() == {}


async def test_what_nobody_thought_of_costs_one_board_or_one_posting(stage: Stage) -> None:
    stage.shown["one"] = Shown(titles("1"), fails=RecursionError("too deep"))
    stage.shown["two"] = Shown(titles("2", "3"), details={"3": IndexError("no such group")})
    done = await stage.run()
    assert (done["one"].status, done["two"].status, done["status"]) == ("failed", "ok", "completed")
    assert "RecursionError" in done["one"].detail
    assert done["two"].errors == 1
    assert set(await stage.jobs()) == {"firm:2"}


@pytest.mark.parametrize("carries_text", [False, True], ids=["list", "feed"])
async def test_a_posting_that_comes_back_brings_its_new_text(stage: Stage, carries_text: bool) -> None:
    stage.shown["one"] = Shown(titles("1", "2"), carries_text=carries_text)
    await stage.run()
    stage.shown["one"] = Shown(titles("1"), carries_text=carries_text)
    await stage.run()
    assert (await stage.jobs())["2"] == "closed"
    stage.shown["one"] = Shown(titles("1", "2"), carries_text=carries_text, words="do something else now.")
    await stage.run()
    assert (await stage.jobs())["2"] == "processing"
    assert await stage.description("2") == "As Analyst 2 you do something else now."


async def test_a_feed_without_dates_is_completed_by_the_pages_and_its_text_stays(stage: Stage) -> None:
    stage.shown["one"] = Shown(titles("1"), carries_text=True, incomplete="the feed has no dates")
    await stage.run()
    row = await stage.database.fetchrow("select posted_at, location, description_raw from jobs")
    assert tuple(row) == (POSTED, "Pune, IN; Delhi, IN", "As Analyst 1 you help clients every day.")
    assert len(stage.queue.asked) == 1, "dates cost no second enrichment"
