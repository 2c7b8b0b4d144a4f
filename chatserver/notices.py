"""Telling the outside that a seeker waits: after a while, once for each wait, again where nobody answered."""

import asyncio
import logging
from typing import Protocol

from chatserver.core.notice import Notice
from chatserver.core.ports import Unavailable
from chatserver.rounds import every

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
AT_ONCE = 10
TRIES_MAX = 6
FIRST_PAUSE_SECONDS = 10.0
"""Doubled with every try: the last comes about five minutes after the first."""


class NoticeStore(Protocol):
    """Both raise `Unavailable`."""

    async def due(self, *, after_seconds: float, tries: int, pause_seconds: float, most: int) -> list[Notice]:
        """Those whose turn it is, claimed for this node until their next try would be due."""
        ...

    async def done(self, notice: Notice) -> None: ...


class Outside(Protocol):
    async def tell(self, notice: Notice) -> None:
        """Raises `Unavailable` where it was not taken."""
        ...


class Notices:
    def __init__(self, store: NoticeStore, outside: Outside, after_seconds: float) -> None:
        self._store = store
        self._outside = outside
        self._after_seconds = after_seconds

    async def run(self) -> None:
        """Until it is cancelled."""
        await every(LOOK_SECONDS, self.look)

    async def look(self) -> None:
        """Tells of all whose turn it is. Raises `Unavailable` where the database does not answer."""
        due = await self._store.due(
            after_seconds=self._after_seconds, tries=TRIES_MAX, pause_seconds=FIRST_PAUSE_SECONDS, most=AT_ONCE
        )
        await asyncio.gather(*(self._tell(notice) for notice in due))

    async def _tell(self, notice: Notice) -> None:
        try:
            await self._outside.tell(notice)
        except Unavailable as away:
            last = notice.tries >= TRIES_MAX
            level = logging.ERROR if last else logging.WARNING
            log.log(level, "a waiting seeker was not told of%s: %s", ", for good" if last else "", away)
            return
        await self._store.done(notice)
