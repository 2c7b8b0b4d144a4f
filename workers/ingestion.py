"""Runs of sources: the lock, the boards one after another, and the word on how each fared."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import time
from uuid import UUID
from zoneinfo import ZoneInfo

from chatserver.adapters.cron_locks import CronLocks, Lost
from chatserver.adapters.listings import Listings, Writer
from chatserver.adapters.runs import RUN_ATTEMPTS_MAX, RunStore
from chatserver.core.ports import Unavailable
from chatserver.core.run import BoardStatus
from chatserver.intake import Intake
from workers.board_pass import BoardPass, Progress
from workers.boards.board import Adapter, Board
from workers.boards.config import Source
from workers.schedule import last_slot
from workers.together import together
from workers.web import Web

log = logging.getLogger(__name__)

DAILY_LOCK = "daily_ingestion"
LOCK_PREFIX = "ingestion:"
TICK_SECONDS = 15.0

GOT_SOMETHING: frozenset[BoardStatus] = frozenset({"ok", "partial", "empty"})


class Ingestion:
    """What one process does about ingestion. Every pass repeated is a pass done once."""

    def __init__(
        self, runs: RunStore, listings: Listings, locks: CronLocks, intake: Intake, sources: Mapping[str, Source],
        adapters: Mapping[str, type[Adapter]], web: Web, progress: Progress | None = None,
    ) -> None:  # fmt: skip
        self._runs = runs
        self._listings = listings
        self._locks = locks
        self._intake = intake
        self.sources = sources
        self._adapters = adapters
        self._web = web
        self._progress = progress

    async def watch(self, at: time, zone: ZoneInfo) -> None:
        """For as long as the process lives: the day's run, runs that were asked for, runs whose worker died."""
        while True:
            try:
                await self.tick(at, zone)
            except Unavailable as away:
                log.warning("ingestion waits: %s", away)
            except Lost as lost:
                log.warning("ingestion stops here: %s", lost)
            except Exception:
                log.exception("ingestion failed; it is tried again")
            await asyncio.sleep(TICK_SECONDS)

    async def tick(self, at: time, zone: ZoneInfo) -> None:
        """What there is to do now, done."""
        slot = last_slot(await self._runs.now(), at, zone)
        if await self._runs.without_a_run_since(list(self.sources), slot):
            async with self._locks.held(DAILY_LOCK) as ours:
                if ours:
                    # Asked again under the lock: the one who had it before may have been through.
                    due = await self._runs.without_a_run_since(list(self.sources), slot)
                    for source in due:
                        await self._runs.ask(source, None)
                    await together(self.run(source) for source in due)
        left = [source for _, source in await self._runs.left(LOCK_PREFIX) if source in self.sources]
        await together(self.run(source, only_left=True) for source in left)

    async def run(self, source: str, *, only_left: bool = False) -> UUID | None:
        """Goes on with the run that waits, or, unless `only_left`, begins one. None where somebody else is at it."""
        lock = f"{LOCK_PREFIX}{source}"
        async with self._locks.held(lock) as ours:
            if not ours:
                return None
            run = await self._runs.running(source)
            if run is None and not only_left:
                asked = await self._runs.ask(source, None)
                run = asked.id if asked else await self._runs.running(source)
            if run is None:
                return None
            await self._attempt(Writer(run, lock, self._locks.holder), self.sources[source])
            return run

    async def _attempt(self, by: Writer, source: Source) -> None:
        if not await self._runs.begin(by.run):
            sentence = f"Its worker died {RUN_ATTEMPTS_MAX} times; look at the worker's log, then ask for it again."
            await self._runs.finish(by.run, failed=sentence)
            return
        try:
            statuses = await self._boards(by, source)
        except (asyncio.CancelledError, Unavailable):
            # Told to go, or the database is away: neither is the run's fault.
            await asyncio.shield(self._lay_down(by.run))
            raise
        good = GOT_SOMETHING & set(statuses.values())
        told = "; ".join(f"{board}: {status}" for board, status in statuses.items())
        failed = None if good else f"No board could be read ({told or 'none is on'}); see what each says."
        await self._runs.finish(by.run, failed=failed)

    async def _lay_down(self, run: UUID) -> None:
        try:
            await self._runs.lay_down(run)
        except Unavailable:
            log.warning("run %s could not be laid down; it counts as an attempt", run)

    async def _boards(self, by: Writer, source: Source) -> dict[str, BoardStatus]:
        """Boards of one tenant share ids, so they are read one after another; tenants side by side."""
        done = await self._runs.finished_boards(by.run)
        read = [board.name for board in source.read]
        first = source.boards[0]
        if first.on and first.name not in done:
            await self._listings.adopt(by, first.name, source.companies)
        statuses = dict(done)

        async def of_tenant(boards: Sequence[Board]) -> None:
            for board in boards:
                if board.name not in done:
                    adapter = self._adapters[board.platform](board, self._web)
                    reading = BoardPass(
                        self._runs, self._listings, self._intake, by, source, board, adapter, read, self._progress
                    )
                    statuses[board.name] = await reading.run()

        tenants: dict[str, list[Board]] = {}
        for board in source.read:
            tenants.setdefault(board.tenant, []).append(board)
        await together(of_tenant(boards) for boards in tenants.values())
        return statuses
