"""What an admin sees of the whole: figures by day, the trail, and the list of people."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from chatserver.core.job import SYSTEM_PROVIDER
from chatserver.core.overview import WAITING_MAX
from tests.web.house import Caller, House, problem_of

LONG_AGO = 120


class Story:
    """Sessions whose events happened when the story says."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.today: date = datetime.now(UTC).date()

    def day(self, days_ago: int) -> str:
        return (self.today - timedelta(days=days_ago)).isoformat()

    def at(self, days_ago: int, seconds: float = 0) -> datetime:
        """From the first second of that day in UTC; today's is past whenever the test runs."""
        return datetime.combine(self.today, datetime.min.time(), UTC) + timedelta(days=-days_ago, seconds=seconds)

    async def begins(self, seeker: Caller, days_ago: int, status: str = "active_ai") -> UUID:
        session: UUID = await self.house.database.fetchval(
            "insert into chat_sessions (user_id, status, created_at) values ($1, $2::text::chat_status, $3)"
            " returning id", seeker.user.id, status, self.at(days_ago),
        )  # fmt: skip
        return session

    async def hears(self, session: UUID, kind: str, meta: dict[str, Any], at: datetime) -> None:
        await self.house.database.execute(
            "with next as (update chat_sessions set seq = seq + 1 where id = $1 returning seq)"
            " insert into chat_messages (session_id, seq, id, turn, kind, role, content, meta, created_at)"
            " select $1, seq, $2, 0, $3::text, case when $3 = 'message' then 'assistant' end, '', $4, $5 from next",
            session, uuid4(), kind, meta, at,
        )  # fmt: skip

    async def word(self, session: UUID, reason: str, days_ago: int, seconds: float) -> None:
        await self.hears(session, "status", {"by": "system", "reason": reason}, self.at(days_ago, seconds))

    async def rated(self, session: UUID, rating: int | None, days_ago: int) -> None:
        await self.hears(session, "message", {} if rating is None else {"rating": rating}, self.at(days_ago))

    async def answered(self, session: UUID, turn: int, usage: dict[str, Any] | None, days_ago: int) -> None:
        await self.house.database.execute(
            "insert into chat_answers (session_id, turn, first_turn, owner, lease_until, state, usage, created_at)"
            " values ($1, $2, $2, $3, now(), 'done', $4, $5)", session, turn, uuid4(), usage, self.at(days_ago),
        )  # fmt: skip

    async def spends(self, days_ago: int, purpose: str, settled: float, reserved: float, calls: int) -> None:
        await self.house.database.execute(
            "insert into spend (day, user_id, purpose, settled_usd, reserved_usd, calls) values ($1, $2, $3,"
            " $4::float8::numeric, $5::float8::numeric, $6)",
            self.today - timedelta(days=days_ago), uuid4(), purpose, settled, reserved, calls,
        )  # fmt: skip


async def looks(admin: Caller, **query: Any) -> dict[str, Any]:
    answer = await admin.gets("/api/admin/overview", **query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def day_of(overview: dict[str, Any], day: str) -> dict[str, Any]:
    return next(one for one in overview["days"] if one["day"] == day)


async def test_an_empty_house_has_a_row_for_every_day_and_nothing_in_it(house: House) -> None:
    story = Story(house)
    overview = await looks(await house.caller("admin"))
    assert [one["day"] for one in overview["days"]] == [story.day(ago) for ago in reversed(range(14))]
    for one in overview["days"]:
        assert {value for name, value in one.items() if name != "day"} == {0, None}
    for name in ("spending", "sessions", "jobs", "waiting", "runs"):
        assert overview[name] == []
    assert overview["waiting_count"] == 0


async def test_who_asked_for_a_person_and_how_long_they_waited(house: House) -> None:
    story, asha = Story(house), await house.caller()
    for seconds in (10, 20, 30, 40, 100):
        session = await story.begins(asha, 2, "closed")
        await story.word(session, "waiting", 2, 0)
        await story.word(session, "stopped", 2, 1)
        await story.word(session, "taken_over", 2, seconds)
        await story.word(session, "handed_back", 2, seconds + 1)
    for end in ("waiting_over", "closed"):
        gave_up = await story.begins(asha, 2)
        await story.word(gave_up, "waiting", 2, 0)
        await story.word(gave_up, end, 2, 5)
        await story.word(gave_up, "taken_over", 2, 50)
    over_midnight = await story.begins(asha, 1)
    await story.word(over_midnight, "waiting", 1, 86_400 - 30)
    await story.word(over_midnight, "taken_over", 0, 30)
    still = await story.begins(asha, 0)
    await story.word(still, "waiting", 0, 0)

    overview = await looks(await house.caller("admin"), days=3)
    seen = [
        (one["day"], one["sessions"], one["takeovers"], one["asked"], one["reached"], one["wait_median_seconds"])
        for one in overview["days"]
    ]
    assert seen == [
        (story.day(2), 7, 7, 7, 5, 30.0),
        (story.day(1), 1, 0, 1, 1, 60.0),
        (story.day(0), 1, 1, 1, 0, None),
    ]
    assert day_of(overview, story.day(2))["wait_p90_seconds"] == 76.0
    assert overview["sessions"] == [{"status": "active_ai", "count": 4}, {"status": "closed", "count": 5}]


async def test_who_waits_now_the_longest_first(house: House) -> None:
    story = Story(house)
    people = [await house.caller(name=name) for name in ("Asha", "Ben", "Chitra")]
    sessions = [await story.begins(one, 0) for one in people]
    for minutes, session in enumerate(sessions, start=1):
        await house.database.execute(
            "update chat_sessions set waiting_since = now() - make_interval(mins => $2), waiting_reason = 'Visa'"
            " where id = $1", session, minutes,
        )  # fmt: skip
    await house.database.execute("update chat_sessions set status = 'closed' where id = $1", sessions[0])
    overview = await looks(await house.caller("admin"))
    assert overview["waiting_count"] == 2
    assert [(one["session"], one["name"], one["reason"]) for one in overview["waiting"]] == [
        (str(sessions[2]), "Chitra", "Visa"),
        (str(sessions[1]), "Ben", "Visa"),
    ]
    assert 180 <= overview["waiting"][0]["seconds"] < 240


async def test_of_very_many_who_wait_all_are_counted_and_the_longest_are_named(house: House) -> None:
    asha = await house.caller()
    await house.database.execute(
        "insert into chat_sessions (user_id, waiting_since)"
        " select $1, now() - make_interval(mins => n) from generate_series(1, $2::int) n",
        asha.user.id, WAITING_MAX + 7,
    )  # fmt: skip
    overview = await looks(await house.caller("admin"))
    assert (overview["waiting_count"], len(overview["waiting"])) == (WAITING_MAX + 7, WAITING_MAX)
    assert overview["waiting"][0]["seconds"] // 60 == WAITING_MAX + 7


async def test_ratings_count_for_the_day_of_the_answer(house: House) -> None:
    story, asha = Story(house), await house.caller()
    session = await story.begins(asha, LONG_AGO)
    for rating, days_ago in ((1, 0), (1, 0), (-1, 0), (None, 0), (1, 13), (-1, 14), (1, LONG_AGO)):
        await story.rated(session, rating, days_ago)
    overview = await looks(await house.caller("admin"))
    counted = {one["day"]: (one["ratings_up"], one["ratings_down"]) for one in overview["days"]}
    assert (counted.pop(story.day(0)), counted.pop(story.day(13))) == ((2, 1), (1, 0))
    assert set(counted.values()) == {(0, 0)}
    assert day_of(await looks(await house.caller("admin"), days=15), story.day(14))["ratings_down"] == 1


async def test_runs_and_their_boards_count_for_the_day_on_which_they_began(house: House) -> None:
    story = Story(house)
    for days_ago, status, new, closed in ((1, "completed", 12, 3), (1, "failed", 5, 0), (LONG_AGO, "completed", 9, 9)):
        run = await house.database.fetchval(
            "insert into scraping_logs (source_name, status, jobs_new, jobs_closed, started_at)"
            " values ('ey', $1, $2, $3, $4) returning id", status, new, closed, story.at(days_ago),
        )  # fmt: skip
        for board in ("ok", "empty", "blocked", "running"):
            await house.database.execute(
                "insert into scraping_boards (run_id, board, status, started_at) values ($1, $2, $2, $3)",
                run, board, story.at(days_ago),
            )  # fmt: skip
    names = ("runs", "runs_failed", "jobs_new", "jobs_closed", "boards_read", "boards_troubled")
    counted = {
        one["day"]: tuple(one[name] for name in names) for one in (await looks(await house.caller("admin")))["days"]
    }
    assert counted.pop(story.day(1)) == (2, 1, 17, 3, 4, 2)
    assert set(counted.values()) == {(0,) * 6}


async def test_tokens_and_cost_by_day_and_purpose(house: House) -> None:
    story, asha = Story(house), await house.caller()
    session = await story.begins(asha, 1)
    usage = {"input_tokens": 1000, "output_tokens": 50, "cache_read_tokens": 300, "cache_write_tokens": 7, "usd": 0.25}
    await story.answered(session, 1, usage, 1)
    await story.answered(session, 2, usage, 1)
    await story.answered(session, 3, None, 1)
    await story.answered(session, 4, usage, LONG_AGO)
    await story.spends(1, "answers", 0.25, 0, 1)
    await story.spends(1, "answers", 0.25, 0.125, 1)
    await story.spends(1, "enrichment", 0.5, 0, 9)
    await story.spends(LONG_AGO, "answers", 5, 0, 1)
    overview = await looks(await house.caller("admin"))
    answers, enrichment = overview["spending"]
    assert answers == {
        "day": story.day(1), "purpose": "answers", "settled_usd": 0.5, "reserved_usd": 0.125, "calls": 2,
        "input_tokens": 2000, "output_tokens": 100, "cache_read_tokens": 600, "cache_write_tokens": 14,
    }  # fmt: skip
    assert (enrichment["purpose"], enrichment["settled_usd"], enrichment["calls"]) == ("enrichment", 0.5, 9)
    assert enrichment["input_tokens"] is None, "nobody wrote them down"


async def test_jobs_by_status_and_the_latest_run_of_each_source_with_its_boards(house: House) -> None:
    for status, count in (("closed", 1), ("processing", 3), ("failed", 2)):
        for _ in range(count):
            await house.database.execute(
                "insert into jobs (title, description_raw, status) values ('Clerk', 'Files.', $1)", status
            )
    for source, days_ago, status in (("pwc", 0, "ok"), ("pwc", 1, "failed"), ("ey", 3, "blocked"), ("acme", 0, "ok")):
        run = await house.database.fetchval(
            "insert into scraping_logs (source_name, status, jobs_new, started_at)"
            " values ($1, 'completed', $2, now() - make_interval(days => $2)) returning id", source, days_ago,
        )  # fmt: skip
        await house.database.execute(
            "insert into scraping_boards (run_id, board, status) values ($1, $2, $3)", run, f"{source}-in", status
        )
    overview = await looks(await house.caller("admin"))
    assert overview["jobs"] == [
        {"status": "processing", "count": 3},
        {"status": "failed", "count": 2},
        {"status": "closed", "count": 1},
    ]
    assert [(one["source_name"], one["jobs_new"], one["boards"][0]["status"]) for one in overview["runs"]] == [
        ("pwc", 0, "ok"),
        ("ey", 3, "blocked"),
    ]


async def test_the_overview_is_for_admins_and_has_at_most_ninety_days(house: House) -> None:
    admin = await house.caller("admin")
    assert len((await looks(admin, days=90))["days"]) == 90
    assert len((await looks(admin, days=1))["days"]) == 1
    for days in ("0", "91", "-1", "two"):
        assert "from 1 to 90" in problem_of(await admin.gets("/api/admin/overview", days=days), 400, "bad_content")
    for caller in (await house.caller(), await house.caller("provider")):
        for path in ("/api/admin/overview", "/api/admin/audit", "/api/admin/users"):
            problem_of(await caller.gets(path), 403, "forbidden")


# The trail


async def items(caller: Caller, path: str, **query: Any) -> list[dict[str, Any]]:
    answer = await caller.gets(path, **query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def test_the_trail_says_who_did_what_to_whom_newest_first(house: House) -> None:
    meera, asha = await house.caller("admin", "Meera"), await house.caller(name=None)
    await meera.gets(f"/api/users/{asha.user.id}")
    await meera.calls("PATCH", f"/api/users/{asha.user.id}", json={"role": "provider"})
    await house.users._store.change(asha.user.id, deactivated=True)
    by_hand, changed, read = await items(meera, "/api/admin/audit")
    named = {"id": str(asha.user.id), "name": asha.user.email.partition("@")[0]}
    assert (by_hand["actor"], by_hand["detail"]) == (None, {"deactivated": {"from": False, "to": True}})
    assert (changed["actor"], changed["subject"]) == ({"id": str(meera.user.id), "name": "Meera"}, named)
    assert (changed["action"], changed["detail"]) == ("user_changed", {"role": {"from": "seeker", "to": "provider"}})
    assert (read["action"], read["subject_type"], read["detail"]) == ("user_read", "user", {})
    assert read["created_at"] <= changed["created_at"] <= by_hand["created_at"]


async def test_the_trail_is_filtered_by_id_or_address_and_read_page_by_page(house: House) -> None:
    meera, ben = await house.caller("admin", "Meera"), await house.caller("admin", "Ben")
    people = [await house.caller() for _ in range(3)]
    for admin in (meera, ben):
        for one in people:
            await admin.gets(f"/api/users/{one.user.id}")
    path = "/api/admin/audit"
    for who in (str(ben.user.id), ben.user.email, ben.user.email.upper()):
        found = await items(meera, path, actor=who)
        assert [one["subject"]["id"] for one in found] == [str(one.user.id) for one in reversed(people)]
    found = await items(meera, path, subject=people[1].user.email)
    assert [one["actor"]["name"] for one in found] == ["Ben", "Meera"]
    assert len(await items(meera, path, subject=people[1].user.email, actor=meera.user.email)) == 1
    assert await items(meera, path, actor="nobody@example.com") == []

    whole = await items(meera, path)
    first = (await meera.gets(path, limit=4)).json()
    rest = (await meera.gets(path, limit=4, cursor=first["next"])).json()
    assert ([*first["items"], *rest["items"]], len(first["items"]), rest["next"]) == (whole, 4, None)


async def test_who_was_erased_stays_in_the_trail_without_a_name(house: House) -> None:
    meera, asha = await house.caller("admin", "Meera"), await house.caller()
    await meera.gets(f"/api/users/{asha.user.id}")
    await asha.calls("DELETE", "/api/me")
    erased, read = await items(meera, "/api/admin/audit", subject=str(asha.user.id))
    assert erased["action"] == "user_erased"
    assert read["subject"] == {"id": str(asha.user.id), "name": None}


async def test_what_the_trail_does_not_understand(house: House) -> None:
    admin = await house.caller("admin")
    for cursor in ("soon", "-1", "9" * 19, "9" * 30, "²"):
        problem_of(await admin.gets("/api/admin/audit", cursor=cursor), 400, "bad_content")
    for name in ("actor", "subject"):
        assert f"`{name}`" in problem_of(await admin.gets("/api/admin/audit", **{name: "meera"}), 400, "bad_content")


# The people


async def test_people_are_listed_newest_first_and_found_by_name_address_and_role(house: House) -> None:
    admin = await house.caller("admin", "Meera Iyer")
    asha, ben = await house.caller(name="Asha Rao"), await house.caller("provider", None)
    await house.users._store.change(ben.user.id, deactivated=True)
    listed = await items(admin, "/api/admin/users")
    assert [UUID(one["id"]) for one in listed] == [ben.user.id, asha.user.id, admin.user.id]
    assert str(SYSTEM_PROVIDER) not in {one["id"] for one in listed}, "owns what was scraped and is nobody"
    assert listed[0].keys() == {"id", "email", "full_name", "role", "deactivated", "created_at"}
    assert [(one["role"], one["deactivated"]) for one in listed] == [
        ("provider", True), ("seeker", False), ("admin", False),
    ]  # fmt: skip
    for query, found in (
        ({"q": "asha r"}, asha), ({"q": ben.user.email.upper()}, ben), ({"role": "provider"}, ben),
        ({"role": "admin", "q": "iyer"}, admin),
    ):  # fmt: skip
        assert [one["id"] for one in await items(admin, "/api/admin/users", **query)] == [str(found.user.id)]
    for nothing in ("%", "_", "nobody at all"):
        assert await items(admin, "/api/admin/users", q=nothing) == []


async def test_people_are_read_page_by_page_also_those_without_a_date(house: House) -> None:
    admin = await house.caller("admin")
    callers = [await house.caller() for _ in range(4)]
    await house.database.execute(
        "update users set created_at = null where id = any ($1::uuid[])", [one.user.id for one in callers[:3]]
    )
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        answer = (await admin.gets("/api/admin/users", **query)).json()
        seen += [one["id"] for one in answer["items"]]
        if answer["next"] is None:
            break
        query["cursor"] = answer["next"]
    assert len(seen) == len(set(seen)) == 5
    assert {UUID(one) for one in seen[2:]} == {one.user.id for one in callers[:3]}
    problem_of(await admin.gets("/api/admin/users", role="boss"), 400, "bad_content")
    for cursor in ("soon", "2026-11-23T00:00:00", "MjAyNi0xMS0yMyAx"):
        problem_of(await admin.gets("/api/admin/users", cursor=cursor), 400, "bad_content")
