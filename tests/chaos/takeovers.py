"""Takeovers by the hundred, at any moment of an answer, each by two admins at once, while nodes and servers die."""

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from tests.chaos.clients import Device
from tests.chaos.faults import GIVE_UP_SECONDS, NODES, Scene, is_sent_away, the_subscriptions_are_cut_again_and_again
from tests.chaos.judge import Broken, Count, is_true, settles
from tests.chaos.lives import Life, begun
from tests.chaos.model import Stream
from tests.chaos.town import Town

AT_ONCE = 20
MOMENT_OF_AN_ANSWER = 1.25
"""At most so much of the longest answer's time after the question: before its first word, within its text, in a search,
in the text after that, or when it is over."""
RACE_SECONDS = 0.03
HELD_SECONDS = (0.2, 0.6)
"""So long nothing of the assistant may come; the screens judge it."""
STOPPED_SECONDS = 7.0
CALM_SECONDS = (5.0, 9.0)
"""Between two faults, once the last one has no effect any more."""
BEFORE_SECONDS, AFTER_SECONDS = 0.5, 6.0
"""So long before and after it a fault may be why a stream ends late: a lease, and looking for it."""
CLOSED_SECONDS = 0.25


@dataclass
class Takeover:
    asked: float
    done: float
    """When the winner heard of it, which is after the commit."""
    streams: list[Stream]
    """The model's, that ran for the session when it was asked, or began before it was handed back."""

    @property
    def closed_seconds(self) -> float | None:
        """From the takeover to the end of the last stream; None where none ran any more."""
        ends = [stream.ended if stream.ended is not None else time.monotonic() for stream in self.streams]
        return max(max(ends) - self.done, 0.0) if ends else None


@dataclass
class Weather:
    """Faults one after the other, with calm between them."""

    town: Town
    chance: random.Random
    done: list[str] = field(default_factory=list)
    times: list[tuple[float, float]] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def blows(self) -> None:
        kinds: list[Callable[[], Awaitable[None]]] = [
            self._a_node_is_killed, self._a_node_is_sent_away, self._a_node_is_stopped, self._redis_is_killed,
            self._postgres_is_killed, self._subscriptions_are_cut,
        ]  # fmt: skip
        while True:
            self.chance.shuffle(kinds)
            for kind in kinds:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.over.wait(), AFTER_SECONDS + self.chance.uniform(*CALM_SECONDS))
                    return
                began = time.monotonic()
                self.times.append((began, float("inf")))
                await kind()
                self.times[-1] = (began, time.monotonic())
                self.done.append(kind.__name__.strip("_").replace("_", " "))

    def is_calm(self, takeover: Takeover) -> bool:
        return not any(
            begins - BEFORE_SECONDS < takeover.done + CLOSED_SECONDS and takeover.asked < ends + AFTER_SECONDS
            for begins, ends in self.times
        )

    async def _a_node_is_killed(self) -> None:
        await self.town.killed(self.chance.choice(self.town.nodes))
        await self.town.has(NODES)

    async def _a_node_is_sent_away(self) -> None:
        await self.town.node()
        await is_sent_away(self.town, self.town.nodes[0])

    async def _a_node_is_stopped(self) -> None:
        node = self.chance.choice(self.town.nodes)
        node.gets(signal.SIGSTOP)
        try:
            await asyncio.sleep(STOPPED_SECONDS)
        finally:
            node.gets(signal.SIGCONT)

    async def _redis_is_killed(self) -> None:
        await asyncio.to_thread(self.town.redis.kill)
        await asyncio.sleep(self.chance.uniform(0.5, 3))
        await self.town.redis.start()

    async def _postgres_is_killed(self) -> None:
        await asyncio.to_thread(self.town.postgres.kill)
        await asyncio.sleep(self.chance.uniform(0.5, 3))
        await self.town.postgres.start()

    async def _subscriptions_are_cut(self) -> None:
        await the_subscriptions_are_cut_again_and_again(Scene(self.town, [], self.chance))


async def _one(life: Life) -> Takeover:
    chance = life.chance
    await life.asks()
    await asyncio.sleep(chance.uniform(0, MOMENT_OF_AN_ANSWER * life.town.model.answer_seconds))
    asked, done = time.monotonic(), 0.0

    async def tries(admin: Device, after: float) -> bool:
        nonlocal done
        await asyncio.sleep(after)
        answer = await admin.asks("take_over")
        if answer["type"] == "ok":
            done = time.monotonic()
            return True
        assert answer["code"] == "conflict", answer
        return False

    won = await asyncio.gather(*(tries(admin, chance.uniform(0, RACE_SECONDS)) for admin in life.admins))
    if won.count(True) != 1:
        raise Broken(f"case {life.case}: {won.count(True)} of two admins took it over")
    winner, loser = sorted(life.admins, key=lambda admin: won[life.admins.index(admin)], reverse=True)
    await winner.until(lambda screen: screen.status == "active_human", GIVE_UP_SECONDS)
    if chance.random() < 0.5:
        await life.posts(f"A person, for the {life.questions}. time.", winner)
    if chance.random() < 0.3:
        await life.asks()
    await asyncio.sleep(chance.uniform(*HELD_SECONDS))
    assert (refused := await loser.asks("hand_back"))["type"] == "error", refused
    streams = life.town.model.running_since(life.case, asked)
    await winner.asks("hand_back")
    await winner.until(lambda screen: screen.status == "active_ai", GIVE_UP_SECONDS)
    return Takeover(asked, done, streams)


async def takeovers(
    town: Town, chance: random.Random, many: int, *, first: int, at_once: int = AT_ONCE, faults: bool = True,
    is_timed: bool = True,
) -> tuple[Count, str]:  # fmt: skip
    lives = await begun(town, min(at_once, many), chance, first=first, admins=2)
    weather = Weather(town, chance)
    blowing = asyncio.create_task(weather.blows() if faults else weather.over.wait())
    left, done = many, list[Takeover]()

    async def works(life: Life) -> None:
        nonlocal left
        while left > 0:
            left -= 1
            done.append(await _one(life))
            if blowing.done():
                blowing.result()

    try:
        try:
            await asyncio.gather(*(works(life) for life in lives))
        finally:
            # What it has begun it puts right again.
            weather.over.set()
            await blowing
        settled = await settles(town, lives)
        count = await is_true(town, lives)
        return count, f"{_told(done, weather, is_timed=is_timed)}, settled after {settled:.1f} s"
    finally:
        await asyncio.gather(*(life.ends() for life in lives))


def _told(done: list[Takeover], weather: Weather, *, is_timed: bool) -> str:
    running = [(one, seconds) for one in done if (seconds := one.closed_seconds) is not None]
    calm = sorted(seconds for one, seconds in running if weather.is_calm(one))
    words = f"{len(done)} takeovers, one winner each, {len(running)} of a running answer, {len(calm)} of them in calm"
    if weather.done:
        words += f", faults: {', '.join(f'{name} {many}x' for name, many in Counter(weather.done).items())}"
    if calm:
        middle, late = calm[len(calm) // 2], calm[min(int(len(calm) * 0.99), len(calm) - 1)]
        words += f", in calm the model's stream closed after {_ms(middle)} p50, {_ms(late)} p99, {_ms(calm[-1])} max"
        if is_timed and calm[-1] > CLOSED_SECONDS:
            raise Broken(words)
    return words


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.0f} ms"
