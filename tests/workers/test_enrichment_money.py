"""What guides cost: counted to the end, within the day's money, and estimated before."""

import asyncio

import asyncpg
import pytest

from chatserver.adapters.spend import EnrichmentBudget
from chatserver.core.gazetteer import Gazetteer
from chatserver.enrichment import (
    ATTEMPTS_MAX,
    SPENT_SENTENCE,
    Forecast,
)
from tests.until import until
from tests.workers.paid_house import CEILING_USD, COST_USD, TEXT, House


@pytest.fixture
def house(database: asyncpg.Pool, gazetteer: Gazetteer) -> House:
    return House(database, gazetteer)


# The day's money


async def test_at_the_limit_bulk_waits_for_the_next_day_and_who_waits_gets_the_offline_guides(house: House) -> None:
    house.budget = EnrichmentBudget(house.database, day_usd=CEILING_USD / 2)
    bulk, waited_for = await house.scraped(), await house.published("Audits banks under Ind AS.")
    for _ in range(3 * ATTEMPTS_MAX):
        assert await house.run(bulk) is None
    assert await house.run(waited_for) is None
    assert house.model.asked == []
    waiting, served = await house.now(bulk), await house.now(waited_for)
    assert (waiting.status, waiting.failure) == ("processing", SPENT_SENTENCE)
    assert await house.attempts(bulk) == 0
    assert (served.status, served.enriched_by, served.failure) == ("active", "offline", None)

    assert await house.store.overdue(0, 10) == [], "nobody looks at it today"
    due: bool = await house.database.fetchval(
        "select (pending ->> 'since')::timestamptz = date_trunc('day', now(), 'UTC') + interval '1 day'"
        " from jobs where id = $1", bulk.job,
    )  # fmt: skip
    assert due
    # The next day.
    await house.database.execute('update jobs set pending = pending || \'{"since": "2026-01-01T00:00:00Z"}\'')
    house.budget = EnrichmentBudget(house.database, day_usd=CEILING_USD)
    [found] = await house.store.overdue(300, 10)
    assert await house.run(found) is None
    done = await house.now(bulk)
    assert (done.status, done.enriched_by, done.failure) == ("active", "anthropic", None)


async def test_what_is_known_costs_nothing_at_the_limit_either(house: House) -> None:
    await house.run(await house.published())
    house.budget = EnrichmentBudget(house.database, day_usd=0)
    same = await house.scraped()
    assert await house.run(same) is None
    assert (await house.now(same)).enriched_by == "anthropic"


async def test_many_workers_at_once_do_not_spend_more_than_there_is(house: House) -> None:
    house.budget = EnrichmentBudget(house.database, day_usd=4 * CEILING_USD)
    house.model.may_answer.clear()
    running = [asyncio.create_task(house.run(await house.scraped(f"Text {n}."))) for n in range(20)]

    async def the_rest_is_sent_away() -> bool:
        return sum(task.done() for task in running) == 16

    await until(the_rest_is_sent_away)
    assert len(house.model.asked) == 4
    assert await house.spend() == (4 * CEILING_USD, 0)
    house.model.may_answer.set()
    await asyncio.gather(*running)
    reserved, settled = await house.spend()
    assert reserved == 0
    assert settled == pytest.approx(4 * COST_USD)


async def test_a_restart_with_more_money_goes_on_today(house: House) -> None:
    house.budget = EnrichmentBudget(house.database, day_usd=0)
    bulk = await house.scraped()
    await house.run(bulk)
    await house.enrichments.claim("of a worker that died", "anthropic", 0)
    await house.enrichments.wake()
    await house.enrichments.tidy()
    assert [one.job for one in await house.store.overdue(0, 10)] == [bulk.job]
    assert await house.database.fetchval("select count(*) from enrichment_claims") == 0


# The estimate


async def test_the_estimate_counts_each_unknown_description_once(house: House) -> None:
    first = await house.published()
    await house.run(first)
    for text in (TEXT, "New.", "New.", "Newer."):
        await house.scraped(text)
    await house.store.change(first.job, {"description_raw": "Newest."}, fresh=False)
    estimate = await house.forecast().estimate()
    assert (estimate.jobs_waiting, estimate.known, estimate.calls) == (5, 2, 3)
    assert estimate.expected_usd == pytest.approx(3 * COST_USD)
    assert not estimate.is_ceiling
    assert estimate.limit_usd == 10
    assert estimate.left_usd == pytest.approx(10 - COST_USD)


async def test_an_estimate_before_the_first_call_is_the_most_that_it_can_be(house: House) -> None:
    await house.scraped()
    await house.scraped("Another.")
    estimate = await house.forecast().estimate()
    assert (estimate.calls, estimate.expected_usd, estimate.is_ceiling) == (2, 2 * CEILING_USD, True)
    offline = await Forecast(house.enrichments, house.budget, "offline", 0).estimate()
    assert (offline.calls, offline.expected_usd, offline.is_ceiling) == (2, 0, False)


async def test_what_is_done_closed_or_given_up_waits_no_more(house: House) -> None:
    done, closed, failed = await house.published(), await house.published("b"), await house.published("c")
    await house.run(done)
    await house.store.close(closed.job)
    await house.store.fail(failed.job, failed.version, "The model declined.")
    assert (await house.forecast().estimate()).jobs_waiting == 0
