"""WebSockets on the wire: what a library would do for us, and what none does, bounded memory above all."""

import asyncio
import logging
from contextlib import suppress

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from chatserver.core.codec import encode
from chatserver.core.limits import Limits
from chatserver.core.protocol import FRAME_MAX_BYTES
from chatserver.core.server_frames import Heartbeat
from chatserver.web.line import framed
from tests.load.house import Reluctant, a_client, a_house, frame, until


async def test_a_conversation_in_frames_of_every_size() -> None:
    async with a_house() as house, a_client(house.url, "Asha") as asha:
        for size in (1, 125, 126, 65_535, 65_536, 300_000):
            house.connection_of("Asha").send('{"type":"x","text":"' + "ü" * size + '"}')
            assert (await asha.hears())["text"] == "ü" * size
        for size in (1, 60, 126, 70_000):
            await asha.says("watch", ref="w", more="ü" * (size // 2))
            assert await asha.hears() == {"type": "ok", "ref": "w"}


async def test_a_handshake_that_is_none_of_ours() -> None:
    async with a_house() as house:
        for url, headers in ((house.url + "x", {}), (house.url, {"Origin": "https://evil.example"})):
            with pytest.raises(InvalidStatus) as refused:
                await connect(url, additional_headers=headers, proxy=None).__aenter__()
            assert refused.value.response.status_code == 403
        await until(lambda: not house.server.lines)


async def test_compression_is_not_agreed_to_whoever_offers_it() -> None:
    """A context of it costs more than all the rest of a connection."""
    async with a_house() as house, connect(house.url, compression="deflate", proxy=None) as socket:
        assert socket.response is not None
        assert "Sec-WebSocket-Extensions" not in socket.response.headers


async def test_a_message_in_pieces_is_one_message() -> None:
    async with a_house() as house, Reluctant(house.port, window=65_536) as client:
        await client.sends(frame(1, b'{"type":"hello","tok', fin=False))
        await client.sends(frame(9, b"are you there"))
        await client.sends(frame(0, b'en":"Asha"', fin=False) + frame(0, b"}"))
        await house.has(1)
        # Byte by byte, as the worst of networks delivers it.
        for byte in frame(1, b'{"type":"watch","ref":"w"}'):
            await client.sends(bytes([byte]))
        await until(lambda: len(house.desk.handled) == 1)


@pytest.mark.parametrize("message", [frame(2, b"\xff"), frame(2, b'{"type":"watch"}'), frame(1, b'"\xff\xfe"')])
async def test_what_is_no_text_is_a_broken_frame(message: bytes) -> None:
    async with a_house() as house, Reluctant(house.port, window=65_536) as client:
        await client.says("hello", token="Asha")
        await house.has(1)
        await client.sends(message)
        heard = b""
        while b"bad_frame" not in heard:
            heard += await client.reads(4096)
        assert not house.desk.handled


async def test_a_frame_too_large_is_told_its_code() -> None:
    """The client is still writing when it is judged: an end without waiting for it would be a reset without a word."""
    async with a_house() as house, a_client(house.url, "Asha") as asha:
        with suppress(ConnectionClosed):
            await asha.says("watch", more="x" * FRAME_MAX_BYTES * 8)
        assert await asha.ended() == 1009


async def test_nothing_of_what_people_write_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with a_house() as house, a_client(house.url, "Asha") as asha:
        await asha.says("watch", ref="my diagnosis")
        await asha.hears()
    # The client of this test tells everything.
    ours = [record.getMessage() for record in caplog.records if record.name != "websockets.client"]
    assert not [line for line in ours if "diagnosis" in line or "Upgrade" in line]


async def test_an_idle_connection_holds_no_task() -> None:
    """A task, its frames and its events are kilobytes, ten thousand times."""
    async with a_house() as house:
        before = len(asyncio.all_tasks())
        clients = [Reluctant(house.port) for _ in range(20)]
        for client in clients:
            await client.__aenter__()
            await client.says("hello", token=f"seeker {id(client)}")
        await house.has(20)
        await until(lambda: len(asyncio.all_tasks()) == before)
        for client in clients:
            client.socket.close()
        await house.has(0)


def test_a_heartbeat_for_all_is_encoded_once() -> None:
    text = encode(Heartbeat())
    assert framed(text) is framed(text)
    assert framed(text)[2:] == text.encode()


async def test_pings_of_somebody_who_reads_no_pong_are_not_answered_for_ever() -> None:
    """Each pong is kept until it is read; unread ones would be all the memory that a line can carry."""
    async with a_house() as house, Reluctant(house.port) as client:
        await client.says("hello", token="Asha")
        await house.has(1)
        (served,) = house.server.lines
        sending = asyncio.create_task(client.sends(frame(9, b"x" * 125) * 40_000))
        await until(lambda: served.paused)
        for _ in range(50):
            await asyncio.sleep(0.01)
        assert served.waiting < 512 * 1024
        assert not sending.done(), "the server reads on"
        sending.cancel()


async def test_pings_count_as_frames() -> None:
    async with a_house(Limits(frames_per_minute=50)) as house, a_client(house.url, "Asha") as asha:
        with suppress(ConnectionClosed):
            for _ in range(60):
                await asha.socket.ping()
        assert await asha.ended() == 4429
        assert asha.frames[-1]["code"] == "rate_limited"


async def test_who_never_reads_is_forgotten_after_the_end() -> None:
    """A transport that is closed waits for its buffer to leave: for one who never reads that is for ever."""
    async with a_house() as house, Reluctant(house.port) as client:
        await client.says("hello", token="Asha")
        await house.has(1)
        (served,) = house.server.lines
        while not served.paused:
            house.connection_of("Asha").send("x" * 10_000)
        served.close(4403, "", 0.05)
        await until(lambda: not house.server.lines)
        await house.has(0)
