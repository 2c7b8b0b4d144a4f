"""Changing the embedding model: whatever happens, what is read is all of the old model or all of the new."""

import asyncio
from collections.abc import Sequence

import asyncpg
import pytest

from chatserver.adapters.catalogue import PostgresCatalogue
from chatserver.adapters.pinned import PinnedEmbedder
from chatserver.core.gazetteer import Gazetteer
from chatserver.core.job_ports import Filters
from chatserver.core.ports import Unavailable
from chatserver.matches import embed_job
from chatserver.reembedding import BATCH, Reembedding
from tests.embedders import HashedEmbedder
from tests.reembedding_house import NEW, OLD, House, Watched


@pytest.fixture
def house(database: asyncpg.Pool, gazetteer: Gazetteer) -> House:
    return House(database, gazetteer)


async def test_all_vectors_are_made_anew_and_switched(house: House) -> None:
    await house.filled(2 * BATCH + 3, resumes=3)
    waiting = await house.published("Waiting", "Not enriched yet.")
    closed = await house.job("Closed")
    await house.store.close(closed)
    extent = await house.run().extent()
    assert (extent.pinned, extent.jobs, extent.resumes, extent.kept) == (OLD, 2 * BATCH + 3, 3, 0)
    told: list[tuple[str, int]] = []
    await house.run(lambda step, done: told.append((step, done))).run()
    assert await house.is_all_new_and_true()
    assert sum(done for step, done in told if step == "embedding") == extent.texts
    assert sum(done for step, done in told if step == "switching") == extent.texts
    rows = await house.database.fetch("select embedding from jobs where id = any ($1)", [waiting.job, closed])
    assert [row["embedding"] for row in rows] == [None, None]
    assert (await house.run().extent()).texts == 0


async def test_what_is_read_is_never_a_mixture(house: House) -> None:
    await house.filled(BATCH, resumes=2)
    seen: list[set[str | None]] = []

    async def look(step: str) -> None:
        seen.append(await house.models())

    await house.run(vectors=Watched(house.vectors, look)).run()  # type: ignore[arg-type]
    assert len(seen) > 5
    assert all(models == {OLD} for models in seen)
    assert await house.models() == {NEW}


async def test_searches_before_during_and_after_find_what_is_nearest(house: House) -> None:
    await house.filled(2 * BATCH)
    target = await house.job("Target", "The one that is looked for.")
    catalogue = PostgresCatalogue(house.database)
    embedders = {OLD: house.old, NEW: house.new}
    process = PinnedEmbedder(house.database, {name: lambda name=name: embedders[name] for name in embedders})  # type: ignore[misc]

    async def is_found(step: str) -> None:
        embedder = await process.current(fresh=True)
        vector = await embed_job(embedder, house.gazetteer, "Target", "The one that is looked for.")
        found = await catalogue.nearest(vector, embedder.model, Filters(), 5)
        assert found[0].id == target
        assert found[0].similarity == pytest.approx(1, abs=1e-4)
        assert len(found) == 5

    await is_found("before")
    await house.run(vectors=Watched(house.vectors, is_found)).run()  # type: ignore[arg-type]
    assert (await process.current(fresh=True)).model == NEW
    await is_found("after")


async def test_a_run_that_was_killed_is_gone_on_with(house: House) -> None:
    await house.filled(3 * BATCH)

    async def killed(texts: Sequence[str]) -> None:
        if len(house.new.embedded) >= 2 * 2 * BATCH:
            raise asyncio.CancelledError

    house.new.before = killed
    with pytest.raises(asyncio.CancelledError):
        await house.run().run()
    assert await house.models() == {OLD}
    house.new = HashedEmbedder(NEW)
    extent = await house.run().extent()
    assert (extent.jobs, extent.kept) == (BATCH, 2 * BATCH)
    await house.run().run()
    assert len(house.new.embedded) == 2 * BATCH, "a text and its opening each, of what was left"
    assert await house.is_all_new_and_true()


async def test_a_run_that_is_killed_in_the_switch_has_changed_nothing(house: House) -> None:
    await house.filled(BATCH)

    async def killed(step: str) -> None:
        if step == "pin":
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await house.run(vectors=Watched(house.vectors, killed)).run()  # type: ignore[arg-type]
    assert await house.models() == {OLD}
    assert await house.kept() == BATCH
    house.new.embedded.clear()
    await house.run().run()
    assert house.new.embedded == []
    assert await house.is_all_new_and_true()


async def test_what_an_earlier_run_made_for_a_third_model_is_not_used(house: House) -> None:
    await house.filled(2)
    third = Reembedding(house.vectors, HashedEmbedder("third"), house.gazetteer)
    await third._fill()
    assert await house.kept() == 2
    assert (await house.run().extent()).jobs == 2
    await house.run().run()
    assert await house.is_all_new_and_true()


async def test_what_was_kept_of_a_text_that_has_changed_is_made_again(house: House) -> None:
    await house.filled(2)
    edited = await house.job("Edited", "As it was.")
    await house.run()._fill()
    changed = await house.store.change(edited, {"description_raw": "As it is now."}, fresh=False)
    assert changed is not None
    await house.enriched(changed[1], house.old)
    extent = await house.run().extent()
    assert (extent.jobs, extent.kept) == (1, 3)
    await house.run().run()
    assert await house.is_all_new_and_true()


async def test_a_model_that_is_away_for_a_moment_is_asked_again_and_one_that_stays_away_ends_the_run(
    house: House,
) -> None:
    await house.filled(BATCH + 1)
    failures = [Unavailable("The embedding service does not answer just now.")] * 2

    async def away(texts: Sequence[str]) -> None:
        if failures and house.new.embedded:
            raise failures.pop()

    house.new.before = away
    await house.run(pauses_seconds=(0, 0)).run()
    assert await house.is_all_new_and_true()
    assert failures == []

    back = HashedEmbedder(OLD)
    back.before = away
    failures += [Unavailable("The embedding service does not answer just now.")] * 100
    back.embedded.append("begun")
    with pytest.raises(Unavailable, match="does not answer"):
        await Reembedding(house.vectors, back, house.gazetteer, pauses_seconds=(0, 0)).run()
    assert await house.models() == {NEW}
