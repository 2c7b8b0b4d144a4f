"""Runs of sources: the lock, the boards one after another, and the word on how each fared."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

from chatserver.adapters.adoption import Adoption
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
        self, runs: RunStore, listings: Listings, adoption: Adoption, locks: CronLocks, intake: Intake,
        sources: Mapping[str, Source], adapters: Mapping[str, type[Adapter]], web: Web,
        progress: Progress | None = None,
    ) -> None:  # fmt: skip
        self._runs = runs
        self._listings = listings
        self._adoption = adoption
        self._locks = locks
        self._intake = intake
        self.sources = sources
        self._adapters = adapters
        self._web = web
        self._progress = progress

    async def watch(self, at: time, zone: ZoneInfo) -> None:
        """For as long as the process lives: the day's run, runs that were asked for, runs whose worker died.

        None waits for another source's.
        """
        await together((
            _again_and_again("the day's ingestion", lambda: self.daily(at, zone)),
            *(_again_and_again(source, partial(self.go_on, source)) for source in self.sources),
        ))  # fmt: skip

    async def daily(self, at: time, zone: ZoneInfo) -> None:
        """The runs of today, where they are due and nobody else is at them."""
        slot = last_slot(await self._runs.now(), at, zone)
        if not await self._runs.without_a_run_since(list(self.sources), slot):
            return
        async with self._locks.held(DAILY_LOCK) as ours:
            if ours:
                # Asked again under the lock: the one who had it before may have been through.
                due = await self._runs.without_a_run_since(list(self.sources), slot)
                await together(_watched(source, partial(self._today, source, slot)) for source in due)

    async def _today(self, source: str, slot: datetime) -> None:
        async def begin() -> UUID | None:
            run = await self._runs.ask_due(source, slot, DAILY_LOCK, self._locks.holder)
            return run.id if run else await self._runs.running(source)

        await self._run(source, begin)

    async def go_on(self, source: str) -> None:
        """With the run that was asked for, or whose worker is gone."""
        if await self._runs.waits(source, f"{LOCK_PREFIX}{source}"):
            await self._run(source, partial(self._runs.running, source))

    async def run(self, source: str) -> UUID | None:
        """Goes on with the run that waits, or begins one. None where somebody else is at it."""

        async def begin() -> UUID | None:
            waiting = await self._runs.running(source)
            if waiting is not None:
                return waiting
            asked = await self._runs.ask(source, None)
            return asked.id if asked else await self._runs.running(source)

        return await self._run(source, begin)

    async def _run(self, source: str, begin: Callable[[], Awaitable[UUID | None]]) -> UUID | None:
        lock = f"{LOCK_PREFIX}{source}"
        async with self._locks.held(lock) as ours:
            run = await begin() if ours else None
            if run is not None:
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
        source = replace(source, companies=await self._adoption.spellings(source.companies))
        await self._adoption.adopt(by, source.companies, source.place)
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


async def _again_and_again(name: str, work: Callable[[], Awaitable[object]]) -> None:
    while True:
        await _watched(name, work)
        await asyncio.sleep(TICK_SECONDS)


async def _watched(name: str, work: Callable[[], Awaitable[object]]) -> None:
    """Whatever becomes of it is nobody else's trouble; what is left of it is found again."""
    try:
        await work()
    except Unavailable as away:
        log.warning("%s waits: %s", name, away)
    except Lost as lost:
        log.warning("%s stops here: %s", name, lost)
    except Exception:
        log.exception("%s failed; it is tried again", name)
