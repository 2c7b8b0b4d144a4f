"""Others publish, edit, upload and close while the embedding model is changed; and vectors that got lost are found."""

import asyncio
from collections.abc import Sequence
from uuid import UUID, uuid4

import asyncpg
import pytest

from chatserver.core.gazetteer import Gazetteer
from chatserver.core.ports import Repinned
from chatserver.matches import embed_job
from chatserver.reembedding import BATCH, LOCKED_MAX, Mending
from tests.adapters.people import person
from tests.embedders import vector_of
from tests.locks import somebody_waits
from tests.reembedding_house import NEW, OLD, House, Watched
from tests.until import until


@pytest.fixture
def house(database: asyncpg.Pool, gazetteer: Gazetteer) -> House:
    return House(database, gazetteer)


# Others go on working meanwhile


async def test_what_changes_while_vectors_are_made_is_made_once_more(house: House) -> None:
    await house.filled(BATCH, resumes=1)
    edited = await house.job("Edited", "As it was.")
    seeker = await house.seeker("I build data pipelines in Python for shops and banks.")
    gone = await house.job("Closed later")

    async def once(texts: Sequence[str]) -> None:
        house.new.before = None
        await house.run()._fill()
        changed = await house.store.change(edited, {"description_raw": "As it is now."}, fresh=False)
        assert changed is not None
        await house.enriched(changed[1], house.old)
        await house.uploaded(seeker, "I audit listed banks under Ind AS, in Mumbai and in Pune.", house.old)
        await house.enriched(await house.published("Published", "Meanwhile."), house.old)
        await house.store.close(gone)

    house.new.before = once
    await house.run().run()
    assert await house.is_all_new_and_true()


async def test_what_changes_during_the_switch_is_switched_with_it(house: House) -> None:
    await house.filled(BATCH)
    newcomer = await person(house.database)
    edited = await house.job("Edited", "As it was.")
    steps: list[str] = []

    async def meanwhile(step: str) -> None:
        steps.append(step)
        if step == "apply" and steps.count("apply") == 1:
            changed = await house.store.change(edited, {"description_raw": "As it is now."}, fresh=False)
            assert changed is not None
            await house.enriched(changed[1], house.old)
        if step == "lock":
            await house.enriched(await house.published("Published", "In the last moment."), house.old)
            await house.uploaded(newcomer, "I audit listed banks under Ind AS, in Mumbai and in Pune.", house.old)
        if step == "left" and steps.count("left") == 1:
            for n in range(LOCKED_MAX + 1):
                await house.enriched(await house.published(f"Late {n}", f"Too many of these, {n}."), house.old)

    await house.run(vectors=Watched(house.vectors, meanwhile)).run()  # type: ignore[arg-type]
    assert await house.is_all_new_and_true()
    assert steps.count("left") == 2, "more than a few are made before anybody has to wait"


async def test_who_stores_a_vector_in_the_last_moment_waits_and_makes_it_anew(house: House) -> None:
    await house.filled(2)
    enrichment = await house.published("Late", "Its vector is of the old model.")
    storing: list[asyncio.Task[None]] = []

    async def meanwhile(step: str) -> None:
        if step == "pin":
            storing.append(asyncio.create_task(house.enriched(enrichment, house.old)))
            await until(lambda: somebody_waits(house.database))

    await house.run(vectors=Watched(house.vectors, meanwhile)).run()  # type: ignore[arg-type]
    with pytest.raises(Repinned):
        await storing[0]
    await house.enriched(enrichment, house.new)
    assert await house.is_all_new_and_true()


async def test_a_row_that_somebody_has_locked_stops_nobody_and_is_found_afterwards(house: House) -> None:
    await house.filled(3)
    async with house.database.acquire() as other:
        holding = other.transaction()
        await holding.start()
        locked: UUID = await other.fetchval("update jobs set location = 'Pune' where title = 'Job 1' returning id")

        async def let_go(step: str) -> None:
            if step == "pin":
                await holding.commit()

        await house.run(vectors=Watched(house.vectors, let_go)).run()  # type: ignore[arg-type]
    assert await house.database.fetchval("select embedding_model from jobs where id = $1", locked) == NEW
    assert await house.is_all_new_and_true()


async def test_what_somebody_had_taken_away_leaves_nothing_behind(house: House) -> None:
    first, second = (
        await house.seeker("I audit banks in Mumbai, and have for years."),
        await house.seeker("I build data pipelines in Python for shops."),
    )
    await house.run()._fill()
    assert await house.kept() == 2
    await house.resumes.delete(first.id)
    assert await house.kept() == 1
    await house.database.execute("delete from users where id = $1", second.id)
    assert await house.kept() == 0


async def test_the_vector_index_is_the_same_one_and_still_used(house: House) -> None:
    before = await house.database.fetchval("select 'idx_jobs_embedding_hnsw'::regclass::oid")
    await house.filled(BATCH)
    await house.run().run()
    assert await house.database.fetchval("select 'idx_jobs_embedding_hnsw'::regclass::oid") == before
    found = await house.database.fetch(
        "select id from match_jobs($1, 5)", await embed_job(house.new, house.gazetteer, "Job 3", "Text 3.")
    )
    assert len(found) == 5
    assert await house.database.fetchval("select title from jobs where id = $1", found[0]["id"]) == "Job 3"


# Vectors that are missing


async def test_vectors_of_other_writers_are_found_and_made(house: House) -> None:
    await house.filled(1)
    await house.database.execute(
        "insert into jobs (title, description_raw, embedding, embedding_model) values"
        " ('Foreign', 'Of another model.', $1, 'third'), ('Unnamed', 'Of nobody knows which.', $1, null)",
        vector_of("third", "x"),
    )  # fmt: skip
    await house.database.execute("insert into jobs (title, description_raw) values ('Bare', 'Without any.')")
    await house.database.execute(
        "insert into users (id, email, resume_text) values ($1, 'b@example.com', 'I audit banks in Pune.')", uuid4()
    )
    mending = Mending(house.vectors, house.old, house.gazetteer)
    assert [await mending.mend(3), await mending.mend(3), await mending.mend(3)] == [3, 1, 0]
    assert await house.models() == {OLD}
    assert await house.database.fetchval("select count(*) from jobs where embedding is null") == 0


async def test_a_text_that_changes_while_its_vector_is_made_gets_no_old_one(house: House) -> None:
    await house.filled(1)
    await house.database.execute("insert into jobs (title, description_raw) values ('Bare', 'Without any.')")

    async def edited(texts: Sequence[str]) -> None:
        await house.database.execute("update jobs set description_raw = 'Another.' where title = 'Bare'")

    house.old.before = edited
    await Mending(house.vectors, house.old, house.gazetteer).mend(3)
    assert await house.database.fetchval("select embedding is null from jobs where title = 'Bare'")


async def test_where_a_switch_comes_between_nothing_is_mended(house: House) -> None:
    await house.filled(1)
    await house.database.execute("insert into jobs (title, description_raw) values ('Bare', 'Without any.')")

    async def switched(texts: Sequence[str]) -> None:
        await house.database.execute("update embedding_models set model = 'new'")

    house.old.before = switched
    with pytest.raises(Repinned):
        await Mending(house.vectors, house.old, house.gazetteer).mend(3)
    assert await house.database.fetchval("select embedding is null from jobs where title = 'Bare'")
