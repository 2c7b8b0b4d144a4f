"""Every route there is, asked by somebody whose it is not."""

from uuid import UUID, uuid4

import pytest
from starlette.routing import Route

from chatserver.core.access import Role
from tests.adapters.resume_files import LINES
from tests.web.house import House

MARK = "quillfeather"
BODIES = {
    "PATCH /api/jobs/{id}": {"title": "Mine now"}, "PATCH /api/users/{id}": {"role": "admin"},
}  # fmt: skip
PUBLIC = {"GET /api/jobs/{id}", "POST /api/jobs/{id}/match"}
"""Of a job that is active, for seekers."""


async def everything_of_others(house: House) -> dict[str, UUID]:
    """A seeker with a resume and a conversation, a provider with two jobs, an admin; each marked."""
    asha, paula = await house.caller("seeker", MARK), await house.caller("provider", MARK)
    esha = await house.caller("admin", MARK)
    await asha.calls("PUT", "/api/me/resume", json={"text": f"{MARK} {' '.join(LINES)}"})
    session = await house.conversations.open(asha.user, new=uuid4())
    await house.conversations.post(asha.user, session, uuid4(), f"My words, {MARK}.")
    job = {"title": f"Engineer {MARK}", "description_raw": f"Python at {MARK}."}
    active = (await paula.calls("POST", "/api/jobs", json=job)).json()["id"]
    await house.work()
    draft = (await paula.calls("POST", "/api/jobs", json=job)).json()["id"]
    return {
        "session": session, "active": UUID(active), "draft": UUID(draft), "asha": asha.user.id, "paula": paula.user.id,
        "esha": esha.user.id,
    }  # fmt: skip


@pytest.mark.parametrize("role", ["seeker", "provider"])
async def test_no_route_shows_or_changes_what_is_somebody_elses(house: House, role: Role) -> None:
    others = await everything_of_others(house)
    state = (
        "select (select string_agg(x::text, '' order by id) from jobs x), (select string_agg(x::text, '' order by id)"
    )
    state += " from chat_sessions x), (select string_agg(x::text, '' order by id) from users x where id <> $1)"
    dev = await house.caller(role, "Dev")
    await dev.calls("PUT", "/api/me/resume", json={"text": " ".join(LINES)})
    before = await house.database.fetchrow(state, dev.user.id)
    wrong: list[tuple[str, str, int | str]] = []
    for route in house.described():
        assert isinstance(route, Route)
        for method in sorted((route.methods or set()) - {"HEAD"}):
            name = f"{method} {route.path}"
            if name in ("DELETE /api/me", "POST /auth/dev"):
                continue
            for whose, id in others.items() if "{id}" in name else [("", "")]:
                answer = await dev.calls(method, route.path.replace("{id}", str(id)), json=BODIES.get(name))
                open_to_them = whose == "active" and name in PUBLIC and role == "seeker"
                if whose and not open_to_them and answer.status_code not in (403, 404):
                    wrong.append((name, whose, answer.status_code))
                # Seekers find active jobs, wherever they look for them.
                if MARK in answer.text and not open_to_them and not (role == "seeker" and "/api/jobs" in name):
                    is_match = role == "seeker" and name == "GET /api/matches"
                    wrong += [] if is_match else [(name, whose, "shows it")]
    assert wrong == []
    assert await house.database.fetchrow(state, dev.user.id) == before


async def test_a_job_that_is_not_out_yet_is_found_by_nobody_else(house: House) -> None:
    others = await everything_of_others(house)
    for role in ("seeker", "provider"):
        dev = await house.caller(role)
        for query in ({}, {"q": MARK}):
            found = (await dev.gets("/api/jobs", **query)).json()["items"]
            assert str(others["draft"]) not in [one["id"] for one in found]
            assert role == "seeker" or found == []
