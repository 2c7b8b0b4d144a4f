"""The limits as they are: whoever storms is refused as promised, and costs nobody beside them anything."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec

from chatserver.core.server_frames import AnyServerFrame
from tests.fuzz.guest import Broken, Guest
from tests.fuzz.house import Node
from tests.fuzz.people import People
from tests.fuzz.wire import framed, opening

CALM = "Admin Two"
"""Keeps to what `welcome` says."""
STORMING = ("Asha", "Ben", "Devi", "Admin One")
DEVICES = 12
"""Of each: more than a user may have."""
FRAMES = 300
"""Of each device: together far more than a minute allows."""
CALM_FRAMES = 60
ANSWER_SECONDS = 90.0
DOOR = 4429

_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(AnyServerFrame)


class Device:
    """One connection; `refused` is the last error before its end."""

    def __init__(self, port: int, guest: Guest, address: str) -> None:
        self._port = port
        self._guest = guest
        self._address = address
        self.limits: dict[str, int] = {}
        self.answered = 0
        self.refused: Any = None
        self.closed: int | None = None

    async def opens(self) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writer.write(opening(self._address))
        await self._reader.readuntil(b"\r\n\r\n")
        await self.says("hello", token=self._guest.known.tokens[0])

    async def says(self, type: str, **fields: Any) -> None:
        self._writer.write(framed(msgspec.json.encode({"type": type, "ref": "r", **fields})))
        await self._writer.drain()

    async def hears(self) -> Any:
        """The next frame, None at the end."""
        async with asyncio.timeout(ANSWER_SECONDS):
            first, size = await self._reader.readexactly(2)
            if size >= 126:
                size = int.from_bytes(await self._reader.readexactly(2 if size == 126 else 8))
            payload = await self._reader.readexactly(size)
        if first & 0xF == 8:
            self.closed = int.from_bytes(payload[:2])
            return None
        frame = _decoder.decode(payload)
        kind = str(type(frame).__struct_config__.tag)
        if kind == "error":
            self.refused = frame
        elif kind == "welcome":
            self.limits = frame.limits
        self.answered += kind == "ok"
        return frame

    async def until_the_end(self) -> None:
        try:
            while await self.hears() is not None:
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writer.transport.abort()


class Storm:
    """`frames` of each of all devices at once, for as long as the server listens."""

    def __init__(self, people: People, node: Node, seed: int, frames: int = FRAMES) -> None:
        self._guests = {guest.name: guest for guest in people.guests}
        self._port = node.port
        self._node = node
        self._chance = random.Random(f"{seed} storm")
        self._frames = frames

    async def run(self, says: Callable[[str], None] = lambda line: None) -> None:
        """Raises `Broken`."""
        calm = Device(self._port, self._guests[CALM], "10.2.0.1")
        await calm.opens()
        await calm.hears()
        storms = {
            name: [Device(self._port, self._guests[name], f"10.1.0.{place}") for _ in range(DEVICES)]
            for place, name in enumerate(STORMING)
        }
        raging = [asyncio.create_task(self._storms(one)) for devices in storms.values() for one in devices]
        try:
            for place in range(CALM_FRAMES):
                await calm.says("unwatch")
                while calm.answered <= place and calm.closed is None:
                    await calm.hears()
                if calm.refused is not None or calm.closed is not None:
                    raise Broken(f"who keeps to the limits was refused: {calm.refused}, {calm.closed}")
            await asyncio.gather(*raging)
        finally:
            for task in raging:
                task.cancel()
            await asyncio.gather(*raging, return_exceptions=True)
            calm._writer.transport.abort()
        for name, devices in storms.items():
            says(self._judged(name, devices))
        if complaints := self._node.complaints():
            raise Broken(f"the log complains {len(complaints)} times, see {self._node.log}: {complaints[:3]}")

    async def _storms(self, device: Device) -> None:
        await device.opens()
        hearing = asyncio.create_task(device.until_the_end())
        try:
            for _ in range(self._frames):
                if hearing.done():
                    break
                await device.says("typing", session=str(UUID(int=self._chance.getrandbits(128))), on=True)
                await device.says("unwatch")
        except ConnectionError:
            pass
        await hearing

    def _judged(self, name: str, devices: list[Device]) -> str:
        ends = Counter(str(one.closed) for one in devices)
        if set(ends) != {str(DOOR)}:
            raise Broken(f"{name} stormed, and the connections ended with {dict(ends)}")
        for one in devices:
            if one.refused is None or one.refused.code != "rate_limited" or not one.refused.retry_after:
                raise Broken(f"{name} was sent away with {one.refused}")
        allowed = next(one.limits["frames_per_minute"] for one in devices if one.limits)
        answered = sum(one.answered for one in devices)
        # Half of what they say are such that are answered with ok; each has said hello before.
        if not allowed / 2 - DEVICES <= answered <= allowed:
            raise Broken(
                f"{name} may send {allowed} frames a minute, and {answered} of them and as many others were heard"
            )
        turned_away = sum(not one.limits for one in devices)
        return f"{name}: {turned_away} of {DEVICES} connections turned away, {2 * answered} of {allowed} frames heard"
