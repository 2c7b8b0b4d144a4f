"""Sockets of those who read slowly, not at all, or come all at once; others notice nothing of it."""

import asyncio
import gc
import re
import time
import tracemalloc
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
import uvloop

from chatserver.core.chat_ports import Position
from chatserver.core.delivery import Delivery, Durable
from chatserver.core.events import Logged
from chatserver.core.limits import Limits
from chatserver.core.server_frames import Ok, ServerFrame
from chatserver.subscriptions import Connection, Subscription
from chatserver.web import limits as limits_module
from chatserver.web import ws_socket
from chatserver.web.ws_socket import STALL_SECONDS
from tests.load.house import WITHIN_SECONDS, House, Reluctant, a_client, a_house, until

MEGABYTE = 1024 * 1024
SESSION = UUID(int=7)
MESSAGES = 300


async def test_who_never_reads_costs_a_megabyte_at_most_and_is_sent_away() -> None:
    """Twenty megabytes are said to them: the kernel alone would take four of them, unasked."""
    async with a_house() as house, Reluctant(house.port) as client:
        await client.says("hello", token="Asha")
        await house.has(1)
        asha = house.connection_of("Asha")
        (line,) = house.server.lines
        costs = 0
        for seq in range(2_000):
            asha.send("é" * 10_000, SESSION, seq=seq)
            costs = max(costs, line.waiting + asha.outbox.size)
        assert costs < MEGABYTE
        began = time.monotonic()
        house.sockets.look(began)
        house.sockets.look(began + STALL_SECONDS - 0.1)
        assert not asha.closed
        house.sockets.look(began + STALL_SECONDS)
        assert asha.closed
        assert not house.sockets.hub.connections
        # Reading on after all, they hear why.
        heard = b""
        while b"Nothing was read for 20 seconds." not in heard:
            heard = heard[-100:] + await client.reads(65_536)
        assert (4408).to_bytes(2) + b"Nothing was read" in heard


async def test_who_asks_and_never_reads_is_not_answered_for_ever() -> None:
    """An answer is never dropped, so what bounds them is that no more requests are read."""

    async def joins(connection: Connection, frame: Any) -> ServerFrame | None:
        connection.send("j" * 256 * 1024)
        return None

    async with a_house() as house, Reluctant(house.port) as client:
        house.desk.does = joins
        await client.says("hello", token="Asha")
        await house.has(1)
        for _ in range(100):
            await client.says("join", session=str(SESSION))
        (line,) = house.server.lines
        await until(lambda: line.paused)
        for _ in range(20):
            await asyncio.sleep(0.005)
        assert len(house.desk.handled) <= 3
        assert line.waiting + house.connection_of("Asha").outbox.size < MEGABYTE


class Log:
    """A session of many long messages, which counts how often it is read."""

    def __init__(self) -> None:
        self.read = 0

    async def positions(self, sessions: Any) -> list[Position]:
        return [Position(SESSION, MESSAGES, 1)]

    async def events_after(self, session: UUID, after: int, most: int, upto: int) -> list[Logged]:
        self.read += 1
        await asyncio.sleep(0.001)
        return [
            Logged(SESSION, seq, uuid4(), 1, None, "message", "user", None, "m" * 8_000, {}, datetime.now(UTC))
            for seq in range(after + 1, min(after + most, upto) + 1)
        ]

    async def pad(self, session: UUID) -> None:
        return None


async def who_reads_of(log: Log, house: House, client: Reluctant) -> Connection:
    """Asha's connection, on a node whose database and wire are this log."""
    house.sockets.hub.store = house.sockets.hub.wire = cast(Any, log)
    await client.says("hello", token="Asha")
    await house.has(1)
    return house.connection_of("Asha")


async def test_what_overflowed_is_read_again_as_soon_as_they_read_on() -> None:
    """Not over and over until then, and not at the next heartbeat only, where the outbox was dropped as a whole."""
    async with a_house() as house, Reluctant(house.port, window=32_768) as client:
        log = Log()
        asha = await who_reads_of(log, house, client)
        asha.subscriptions[SESSION] = Subscription(house.sockets.hub, asha, SESSION, Delivery(0, 0))
        asha.subscriptions[SESSION].catch_up()
        (line,) = house.server.lines
        await until(lambda: line.paused)
        await asyncio.sleep(0.2)
        assert log.read <= 2
        # Whatever was dropped meanwhile, all of it comes, in order, when they read on.
        heard = b""
        while f'"seq":{MESSAGES}'.encode() not in heard[-20_000:]:
            heard += await client.reads(65_536)
        assert [int(seq) for seq in re.findall(rb'"seq":(\d+)', heard)] == list(range(1, MESSAGES + 1))


async def test_for_who_does_not_read_neither_the_log_nor_the_wire_is_kept() -> None:
    """What is said meanwhile, a page of the log that was read for them, and the outbox: all of it together."""
    async with a_house() as house, Reluctant(house.port, window=32_768) as client:
        asha = await who_reads_of(Log(), house, client)
        (line,) = house.server.lines
        tracemalloc.start()
        try:
            subscription = asha.subscriptions[SESSION] = Subscription(house.sockets.hub, asha, SESSION, Delivery(0, 0))
            subscription.catch_up()
            await until(lambda: line.paused and not asha.drained.is_set())
            for seq in range(MESSAGES + 1, 2 * MESSAGES):
                subscription.receive(Durable(seq, 1, f'{{"seq":{seq},"content":"{"w" * 8_000}"}}'))
            await asyncio.sleep(0)
            gc.collect()
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert held < MEGABYTE


async def test_what_may_not_be_dropped_is_bounded_too() -> None:
    async with a_house() as house, Reluctant(house.port) as client:
        await client.says("hello", token="Ben")
        await house.has(1)
        ben = house.connection_of("Ben")
        for _ in range(1_000):
            ben.send("l" * 10_000)
        assert ben.closed
        assert ben.outbox.size < MEGABYTE


async def test_a_slow_reader_of_one_large_frame_is_never_cut() -> None:
    """As on a bad line: a frame of 256 KB, and never more than a little of it between two looks."""
    async with a_house() as house, Reluctant(house.port) as client:
        await client.says("hello", token="Asha")
        await house.has(1)
        asha = house.connection_of("Asha")
        asha.send("j" * 256 * 1024)
        asha.send('"the last"')
        now, read, looks, heard = time.monotonic(), 0, 0, b""
        while b'"the last"' not in heard:
            heard = (heard + await client.reads(8_192))[-10_000:]
            read += 8_192
            if read % (4 * 8_192) == 0:
                # The acknowledgement takes its way through the kernel.
                await asyncio.sleep(0.01)
                now += STALL_SECONDS * 0.9
                looks += 1
                house.sockets.look(now)
        assert looks >= 7, "minutes went by"
        assert not asha.closed


async def test_somebody_idle_is_not_looked_at() -> None:
    async with a_house() as house, a_client(house.url, "Asha") as asha:
        await asha.says("watch")
        await asha.hears()

        def nothing_is_owed() -> bool:
            house.sockets.look(time.monotonic())
            return not house.sockets._owing

        await until(nothing_is_owed)
        house.sockets.hub.beat()
        assert len(house.sockets._owing) == 1
        await asha.hears_of("heartbeat")


def test_a_busy_server_does_not_cut_those_who_said_hello_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ws_socket, "HELLO_SECONDS", 0.5)

    async def story() -> None:
        async with a_house() as house, a_client(house.url) as asha:
            await asha.says("hello", token="Asha")
            # Longer than anybody may take to say hello.
            time.sleep(1.0)  # noqa: ASYNC251 - what is busy is the loop
            assert (await asha.hears())["type"] == "welcome"
            async with a_client(house.url) as silent:
                assert await silent.ended() == 4401
                assert silent.frames[0]["code"] == "unauthorized"

    # Which of network and timers is looked at first is a choice of the loop; this is the one that the server runs on.
    uvloop.run(story())


async def test_waiting_for_the_database_is_no_missing_hello(monkeypatch: pytest.MonkeyPatch) -> None:
    patience = 4_321.0
    monkeypatch.setattr(ws_socket, "HELLO_SECONDS", patience)
    loop, timers = asyncio.get_running_loop(), list[asyncio.TimerHandle]()
    call_later = loop.call_later

    def noted(seconds: float, *what: Any) -> asyncio.TimerHandle:
        timer = call_later(seconds, *what)
        if seconds == patience:
            timers.append(timer)
        return timer

    monkeypatch.setattr(loop, "call_later", noted)
    async with a_house() as house:
        asked, answers = asyncio.Event(), asyncio.Event()

        async def slowly() -> None:
            asked.set()
            await answers.wait()

        house.people.slow = slowly
        async with a_client(house.url) as asha:
            await asha.says("hello", token="Asha")
            await asked.wait()
            (timer,) = timers
            if not timer.cancelled():
                # As it would once its time is over.
                timer._run()
            answers.set()
            assert (await asha.hears())["type"] == "welcome"


async def test_a_storm_of_hellos_enters_in_order_and_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five hundred at once: never more than the pool has room for, nobody twice, nobody left out."""
    # On a slow machine the last one waits for longer than the door lets anybody wait.
    monkeypatch.setattr(limits_module, "ENTER_SECONDS", WITHIN_SECONDS)
    inside = most = 0

    async def slowly() -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0.001)
        inside -= 1

    async with a_house(Limits(entering=6)) as house:
        house.people.slow = slowly

        async def comes(number: int) -> str:
            async with a_client(house.url, f"seeker{number}") as client:
                await client.says("join", ref="j", after=3)
                return str((await client.hears_of("ok"))["ref"])

        assert await asyncio.gather(*(comes(number) for number in range(500))) == ["j"] * 500
        assert most == 6


async def test_who_waits_too_long_is_told_when_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits_module, "ENTER_SECONDS", 0.05)
    async with a_house(Limits(entering=1)) as house:
        answers = asyncio.Event()
        house.people.slow = answers.wait
        async with a_client(house.url) as first, a_client(house.url) as second:
            await first.says("hello", token="Asha")
            await until(lambda: house.sockets.doors._turns.locked())
            await second.says("hello", token="Ben", ref="h")
            assert await second.ended() == 1012
            error = second.frames[0]
            assert (error["type"], error["code"], error["ref"]) == ("error", "unavailable", "h")
            assert error["retry_after"] >= 2
            answers.set()
            assert (await first.hears())["type"] == "welcome"


async def test_who_comes_during_a_heartbeat_is_not_thrown_out() -> None:
    """The rows were asked for before they came; to be not among them says nothing."""
    async with a_house() as house, a_client(house.url, "Asha") as asha:
        answers = asyncio.Event()
        some = house.people.some

        async def slowly(ids: Any) -> Any:
            await answers.wait()
            return await some(ids)

        house.people.some = slowly  # type: ignore[method-assign]
        beating = asyncio.create_task(house.sockets.beat())
        await asha.hears_of("heartbeat")
        async with a_client(house.url, "Ben") as ben:
            answers.set()
            await beating
            await ben.says("watch", ref="w")
            assert await ben.hears_of("ok")


async def test_a_frame_is_carried_out_although_its_client_has_gone() -> None:
    """A post that is broken off at the database costs a connection there, and tells nobody whether it counts."""
    done = asyncio.Event()
    goes = asyncio.Event()

    async def slowly(connection: Connection, frame: Any) -> ServerFrame | None:
        await goes.wait()
        done.set()
        return Ok(ref=frame.ref)

    async with a_house() as house:
        house.desk.does = slowly
        async with a_client(house.url, "Asha") as asha:
            await asha.says("post", session=str(SESSION), id=str(uuid4()), content="Hello")
            await until(lambda: bool(house.desk.handled))
        await house.has(0)
        goes.set()
        await done.wait()


async def test_frames_are_carried_out_one_after_the_other() -> None:
    async with a_house() as house, a_client(house.url, "Asha") as asha:
        at_once = most = 0

        async def counted(connection: Connection, frame: Any) -> ServerFrame | None:
            nonlocal at_once, most
            at_once += 1
            most = max(most, at_once)
            await asyncio.sleep(0)
            at_once -= 1
            return Ok(ref=frame.ref)

        house.desk.does = counted
        for number in range(50):
            await asha.says("watch", ref=str(number))
        assert [(await asha.hears())["ref"] for _ in range(50)] == [str(number) for number in range(50)]
        assert most == 1
