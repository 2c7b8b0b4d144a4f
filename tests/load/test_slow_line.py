"""Behind a slow proxy: who reads on is never cut, however slowly; who has stopped is, and hears why."""

from contextlib import suppress
from uuid import UUID

from websockets.exceptions import ConnectionClosed

from chatserver.web.ws import LOOK_SECONDS
from chatserver.web.ws_socket import STALL_SECONDS
from tests.load.house import a_client, a_house
from tests.load.narrow import a_narrow_proxy

SESSION = UUID(int=7)
BYTES_PER_SECOND = 5_000
READING_SECONDS = 3 * STALL_SECONDS
MESSAGE = "x" * 7_500
PROMPT_BYTES = 400
"""More than the handshake and the welcome."""


async def test_a_slow_proxy_is_no_stall_and_one_that_stops_is() -> None:
    """The line is real, the seconds are counted: each is so many bytes of the proxy's."""
    async with a_house() as house, a_narrow_proxy(house.port) as proxy:
        proxy.allows(PROMPT_BYTES)
        async with a_client(f"ws://127.0.0.1:{proxy.port}/ws") as phone:
            await phone.says("hello", token="Asha")
            await house.has(1)
            asha, (line,) = house.connection_of("Asha"), house.server.lines
            now = 1_000.0
            for second in range(int(READING_SECONDS)):
                # There is always more to be read than is.
                while line.waiting + asha.outbox.size < 8 * len(MESSAGE):
                    asha.send(MESSAGE, SESSION, seq=second)
                await proxy.lets(BYTES_PER_SECOND)
                now += 1
                house.sockets.look(now)
                assert not asha.closed, f"cut after {second} seconds of reading"
                assert line.waiting
            stopped = now
            while not asha.closed:
                now += LOOK_SECONDS
                house.sockets.look(now)
                assert now <= stopped + STALL_SECONDS + 2 * LOOK_SECONDS, "nobody notices that nothing is read"
            assert now >= stopped + STALL_SECONDS
            proxy.opens()
            with suppress(ConnectionClosed):
                while True:
                    await phone.socket.recv()
            assert phone.socket.close_code == 4408
