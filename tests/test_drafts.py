"""What the assistant proposes to the admin who holds a session: to that device alone, and nowhere else."""

from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from chatserver import drafts
from chatserver.adapters.erasure import PostgresPeople
from chatserver.core.ports import AnswerFailed
from tests.nodes import WORDS, Device
from tests.town import Town
from tests.until import until


class House:
    """A seeker with a question, and two admins, each on a node of their own."""

    def __init__(self, town: Town, asha: Device, ben: Device, cara: Device, session: UUID) -> None:
        self.town, self.asha, self.ben, self.cara, self.session = town, asha, ben, cara, session

    async def asks(self, device: Device, type: str, **fields: str) -> str:
        answer = await device.sends(type, session=str(self.session), **fields)
        return str(answer.get("code", answer["type"]))


def proposed(device: Device, type: str = "draft") -> list[dict[str, Any]]:
    return [frame for frame in device.screen.passing if frame["type"] == type]


@pytest_asyncio.fixture
async def house(town: Town) -> House:
    asha = town.device(await town.person("seeker", "Asha"), await town.node())
    ben = town.device(await town.person("admin", "Ben"), await town.node())
    cara = town.device(await town.person("admin", "Cara"), await town.node())
    session = await asha.joins()
    await ben.joins(session)
    await cara.joins(session)
    made = House(town, asha, ben, cara, session)
    assert await made.asks(asha, "post", id=str(uuid4()), content="Which one?") == "ok"
    await town.settles(session)
    assert await made.asks(ben, "take_over") == "ok"
    return made


async def test_the_holder_alone_gets_it_in_pieces_and_then_whole(house: House) -> None:
    before = await house.town.database.fetchval("select count(*) from chat_messages")
    laptop = house.town.device(house.ben.user, house.ben.node)
    await laptop.joins(house.session)
    assert await house.asks(house.ben, "draft", hint="Say that we call tomorrow.") == "ok"
    await until(lambda: bool(proposed(house.ben)))
    draft = proposed(house.ben)[0]
    text = ""
    for piece in proposed(house.ben, "draft_delta"):
        assert piece["at"] == len(text)
        text += piece["content"]
    assert draft["content"] == text
    assert len(text.split()) == WORDS
    assert draft["author"]["kind"] == "offline"
    for other in (house.asha, house.cara, laptop):
        assert [frame for frame in other.screen.passing if frame["type"].startswith("draft")] == []
    assert await house.town.database.fetchval("select count(*) from chat_messages") == before, "it is stored nowhere"


async def test_who_does_not_hold_the_session_gets_none(house: House) -> None:
    assert await house.asks(house.cara, "draft") == "not_holder"
    assert await house.asks(house.asha, "draft") == "forbidden"
    assert await house.asks(house.ben, "hand_back") == "ok"
    assert await house.asks(house.ben, "draft") == "not_holder"
    assert (await house.ben.sends("draft", session=str(uuid4())))["code"] == "not_found"


async def test_a_second_request_takes_the_place_of_the_first(house: House) -> None:
    assistant = house.ben.node.assistant
    assistant.free.clear()
    assert await house.asks(house.ben, "draft") == "ok"
    await until(lambda: assistant.started > 0)
    assert await house.asks(house.ben, "draft", hint="Shorter.") == "ok"
    await until(lambda: assistant.cancelled == 1)
    assistant.free.set()
    await until(lambda: bool(proposed(house.ben)))
    assert len(proposed(house.ben)) == 1


async def test_a_draft_that_fails_says_so(house: House) -> None:
    house.ben.node.assistant.fails.append(AnswerFailed("overloaded"))
    assert await house.asks(house.ben, "draft") == "ok"
    await until(lambda: bool(proposed(house.ben)))
    assert proposed(house.ben)[0]["failed"] == "overloaded"
    assert proposed(house.ben)[0]["content"] == ""


async def test_nobody_writes_on_for_a_connection_that_is_gone(house: House) -> None:
    assistant = house.ben.node.assistant
    assistant.free.clear()
    assert await house.asks(house.ben, "draft") == "ok"
    await until(lambda: assistant.started > 0)
    await house.ben.leaves()
    assistant.free.set()
    await until(lambda: assistant.cancelled == 1)


async def test_at_most_so_many_are_written_at_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "DRAFTS_MAX", 1)
    laptop = house.town.device(house.ben.user, house.ben.node)
    house.ben.node.assistant.free.clear()
    assert await house.asks(house.ben, "draft") == "ok"
    assert await house.asks(laptop, "draft") == "unavailable"
    assert await house.asks(house.ben, "draft") == "ok", "a new one takes the place of one's own"
    house.ben.node.assistant.free.set()
    await until(lambda: bool(proposed(house.ben)))
    assert await house.asks(laptop, "draft") == "ok"


async def under_way(house: House) -> None:
    """A draft of which three words were shown; on it goes when it is let."""
    house.ben.node.assistant.holds_after = 3
    assert await house.asks(house.ben, "draft") == "ok"
    await until(lambda: len(proposed(house.ben, "draft_delta")) == 3)


async def ended(house: House, code: str) -> None:
    """Once, at once, and with nothing after it, whatever the model would go on to say."""
    await until(lambda: bool(proposed(house.ben)))
    await until(lambda: house.ben.node.assistant.cancelled == 1)
    house.ben.node.assistant.goes_on.set()
    await house.ben.node.drafts.stop()
    (end,) = proposed(house.ben)
    assert (end["failed"], end["content"], end["ref"]) == (code, "", "r")
    assert len(proposed(house.ben, "draft_delta")) == 3


@pytest.mark.parametrize("change", ["hand_back", "close", "transfer", "taken"])
async def test_it_ends_when_the_session_is_no_longer_the_askers_whichever_node_changed_that(
    house: House, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The word that comes over the wire is enough.
    monkeypatch.setattr(drafts, "LOOK_SECONDS", 3_600.0)
    await under_way(house)
    elsewhere = house.town.device(house.ben.user, house.cara.node)
    match change:
        case "transfer":
            assert await house.asks(elsewhere, "transfer", to=str(house.cara.user.id)) == "ok"
        case "taken":
            await house.town.database.execute(
                "update chat_sessions set admin_lease_until = clock_timestamp() - interval '1 second' where id = $1",
                house.session,
            )
            assert await house.asks(house.cara, "take_over") == "ok"
        case _:
            assert await house.asks(elsewhere, change) == "ok"
    await ended(house, "closed" if change == "close" else "not_holder")


async def test_it_ends_when_the_session_is_erased(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of which nobody hears: the rows are gone, and with them whoever could tell."""
    monkeypatch.setattr(drafts, "LOOK_SECONDS", 0.05)
    await under_way(house)
    assert await PostgresPeople(house.town.database).erase(house.asha.user.id) is not None
    await ended(house, "not_found")


async def test_it_ends_where_the_word_of_it_was_lost(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "LOOK_SECONDS", 0.05)
    await under_way(house)
    house.ben.node.wire.deafen()
    assert await house.asks(house.cara, "close") == "ok"
    await ended(house, "closed")


async def test_what_ends_early_is_paid_for(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    assistant = house.ben.node.assistant
    monkeypatch.setattr(assistant, "kind", "anthropic")
    monkeypatch.setattr(assistant, "ceiling_usd", lambda request: 0.5)
    monkeypatch.setattr(assistant, "cost_usd", lambda usage: 0.125)
    await under_way(house)
    assert await house.asks(house.cara, "close") == "ok"
    await ended(house, "closed")
    paid = await house.town.database.fetchrow(
        "select reserved_usd::float8, settled_usd::float8 from spend where user_id = $1", house.asha.user.id
    )
    assert tuple(paid) == (0.0, 0.125)


async def test_it_goes_on_through_what_changes_nothing_for_its_holder(house: House) -> None:
    await under_way(house)
    assert await house.asks(house.asha, "post", id=str(uuid4()), content="Are you there?") == "ok"
    assert await house.asks(house.cara, "note", id=str(uuid4()), content="I look on.") == "ok"
    house.ben.node.assistant.goes_on.set()
    await until(lambda: bool(proposed(house.ben)))
    assert len(proposed(house.ben)[0]["content"].split()) == WORDS


async def test_who_leaves_the_session_is_written_nothing_more(house: House) -> None:
    await under_way(house)
    assert await house.asks(house.ben, "leave") == "ok"
    await until(lambda: house.ben.node.assistant.cancelled == 1)
    assert proposed(house.ben) == []
