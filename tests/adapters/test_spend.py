"""Money: set aside before a call, settled after it, and never more of it than there is, whoever asks at once."""

import asyncio
import random
from uuid import uuid4

import asyncpg
import pytest

from chatserver.adapters.spend import DayBudget, EnrichmentBudget
from chatserver.core.ports import Unavailable
from tests.locks import somebody_waits
from tests.until import WITHIN_SECONDS, until


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


async def test_a_thousand_at_once_some_cancelled_some_dying_never_pass_a_limit(database_url: str) -> None:
    """Looked at all the while from outside; and in the end every cent is where it belongs."""
    chance = random.Random(7)
    seekers = [uuid4() for _ in range(25)]
    settled = dict.fromkeys(seekers, 0.0)
    standing = dict.fromkeys(seekers, 0.0)
    granted = refused = cancelled = 0
    async with (
        asyncpg.create_pool(database_url, min_size=4, max_size=4) as one,
        asyncpg.create_pool(database_url, min_size=4, max_size=4) as other,
    ):
        nodes = [DayBudget(pool, day_usd=20, seeker_day_usd=1) for pool in (one, other)]

        async def calls(number: int) -> None:
            nonlocal granted, refused
            seeker, usd = chance.choice(seekers), chance.choice((0.05, 0.11, 0.24))
            reservation = await nodes[number % 2].reserve(seeker, usd)
            if reservation is None:
                refused += 1
                return
            granted += 1
            used = chance.choice((0.0, usd / 4, usd))
            match number % 5:
                case 0:
                    # Its node died: what was set aside stands for the day.
                    standing[seeker] += usd
                case 1:
                    # Cancelled in mid-answer: counted as far as it was used, as whoever runs it does.
                    await asyncio.shield(reservation.settle(usd / 4))
                    settled[seeker] += usd / 4
                case _:
                    await reservation.settle(used)
                    settled[seeker] += used

        async def watches() -> None:
            while True:
                rows = await one.fetch(
                    "select user_id, sum(reserved_usd + settled_usd)::float8 as usd from spend group by 1"
                )
                assert sum(row["usd"] for row in rows) <= 20 + 1e-6
                assert all(row["usd"] <= 1 + 1e-6 for row in rows)
                await asyncio.sleep(0)

        watching = asyncio.create_task(watches())
        callers = [asyncio.create_task(calls(number)) for number in range(1_000)]
        for number, caller in enumerate(callers):
            if number % 7 == 3:
                # Before it asked, while it asks, and while the money is being set aside.
                for _ in range(number % 4):
                    await asyncio.sleep(0)
                caller.cancel()
        outcomes = await asyncio.gather(*callers, return_exceptions=True)
        cancelled = sum(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)
        assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        for node in nodes:
            await asyncio.gather(*node._spending._returning)
        assert not watching.done(), watching.exception()
        watching.cancel()
        rows = await one.fetch(
            "select user_id, reserved_usd::float8 as reserved, settled_usd::float8 as settled from spend"
        )
    assert cancelled > 100
    assert granted > 100
    assert refused > 100
    assert {row["user_id"]: pytest.approx(row["reserved"], abs=1e-5) for row in rows if row["reserved"]} == {
        seeker: usd for seeker, usd in standing.items() if usd
    }
    assert sum(row["settled"] for row in rows) == pytest.approx(sum(settled.values()), abs=1e-3)


async def test_who_goes_while_their_money_is_being_set_aside_leaves_none_standing(database: asyncpg.Pool) -> None:
    """The commit that nobody waits for any more is carried out all the same, more often than not."""
    await database.execute("""
        create function waits() returns trigger language plpgsql as
          $$ begin perform pg_advisory_xact_lock(42); return null; end $$;
        create constraint trigger held after insert or update on spend deferrable initially deferred
          for each row execute function waits()
    """)
    budget = DayBudget(database, day_usd=20, seeker_day_usd=20)
    async with database.acquire() as gate:
        for _ in range(10):
            await gate.execute("select pg_advisory_lock(42)")
            asking = asyncio.create_task(budget.reserve(uuid4(), 0.5))
            await until(lambda: somebody_waits(database))
            letting_go = asyncio.create_task(gate.execute("select pg_advisory_unlock(42)"))
            # It is said, and nothing was heard yet: neither of that nor of the commit.
            await asyncio.sleep(0)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            await letting_go
    await asyncio.gather(*budget._spending._returning)
    assert await database.fetchval("select coalesce(sum(reserved_usd), 0)::float8 from spend") == 0


async def test_who_gets_no_connection_is_told_so(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatserver.adapters.postgres.CONNECT_SECONDS", 0.05)
    async with asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool, pool.acquire():
        budget = DayBudget(pool, day_usd=1, seeker_day_usd=1)
        with pytest.raises(Unavailable):
            async with asyncio.timeout(WITHIN_SECONDS):
                await budget.reserve(uuid4(), 0.1)
