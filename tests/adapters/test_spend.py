"""Money: set aside before a call, settled after it, and never more of it than there is, whoever asks at once."""

import asyncio
from uuid import uuid4

import asyncpg
import pytest

from chatserver.adapters.spend import DayBudget, EnrichmentBudget
from chatserver.core.ports import Unavailable


async def rows(database: asyncpg.Pool) -> list[tuple[object, ...]]:
    found = await database.fetch(
        "select user_id, purpose, reserved_usd::float8, settled_usd::float8, calls from spend order by purpose, user_id"
    )
    return [tuple(row) for row in found]


async def test_what_is_set_aside_is_replaced_by_what_it_cost(database: asyncpg.Pool) -> None:
    budget = EnrichmentBudget(database, day_usd=1)
    first, second = await budget.reserve(0.4), await budget.reserve(0.5)
    assert first is not None
    assert second is not None
    assert await rows(database) == [(None, "enrichment", 0.9, 0.0, 0)]
    await first.settle(0.01)
    await second.settle(0)
    assert await rows(database) == [(None, "enrichment", 0.0, 0.01, 1)], "what cost nothing was no call"


async def test_many_at_once_pass_the_limit_no_more_than_one_does(database: asyncpg.Pool) -> None:
    workers = [EnrichmentBudget(database, day_usd=1) for _ in range(4)]
    reservations = await asyncio.gather(*(workers[n % 4].reserve(0.15) for n in range(40)))
    granted = [reservation for reservation in reservations if reservation is not None]
    assert len(granted) == 6
    assert sum(worker.refused for worker in workers) == 34
    await asyncio.gather(*(reservation.settle(0.15) for reservation in granted))
    assert await rows(database) == [(None, "enrichment", 0.0, pytest.approx(0.9), 6)]
    assert await workers[0].reserve(0.15) is None


async def test_guides_and_answers_have_each_their_own_money(database: asyncpg.Pool) -> None:
    answers = DayBudget(database, day_usd=1, seeker_day_usd=0.6)
    one, other = uuid4(), uuid4()
    assert await answers.reserve(one, 0.5)
    assert await EnrichmentBudget(database, day_usd=1).reserve(0.9)
    assert await answers.reserve(one, 0.2) is None, "one seeker's limit"
    assert await answers.reserve(other, 0.5)
    assert await answers.reserve(uuid4(), 0.1) is None, "everybody's"
    assert answers.refused == 2


async def test_a_new_day_has_new_money(database: asyncpg.Pool) -> None:
    budget = EnrichmentBudget(database, day_usd=1)
    assert await budget.reserve(1)
    assert await budget.reserve(0.1) is None
    await database.execute("update spend set day = day - 1")
    today = await budget.reserve(1)
    assert today is not None
    await today.settle(0.3)
    spent = await database.fetch("select reserved_usd::float8, settled_usd::float8 from spend order by day")
    assert [tuple(row) for row in spent] == [(1.0, 0.0), (0.0, 0.3)]


async def test_the_limit_is_said_once_a_day(database: asyncpg.Pool, caplog: pytest.LogCaptureFixture) -> None:
    budget = EnrichmentBudget(database, day_usd=0)
    for _ in range(3):
        assert await budget.reserve(0.1) is None
    assert caplog.text.count("today's budget for enrichment, 0 USD, is used up") == 1


async def test_what_is_left_and_what_a_call_costs_on_average(database: asyncpg.Pool) -> None:
    budget = EnrichmentBudget(database, day_usd=2)
    empty = await budget.spent()
    assert (empty.limit_usd, empty.spent_usd, empty.mean_usd) == (2, 0, None)
    for usd in (0.1, 0.3):
        reservation = await budget.reserve(0.5)
        assert reservation is not None
        await reservation.settle(usd)
    await database.execute("update spend set day = day - 40")
    assert (await budget.spent()).mean_usd is None, "prices of long ago"
    await database.execute("update spend set day = day + 39")
    assert await budget.reserve(0.5)
    spent = await budget.spent()
    assert spent.spent_usd == 0.5
    assert spent.mean_usd == pytest.approx(0.2)


async def test_a_database_that_is_away_is_said(database: asyncpg.Pool, database_url: str) -> None:
    pool = await asyncpg.create_pool(database_url, min_size=0)
    reservation = await EnrichmentBudget(pool, day_usd=1).reserve(0.1)
    assert reservation is not None
    await pool.close()
    with pytest.raises(Unavailable):
        await reservation.settle(0.1)
    with pytest.raises(Unavailable):
        await EnrichmentBudget(pool, day_usd=1).reserve(0.1)
