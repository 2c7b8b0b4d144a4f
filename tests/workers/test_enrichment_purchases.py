"""What was paid for is not paid for again, whatever dies between the purchase and the row."""

import asyncio
from contextlib import suppress
from typing import Any

import asyncpg
import pytest

import chatserver.enrichment
from chatserver.adapters import enrichments
from chatserver.adapters.enrichments import PostgresEnrichments
from chatserver.core.gazetteer import Gazetteer
from chatserver.core.guides import EnricherKind, Guides
from chatserver.core.job_ports import EnrichmentTask
from chatserver.core.ports import Unavailable
from chatserver.enrichment import CLAIM_PAUSE_SECONDS, CLAIM_SECONDS, KEEP_SECONDS
from tests.workers.paid_house import COST_USD, TEXT, House
from workers.main import JOB_SECONDS, TRIES_MAX


@pytest.fixture
def house(database: asyncpg.Pool, gazetteer: Gazetteer) -> House:
    return House(database, gazetteer)


class Fails:
    """A part whose method `name` fails as often as there are `errors`."""

    def __init__(self, part: Any, name: str, *errors: BaseException) -> None:
        self._part = part
        self._name = name
        self._errors = list(errors)

    def __getattr__(self, name: str) -> Any:
        if name == self._name and self._errors:
            raise self._errors.pop(0)
        return getattr(self._part, name)


@pytest.mark.parametrize("fresh", [False, True], ids=["first time", "asked anew"])
@pytest.mark.parametrize("error", [Unavailable("away"), asyncio.CancelledError()], ids=["away", "killed"])
async def test_guides_that_could_not_be_stored_are_bought_once(house: House, error: BaseException, fresh: bool) -> None:
    enrichment = await house.published()
    calls = 1
    if fresh:
        await house.run(enrichment)
        calls = 2
        changed = await house.store.change(enrichment.job, {}, fresh=True)
        assert changed is not None
        enrichment = changed[1]
    whole = house.store
    house.store = Fails(whole, "complete", error)  # type: ignore[assignment]
    with suppress(asyncio.CancelledError):
        assert await house.run(enrichment) is not None
    house.store = whole
    assert len(house.model.asked) == calls
    assert await house.run(enrichment) is None
    assert len(house.model.asked) == calls, "they were paid for twice"
    assert (await house.spend())[1] == pytest.approx(calls * COST_USD)
    assert (await house.now(enrichment)).status == "active"
    assert await house.database.fetchval("select count(*) from bought_guides") == 0, "the row has them"


async def test_a_worker_that_is_told_to_go_keeps_what_it_bought_before_somebody_else_may_buy(house: House) -> None:
    class Slow(PostgresEnrichments):
        async def keep(self, task: EnrichmentTask, kind: EnricherKind, guides: Guides) -> None:
            keeping.set()
            await may_keep.wait()
            await super().keep(task, kind, guides)

    keeping, may_keep = asyncio.Event(), asyncio.Event()
    house.enrichments = Slow(house.database)
    first, second = await house.published(), await house.scraped()
    going = asyncio.create_task(house.run(first))
    await keeping.wait()
    going.cancel()
    await asyncio.sleep(0)
    assert await house.run(second) == CLAIM_PAUSE_SECONDS
    may_keep.set()
    with pytest.raises(asyncio.CancelledError):
        await going
    for enrichment in (second, first):
        assert await house.run(enrichment) is None
    assert len(house.model.asked) == 1


async def test_guides_that_cannot_be_kept_at_all_still_reach_their_row(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chatserver.enrichment, "KEEP_PAUSES_SECONDS", (0.0, 0.0, 0.0))
    enrichment = await house.published()
    house.enrichments = Fails(house.enrichments, "keep", *[RuntimeError("of ours")] * 9)  # type: ignore[assignment]
    assert await house.run(enrichment) is None
    assert len(house.model.asked) == 1
    assert (await house.now(enrichment)).status == "active"


async def test_to_keep_has_an_end(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chatserver.enrichment, "KEEP_SECONDS", 0.01)
    monkeypatch.setattr(chatserver.enrichment, "KEEP_PAUSES_SECONDS", (3600.0,))
    enrichment = await house.published()
    house.enrichments = Fails(house.enrichments, "keep", Unavailable("away"))  # type: ignore[assignment]
    assert await house.run(enrichment) is None
    assert KEEP_SECONDS + JOB_SECONDS < CLAIM_SECONDS


async def test_two_that_ask_anew_for_one_text_do_not_take_each_others(house: House) -> None:
    asked = []
    for _ in range(2):
        published = await house.published()
        await house.run(published)
        changed = await house.store.change(published.job, {}, fresh=True)
        assert changed is not None
        asked.append(changed[1])
    whole = house.store
    for enrichment in asked:
        house.store = Fails(whole, "complete", Unavailable("away"))  # type: ignore[assignment]
        assert await house.run(enrichment) is not None
    house.store = whole
    for enrichment in asked:
        assert await house.run(enrichment) is None
    assert len(house.model.asked) == 3, "one for both at first, and one for each that asked anew"


async def test_a_job_that_was_edited_meanwhile_leaves_them_to_the_next_with_that_text(house: House) -> None:
    enrichment = await house.published()
    house.model.may_answer.clear()
    running = asyncio.create_task(house.run(enrichment))
    await house.model.called.wait()
    await house.store.change(enrichment.job, {"description_raw": "Another text."}, fresh=False)
    house.model.may_answer.set()
    await running
    estimate = await house.forecast().estimate()
    assert estimate.calls == 1
    same = await house.scraped(TEXT)
    await house.run(same)
    assert len(house.model.asked) == 1
    assert (await house.now(same)).enriched_by == "anthropic"


async def test_a_database_that_is_away_for_a_moment_does_not_cost_the_guides(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chatserver.enrichment, "KEEP_PAUSES_SECONDS", (0.0, 0.0))
    enrichment = await house.published()
    whole, stored = house.enrichments, house.store
    house.enrichments = Fails(whole, "keep", Unavailable("away"), Unavailable("away"))  # type: ignore[assignment]
    house.store = Fails(stored, "complete", Unavailable("away"))  # type: ignore[assignment]
    await house.run(enrichment)
    house.enrichments, house.store = whole, stored
    assert await house.run(enrichment) is None
    assert len(house.model.asked) == 1


async def test_what_is_in_the_row_is_not_kept_beside_it_and_what_nobody_came_for_goes(house: House) -> None:
    await house.run(await house.published())
    assert await house.database.fetchval("select count(*) from bought_guides") == 0
    await house.database.execute(
        "insert into bought_guides values ('old', 'anthropic', gen_random_uuid(), '{}', now() - interval '31 days'),"
        " ('new', 'anthropic', gen_random_uuid(), '{}', now() - interval '29 days')"
    )
    await house.enrichments.tidy()
    assert await house.database.fetchval("select array_agg(description_hash) from bought_guides") == ["new"]


async def test_a_thousand_postings_do_not_hide_the_job_that_somebody_waits_for(house: House) -> None:
    for number in range(5):
        await house.scraped(f"Text {number}.")
    waited_for = await house.published()
    found = await house.store.overdue(-1, 3)
    assert found[0].job == waited_for.job
    assert [one.bulk for one in found] == [False, True, True, True]


async def test_who_waits_for_a_dead_workers_claim_has_tries_enough_to_outlive_it() -> None:
    assert TRIES_MAX * CLAIM_PAUSE_SECONDS > CLAIM_SECONDS


async def test_all_that_was_put_off_is_woken_a_few_at_a_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enrichments, "WOKEN_AT_ONCE", 2)
    for number in range(5):
        await house.scraped(f"Text {number}.")
    await house.database.execute('update jobs set pending = pending || \'{"since": "2999-01-01T00:00:00Z"}\'')
    await house.enrichments.wake()
    assert len(await house.store.overdue(-1, 10)) == 5
