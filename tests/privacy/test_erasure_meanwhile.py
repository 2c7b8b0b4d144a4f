"""Whoever has themselves erased while a model writes to them leaves nothing, and nobody listens to it any more."""

from uuid import UUID, uuid4

from chatserver.adapters.wire import client
from chatserver.core.gazetteer import Gazetteer
from tests.model_server import Says
from tests.privacy.outside import Outside
from tests.privacy.test_consent import MARK, a_job, uploads
from tests.until import until

WORD = "clandestinely"


async def left_in_redis(url: str, *words: str) -> list[str]:
    """Every text of Redis that has one of the words."""
    connection = client(url)
    found = []
    async for key in connection.scan_iter("*"):
        if await connection.type(key) in ("string", b"string"):
            said = f"{key} {await connection.get(key)}"
            found += [said] if any(word in said for word in words) else []
    await connection.aclose()
    return found


async def tables_with(outside: Outside, word: str) -> list[str]:
    tables = await outside.database.fetch("select tablename from pg_tables where schemaname = 'public'")
    query = "select exists (select from {} x where x::text ilike '%' || $1 || '%')"
    return [name for (name,) in tables if await outside.database.fetchval(query.format(name), word)]


async def test_an_answer_that_is_being_written_is_cut_and_leaves_nothing(
    outside: Outside, gazetteer: Gazetteer, redis_url: str
) -> None:
    await a_job(outside, gazetteer)
    asha = await outside.person(name="Quillo Rao")
    await outside.agrees(asha)
    await uploads(outside, asha)
    outside.model.plays(Says(f"{WORD} " * 40, hold_after=20))
    session: UUID = await outside.node.conversations.open(asha, new=uuid4())
    await outside.node.answers.greet(session)
    await outside.node.conversations.post(asha, session, uuid4(), "Which one?")

    async def is_written() -> bool:
        return bool(await left_in_redis(redis_url, WORD))

    await until(is_written)
    await outside.calls(asha, "DELETE", "/api/me")
    await until(lambda: outside.model.gone == 1 and outside.node.answers.count == 0)
    assert await left_in_redis(redis_url, WORD, "Quillo", MARK) == []
    for word in (WORD, "Quillo", MARK, asha.email, str(session)):
        assert await tables_with(outside, word) == [], word
    # What it cost so far is counted to the end, under an identifier that names nobody any more.
    assert await outside.database.fetchval("select reserved_usd = 0 and settled_usd > 0 from spend")
