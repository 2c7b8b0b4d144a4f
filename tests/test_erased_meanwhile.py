"""Somebody is erased while other things go on: what is theirs ends without a word, and nobody waits for a lock."""

import asyncio
import logging
from uuid import uuid4

import pytest

from chatserver.adapters.erasure import PostgresPeople
from tests.locks import somebody_waits
from tests.town import Town
from tests.until import until


async def test_an_answer_whose_session_is_erased_ends_without_an_error_of_ours(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    node = await town.node()
    node.assistant.holds_after = 3
    asha = town.device(await town.person("seeker", "Asha"), node)
    session = await asha.joins()
    await asha.sends("post", session=str(session), id=str(uuid4()), content="Which one?")
    await until(lambda: asha.screen.partial is not None)
    assert await PostgresPeople(town.database).erase(asha.user.id) is not None
    node.assistant.goes_on.set()
    await until(lambda: not node.answers.count)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_who_is_erased_and_has_a_line_open_still_is_told_so(town: Town) -> None:
    node = await town.node()
    asha = town.device(await town.person("seeker", "Asha"), node)
    esha = town.device(await town.person("admin", "Esha"), node)
    await town.person("admin", "Omar")
    ben = town.device(await town.person("seeker", "Ben"), node)
    session = str(await ben.joins())
    for gone in (asha, esha):
        assert await PostgresPeople(town.database).erase(gone.user.id) is not None
    assert (await asha.sends("join"))["code"] == "not_found"
    for type, more in (("take_over", {}), ("note", {"id": str(uuid4()), "content": "Look."}), ("seen", {"seq": 1})):
        assert (await esha.sends(type, session=session, **more))["code"] == "not_found", type


async def test_an_admin_who_writes_and_somebody_who_is_erased_do_not_wait_for_each_other(town: Town) -> None:
    """The one holds the session and needs their own row, the other had all admins' rows and needed the session."""
    node = await town.node()
    asha = town.device(await town.person("seeker", "Asha"), node)
    esha = await town.person("admin", "Esha")
    session = await asha.joins()
    async with town.database.acquire() as writing, writing.transaction():
        await writing.execute("select from chat_sessions where id = $1 for update", session)
        erasing = asyncio.create_task(PostgresPeople(town.database).erase(asha.user.id))
        await until(lambda: somebody_waits(town.database))
        # What a foreign key to the writer asks for.
        await writing.execute("select from users where id = $1 for key share nowait", esha.id)
    assert await erasing is not None


async def test_an_admin_who_writes_where_they_hold_and_is_erased_meanwhile_ends_first(town: Town) -> None:
    """The one holds the session and needs their own row; the other had that row and needed the session to be let go."""
    node = await town.node()
    asha = town.device(await town.person("seeker", "Asha"), node)
    esha = town.device(await town.person("admin", "Esha"), node)
    await town.person("admin", "Omar")
    session = await asha.joins()
    assert (await esha.sends("take_over", session=str(session)))["type"] == "ok"
    async with town.database.acquire() as writing, writing.transaction():
        await writing.execute("select from chat_sessions where id = $1 for update", session)
        erasing = asyncio.create_task(PostgresPeople(town.database).erase(esha.user.id))
        await until(lambda: somebody_waits(town.database))
        await writing.execute("select from users where id = $1 for key share nowait", esha.user.id)
    assert await erasing is not None


async def test_an_empty_ref_is_a_ref(town: Town) -> None:
    asha = town.device(await town.person("seeker", "Asha"), await town.node())
    session = str(await asha.joins())
    for type, more in (("typing", {"on": True}), ("seen", {"seq": 1})):
        assert (await asha.sends(type, session=session, ref="", **more)) == {"type": "ok", "ref": ""}
