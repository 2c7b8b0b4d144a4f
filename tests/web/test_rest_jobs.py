"""Jobs and matches over REST: who may do what, what a page holds, what a seeker is shown."""

from typing import Any
from uuid import uuid4

from chatserver.web.jobs import MATCHES_MAX
from tests.web.house import Caller, House, problem_of

ENGINEER = {
    "title": "Data Engineer", "company_name": "Alpha", "location": "Pune",
    "description_raw": "You will build data pipelines in Python and Apache Spark and model warehouses in SQL.",
    "external_apply_url": "https://alpha.example/apply/7",
}  # fmt: skip
AUDITOR = {
    "title": "Statutory Auditor", "company_name": "Beta", "location": "Mumbai",
    "description_raw": "You will audit listed companies under Ind AS. Chartered Accountants with audit experience.",
}  # fmt: skip
RESUME = "I build data pipelines in Python and Apache Spark. Five years of SQL for an online shop in Pune."


async def publishes(house: House, caller: Caller, *drafts: dict[str, Any]) -> list[dict[str, Any]]:
    """The jobs, active."""
    ids = []
    for draft in drafts:
        answer = await caller.calls("POST", "/api/jobs", json=draft)
        assert answer.status_code == 201, answer.text
        assert answer.json()["status"] == "processing"
        ids.append(answer.json()["id"])
    await house.work()
    return [(await caller.gets(f"/api/jobs/{id}")).json() for id in ids]


async def test_a_job_from_publication_to_its_end(house: House) -> None:
    provider, asha = await house.caller("provider"), await house.caller()
    created = (await provider.calls("POST", "/api/jobs", json=ENGINEER)).json()
    path = f"/api/jobs/{created['id']}"
    assert created["provider_id"] == str(provider.user.id)
    problem_of(await asha.gets(path), 404, "not_found")

    await house.work()
    job = (await asha.gets(path)).json()
    assert job["status"] == "active"
    assert {name: job[name] for name in ENGINEER} == ENGINEER
    assert "Python" in job["skills_required"]
    assert len(job["resume_guide_generated"]) == 5
    assert [set(one) for one in job["prep_guide_generated"]] == [{"question", "answer_strategy"}] * 5

    edited = await provider.calls("PATCH", path, json={"location": "Chennai"})
    assert edited.status_code == 200
    await house.work()
    assert (await asha.gets(path)).json()["location"] == "Chennai"
    assert (await provider.calls("POST", f"{path}/enrich")).status_code == 202
    await house.work()

    closed = await provider.calls("DELETE", path)
    assert (closed.status_code, closed.json()["status"]) == (200, "closed")
    assert (await asha.gets(path)).json()["status"] == "closed"
    problem_of(await provider.calls("PATCH", path, json={"title": "Again"}), 409, "conflict")


async def test_a_provider_learns_for_how_many_it_was_a_match_and_never_for_four(house: House) -> None:
    provider, other, asha = await house.caller("provider"), await house.caller("provider"), await house.caller()
    [job] = await publishes(house, provider, ENGINEER)
    path = f"/api/jobs/{job['id']}/matched"
    for number in range(5):
        assert (await provider.gets(path)).json() == {"seekers": None, "least": 5}, f"{number} are too few"
        seeker = await house.caller()
        for _ in range(2):
            # Two conversations of one person are one person.
            await house.database.execute(
                "with s as (insert into chat_sessions (user_id, status) values ($1, 'active_ai') returning id)"
                " insert into chat_references (session_id, ref, job_id) select id, 1, $2 from s",
                seeker.user.id, job["id"],
            )  # fmt: skip
    assert (await provider.gets(path)).json() == {"seekers": 5, "least": 5}
    problem_of(await other.gets(path), 404, "not_found")
    problem_of(await asha.gets(path), 403, "forbidden")


async def test_who_may_not(house: House) -> None:
    provider, rival = await house.caller("provider"), await house.caller("provider")
    asha, admin = await house.caller(), await house.caller("admin")
    (job,) = await publishes(house, provider, ENGINEER)
    path = f"/api/jobs/{job['id']}"
    problem_of(await asha.calls("POST", "/api/jobs", json=ENGINEER), 403, "forbidden")
    for method, where, body in (
        ("PATCH", path, {"title": "Mine"}), ("DELETE", path, None), ("POST", f"{path}/enrich", None),
    ):  # fmt: skip
        problem_of(await asha.calls(method, where, json=body), 403, "forbidden")
        problem_of(await rival.calls(method, where, json=body), 404, "not_found")
        unknown = where.replace(job["id"], str(uuid4()))
        problem_of(await provider.calls(method, unknown, json=body), 404, "not_found")
    problem_of(await rival.gets(path), 404, "not_found")
    assert (await admin.calls("PATCH", path, json={"title": "Senior Data Engineer"})).status_code == 200
    for caller in (provider, admin):
        problem_of(await caller.gets("/api/matches"), 403, "forbidden")
        problem_of(await caller.calls("POST", f"{path}/match"), 403, "forbidden")


async def test_a_draft_that_is_none(house: House) -> None:
    provider = await house.caller("provider")
    wrong: list[Any] = [
        {}, {"title": "A"}, {**ENGINEER, "title": " "}, {**ENGINEER, "title": "A" * 10_000},
        {**ENGINEER, "title": "A\x00"}, {**ENGINEER, "external_apply_url": "javascript:alert(1)"},
        {**ENGINEER, "skills_required": ["Python"] * 1_000}, {**ENGINEER, "skills_required": "Python"},
        {**ENGINEER, "description_raw": "x" * 600_000}, [ENGINEER],
    ]  # fmt: skip
    for draft in wrong:
        problem_of(await provider.calls("POST", "/api/jobs", json=draft), 400, "bad_content")
    assert (await provider.gets("/api/jobs")).json() == {"items": [], "next": None}


async def test_a_list_is_read_page_by_page(house: House) -> None:
    provider, asha = await house.caller("provider"), await house.caller()
    jobs = await publishes(house, provider, *({**ENGINEER, "title": f"Engineer {place}"} for place in range(5)))
    for query in ({}, {"q": "data pipelines engineer"}):
        found: list[str] = []
        cursor = None
        for _ in range(3):
            page = (await asha.gets("/api/jobs", limit=2, **query, **({"cursor": cursor} if cursor else {}))).json()
            found += [one["id"] for one in page["items"]]
            cursor = page["next"]
        assert cursor is None
        assert sorted(found) == sorted(job["id"] for job in jobs)


async def test_a_question_that_is_none(house: House) -> None:
    asha = await house.caller()
    for query in (
        {"limit": "0"}, {"limit": "101"}, {"limit": "-1"}, {"limit": "many"}, {"limit": "1.5"}, {"limit": "9" * 30},
        {"cursor": "nonsense"}, {"cursor": "x" * 500}, {"q": "a\x00b"}, {"q": "a" * 8_001}, {"source": "s" * 201},
        {"location": "l" * 201},
    ):  # fmt: skip
        problem_of(await asha.gets("/api/jobs", **query), 400, "bad_content")


async def test_matches_say_why(house: House) -> None:
    provider, asha = await house.caller("provider"), await house.caller()
    engineer, auditor = await publishes(house, provider, ENGINEER, AUDITOR)
    assert (await asha.calls("PUT", "/api/me/resume", json={"text": RESUME})).status_code == 200
    page = (await asha.gets("/api/matches", limit=5)).json()
    assert page["next"] is None
    assert [one["job"]["id"] for one in page["items"]] == [engineer["id"], auditor["id"]]
    best = page["items"][0]
    assert best["rank"] == 1
    assert "Python" in best["matched_skills"]
    assert best["reasons"]
    for reason in best["reasons"]:
        assert reason["resume"] in RESUME
        assert reason["job"] in ENGINEER["description_raw"]
    only = (await asha.gets("/api/matches", location="Mumbai")).json()["items"]
    assert [one["job"]["id"] for one in only] == [auditor["id"]]
    problem_of(await asha.gets("/api/matches", limit=MATCHES_MAX + 1), 400, "bad_content")
    admin = await house.caller("admin")
    beside = (await admin.gets(f"/api/users/{asha.user.id}/matches", limit=5)).json()
    assert beside == page
    problem_of(await asha.gets(f"/api/users/{asha.user.id}/matches"), 403, "forbidden")
    problem_of(await admin.gets(f"/api/users/{uuid4()}/matches"), 404, "not_found")
    seen = await house.database.fetchval("select count(*) from public.audit_log where action = 'matches_read'")
    assert seen == 1


async def test_one_job_held_against_the_resume(house: House) -> None:
    provider, asha = await house.caller("provider"), await house.caller()
    (job,) = await publishes(house, provider, ENGINEER)
    path = f"/api/jobs/{job['id']}/match"
    assert "upload" in problem_of(await asha.calls("POST", path), 409, "conflict")
    await asha.calls("PUT", "/api/me/resume", json={"text": RESUME})
    match = (await asha.calls("POST", path)).json()
    assert match["job"]["id"] == job["id"]
    assert -1 <= match["similarity"] <= 1
    assert set(match) >= {"matched_skills", "missing_skills", "reasons", "rank"}
    assert match["advice"], "nothing is said about the gap"
    problem_of(await asha.calls("POST", f"/api/jobs/{uuid4()}/match"), 404, "not_found")
    problem_of(await asha.calls("POST", "/api/jobs/seven/match"), 404, "not_found")
