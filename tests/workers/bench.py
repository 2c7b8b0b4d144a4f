"""A site with troubles on loopback, and workers that read it at a real pace in nobody's time."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from ipaddress import ip_network
from urllib.parse import urlsplit

from chatserver.adapters.wire import client
from tests.career_sites.trouble import TroubledSite
from tests.workers.clockwork import Clockwork, redis_seconds
from workers.addresses import Reach
from workers.exchange import Times
from workers.fetch import PAUSES_SECONDS, Fetch
from workers.pace import Pace, Slot
from workers.web import FEED_MAX_BYTES

CONTACT = "crawler@jobs.example"
LOOPBACK = Reach((ip_network("127.0.0.1/32"),), ports=None)
PRIVATE = "10.0.0.7"


async def loopback_but_for_inside(host: str, port: int) -> Collection[str]:
    return [PRIVATE] if host == "inside.example" else ["127.0.0.1"]


class RecordedPace(Pace):
    """Notes the slots that are given out, and sleeps in nobody's time."""

    def __init__(self, redis_url: str, time: Clockwork) -> None:
        super().__init__(redis_url, clock=time, sleep=time.sleep)
        self.slots: list[tuple[str, Slot]] = []
        self.penalties: list[tuple[str, float]] = []

    async def reserve(self, key: str, gap_seconds: float = 1.0) -> Slot:
        slot = await super().reserve(key, gap_seconds)
        self.slots.append((key, slot))
        return slot

    async def penalise(self, key: str, seconds: float) -> None:
        self.penalties.append((key, seconds))
        await super().penalise(key, seconds)


class Bench:
    """A site with troubles, and workers that read it under any name."""

    def __init__(self, url: str, site: TroubledSite, redis_url: str, stack: AsyncExitStack) -> None:
        self.url = url
        self.site = site
        self.time = Clockwork()
        self._redis_url = redis_url
        self._stack = stack
        self.pace = self.new_pace()
        self.fetch = self.worker()

    def at(self, path: str, host: str = "careers.example") -> str:
        return f"http://{host}:{urlsplit(self.url).port}{path}"

    def new_pace(self) -> RecordedPace:
        pace = RecordedPace(self._redis_url, self.time)
        self._stack.push_async_callback(pace.aclose)
        return pace

    def worker(
        self, *, pace: Pace | None = None, times: Times | None = None, reach: Reach = LOOPBACK,
        pauses_seconds: Sequence[float] = PAUSES_SECONDS,
    ) -> Fetch:  # fmt: skip
        fetch = Fetch(
            CONTACT, pace or self.pace, reach=reach, look_up=loopback_but_for_inside, times=times,
            pauses_seconds=pauses_seconds, clock=self.time,
            now=self.time.now, sleep=self.time.sleep, chance=lambda: 0.0,
        )  # fmt: skip
        self._stack.push_async_callback(fetch.aclose)
        return fetch

    async def pauses_are_over(self, seconds: float) -> None:
        """By this bench's clock and by Redis' own, which nobody can put forward."""
        self.time.passed += seconds
        redis = client(self._redis_url)
        async for key in redis.scan_iter("pace:*"):
            await redis.delete(key)
        await redis.aclose()

    async def redis_seconds(self) -> float:
        """By the clock that gives out the slots."""
        return await redis_seconds(self._redis_url)

    async def read(self, path: str, *, fetch: Fetch | None = None, most_bytes: int = FEED_MAX_BYTES) -> list[int]:
        """The sizes of the pieces of a feed."""
        async with (fetch or self.fetch).stream(self.at(path), most_bytes=most_bytes) as stream:
            return [len(chunk) async for chunk in stream.chunks]


@asynccontextmanager
async def open_bench(redis_url: str) -> AsyncIterator[Bench]:
    site = TroubledSite()
    async with site.served() as url, AsyncExitStack() as stack:
        yield Bench(url, site, redis_url, stack)
