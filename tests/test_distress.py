"""Somebody writes that they want to die: help at once, no model, first in the queue, on every device."""

from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from chatserver.core.system_texts import HELP, HELP_AGAIN, URGENT_REASON, help_in_distress
from tests.nodes import Device
from tests.town import Town
from tests.until import until


class House:
    """A seeker, and an admin on another node who watches the lobby."""

    def __init__(self, town: Town, asha: Device, ben: Device, session: UUID) -> None:
        self.town, self.asha, self.ben, self.session = town, asha, ben, session

    async def says(self, content: str, device: Device | None = None) -> None:
        sent = await (device or self.asha).sends("post", session=str(self.session), id=str(uuid4()), content=content)
        assert sent["type"] == "ok", sent
        await self.town.settles(self.session)

    async def asks(self, device: Device, type: str, **fields: Any) -> str:
        answer = await device.sends(type, session=str(self.session), **fields)
        return str(answer.get("code", answer["type"]))

    async def waiting(self) -> list[dict[str, Any]]:
        """The lobby as an admin reads it."""
        return [
            {"id": one.id, "urgent": one.urgent_since is not None, "reason": one.reason}
            for one in await self.ben.node.hub._summaries.lobby(200)
            if one.waiting_since or one.urgent_since
        ]

    def codes(self) -> list[str | None]:
        return [event.get("code") or event.get("reason") for event in self.asha.screen.events.values()]


@pytest_asyncio.fixture
async def house(town: Town) -> House:
    asha = town.device(await town.person("seeker", "Asha"), await town.node())
    ben = town.device(await town.person("admin", "Ben"), await town.node())
    session = await asha.joins()
    await ben.joins(session)
    await town.settles(session)
    return House(town, asha, ben, session)


async def test_help_comes_at_once_and_no_model_is_asked(house: House) -> None:
    assistant = house.asha.node.assistant
    assistant.free.clear()
    await house.asha.sends("post", session=str(house.session), id=str(uuid4()), content="Which job?")
    await until(lambda: assistant.started == 1)
    await house.says("I can't take it anymore, I want to die")
    assert assistant.started == 1, "nobody asked the model"
    await until(lambda: assistant.cancelled == 1)
    log = await house.town.log(house.session)
    assert [(row["kind"], row["role"]) for row in log[-3:]] == [
        ("message", "user"), ("message", "system"), ("status", None),
    ]  # fmt: skip
    help_text = log[-2]["content"]
    assert help_text == help_in_distress("en", again=False).content
    for device in (house.asha, house.ben):
        shown = next(event for event in device.screen.events.values() if event.get("code") == HELP)
        assert (shown["role"], shown["content"]) == ("system", help_text)
        assert shown["params"] == {"language": "en", "numbers": ["112", "14416"]}
    await house.town.equals_the_log(house.session)


async def test_it_comes_before_everybody_who_waits(house: House) -> None:
    for name in ("Ravi", "Meera"):
        other = house.town.device(await house.town.person("seeker", name), house.asha.node)
        session = await other.joins()
        assert (await other.sends("ask_human", session=str(session)))["position"] in (1, 2)
    await house.says("main marna chahta hu")
    waiting = await house.waiting()
    assert [one["urgent"] for one in waiting] == [True, False, False]
    assert waiting[0] == {"id": house.session, "urgent": True, "reason": URGENT_REASON}
    later = house.town.device(await house.town.person("seeker", "Zoya"), house.asha.node)
    session = await later.joins()
    assert (await later.sends("ask_human", session=str(session)))["position"] == 4
    assert await house.asha.node.store.queue_position(house.session) == 1


async def test_saying_it_again_gets_a_short_word_and_no_second_place(house: House) -> None:
    for _ in range(4):
        await house.says("I want to die")
    assert [code for code in house.codes() if code in (HELP, HELP_AGAIN, "waiting")] == [
        HELP, "waiting", HELP_AGAIN, HELP_AGAIN, HELP_AGAIN,
    ]  # fmt: skip
    assert len(await house.waiting()) == 1
    assert house.asha.node.assistant.started == 0
    await house.says("Thank you. Which job fits me?")
    assert house.asha.node.assistant.started == 1, "the assistant goes on with other questions"


async def test_who_waits_already_becomes_urgent_in_their_place(house: House) -> None:
    assert await house.asks(house.asha, "ask_human", reason="Visa") == "ok"
    assert [(one["urgent"], one["reason"]) for one in await house.waiting()] == [(False, "Visa")]
    await house.says("मुझे मर जाना है")
    assert [(one["urgent"], one["reason"]) for one in await house.waiting()] == [(True, URGENT_REASON)]
    assert house.codes().count("waiting") == 1


async def test_in_the_reason_for_a_person_it_is_heard_too(house: House) -> None:
    assert await house.asks(house.asha, "ask_human", reason="I want to end my life") == "ok"
    await house.town.settles(house.session)
    assert HELP in house.codes()
    assert (await house.waiting())[0]["urgent"]


async def test_under_a_person_the_holder_is_told_and_the_numbers_come_still(house: House) -> None:
    assert await house.asks(house.ben, "take_over") == "ok"
    await house.says("I feel suicidal")
    assert HELP in house.codes()
    assert any(event.get("code") == HELP for event in house.ben.screen.events.values())
    assert [one["urgent"] for one in await house.waiting()] == [True]
    assert await house.asks(house.ben, "hand_back") == "ok"
    await house.town.settles(house.session)
    assert await house.waiting() == [], "a person has dealt with it"
    assert house.asha.node.assistant.started == 0, "help was the answer"


async def test_what_an_admin_writes_calls_nobody(house: House) -> None:
    assert await house.asks(house.ben, "take_over") == "ok"
    await house.says("Did you write: I want to die?", house.ben)
    assert await house.waiting() == []


async def test_where_the_holder_is_gone_the_seeker_waits_first_again(house: House) -> None:
    assert await house.asks(house.ben, "take_over") == "ok"
    await house.says("I want to kill myself")
    await house.town.database.execute(
        "update chat_sessions set admin_lease_until = now() - interval '1 hour';"
        "update chat_messages set created_at = created_at - interval '1 hour'"
    )
    await house.asha.node.answers.recovery.look()
    await house.town.settles(house.session)
    assert house.codes()[-3:] == ["lease_over", "handed_back_by_system", "waiting"]
    assert (await house.waiting())[0]["urgent"]
    assert house.asha.node.assistant.started == 0


async def test_leaving_the_queue_takes_the_place_but_not_the_flag(house: House) -> None:
    await house.says("I want to die")
    assert await house.asks(house.asha, "cancel_human") == "ok"
    row = await house.town.database.fetchrow("select waiting_since, urgent_since from chat_sessions")
    assert row["waiting_since"] is None
    assert row["urgent_since"] is not None
    assert await house.asks(house.asha, "close") == "ok"
    assert await house.waiting() == []


@pytest.mark.parametrize("said", ["This job market is killing me", "I don't want to die", "kill the process"])
async def test_ordinary_words_get_an_ordinary_answer(house: House, said: str) -> None:
    await house.says(said)
    assert house.asha.node.assistant.started == 1
    assert await house.waiting() == []
