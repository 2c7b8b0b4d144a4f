"""A question, an answer, a person: on two nodes, with real Postgres and Redis between them."""

import asyncio
from typing import get_args
from uuid import UUID, uuid4

import msgspec
import pytest
import pytest_asyncio

from chatserver.core.access import Role
from chatserver.core.client_frames import AnyClientFrame
from chatserver.core.ports import AnswerFailed
from tests.nodes import WITHIN_SECONDS, WORDS, Device, Node
from tests.town import Town


class Scene:
    """Asha and Ben in one session, on two nodes."""

    def __init__(self, town: Town, one: Node, two: Node, asha: Device, ben: Device, session: UUID) -> None:
        self.town = town
        self.one = one
        self.two = two
        self.asha = asha
        self.ben = ben
        self.session = session

    async def asks(self, text: str, id: UUID | None = None, **more: object) -> dict[str, object]:
        return await self.asha.sends("post", session=str(self.session), id=str(id or uuid4()), content=text, **more)

    async def until_writing(self) -> None:
        """Some of the answer is on both screens."""
        async with asyncio.timeout(WITHIN_SECONDS):
            while not (self.asha.screen.partial and self.ben.screen.partial):
                self.asha.judged()
                await asyncio.sleep(0.01)

    async def ends(self) -> list[tuple[str, str]]:
        """After the greeting: who said what, the same everywhere."""
        await self.town.settles(self.session)
        await self.town.equals_the_log(self.session)
        return self.asha.screen.said[1:]


@pytest_asyncio.fixture
async def scene(town: Town) -> Scene:
    one, two = await town.node(), await town.node()
    asha = town.device(await town.person("seeker", "Asha"), one)
    ben = town.device(await town.person("admin", "Ben"), two)
    session = await asha.joins()
    await ben.joins(session)
    return Scene(town, one, two, asha, ben, session)


def words(number: int = 1, most: int = WORDS) -> str:
    return "".join(f"answer{number}-{word} " for word in range(most))


async def test_a_question_is_answered_on_every_screen(scene: Scene) -> None:
    assert (await scene.asks("Which one fits me?"))["type"] == "ok"
    assert await scene.ends() == [("user", "Which one fits me?"), ("assistant", words())]


async def test_the_same_id_is_one_message_whatever_happened_since(scene: Scene) -> None:
    id = uuid4()
    first = await scene.asks("Which one fits me?", id)
    await scene.ends()
    await scene.ben.sends("take_over", session=str(scene.session))
    assert await scene.asks("Which one fits me?", id) == first
    assert len(await scene.ends()) == 2


async def test_a_takeover_in_mid_stream_is_the_last_of_the_assistant(scene: Scene) -> None:
    scene.one.assistant.holds_after = WORDS // 2
    await scene.asks("Which one fits me?")
    await scene.until_writing()
    scene.one.assistant.free.clear()
    assert (await scene.ben.sends("take_over", session=str(scene.session)))["type"] == "ok"
    scene.one.assistant.free.set()
    said = await scene.ends()
    assert said[0] == ("user", "Which one fits me?")
    assert words().startswith(said[1][1])
    assert said[1][1] != words(), "the answer went on after the takeover"
    assert len(said) == 2
    assert scene.one.assistant.cancelled == 1, "the model's stream is still open"


async def test_of_two_admins_exactly_one_wins_and_the_other_hears_who(scene: Scene, town: Town) -> None:
    chitra = town.device(await town.person("admin", "Chitra"), scene.one)
    await chitra.joins(scene.session)
    answers = await asyncio.gather(*(one.sends("take_over", session=str(scene.session)) for one in (scene.ben, chitra)))
    assert sorted(str(answer["type"]) for answer in answers) == ["error", "ok"]
    (lost,) = [answer for answer in answers if answer["type"] == "error"]
    assert lost["code"] == "conflict"
    winner = "Ben" if answers[0]["type"] == "ok" else "Chitra"
    assert winner in str(lost["message"])


async def test_handing_back_answers_what_was_left_unanswered(scene: Scene) -> None:
    await scene.ben.sends("take_over", session=str(scene.session))
    await scene.asks("Is anybody there?")
    await scene.ben.sends("hand_back", session=str(scene.session))
    assert await scene.ends() == [("user", "Is anybody there?"), ("assistant", words())]

    await scene.ben.sends("take_over", session=str(scene.session))
    await scene.asks("And now?")
    await scene.ben.sends("post", session=str(scene.session), id=str(uuid4()), content="Yes, I am.")
    await scene.ben.sends("hand_back", session=str(scene.session))
    assert (await scene.ends())[2:] == [("user", "And now?"), ("admin", "Yes, I am.")]


async def test_a_second_question_interrupts_the_first_answer(scene: Scene) -> None:
    scene.one.assistant.holds_after = WORDS // 2
    await scene.asks("First?")
    await scene.until_writing()
    await scene.asks("Second?")
    scene.one.assistant.goes_on.set()
    said = await scene.ends()
    assert [text for _, text in said if text.endswith("?")] == ["First?", "Second?"]
    assert said[-1] == ("assistant", words(2))
    assert words().startswith(said[1][1])


async def test_stop_keeps_what_was_written_and_retry_answers_again(scene: Scene) -> None:
    scene.one.assistant.holds_after = WORDS // 2
    await scene.asks("Which one fits me?")
    await scene.until_writing()
    turn = scene.asha.screen.turn
    await scene.asha.sends("stop", session=str(scene.session), turn=turn)
    said = await scene.ends()
    assert words().startswith(said[1][1])
    scene.one.assistant.goes_on.set()
    again = await asyncio.gather(*(scene.asha.sends("retry", session=str(scene.session), turn=turn) for _ in range(2)))
    assert sorted(str(answer["type"]) for answer in again) == ["error", "ok"], "two devices, one retry"
    assert (await scene.ends())[-1] == ("assistant", words(2))


async def test_a_model_that_fails_leaves_a_durable_word_and_what_it_had_written(scene: Scene) -> None:
    scene.one.assistant.fails = [AnswerFailed("overloaded")]
    await scene.asks("Which one fits me?")
    said = await scene.ends()
    assert said == [("user", "Which one fits me?"), ("assistant", words(most=WORDS // 2).rstrip())]
    last = scene.asha.screen.events[scene.asha.screen.seq]
    assert (last["type"], last["reason"]) == ("status", "answer_failed:overloaded")
    turn = last["of_turn"]
    await scene.asha.sends("retry", session=str(scene.session), turn=turn)
    assert (await scene.ends())[-1] == ("assistant", words(2))


async def test_a_model_that_refuses_leaves_nothing_of_what_it_said(scene: Scene) -> None:
    scene.one.assistant.fails = [AnswerFailed("refused", keep_text=False)]
    await scene.asks("Which one fits me?")
    assert await scene.ends() == [("user", "Which one fits me?")]


async def test_the_answer_of_a_dead_node_goes_on_elsewhere_once(scene: Scene) -> None:
    scene.one.assistant.free.clear()
    await scene.asks("Which one fits me?")
    asha = await scene.town.moves(scene.asha, scene.two, scene.session)
    await scene.one.dies()
    await scene.town.leases_run_out(scene.one)
    scene.asha = asha
    assert await scene.ends() == [("user", "Which one fits me?"), ("assistant", words())]


async def test_a_question_that_kills_its_node_three_times_ends_in_a_word(scene: Scene) -> None:
    scene.two.assistant.free.clear()
    await scene.ben.leaves()
    scene.town.devices.remove(scene.ben)
    await scene.asks("Which one fits me?")
    node = scene.one
    for _ in range(3):
        node.assistant.free.clear()
        later = await scene.town.node()
        later.assistant.free.clear()
        scene.asha = await scene.town.moves(scene.asha, later, scene.session)
        await node.dies()
        if scene.two.alive:
            await scene.two.dies()
            await scene.town.leases_run_out(scene.two)
        await scene.town.leases_run_out(node)
        async with asyncio.timeout(WITHIN_SECONDS):
            while await scene.town.database.fetchval(
                "select exists (select from chat_answers where state = 'running' and owner = $1)", node.id
            ):
                await asyncio.sleep(0.02)
        node = later
    said = await scene.ends()
    assert said == [("user", "Which one fits me?")]
    last = scene.asha.screen.events[scene.asha.screen.seq]
    assert str(last["reason"]).startswith("answer_failed:")


async def test_a_node_that_leaves_hands_its_answer_over_at_once(scene: Scene) -> None:
    scene.one.assistant.free.clear()
    await scene.asks("Which one fits me?")
    scene.asha = await scene.town.moves(scene.asha, scene.two, scene.session)
    await scene.one.leaves()
    assert await scene.ends() == [("user", "Which one fits me?"), ("assistant", words())]


async def test_redis_may_forget_everything_in_the_middle_of_an_answer(scene: Scene) -> None:
    scene.one.assistant.holds_after = WORDS // 2
    await scene.asks("Which one fits me?")
    await scene.until_writing()
    await scene.town.redis.flushall()
    scene.one.assistant.goes_on.set()
    assert await scene.ends() == [("user", "Which one fits me?"), ("assistant", words())]


async def test_a_node_that_was_stopped_and_goes_on_after_a_takeover_writes_nothing(scene: Scene) -> None:
    scene.one.assistant.free.clear()
    await scene.asks("Which one fits me?")
    scene.asha = await scene.town.moves(scene.asha, scene.two, scene.session)
    scene.one.estranged()
    await scene.ben.sends("take_over", session=str(scene.session))
    # The pad's fence, a kindness, is gone as well once it was written: only the log stands between.
    async with asyncio.timeout(WITHIN_SECONDS):
        while await scene.two.wire.pad(scene.session) is None:
            await asyncio.sleep(0.01)
    await scene.town.redis.flushall()
    scene.one.assistant.free.set()
    async with asyncio.timeout(WITHIN_SECONDS):
        while scene.one.answers.count:
            await asyncio.sleep(0.01)
    assert scene.one.assistant.cancelled == 0, "it was meant to write to its end"
    assert await scene.ends() == [("user", "Which one fits me?")]


async def test_text_of_a_later_turn_waits_for_the_log_that_explains_it(scene: Scene) -> None:
    scene.one.assistant.free.clear()
    await scene.asks("Which one fits me?")
    scene.two.loses(100)
    await scene.ben.sends("take_over", session=str(scene.session))
    await scene.ben.sends("hand_back", session=str(scene.session))
    assert await scene.ends() == [("user", "Which one fits me?"), ("assistant", words())]


@pytest.mark.parametrize("who", ["nobody", "a stranger"])
async def test_other_peoples_sessions_are_not_there(scene: Scene, who: str) -> None:
    stranger = scene.town.device(await scene.town.person("seeker", "Dev"), scene.two)
    session = str(uuid4()) if who == "nobody" else str(scene.session)
    answers = [
        await stranger.sends("join", session=session),
        await stranger.sends("post", session=session, id=str(uuid4()), content="Hello?"),
        await stranger.sends("close", session=session),
        await stranger.sends("ask_human", session=session),
        await stranger.sends("stop", session=session, turn=1),
    ]
    assert {(answer["type"], answer["code"]) for answer in answers} == {("error", "not_found")}
    assert (await stranger.sends("take_over", session=session))["code"] in ("not_found", "forbidden")


MADE = {
    "turn": 1, "after": 0, "seq": 1, "on": True, "rating": 1, "content": "Mine now.", "comment": "x", "hint": "x",
    "reason": "x",
}  # fmt: skip


@pytest.mark.parametrize("role", ["seeker", "provider"])
async def test_no_frame_of_a_stranger_reads_or_changes_a_session(scene: Scene, role: Role) -> None:
    """All frames there are, those of tomorrow too."""
    await scene.asks("Which one fits me?")
    await scene.ends()
    stranger = scene.town.device(await scene.town.person(role, "Dev"), scene.two)
    state = "select s::text, (select string_agg(m::text, '' order by seq) from chat_messages m) from chat_sessions s"
    before = await scene.town.database.fetchrow(state)
    shown = len(scene.ben.screen.passing)
    tried = []
    for frame in get_args(AnyClientFrame):
        fields = {field.name: field for field in msgspec.structs.fields(frame)}
        if "session" not in fields:
            continue
        more = {name: MADE.get(name, str(uuid4())) for name in fields if name not in ("session", "ref", "job", "new")}
        answer = await stranger.sends(frame.__struct_config__.tag, session=str(scene.session), **more)
        tried.append(frame.__struct_config__.tag)
        if tried[-1] != "leave":
            assert (answer["type"], answer["code"] in ("not_found", "forbidden")) == ("error", True), (frame, answer)
    assert len(tried) >= 14
    assert await scene.town.database.fetchrow(state) == before
    assert len(scene.ben.screen.passing) == shown, "nobody is told of them"
    assert stranger.connection.subscriptions == {}
    assert (stranger.screen.said, stranger.screen.passing) == ([], [])
