"""A source's run: what is new is taken in, what is gone is closed, and a site's bad day closes nothing."""

import asyncpg
import pytest

from chatserver.jobs import SYSTEM_PROVIDER
from tests.workers.scripted import Shown, Stage
from workers.boards.board import Away, Blocked, ChangedShape, Disallowed, RestingAway


@pytest.fixture
def stage(database: asyncpg.Pool) -> Stage:
    return Stage(database)


def titles(*ids: str) -> dict[str, str]:
    return {id: f"Analyst {id}" for id in ids}


async def test_a_first_run_takes_everything_in_and_a_second_one_nothing(stage: Stage) -> None:
    stage.shown["one"].titles = titles("1", "2", "3", "4", "5")
    stage.shown["two"] = Shown(titles("6", "7"), carries_text=True)

    first = await stage.run()
    assert (first["status"], first["fetched"], first["new"], first["errors"]) == ("completed", 7, 7, 0)
    assert await stage.jobs() == {
        **dict.fromkeys("12345", "processing"),
        "firm:6": "processing",
        "firm:7": "processing",
    }
    assert len(stage.queue.asked) == 7
    assert all(enrichment.bulk for enrichment in stage.queue.asked)

    second = await stage.run()
    assert (second["fetched"], second["new"], second["skipped"], second["closed"]) == (7, 0, 7, 0)
    assert sorted(stage.shown["one"].asked) == list("12345"), "a page behind the list was read twice"
    assert len(stage.queue.asked) == 7


async def test_what_a_complete_list_lacks_is_closed_and_comes_back(stage: Stage) -> None:
    stage.shown["one"].titles = titles("1", "2", "3")
    await stage.run()
    del stage.shown["one"].titles["2"]
    assert (await stage.run())["closed"] == 1
    assert (await stage.jobs())["2"] == "closed"

    stage.shown["one"].titles["2"] = "Analyst 2"
    await stage.run()
    assert (await stage.jobs())["2"] == "processing"


async def test_a_list_made_of_pages_is_believed_when_it_says_so_twice(stage: Stage) -> None:
    stage.shown["one"] = Shown(titles("1", "2"), passes_to_close=2)
    await stage.run()
    del stage.shown["one"].titles["2"]
    await stage.run()
    assert (await stage.jobs())["2"] == "processing"
    await stage.run()
    assert (await stage.jobs())["2"] == "closed"


@pytest.mark.parametrize(
    ("bad", "status"),
    [
        (Shown(titles("1"), fails=Blocked("A challenge page.")), "blocked"),
        (Shown(titles("1"), fails=Away("No answer.")), "failed"),
        (Shown(titles("1"), fails=ChangedShape("Other words.")), "changed_shape"),
        (Shown(titles("1"), fails=Disallowed("Robots.")), "disallowed"),
        (Shown(titles("1", "2", "3", "4"), fails=Away("Cut."), fails_after=3), "partial"),
        (Shown(titles("1"), partial="Two pages were missing."), "partial"),
        (Shown(titles("1"), advertised=5), "partial"),
        (Shown({}), "empty"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_bad_day_of_a_site_closes_nothing_that_it_did_not_deny(stage: Stage, bad: Shown, status: str) -> None:
    stage.shown["one"].titles = titles("1", "2", "3", "4", "5")
    stage.shown["two"].titles = titles("9")
    await stage.run()
    stage.shown["one"] = bad
    done = await stage.run()
    assert done["one"].status == status
    assert done["status"] == "completed", "the other board was read"
    closed = {id for id, is_ in (await stage.jobs()).items() if is_ == "closed"}
    assert closed == (set("12345") if status == "empty" else set())


async def test_a_board_that_had_many_is_never_believed_to_be_empty(stage: Stage) -> None:
    stage.shown["one"].titles = titles(*map(str, range(25)))
    await stage.run()
    stage.shown["one"].titles = {}
    assert (await stage.run())["one"].status == "changed_shape"
    assert "closed" not in (await stage.jobs()).values()


async def test_a_list_that_shrank_by_more_than_half_is_believed_the_second_time(stage: Stage) -> None:
    stage.shown["one"].titles = titles(*map(str, range(25)))
    await stage.run()
    stage.shown["one"].titles = titles(*map(str, range(10)))
    done = await stage.run()
    assert done["one"].status == "partial"
    assert "25" in done["one"].detail
    assert (await stage.run())["one"].jobs_closed == 15


async def test_one_posting_on_two_boards_is_one_job_until_both_have_dropped_it(stage: Stage) -> None:
    stage.shown["one"].titles = titles("1", "2")
    stage.shown["two"].titles = titles("2", "3")
    first = await stage.run()
    assert (first["fetched"], first["new"]) == (4, 3)
    assert set(await stage.jobs()) == {"1", "2", "firm:3"}

    del stage.shown["one"].titles["2"]
    await stage.run()
    assert (await stage.jobs())["2"] == "processing"
    del stage.shown["two"].titles["2"]
    await stage.run()
    assert (await stage.jobs())["2"] == "closed"


async def test_a_posting_that_moves_to_the_first_board_stays_the_job_it_was(stage: Stage) -> None:
    stage.shown["two"].titles = titles("3", "4")
    await stage.run()
    stage.shown["one"].titles = titles("3")
    await stage.run()
    assert set(await stage.jobs()) == {"firm:3", "firm:4"}


async def test_english_is_preferred_and_not_lost_again(stage: Stage) -> None:
    stage.shown["one"] = Shown({"1": "Berater"}, carries_text=True, language="de")
    await stage.run()
    stage.shown["two"] = Shown({"1": "Consultant"}, carries_text=True)
    await stage.run()
    row = await stage.database.fetchrow("select title, external_id from jobs")
    assert tuple(row) == ("Consultant", "1")
    await stage.run()
    assert await stage.database.fetchval("select title from jobs") == "Consultant"


@pytest.mark.parametrize("later", [False, True], ids=["side by side", "a day later"])
async def test_one_requisition_in_two_languages_is_one_job_and_it_speaks_english(stage: Stage, later: bool) -> None:
    shown = {"1": "Berater", "2": "Consultant"}
    stage.shown["one"] = Shown(shown, requisition="REQ-7", languages={"1": "de"})
    if later:
        stage.shown["one"].titles = {"1": "Berater"}
        await stage.run()
        stage.shown["one"].titles = shown
    await stage.run()
    assert [row["title"] for row in await stage.database.fetch("select title from jobs")] == ["Consultant"]
    stage.shown["one"].titles = {"1": "Berater"}
    await stage.run()
    assert set((await stage.jobs()).values()) == {"processing"}, "it stands there in German"
    stage.shown["one"].titles = {}
    await stage.run()
    assert set((await stage.jobs()).values()) == {"closed"}


async def test_two_postings_of_one_requisition_in_one_language_stay_two(stage: Stage) -> None:
    stage.shown["one"] = Shown(titles("1", "2"), requisition="REQ-7")
    await stage.run()
    assert set(await stage.jobs()) == {"1", "2"}


async def test_jobs_of_another_writer_are_adopted_and_closed_only_after_two_passes(stage: Stage) -> None:
    for id in ("1", "8"):
        await stage.database.execute(
            "insert into jobs (provider_id, title, description_raw, company_name, external_id, status)"
            " values ($1, 'Old title', 'Old words.', 'ey', $2, 'active')",
            SYSTEM_PROVIDER, id,
        )  # fmt: skip
    stage.shown["one"].titles = titles("1", "2")
    done = await stage.run()
    assert (done["new"], done["skipped"]) == (1, 1)
    row = await stage.database.fetchrow("select title, source_name, board, location from jobs where external_id = '1'")
    assert tuple(row) == ("Old title", "ey", "one", "Pune, IN; Delhi, IN")
    assert (await stage.jobs())["8"] == "active"
    await stage.run()
    assert (await stage.jobs())["8"] == "closed"
    assert (await stage.jobs())["1"] == "active"


async def test_jobs_of_another_writer_are_tied_to_the_board_that_they_came_from(stage: Stage) -> None:
    before = [
        ("EY", "1", "https://jobs.example.com/one/1"), ("EY", "2", "https://jobs.example.com/two/2"),
        ("EY", "firm:3", None), ("Ey ", "4", None), ("ey", "1", None),
    ]  # fmt: skip
    for company, id, url in before:
        await stage.database.execute(
            "insert into jobs (provider_id, title, description_raw, company_name, external_id, external_apply_url,"
            " status) values ($1, 'Old title', 'Old words.', $2, $3, $4, 'active')",
            SYSTEM_PROVIDER, company, id, url,
        )  # fmt: skip
    stage.shown["one"].titles = titles("4")
    stage.shown["two"].titles = titles("2", "3")
    await stage.run()
    rows = await stage.database.fetch("select board, external_id from job_listings order by 1, 2")
    assert [tuple(row) for row in rows] == [("one", "1"), ("one", "4"), ("two", "2"), ("two", "3")]
    rows = await stage.database.fetch("select company_name, external_id, status, closed_because from jobs")
    assert len(rows) == len(before), "a posting that was there has been taken in again"
    assert [tuple(row) for row in rows if row["status"] == "closed"] == [("ey", "1", "closed", "twin")]


async def test_what_a_person_closed_stays_closed(stage: Stage) -> None:
    stage.shown["one"].titles = titles("1")
    await stage.run()
    await stage.database.execute("update jobs set status = 'closed'")
    await stage.run()
    assert await stage.jobs() == {"1": "closed"}


async def test_a_list_that_broke_off_is_nothing_to_measure_the_next_one_by(stage: Stage) -> None:
    stage.shown["one"].titles = titles(*map(str, range(50)))
    await stage.run()
    few = titles(*map(str, range(6)))
    stage.shown["one"] = Shown(few, fails=Away("Cut."), fails_after=3)
    assert (await stage.run())["one"].status == "partial"
    stage.shown["one"] = Shown(few)
    assert (await stage.run())["one"].status == "partial"
    assert "closed" not in (await stage.jobs()).values()
    assert (await stage.run())["one"].jobs_closed == 44, "said twice"


async def test_a_list_that_is_believed_measures_the_next_one_though_pages_behind_it_failed(stage: Stage) -> None:
    stage.shown["one"].titles = titles(*map(str, range(30)))
    await stage.run()
    many = titles(*map(str, range(200)))
    stage.shown["one"] = Shown(many, details={id: RestingAway("It is left alone.") for id in many})
    assert (await stage.run())["one"].status == "partial"
    stage.shown["one"] = Shown(titles(*map(str, range(60))))
    assert (await stage.run())["one"].status == "partial", "60 where there were 200"


async def test_a_list_one_short_of_what_is_advertised_closes_nothing_by_itself(stage: Stage) -> None:
    stage.shown["one"] = Shown(titles(*map(str, range(200))), advertised=200)
    await stage.run()
    stage.shown["one"] = Shown(titles(*map(str, range(199))), advertised=200)
    done = await stage.run()
    assert (done["one"].status, done["one"].jobs_closed) == ("ok", 0)
    assert (await stage.run())["one"].jobs_closed == 1


async def test_a_changed_text_is_enriched_anew(stage: Stage) -> None:
    stage.shown["one"] = Shown(titles("1"), carries_text=True)
    await stage.run()
    stage.shown["one"].titles["1"] = "Lead Analyst"
    await stage.run()
    assert await stage.database.fetchval("select title from jobs") == "Lead Analyst"
    assert len(stage.queue.asked) == 2


async def test_a_run_without_a_board_that_could_be_read_has_failed_and_says_why(stage: Stage) -> None:
    stage.shown["one"].fails = Blocked("A challenge page.")
    stage.shown["two"].fails = Disallowed("robots.txt does not allow it.")
    done = await stage.run()
    assert done["status"] == "failed"
    assert "one: blocked; two: disallowed" in done["detail"]
    assert done["two"].detail == "robots.txt does not allow it."
