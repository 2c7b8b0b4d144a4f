"""Runs of ingestion over REST: asked for by an admin, and read board by board."""

from chatserver.core.run import SOURCES
from tests.web.house import House, problem_of


async def test_an_admin_asks_for_a_run_and_sees_it_wait(house: House) -> None:
    admin = await house.caller("admin")
    asked = await admin.calls("POST", "/api/admin/runs", json={"source": "ey"})
    assert asked.status_code == 202
    run = asked.json()
    assert (run["source_name"], run["status"], run["requested_by"]) == ("ey", "running", str(admin.user.id))
    listed = (await admin.gets("/api/admin/runs")).json()
    assert [one["id"] for one in listed["items"]] == [run["id"]]

    again = await admin.calls("POST", "/api/admin/runs", json={"source": "ey"})
    assert "under way" in problem_of(again, 409, "conflict")


async def test_runs_are_told_newest_first_with_their_boards_page_by_page(house: House) -> None:
    admin = await house.caller("admin")
    for days, source in enumerate(SOURCES):
        run = await house.database.fetchval(
            "insert into scraping_logs (source_name, status, jobs_fetched, started_at)"
            " values ($1, 'completed', null, now() - make_interval(days => $2)) returning id",
            source, days,
        )  # fmt: skip
        await house.database.execute(
            "insert into scraping_boards (run_id, board, status, detail) values ($1, $2, 'blocked', 'Closed.')",
            run, f"{source}-india",
        )  # fmt: skip
    first = (await admin.gets("/api/admin/runs", limit=3)).json()
    rest = (await admin.gets("/api/admin/runs", limit=3, cursor=first["next"])).json()
    assert [one["source_name"] for one in (*first["items"], *rest["items"])] == list(SOURCES)
    assert rest["next"] is None
    (board,) = first["items"][0]["boards"]
    assert (board["board"], board["status"], board["detail"]) == (f"{SOURCES[0]}-india", "blocked", "Closed.")


async def test_what_is_refused(house: House) -> None:
    admin, seeker = await house.caller("admin"), await house.caller()
    unknown = await admin.calls("POST", "/api/admin/runs", json={"source": "acme"})
    assert "deloitte, pwc, kpmg, ey" in problem_of(unknown, 400, "bad_content")
    for cursor in ("soon", "2026-11-23T00:00:00"):
        problem_of(await admin.gets("/api/admin/runs", cursor=cursor), 400, "bad_content")
    problem_of(await seeker.gets("/api/admin/runs"), 403, "forbidden")
    problem_of(await seeker.calls("POST", "/api/admin/runs", json={"source": "ey"}), 403, "forbidden")
    assert await house.database.fetchval("select count(*) from scraping_logs") == 0
