"""What admins do among themselves: notes that no seeker ever sees, and a conversation passed from one to the other."""

from uuid import UUID, uuid4

import pytest_asyncio

from chatserver.reading import Reading
from tests.nodes import Device
from tests.town import Town

SECRET = "She sounds desperate; be kind."


class House:
    """A seeker and two admins, each on a node of their own."""

    def __init__(self, town: Town, asha: Device, ben: Device, cara: Device, session: UUID) -> None:
        self.town, self.asha, self.ben, self.cara, self.session = town, asha, ben, cara, session

    async def asks(self, device: Device, type: str, **fields: str) -> str:
        answer = await device.sends(type, session=str(self.session), **fields)
        return str(answer.get("code", answer["type"]))

    async def settles(self) -> None:
        await self.town.settles(self.session)
        for device in (self.asha, self.ben, self.cara):
            device.judged()


@pytest_asyncio.fixture
async def house(town: Town) -> House:
    asha = town.device(await town.person("seeker", "Asha"), await town.node())
    ben = town.device(await town.person("admin", "Ben"), await town.node())
    cara = town.device(await town.person("admin", "Cara"), await town.node())
    session = await asha.joins()
    await ben.joins(session)
    await cara.joins(session)
    return House(town, asha, ben, cara, session)


async def test_a_note_reaches_every_admin_once_and_no_seeker_anywhere(house: House) -> None:
    id = str(uuid4())
    for _ in range(2):
        assert await house.asks(house.ben, "note", id=id, content=SECRET) == "ok"
    assert await house.asks(house.asha, "post", id=str(uuid4()), content="Which one?") == "ok"
    await house.settles()
    for admin in (house.ben, house.cara):
        notes = [event for event in admin.screen.events.values() if event["type"] == "note"]
        assert [(note["content"], note["author"]["name"]) for note in notes] == [(SECRET, "Ben")]
    assert SECRET not in str(house.asha.screen.events)

    later = house.town.device(house.asha.user, house.cara.node)
    await later.joins(house.session)
    assert SECRET not in str(later.screen.events), "not to a device that comes later either"
    await house.ben.node.answers.recovery.flush()
    log = await house.town.database.fetchval("select conversation_log::text from chat_sessions")
    assert SECRET not in log
    reading = Reading(house.ben.node.store, house.ben.node.hub._summaries)
    assert SECRET not in str(await reading.page_after(house.asha.user, house.session, 0))
    assert SECRET in str(await reading.page_after(house.ben.user, house.session, 0))
    summaries, _ = await reading.list(house.asha.user, status=None, q=None, cursor=None, limit=10)
    assert SECRET not in str(summaries)
    assert await reading.list(house.asha.user, status=None, q="desperate", cursor=None, limit=10) == ([], None)


async def test_a_note_does_not_disturb_an_answer(house: House) -> None:
    house.asha.node.assistant.free.clear()
    assert await house.asks(house.asha, "post", id=str(uuid4()), content="Which one?") == "ok"
    assert await house.asks(house.ben, "note", id=str(uuid4()), content=SECRET) == "ok"
    house.asha.node.assistant.free.set()
    await house.settles()
    assert house.asha.screen.said[-1][0] == "assistant"
    assert house.asha.node.assistant.cancelled == 0


async def test_who_may_write_a_note(house: House) -> None:
    assert await house.asks(house.asha, "note", id=str(uuid4()), content=SECRET) == "forbidden"
    taken = str(uuid4())
    assert await house.asks(house.asha, "post", id=taken, content="Hello") == "ok"
    assert await house.asks(house.ben, "note", id=taken, content=SECRET) == "conflict"
    assert await house.asks(house.asha, "close") == "ok"
    assert await house.asks(house.ben, "note", id=str(uuid4()), content="What came of it") == "ok"


async def test_a_conversation_is_passed_on_and_only_the_new_holder_writes(house: House) -> None:
    to = str(house.cara.user.id)
    assert await house.asks(house.ben, "transfer", to=to) == "not_holder"
    assert await house.asks(house.ben, "take_over") == "ok"
    assert await house.asks(house.cara, "transfer", to=to) == "not_holder"
    assert await house.asks(house.asha, "transfer", to=to) == "forbidden"
    assert await house.asks(house.ben, "transfer", to=to) == "ok"
    assert await house.asks(house.ben, "post", id=str(uuid4()), content="Still me") == "not_holder"
    assert await house.asks(house.cara, "post", id=str(uuid4()), content="Now it is me") == "ok"
    await house.settles()
    passed = [event for event in house.asha.screen.events.values() if event.get("reason") == "transferred"]
    assert [(event["by"]["name"], event["to"]["name"]) for event in passed] == [("Ben", "Cara")]
    assert house.asha.screen.status == "active_human"
    assert house.asha.screen.said[-1] == ("admin", "Now it is me")
    row = await house.town.database.fetchrow("select admin_id, admin_lease_until > now() as held from chat_sessions")
    assert (row["admin_id"], row["held"]) == (house.cara.user.id, True)


async def test_it_is_passed_to_nobody_who_is_no_admin_or_not_any_more(house: House) -> None:
    assert await house.asks(house.ben, "take_over") == "ok"
    assert await house.asks(house.ben, "transfer", to=str(house.asha.user.id)) == "not_found"
    assert await house.asks(house.ben, "transfer", to=str(uuid4())) == "not_found"
    await house.town.database.execute("update users set deactivated_at = now() where id = $1", house.cara.user.id)
    assert await house.asks(house.ben, "transfer", to=str(house.cara.user.id)) == "not_found"
    assert await house.asks(house.ben, "transfer", to=str(house.ben.user.id)) == "ok", "to oneself changes nothing"
    assert await house.asks(house.ben, "post", id=str(uuid4()), content="Still me") == "ok"


async def test_reading_alone_does_not_keep_a_conversation_and_any_act_does(house: House) -> None:
    assert await house.asks(house.ben, "take_over") == "ok"
    lease = "select admin_lease_until from chat_sessions"
    begun = await house.town.database.fetchval(lease)
    # The pause between two renewals is not what is looked at here.
    house.ben.node.dispatcher.lease_pause_seconds = 0
    assert await house.asks(house.asha, "post", id=str(uuid4()), content="Are you there?") == "ok"
    await house.town.settles(house.session)
    answer = await house.ben.sends("seen", session=str(house.session), seq=house.ben.screen.seq)
    assert answer["type"] == "ok"
    assert await house.town.database.fetchval(lease) == begun, "a page that was left open says it by itself"
    assert (await house.ben.sends("typing", session=str(house.session), on=True))["type"] == "ok"
    assert await house.town.database.fetchval(lease) > begun
