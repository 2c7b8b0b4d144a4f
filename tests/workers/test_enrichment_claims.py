"""One description is paid for once, by workers that know nothing of each other, and never in vain."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from chatserver.adapters.enrichments import PostgresEnrichments
from chatserver.adapters.offline_enricher import OfflineEnricher
from chatserver.core.gazetteer import Gazetteer
from chatserver.core.guides import EnricherKind, EnrichmentFailed
from chatserver.core.ports import Unavailable
from chatserver.enrichment import (
    ATTEMPTS_MAX,
    CLAIM_PAUSE_SECONDS,
    CLAIM_SECONDS,
    PAUSES_SECONDS,
    Enriching,
    Paid,
)
from tests.workers.paid_house import CEILING_USD, COST_USD, House


@pytest.fixture
def house(database: asyncpg.Pool, gazetteer: Gazetteer) -> House:
    return House(database, gazetteer)


async def test_one_description_at_many_workers_at_once_is_paid_for_once(house: House) -> None:
    waiting = [await (house.scraped() if n % 2 else house.published(title=f"Engineer {n}")) for n in range(24)]
    calls = 0
    while waiting:
        pauses = await asyncio.gather(*(house.run(one) for one in waiting))
        calls += len(pauses)
        assert set(pauses) <= {None, CLAIM_PAUSE_SECONDS}
        waiting = [one for one, pause in zip(waiting, pauses, strict=True) if pause is not None]
    assert calls > 24, "some had to come again"
    assert len(house.model.asked) == 1
    rows = await house.database.fetch("select status, enriched_by, resume_guide_generated as tips from jobs")
    assert {(row["status"], row["enriched_by"]) for row in rows} == {("active", "anthropic")}
    assert len({str(row["tips"]) for row in rows}) == 1
    assert await house.spend() == (0, COST_USD)
    assert await house.database.fetchval("select count(*) from enrichment_claims") == 0


async def test_guides_that_were_stored_since_we_looked_are_not_bought_again(house: House) -> None:
    first, second = await house.published(), await house.published()

    class Late(PostgresEnrichments):
        """Comes to its claim only when another worker is through."""

        async def claim(self, description_hash: str, kind: EnricherKind, seconds: float) -> UUID | None:
            assert await house.run(first) is None
            return await super().claim(description_hash, kind, seconds)

    late = Enriching(
        house.store, OfflineEnricher(house.gazetteer), house.embedder, house.gazetteer,
        Paid(house.model, Late(house.database), house.budget),
    )  # fmt: skip
    assert await late.run(second.job, second.version) is None
    assert len(house.model.asked) == 1
    assert (await house.now(second)).status == "active"


async def test_to_wait_for_another_worker_costs_no_attempt(house: House) -> None:
    first, second = await house.published(), await house.published()
    house.model.may_answer.clear()
    writing = asyncio.create_task(house.run(first))
    await house.model.called.wait()
    for _ in range(3 * ATTEMPTS_MAX):
        assert await house.run(second) == CLAIM_PAUSE_SECONDS
    assert await house.attempts(second) == 0
    assert (await house.now(second)).failure is None
    house.model.may_answer.set()
    assert await writing is None
    assert await house.run(second) is None
    assert len(house.model.asked) == 1


async def test_another_description_waits_for_nobody(house: House) -> None:
    first, second = await house.published(), await house.published("Audits banks under Ind AS.")
    house.model.may_answer.clear()
    both = asyncio.gather(house.run(first), house.run(second))
    await house.model.called.wait()
    house.model.may_answer.set()
    assert set(await both) == {None}


async def test_a_worker_that_died_is_followed_by_another_once_its_claim_is_over(house: House) -> None:
    enrichment = await house.published()
    hash = (await house.now(enrichment)).description_hash
    assert await house.enrichments.claim(str(hash), "anthropic", CLAIM_SECONDS)
    assert await house.run(enrichment) == CLAIM_PAUSE_SECONDS
    await house.database.execute("update enrichment_claims set expires_at = clock_timestamp()")
    assert await house.run(enrichment) is None
    assert len(house.model.asked) == 1


async def test_who_lost_a_claim_does_not_release_the_next_ones(house: House) -> None:
    lost = await house.enrichments.claim("a", "anthropic", 0)
    assert lost is not None
    held = await house.enrichments.claim("a", "anthropic", CLAIM_SECONDS)
    assert held is not None
    await house.enrichments.release(lost)
    assert await house.enrichments.claim("a", "anthropic", CLAIM_SECONDS) is None
    assert await house.enrichments.claim("a", "offline", CLAIM_SECONDS), "another kind's guides are other guides"
    await house.enrichments.release(held)
    assert await house.enrichments.claim("a", "anthropic", CLAIM_SECONDS)


def test_a_claim_outlives_any_living_worker() -> None:
    from workers.main import JOB_SECONDS

    assert CLAIM_SECONDS > JOB_SECONDS


async def test_a_failure_and_a_cancelled_call_leave_the_description_free(house: House) -> None:
    enrichment = await house.published()
    house.model.failures = [EnrichmentFailed("The model has too much to do just now.")]
    assert await house.run(enrichment) == PAUSES_SECONDS[0]
    house.model.may_answer.clear()
    house.model.called.clear()
    running = asyncio.create_task(house.run(enrichment))
    await house.model.called.wait()
    running.cancel()
    await asyncio.wait([running])
    assert await house.spend() == (0, COST_USD + CEILING_USD), "counted with the most that it can have cost"
    house.model.may_answer.set()
    assert await house.run(enrichment) is None
    assert (await house.now(enrichment)).status == "active"


async def test_guides_are_not_bought_before_there_is_a_vector(house: House) -> None:
    async def away(texts: object) -> None:
        raise Unavailable("The embedder does not answer.")

    house.embedder.before = away
    enrichment = await house.published()
    assert await house.run(enrichment) == PAUSES_SECONDS[0]
    assert house.model.asked == []
    assert await house.spend() == (0, 0)


async def test_asking_for_new_guides_buys_new_ones(house: House) -> None:
    enrichment = await house.published()
    await house.run(enrichment)
    changed = await house.store.change(enrichment.job, {}, fresh=True)
    assert changed is not None
    assert await house.run(changed[1]) is None
    assert len(house.model.asked) == 2
