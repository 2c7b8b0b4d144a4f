"""The rows of people: who gets one, who never gets another's, and the trail of changes."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from chatserver.adapters.postgres import connect
from chatserver.adapters.users import UserStore
from chatserver.core.access import Role
from chatserver.core.errors import Refused
from chatserver.core.ports import Unavailable
from tests.adapters.people import person


@pytest.fixture
def users(database: asyncpg.Pool) -> UserStore:
    return UserStore(database)


async def trail(database: asyncpg.Pool) -> list[dict[str, Any]]:
    rows = await database.fetch("select actor_id, action, subject_type, subject_id, detail from audit_log order by id")
    return [dict(row) for row in rows]


async def test_first_sight_makes_a_seeker_and_later_ones_change_nothing(users: UserStore) -> None:
    id = uuid4()
    first = await users.see(id, "asha@example.com", "Asha Rao")
    assert (first.id, first.email, first.role, first.full_name) == (id, "asha@example.com", "seeker", "Asha Rao")
    assert not first.deactivated
    assert await users.see(id, "new-address@example.com", "Somebody Else") == first
    assert await users.get(id) == first


async def test_who_has_no_address_gets_one_that_nobody_reads(users: UserStore) -> None:
    id = uuid4()
    assert (await users.see(id, None, None)).email == f"{id}@users.invalid"


async def test_a_crowd_of_first_requests_is_one_person(users: UserStore, database: asyncpg.Pool) -> None:
    # Many rounds: one insert in a hundred meets its twin between the checks of the two unique columns.
    for _ in range(100):
        id = uuid4()
        seen = await asyncio.gather(*(users.see(id, f"{id}@example.com", "Asha") for _ in range(8)))
        assert {one.id for one in seen} == {id}
    assert await database.fetchval("select count(*) from users where full_name = 'Asha'") == 100


async def test_an_address_never_leads_to_another_persons_row(users: UserStore) -> None:
    asha = await users.see(uuid4(), "asha@example.com", "Asha Rao")
    await users.set_role(asha.id, "admin")
    stranger = uuid4()
    with pytest.raises(Refused) as told:
        await users.see(stranger, "asha@example.com", None)
    assert told.value.code == "conflict"
    assert "asha@example.com" not in told.value.message
    assert await users.get(stranger) is None
    assert (await users.see(asha.id, "asha@example.com", None)).role == "admin"


async def test_of_two_people_with_one_address_at_once_one_wins(users: UserStore) -> None:
    ids = [uuid4() for _ in range(6)]
    told = await asyncio.gather(*(users.see(id, "asha@example.com", None) for id in ids), return_exceptions=True)
    assert sum(isinstance(one, Refused) and one.code == "conflict" for one in told) == len(ids) - 1
    (winner,) = (one for one in told if not isinstance(one, BaseException))
    assert await users.by_email("asha@example.com") == winner


async def test_an_address_is_found_in_any_case_and_never_by_guess(users: UserStore) -> None:
    asha = await users.see(uuid4(), "Asha@Example.com", None)
    assert await users.by_email(" asha@example.COM ") == asha
    assert await users.by_email("nobody@example.com") is None
    other = await users.see(uuid4(), "asha@example.com", None)
    assert await users.by_email("Asha@Example.com") == asha
    assert await users.by_email("asha@example.com") == other
    with pytest.raises(Refused, match="exactly"):
        await users.by_email("ASHA@EXAMPLE.COM")


async def test_some_are_those_that_exist(users: UserStore) -> None:
    asha, ravi = [await users.see(uuid4(), None, name) for name in ("Asha", "Ravi")]
    found = await users.some([ravi.id, uuid4(), asha.id])
    assert {one.id for one in found} == {asha.id, ravi.id}
    assert await users.some([]) == []


async def test_a_change_and_its_entry_in_the_trail_are_one(users: UserStore, database: asyncpg.Pool) -> None:
    admin, asha = await person(database, "admin"), await person(database)
    await users.change(asha.id, role="provider", deactivated=True, by=admin.id)
    changed = await users.get(asha.id)
    assert changed is not None
    assert (changed.role, changed.deactivated, changed.full_name) == ("provider", True, "Asha Rao")
    assert await trail(database) == [{
        "actor_id": admin.id, "action": "user_changed", "subject_type": "user", "subject_id": asha.id,
        "detail": {"role": {"from": "seeker", "to": "provider"}, "deactivated": {"from": False, "to": True}},
    }]  # fmt: skip


async def test_the_trail_of_changes_at_once_is_in_their_order(users: UserStore, database: asyncpg.Pool) -> None:
    asha = await person(database)
    roles: list[Role] = ["admin", "provider", "seeker"]
    await asyncio.gather(*(users.set_role(asha.id, role) for role in roles * 8))
    told = [entry["detail"]["role"] for entry in await trail(database)]
    assert [one["from"] for one in told] == ["seeker", *(one["to"] for one in told[:-1])]


async def test_what_changes_nothing_leaves_no_entry(users: UserStore, database: asyncpg.Pool) -> None:
    asha = await person(database)
    await users.change(asha.id, role="seeker", deactivated=False)
    await users.change(asha.id)
    await users.change(uuid4(), role="admin")
    assert await trail(database) == []


async def test_a_deactivated_person_keeps_the_moment_and_can_come_back(
    users: UserStore, database: asyncpg.Pool
) -> None:
    asha = await person(database)

    async def since() -> Any:
        return await database.fetchval("select deactivated_at from users where id = $1", asha.id)

    await users.set_deactivated(asha.id, True)
    moment = await since()
    await users.change(asha.id, role="provider", deactivated=True)
    assert moment is not None
    assert await since() == moment
    await users.set_role(asha.id, "seeker")
    assert await since() == moment
    await users.set_deactivated(asha.id, False)
    assert await since() is None
    assert [entry["actor_id"] for entry in await trail(database)] == [None] * 4


async def test_a_change_that_cannot_be_written_down_is_not_made(users: UserStore, database: asyncpg.Pool) -> None:
    asha = await person(database)
    await database.execute("alter table audit_log add constraint nothing_more check (false) not valid")
    with pytest.raises(asyncpg.CheckViolationError):
        await users.change(asha.id, role="admin", by=(await person(database, "admin")).id)
    assert (await users.get(asha.id)) == asha


async def test_a_row_from_before_without_a_role_is_a_seeker(users: UserStore, database: asyncpg.Pool) -> None:
    asha = await person(database)
    await database.execute("update users set role = null where id = $1", asha.id)
    found = await users.get(asha.id)
    assert found is not None
    assert found.role == "seeker"


async def test_a_database_that_is_away_is_said_in_a_sentence(database_url: str) -> None:
    pool = await connect(database_url, size=1)
    users = UserStore(pool)
    await pool.close()
    with pytest.raises(Unavailable, match="database"):
        await users.get(UUID(int=1))


async def test_of_two_admins_who_shut_each_other_out_one_stays(users: UserStore, database: asyncpg.Pool) -> None:
    for _ in range(5):
        one, two = [await person(database, "admin") for _ in range(2)]
        outcomes = await asyncio.gather(
            users.change(one.id, role="seeker", by=two.id), users.change(two.id, deactivated=True, by=one.id),
            return_exceptions=True,
        )  # fmt: skip
        refused = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
        assert [one.code for one in refused] == ["forbidden"]
        left = [user for user in await users.some([one.id, two.id]) if user.role == "admin" and not user.deactivated]
        assert len(left) == 1
