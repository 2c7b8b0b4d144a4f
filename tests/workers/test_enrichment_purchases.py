"""What was paid for is not paid for again, whatever dies between the purchase and the row."""

import asyncio
from contextlib import suppress
from typing import Any

import asyncpg
import pytest

import chatserver.enrichment
from chatserver.core.gazetteer import Gazetteer
from chatserver.core.ports import Unavailable
from tests.workers.paid_house import COST_USD, TEXT, House


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
    await house.enrichments.wake()
    assert await house.database.fetchval("select array_agg(description_hash) from bought_guides") == ["new"]


async def test_a_thousand_postings_do_not_hide_the_job_that_somebody_waits_for(house: House) -> None:
    for number in range(5):
        await house.scraped(f"Text {number}.")
    waited_for = await house.published()
    found = await house.store.overdue(-1, 3)
    assert found[0].job == waited_for.job
    assert [one.bulk for one in found] == [False, True, True, True]
