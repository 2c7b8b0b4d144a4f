"""A node's word to itself over the real wire: it comes back, or it is counted as lost."""

import asyncio
from uuid import uuid4

import pytest

from chatserver import wire_probe
from chatserver.adapters.wire import RedisWire
from chatserver.core.observer import Unobserved
from chatserver.wire_probe import WireProbe
from tests.until import until


class Told(Unobserved):
    def __init__(self) -> None:
        self.carried: list[float] = []
        self.lost = 0

    def wire_carried(self, seconds: float) -> None:
        self.carried.append(seconds)

    def wire_lost(self) -> None:
        self.lost += 1


async def test_a_probe_comes_back_or_is_lost(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # The second is asked for here.
    monkeypatch.setattr(wire_probe, "PROBE_SECONDS", 3_600.0)
    wire, told, node = RedisWire(redis_url), Told(), uuid4()
    probe = WireProbe(wire, node, told)
    wire.start()
    await until(lambda: wire.healthy)
    probing = asyncio.create_task(probe.run())
    try:
        await until(lambda: bool(told.carried))
        # What others say on its channel, or what comes too late, is no answer.
        wire.publish(node, "probe 0")
        wire.deafen()
        await until(lambda: not wire.healthy)
        await probe.ask(0.01)
        assert (len(told.carried), told.lost) == (1, 1)
    finally:
        probing.cancel()
        await asyncio.wait({probing})
        await wire.stop()
