"""What each site's robots.txt allows us, asked once and kept for the run."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from protego import Protego

from workers.addresses import origin
from workers.boards.board import BoardError, Disallowed
from workers.boards.text import decoded

AGENT = "OttobonJobs"
ROBOTS_MAX_BYTES = 512 * 1024
"""What stands behind is not read."""
KEPT_SECONDS = 24 * 3600.0
UNKNOWN_SECONDS = 300.0
"""A robots.txt that could not be had is asked for again after so long."""
DELAY_MAX_SECONDS = 30.0
ORIGINS_MAX = 1_000

Ask = Callable[[str, str | None], Awaitable[tuple[int, bytes, str | None]]]
"""Status, body and content type of an address, by its pace; redirects followed. Raises `BoardError`s."""


@dataclass(frozen=True, slots=True)
class _Kept:
    until: float
    rules: Protego | None
    """None where everything is allowed."""
    error: BoardError | None = None


class Robots:
    """By RFC 9309: without a robots.txt everything is allowed; while it cannot be had, nothing."""

    def __init__(self, ask: Ask, clock: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    async def check(self, url: str, pace: str | None) -> float:
        """The seconds that the site wants between requests, 0 where it does not say. `url` is a checked address.

        Raises `Disallowed`; `Away` or `Blocked` while the robots.txt cannot be had.
        """
        site = origin(url)
        kept = await self._of(site, pace)
        if kept.error is not None:
            raise type(kept.error)(str(kept.error))
        if kept.rules is None:
            return 0.0
        if not kept.rules.can_fetch(url, AGENT):
            raise Disallowed(
                f"{site}/robots.txt does not allow {urlsplit(url).path or '/'}; "
                "ask the site for leave, or turn the board off in boards.toml."
            )
        delay = kept.rules.crawl_delay(AGENT) or 0.0
        return min(delay, DELAY_MAX_SECONDS) if delay > 0 else 0.0

    async def _of(self, site: str, pace: str | None) -> _Kept:
        kept = self._kept.get(site)
        if kept is not None and self._clock() < kept.until:
            return kept
        async with self._asking.setdefault(site, asyncio.Lock()):
            kept = self._kept.get(site)
            if kept is None or self._clock() >= kept.until:
                kept = await self._fetched(site, pace)
                while len(self._kept) >= ORIGINS_MAX:
                    self._kept.pop(next(iter(self._kept)))
                self._kept[site] = kept
        self._asking.pop(site, None)
        return kept

    async def _fetched(self, site: str, pace: str | None) -> _Kept:
        try:
            status, body, content_type = await self._ask(f"{site}/robots.txt", pace)
        except BoardError as error:
            sentence = f"{site}/robots.txt cannot be had, so nothing else is asked there just now. {error}"
            return _Kept(self._clock() + UNKNOWN_SECONDS, None, type(error)(sentence))
        until = self._clock() + KEPT_SECONDS
        if not 200 <= status < 300:
            return _Kept(until, None)
        text = decoded(body[:ROBOTS_MAX_BYTES], content_type)
        return _Kept(until, await asyncio.to_thread(Protego.parse, text))
