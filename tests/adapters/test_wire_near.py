"""A running answer on its own node: shown at once to who sits here, brought to the pad and to others a little later."""

import asyncio
from uuid import UUID, uuid4

import msgspec
import pytest

from chatserver.adapters import wire_publishing
from chatserver.adapters.wire import RedisWire
from chatserver.adapters.wire_publishing import BATCH_MAX, Rebased, Spoken
from chatserver.core.chat_ports import PadText
from chatserver.core.delivery import Delivery, Text, unpack
from chatserver.core.server_frames import Delta, Rebase
from tests.until import until


class Answer:
    """The writer of one turn, and one connection of its node, which is shown what `Delivery` lets through."""

    def __init__(self, wire: RedisWire, *, turn: int = 1) -> None:
        self.session = uuid4()
        self.wire = wire
        self.turn = turn
        self.whole = ""
        self.shown = ""
        self.near: list[tuple[int, str]] = []
        self.gaps = 0
        self.refusals = 0
        self._delivery = Delivery(0, turn)
        wire.near = self._near

    async def listens(self) -> "Answer":
        await self.wire.listen(self.session, self.heard)
        return self

    def heard(self, item: str) -> None:
        received = unpack(item)
        if isinstance(received, Text):
            self._take(received)
            self.wire.arrived(self.session, received.turn, received.at + received.length)

    def _near(self, session: UUID, turn: int, at: int, content: str) -> None:
        self.near.append((at, content))
        delta = Delta(session=session, turn=turn, at=at, content=content)
        self._take(Text(turn, at, len(content), msgspec.json.encode(delta).decode()))

    def _take(self, text: Text) -> None:
        frames, need = self._delivery.receive(text)
        self.gaps += need is not None
        for frame in frames:
            if text.whole:
                self.shown = msgspec.json.decode(frame, type=Rebase).content
            else:
                self.shown += msgspec.json.decode(frame, type=Delta).content

    def writes(self, *pieces: str) -> None:
        for piece in pieces:
            at, self.whole = len(self.whole), self.whole + piece
            self.wire.stream(self.session, self.turn, at, piece, self.whole, self._refused)

    def _refused(self) -> None:
        self.refusals += 1

    async def arrives(self) -> None:
        """All that was written so far is shown."""
        await until(lambda: self.shown == self.whole)


async def begun(wire: RedisWire) -> Answer:
    answer = await Answer(wire).listens()
    answer.writes("Good ")
    assert answer.near == [], "The first goes by way of Redis, which may know better."
    await answer.arrives()
    return answer


async def test_what_redis_has_begun_to_take_is_shown_at_once_and_kept_in_the_pad(wire: RedisWire) -> None:
    answer = await begun(wire)
    answer.writes("morn", "ing")
    assert answer.shown == "Good morning"
    assert await wire.pad(answer.session) == PadText(1, "Good morning"), "found by whoever reads just after"
    assert answer.near == [(5, "morn"), (9, "ing")]
    assert not answer.gaps


async def test_another_node_hears_what_is_shown_near_by(wire: RedisWire, elsewhere: RedisWire) -> None:
    answer = await begun(wire)
    there = Answer(elsewhere)
    there.session = answer.session
    answer.writes("before you came, ")
    assert await wire.pad(answer.session)
    await there.listens()
    pad = await elsewhere.pad(answer.session)
    assert pad is not None
    there.shown = pad.content
    there._delivery.at = len(pad.content)
    for number in range(200):
        answer.writes(f"word{number} ")
        await asyncio.sleep(0.0005)
    await until(lambda: there.shown == answer.whole)
    assert answer.near[1:], "not only what came before anybody else listened"
    assert not there.gaps


async def test_others_hear_it_also_where_this_node_is_not_subscribed_itself(
    wire: RedisWire, elsewhere: RedisWire
) -> None:
    """Its subscription is late, so Redis counts one who listens, and it is not this node."""
    answer, there = Answer(wire), Answer(elsewhere)
    there.session = answer.session
    await there.listens()
    for piece in "abcdef":
        answer.writes(piece)
        await until(lambda: there.shown == answer.whole)
    assert answer.near == []


async def test_while_its_own_line_is_in_doubt_everything_goes_by_way_of_redis(wire: RedisWire) -> None:
    answer = await begun(wire)
    wire._listening._asked = True
    answer.writes("morning")
    assert answer.near == []
    await answer.arrives()


async def test_what_waits_is_merged_only_with_what_was_shown_alike(wire: RedisWire) -> None:
    """While a call is under way a piece is shown near by, then one is not: both are shown, once, without a gap."""
    answer = await begun(wire)
    publishing, call, answered = wire._publishing, wire._publishing._call, asyncio.Event()

    async def slow(batch: list[Spoken] | list[Rebased]) -> list[int]:
        results = await call(batch)
        await answered.wait()
        return results

    publishing._call = slow  # type: ignore[method-assign]
    wire.publish(answer.session, "p -\nsomebody types")
    await until(lambda: not publishing._waiting)
    answer.writes("near ")
    wire._listening._asked = True
    answer.writes("and far")
    wire._listening._asked = False
    answered.set()
    await answer.arrives()
    assert answer.near == [(5, "near ")]
    assert not answer.gaps


async def test_a_refused_turn_is_not_shown_near_by_any_more(wire: RedisWire, elsewhere: RedisWire) -> None:
    answer = await begun(wire)
    elsewhere.fence(answer.session, 2)
    await until(lambda: not elsewhere._publishing._waiting and not elsewhere._publishing._sending)
    answer.writes("day")
    await until(lambda: answer.refusals == 1)
    answer.writes("to you")
    assert answer.near == [(5, "day")]


async def test_who_was_out_of_the_world_shows_nothing_before_redis_was_asked(wire: RedisWire) -> None:
    answer = await begun(wire)
    wire._publishing._taken_at -= wire_publishing.FRESH_SECONDS
    answer.writes("day")
    assert answer.near == []
    await answer.arrives()
    answer.writes(" to you")
    assert answer.near == [(8, " to you")]
    wire.deafen()
    await until(lambda: not wire.healthy)
    answer.writes("!")
    assert answer.near == [(8, " to you")]


async def test_what_redis_does_not_take_is_not_shown_near_by_any_more(wire: RedisWire) -> None:
    answer = await begun(wire)

    async def away(batch: list[Spoken] | list[Rebased]) -> list[int]:
        raise OSError("away")

    call, wire._publishing._call = wire._publishing._call, away  # type: ignore[method-assign]
    answer.writes("near ")
    await until(lambda: wire.dropped > 0)
    wire._publishing._call = call  # type: ignore[method-assign]
    answer.writes("far")
    assert answer.near == [(5, "near ")]
    await answer.arrives()
    assert await wire.pad(answer.session) == PadText(1, "Good near far")


async def test_reading_the_pad_meanwhile_costs_nobody_a_word(wire: RedisWire) -> None:
    """What is asked to be told when it was sent goes in one batch with what others say."""
    answer, other, heard = await begun(wire), uuid4(), list[str]()
    await wire.listen(other, heard.append)
    answer.writes("morning")
    reading = asyncio.create_task(wire.pad(answer.session))
    await asyncio.sleep(0)
    wire.publish(other, "p -\nx")
    assert await reading == PadText(1, "Good morning")
    await until(lambda: heard == ["p -\nx"])
    assert wire.dropped == 0


async def test_nothing_is_kept_of_answers_that_have_ended(wire: RedisWire) -> None:
    answers = [await begun(wire) for _ in range(20)]
    assert len(wire._publishing._fronts) == 20
    for answer in answers:
        wire.ended(answer.session, answer.turn)
    assert not wire._publishing._fronts


async def test_the_next_answer_begins_by_way_of_redis_again(wire: RedisWire) -> None:
    answer = await begun(wire)
    answer.writes("morning")
    wire.fence(answer.session, 2)
    answer.turn, answer.whole, answer.shown = 2, "", ""
    answer._delivery = Delivery(0, 2)
    answer.writes("Well ")
    assert answer.near == [(5, "morning")]
    await answer.arrives()
    answer.writes("then")
    assert answer.near == [(5, "morning"), (5, "then")]


async def test_what_is_urgent_waits_for_no_more_than_the_batch_before_it(
    wire: RedisWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatserver.adapters.wire_publishing.LAZY_SECONDS", 3600.0)
    session = uuid4()
    heard: list[str] = []
    await wire.listen(session, heard.append)
    said = [str(number) for number in range(2 * BATCH_MAX + 1)]
    for one in said:
        wire.publish(session, one)
    await until(lambda: heard == said)
