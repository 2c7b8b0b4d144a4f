"""Redis as wire and pad: order, the fence, rebases, and that it may die at any time."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec

from chatserver.adapters import wire_listening
from chatserver.adapters.embedded import Redis
from chatserver.adapters.wire import RedisWire, client
from chatserver.adapters.wire_listening import Listening
from chatserver.core.chat_ports import PadText
from chatserver.core.delivery import Text, unpack
from chatserver.core.server_frames import Delta, Rebase
from tests.until import until


def nothing() -> None:
    raise AssertionError("refused")


def unreadable(item: str) -> None:
    unpack("of a later version\n")


def nothing_heard(item: str) -> None:
    raise AssertionError(item)


class Reader:
    """Puts the text of a turn together as a client does."""

    def __init__(self) -> None:
        self.items: list[str] = []
        self.text = ""

    def __call__(self, item: str) -> None:
        self.items.append(item)
        received = unpack(item)
        if isinstance(received, Text):
            if received.whole:
                self.text = msgspec.json.decode(received.frame, type=Rebase).content
            else:
                assert received.at == len(self.text)
                self.text += msgspec.json.decode(received.frame, type=Delta).content


async def test_items_come_in_order_to_everybody_who_listens(wire: RedisWire) -> None:
    session, one, two, other = uuid4(), Reader(), Reader(), Reader()
    await wire.listen(session, one)
    await wire.listen(session, two)
    await wire.listen(uuid4(), other)
    sent = [f"p -\n{number}" for number in range(500)]
    for item in sent:
        wire.publish(session, item)
    await until(lambda: len(two.items) == 500)
    assert one.items == two.items == sent
    assert other.items == []


async def test_who_ends_listening_hears_nothing_more(wire: RedisWire) -> None:
    session, reader, stays = uuid4(), Reader(), Reader()
    end = await wire.listen(session, reader)
    await wire.listen(session, stays)
    end()
    wire.publish(session, "p -\nx")
    await until(lambda: bool(stays.items))
    assert reader.items == []


async def test_a_listener_that_fails_takes_the_line_from_nobody(wire: RedisWire, caplog: Any) -> None:
    session, reader = uuid4(), Reader()
    reconnected: list[bool] = []
    wire.on_reconnect = lambda: reconnected.append(True)
    await wire.listen(session, unreadable)
    await wire.listen(session, reader)
    for number in range(3):
        wire.publish(session, f"p -\n{number}")
    await until(lambda: len(reader.items) == 3)
    assert not reconnected
    assert "not understood" in caplog.text


async def test_who_gives_up_while_the_word_is_on_its_way_is_not_listened_for(redis_url: str) -> None:
    listening = Listening(redis_url, "lobby")
    giving_up = asyncio.create_task(listening.listen("abandoned", nothing_heard))
    await asyncio.sleep(0)
    assert "abandoned" in listening._listeners
    giving_up.cancel()
    await asyncio.wait([giving_up])
    assert "abandoned" not in listening._listeners
    assert "abandoned" not in listening._confirmed


async def test_the_pad_holds_what_was_streamed_in_code_points(wire: RedisWire) -> None:
    session, reader = uuid4(), Reader()
    await wire.listen(session, reader)
    whole = ""
    for piece in ("Grüße ", "😀😀", " — नमस्ते", "!"):
        wire.stream(session, 3, len(whole), piece, whole + piece, nothing)
        whole += piece
        await asyncio.sleep(0)
    await until(lambda: reader.text == whole)
    assert await wire.pad(session) == PadText(3, whole)


async def test_after_the_fence_no_delta_of_an_older_turn_is_published(wire: RedisWire) -> None:
    session, reader = uuid4(), Reader()
    refused: list[bool] = []
    await wire.listen(session, reader)
    wire.stream(session, 3, 0, "Hello", "Hello", nothing)
    wire.fence(session, 4)
    wire.stream(session, 3, 5, " there", "Hello there", lambda: refused.append(True))
    await until(lambda: bool(refused))
    assert reader.text == "Hello"
    assert await wire.pad(session) == PadText(4, "")


async def test_a_wiped_pad_is_made_whole_again_by_a_rebase(wire: RedisWire, redis_url: str) -> None:
    session, reader = uuid4(), Reader()
    await wire.listen(session, reader)
    wire.stream(session, 3, 0, "Hello", "Hello", nothing)
    await until(lambda: reader.text == "Hello")
    connection = client(redis_url)
    await connection.flushdb()
    await connection.aclose()
    wire.stream(session, 3, 5, " there", "Hello there", nothing)
    await until(lambda: reader.text == "Hello there")
    assert reader.items[-1].startswith("r ")
    assert await wire.pad(session) == PadText(3, "Hello there")


async def test_a_delta_sent_twice_is_there_once(wire: RedisWire) -> None:
    session, reader = uuid4(), Reader()
    await wire.listen(session, reader)
    wire.stream(session, 3, 0, "Hello", "Hello", nothing)
    wire.publish(session, "p -\nbetween")
    wire.stream(session, 3, 0, "Hello", "Hello", nothing)
    wire.publish(session, "p -\nend")
    await until(lambda: reader.items[-1:] == ["p -\nend"])
    assert reader.text == "Hello"
    assert await wire.pad(session) == PadText(3, "Hello")


async def test_an_empty_pad_is_nothing(wire: RedisWire) -> None:
    assert await wire.pad(UUID(int=0)) is None


async def test_redis_dies_and_comes_back(tmp_path: Path) -> None:
    server = Redis(tmp_path)
    await server.start()
    wire = RedisWire(server.url)
    back: list[bool] = []
    wire.on_reconnect = lambda: back.append(True)
    wire.start()
    try:
        await until(lambda: wire.healthy)
        session, reader = uuid4(), Reader()
        await wire.listen(session, reader)
        server.kill()
        await until(lambda: not wire.healthy)
        wire.publish(session, "p -\nlost")
        assert await wire.pad(session) is None
        await server.start()
        await until(lambda: wire.healthy)
        assert len(back) >= 2

        def is_found() -> bool:
            wire.publish(session, "p -\nfound")
            return bool(reader.items)

        await until(is_found)
        assert set(reader.items) == {"p -\nfound"}
    finally:
        await wire.stop()
        await server.stop()


async def test_who_begins_to_listen_while_the_line_is_made_hears_too(redis_url: str, as_shipped: None) -> None:
    """There is no connection to tell yet, and what was asked of it did not name their channel."""
    heard: list[str] = []
    listening = Listening(redis_url, "lobby")
    make = listening._pool.make_connection

    def made() -> Any:
        connection = make()
        send = connection.send_command

        async def slowly(*words: Any, **more: Any) -> None:
            await send(*words, **more)
            if "lobby" in words:
                await listening.listen("late", heard.append)

        connection.send_command = slowly
        return connection

    listening._pool.make_connection = made
    running = asyncio.create_task(listening.run())
    speaker = client(redis_url)
    try:

        async def is_heard() -> bool:
            await speaker.publish("late", "a word")
            return bool(heard)

        await until(is_heard)
    finally:
        running.cancel()
        await asyncio.wait([running])
        await speaker.aclose()


async def test_one_entry_that_cannot_be_sent_ends_nothing(wire: RedisWire, caplog: Any) -> None:
    session, reader = uuid4(), Reader()
    await wire.listen(session, reader)
    half = "half a pair: \ud83d"
    wire.stream(uuid4(), 1, 0, half, half, nothing)
    await until(lambda: wire.dropped > 0)
    wire.publish(session, "p -\nlater")
    await until(lambda: reader.items == ["p -\nlater"])
    assert "what was to be said could not be" in caplog.text


async def test_what_is_no_text_does_not_make_a_node_deaf(wire: RedisWire, redis_url: str) -> None:
    session, reader = uuid4(), Reader()
    reconnected: list[bool] = []
    wire.on_reconnect = lambda: reconnected.append(True)
    await wire.listen(session, reader)
    stranger = client(redis_url)
    await stranger.publish("lobby", b"\xff\xfe")
    await stranger.aclose()
    await until(lambda: bool(reconnected))
    wire.publish(session, "p -\nlater")
    await until(lambda: reader.items == ["p -\nlater"])


async def test_why_redis_is_away_is_said_once_each_also_where_it_shows_later(monkeypatch: Any, caplog: Any) -> None:
    """A password that was changed while nodes run: the line ends first, and only the next try is told why."""
    monkeypatch.setattr(wire_listening, "BACKOFF_SECONDS", (0.0,))
    tries = 0

    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal tries
        tries += 1
        await reader.read(1)
        if tries > 1:
            writer.write(b"-WRONGPASS invalid username-password pair or user is disabled.\r\n")
        writer.close()

    async with await asyncio.start_server(answers, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        listening = asyncio.create_task(Listening(f"redis://:changed@127.0.0.1:{port}/0", "lobby").run())
        await until(lambda: tries > 6)
        listening.cancel()
        await asyncio.wait({listening})
    first, *later = [record.getMessage() for record in caplog.records if "redis is away" in record.getMessage()]
    assert "invalid username-password pair" not in first
    assert ["invalid username-password pair" in line for line in later] == [True]
