"""How the open web is asked: by its robots.txt, at its pace, with patience, and where it leads only step by step."""

import asyncio
import random
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, TypeVar

import aiohttp

from workers.addresses import Lookup, Reach, host_of, look_up
from workers.boards.board import Blocked
from workers.circuits import Circuits, Exhausted
from workers.exchange import Again, Exchange, Question, Times, lowered, refused, too_fast
from workers.pace import GAP_SECONDS, Pace
from workers.robots import AGENT, ROBOTS_MAX_BYTES, Robots
from workers.web import FEED_MAX_BYTES, PAGE_MAX_BYTES, Answer, Stream, Throttled

REDIRECTS_MAX = 5
PAUSES_SECONDS = (2.0, 8.0, 30.0)
"""Before each retry, where the site does not ask for more; so there are three."""
JITTER_SHARE = 0.5
RETRY_AFTER_MAX_SECONDS = 120.0
"""A site that asks for a longer pause is asked by the next run."""
CONTACT_MAX_CHARACTERS = 200

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NO_COMMENT = re.compile(r"[^\x20-\x7e]|[()\\]")
_DISTRIBUTION = "ottobon-jobs-chat"

T = TypeVar("T", Answer, aiohttp.ClientResponse)


class _Endless(Blocked):
    pass


class Fetch:
    """The `Web` of a worker. `contact` is how a site reaches whoever runs this: a page or a mail address.

    `look_up`, `clock` (seconds), `now` (with a zone), `sleep` and `chance` (0 to 1) are what a test replaces.
    """

    def __init__(
        self, contact: str, pace: Pace, *, reach: Reach | None = None, look_up: Lookup = look_up,
        times: Times | None = None, pauses_seconds: Sequence[float] = PAUSES_SECONDS,
        clock: Callable[[], float] = time.monotonic, now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep, chance: Callable[[], float] = random.random,
    ) -> None:  # fmt: skip
        named = _NO_COMMENT.sub("", contact)[:CONTACT_MAX_CHARACTERS]
        self.agent = f"{AGENT}/{version(_DISTRIBUTION)} (+{named})"
        self._pace = pace
        self._reach = reach or Reach()
        self._exchange = Exchange(self._reach, look_up, times)
        self._pauses = pauses_seconds
        self._now = now
        self._sleep = sleep
        self._chance = chance
        self._circuits = Circuits(clock)
        self._robots = Robots(self._robots_txt, clock)

    async def request(
        self, method: str, url: str, *, json: Any = None, headers: Mapping[str, str] | None = None,
        pace: str | None = None, throttled: Throttled | None = None, most_bytes: int = PAGE_MAX_BYTES,
    ) -> Answer:  # fmt: skip
        """See `Web`. Each step of a chain of redirects has robots, pace and tries of its own."""
        question = Question.of(self.agent, method, headers, json)

        async def once(address: str) -> Answer:
            answer = await self._exchange.whole(question, address, most_bytes)
            self._judge(address, answer)
            if throttled is not None and throttled(answer):
                raise too_fast(address, answer.headers, self._now())
            return answer

        return await self._followed(method, url, pace, once)

    @asynccontextmanager
    async def stream(
        self, url: str, *, headers: Mapping[str, str] | None = None, pace: str | None = None,
        most_bytes: int = FEED_MAX_BYTES,
    ) -> AsyncIterator[Stream]:  # fmt: skip
        """See `Web`. What breaks off in the middle is not asked for again."""
        question = Question.of(self.agent, "GET", headers)
        async with AsyncExitStack() as held:

            async def once(address: str) -> aiohttp.ClientResponse:
                # The step before is not held open.
                await held.aclose()
                response = await self._exchange.opened(question, address)
                held.callback(response.close)
                try:
                    self._judge(address, response)
                except Again:
                    response.close()
                    raise
                return response

            response = await self._followed("GET", url, pace, once)
            chunks = self._exchange.pieces(response, most_bytes)
            yield Stream(response.status, lowered(response.headers), str(response.url), chunks)

    async def aclose(self) -> None:
        await self._exchange.aclose()

    async def _followed(
        self, method: str, url: str, pace: str | None, once: Callable[[str], Awaitable[T]], *, by_robots: bool = True
    ) -> T:
        """The answer at the end of the redirects."""
        address = self._reach.checked(url)
        first = host_of(address)
        for _ in range(REDIRECTS_MAX + 1):
            # A pace that was named stands for the site that was meant; elsewhere it is the host's.
            key = pace if pace and host_of(address) == first else host_of(address)
            delay = await self._robots.check(address, key) if by_robots else 0.0
            answer = await self._tried(key, max(GAP_SECONDS, delay), address, once)
            target = answer.headers.get("location")
            if method != "GET" or answer.status not in _REDIRECTS or not target:
                return answer
            address = self._reach.following(address, target)
        raise _Endless(
            f"{url} redirects more than {REDIRECTS_MAX} times, as to a login; open it in a browser and look."
        )

    async def _tried(self, key: str, gap_seconds: float, address: str, once: Callable[[str], Awaitable[T]]) -> T:
        """The first good answer. Raises `Blocked` or `Away` when all tries are through."""
        with self._circuits.passing(key) as probe:
            pauses = iter(() if probe else self._pauses)
            while True:
                await self._pace.wait(key, gap_seconds)
                try:
                    return await once(address)
                except Again as again:
                    pause = next(pauses, None)
                    await self._rest(key, again, pause)
                    if pause is None:
                        raise Exhausted(again.error) from again.__cause__

    async def _rest(self, key: str, again: Again, pause: float | None) -> None:
        asked = again.retry_after
        if asked is not None or isinstance(again.error, Blocked):
            # Who asks one to go slower asks all, and so all wait: this request too, for its next slot.
            await self._pace.penalise(key, max(asked or 0.0, self._grown(pause)))
        elif pause is not None:
            await self._sleep(self._grown(pause))
        if asked is not None and asked > RETRY_AFTER_MAX_SECONDS:
            raise Exhausted(
                Blocked(f"{key} asks us to stay away for {asked:,.0f} seconds; try again after that."), asked
            ) from again.__cause__

    def _grown(self, pause: float | None) -> float:
        """With jitter, so that workers which failed together do not come back together."""
        return 0.0 if pause is None else pause * (1 + JITTER_SHARE * self._chance())

    def _judge(self, address: str, answer: Answer | aiohttp.ClientResponse) -> None:
        if again := refused(address, answer.status, lowered(answer.headers), self._now()):
            raise again

    async def _robots_txt(self, url: str, pace: str | None) -> tuple[int, bytes, str | None]:
        """Asked without a robots.txt. One that is too long is cut; one that is never reached is none."""
        question = Question.of(self.agent, "GET")

        async def once(address: str) -> Answer:
            answer = await self._exchange.whole(question, address, ROBOTS_MAX_BYTES, cut=True)
            self._judge(address, answer)
            return answer

        try:
            answer = await self._followed("GET", url, pace, once, by_robots=False)
        except _Endless:
            return 404, b"", None
        return answer.status, answer.body, answer.headers.get("content-type")
