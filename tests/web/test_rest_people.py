"""Signing in, one's own profile, and what an admin sees and changes of others."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

from chatserver.adapters.users import UserStore
from chatserver.core.access import User
from chatserver.users import NAME_MAX_CHARACTERS, Users
from tests.web.house import House, problem_of


async def trail(house: House) -> list[tuple[Any, ...]]:
    rows = await house.database.fetch("select actor_id, action, subject_id from audit_log order by id")
    return [tuple(row) for row in rows]


# The development sign-in


async def test_an_address_is_all_that_development_asks_for(house: House) -> None:
    first = await house.client.post("/auth/dev", json={"email": " asha@example.com "})
    assert first.status_code == 200
    given = first.json()
    assert given["user"]["email"] == "asha@example.com"
    assert given["user"]["role"] == "seeker"
    me = await house.client.get("/api/me", headers={"Authorization": f"Bearer {given['token']}"})
    assert me.json() == given["user"]
    again = await house.client.post("/auth/dev", json={"email": "Asha@Example.com"})
    assert again.json()["user"] == given["user"]


async def test_several_tabs_that_sign_in_at_once_are_one_person(house: House) -> None:
    answers = await asyncio.gather(
        *(house.client.post("/auth/dev", json={"email": "asha@example.com"}) for _ in range(8))
    )
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["user"]["id"] for answer in answers}) == 1


async def test_whoever_comes_second_is_the_one_who_came_first(house: House) -> None:
    class Overtaken(UserStore):
        """Somebody else signs in with the address between the look and the insert."""

        async def see(
            self, id: UUID, email: str | None, name: str | None, *, signed_in_at: float | None = None
        ) -> User:
            await super().see(first, email, name)
            return await super().see(id, email, name)

    first = uuid4()
    users = Users(house.issuer, Overtaken(house.database))
    assert (await users.by_email("asha@example.com", uuid4())).id == first


async def test_what_is_no_address(house: House) -> None:
    before = await house.database.fetchval("select count(*) from users")
    for email in (
        "", "asha", "asha@", "@example.com", "asha@host", "a b@example.com", "a@b@example.com", "a\n@example.com",
        "a" * 310 + "@example.com",
    ):  # fmt: skip
        answer = await house.client.post("/auth/dev", json={"email": email})
        assert "asha@example.com" in problem_of(answer, 400, "bad_content"), email
    assert await house.database.fetchval("select count(*) from users") == before


async def test_a_page_under_a_foreign_name_gets_no_development_token(house: House) -> None:
    for host in ("evil.example", "evil.example:8000", "127.0.0.1.evil.example"):
        answer = await house.client.post("/auth/dev", json={"email": "a@example.com"}, headers={"Host": host})
        problem_of(answer, 403, "forbidden")
    assert await house.database.fetchval("select count(*) from users where email = 'a@example.com'") == 0
    for host in ("localhost:8000", "127.0.0.1", "[::1]:8000"):
        answer = await house.client.post("/auth/dev", json={"email": "a@example.com"}, headers={"Host": host})
        assert answer.status_code == 200, host


# Who comes in


async def test_without_a_valid_token_there_is_nothing(house: House) -> None:
    for header in (None, "", "Bearer", "Bearer  ", "Basic YTpi", "Bearer nonsense", "Bearer a.b.c"):
        for path in ("/api/me", "/api/jobs", "/api/sessions", f"/api/users/{uuid4()}", "/api/matches"):
            answer = await house.client.get(path, headers={} if header is None else {"Authorization": header})
            problem_of(answer, 401, "unauthorized")
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_the_role_is_the_rows_and_counts_at_once(house: House) -> None:
    asha, other = await house.caller(), await house.caller()
    path = f"/api/users/{other.user.id}"
    problem_of(await asha.gets(path), 403, "forbidden")
    await house.database.execute("update users set role = 'admin' where id = $1", asha.user.id)
    assert (await asha.gets(path)).status_code == 200
    await house.database.execute("update users set role = 'seeker' where id = $1", asha.user.id)
    problem_of(await asha.gets(path), 403, "forbidden")


async def test_a_deactivated_person_is_out_with_the_next_request(house: House) -> None:
    asha, admin = await house.caller(), await house.caller("admin")
    assert (await asha.gets("/api/me")).status_code == 200
    changed = await admin.calls("PATCH", f"/api/users/{asha.user.id}", json={"deactivated": True})
    assert changed.json()["deactivated"] is True
    assert "admin" in problem_of(await asha.gets("/api/me"), 403, "forbidden")
    await admin.calls("PATCH", f"/api/users/{asha.user.id}", json={"deactivated": False})
    assert (await asha.gets("/api/me")).status_code == 200


async def test_anothers_address_is_a_conflict(house: House) -> None:
    asha = await house.caller()
    stranger = house.issuer.issue(asha.user.email, uuid4())
    answer = await house.client.get("/api/me", headers={"Authorization": f"Bearer {stranger}"})
    assert asha.user.email not in problem_of(answer, 409, "conflict")


# One's own profile


async def test_a_name_can_be_changed_and_taken_away(house: House) -> None:
    asha = await house.caller()
    renamed = await asha.calls("PATCH", "/api/me", json={"full_name": "  Asha R. Rao \u202e"})
    assert renamed.json()["full_name"] == "Asha R. Rao"
    assert (await asha.gets("/api/me")).json() == {
        "id": str(asha.user.id), "email": asha.user.email, "role": "seeker", "full_name": "Asha R. Rao",
        "deactivated": False,
    }  # fmt: skip
    nothing = await asha.calls("PATCH", "/api/me", json={})
    assert "full_name" in problem_of(nothing, 400, "bad_content")
    assert (await asha.gets("/api/me")).json()["full_name"] == "Asha R. Rao"
    assert (await asha.calls("PATCH", "/api/me", json={"full_name": None})).json()["full_name"] is None


async def test_what_is_no_name(house: House) -> None:
    asha = await house.caller()
    for name in ("A" * (NAME_MAX_CHARACTERS + 1), "Asha\nRao", "Asha\tRao", "Asha\x00", "Asha\x85Rao"):
        problem_of(await asha.calls("PATCH", "/api/me", json={"full_name": name}), 400, "bad_content")
    assert (await asha.gets("/api/me")).json()["full_name"] == "Asha Rao"


async def test_nobody_makes_themselves_an_admin(house: House) -> None:
    asha = await house.caller()
    problem_of(await asha.calls("PATCH", "/api/me", json={"role": "admin"}), 400, "bad_content")
    problem_of(await asha.calls("PATCH", f"/api/users/{asha.user.id}", json={"role": "admin"}), 403, "forbidden")
    admin = await house.caller("admin")
    own = await admin.calls("PATCH", f"/api/users/{admin.user.id}", json={"role": "seeker"})
    assert "another admin" in problem_of(own, 403, "forbidden")
    assert (await asha.gets("/api/me")).json()["role"] == "seeker"


# What an admin sees and changes


async def test_what_an_admin_does_is_written_down(house: House) -> None:
    asha, admin = await house.caller(), await house.caller("admin")
    path = f"/api/users/{asha.user.id}"
    assert (await admin.gets(path)).json()["email"] == asha.user.email
    problem_of(await admin.gets(f"{path}/resume"), 404, "not_found")
    promoted = await admin.calls("PATCH", path, json={"role": "provider"})
    assert promoted.json()["role"] == "provider"
    assert await trail(house) == [
        (admin.user.id, "user_read", asha.user.id),
        (admin.user.id, "resume_read", asha.user.id),
        (admin.user.id, "user_changed", asha.user.id),
    ]


async def test_nobody_else_looks_and_nothing_is_written(house: House) -> None:
    asha = await house.caller()
    for role in ("seeker", "provider"):
        other = await house.caller(role)
        for path in (f"/api/users/{asha.user.id}", f"/api/users/{asha.user.id}/resume", f"/api/users/{uuid4()}"):
            problem_of(await other.gets(path), 403, "forbidden")
    admin = await house.caller("admin")
    for path in (f"/api/users/{uuid4()}", f"/api/users/{uuid4()}/resume", "/api/users/no-id"):
        problem_of(await admin.gets(path), 404, "not_found")
    problem_of(await admin.calls("PATCH", f"/api/users/{uuid4()}", json={"role": "admin"}), 404, "not_found")
    assert await trail(house) == []


async def test_a_change_that_is_none(house: House) -> None:
    asha, admin = await house.caller(), await house.caller("admin")
    wrong: list[Any] = [{}, {"role": None}, {"role": "owner"}, {"deactivated": "yes"}, {"name": "A"}, []]
    for changes in wrong:
        problem_of(await admin.calls("PATCH", f"/api/users/{asha.user.id}", json=changes), 400, "bad_content")
    assert await trail(house) == []
