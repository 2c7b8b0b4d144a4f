"""A board that shows what a test says, page by page, and an ingestion around it on real Postgres."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar
from uuid import uuid4

import asyncpg

from chatserver.adapters.adoption import Adoption
from chatserver.adapters.cron_locks import CronLocks
from chatserver.adapters.intake import PostgresIntake
from chatserver.adapters.jobs import PostgresJobs
from chatserver.adapters.listings import Listings
from chatserver.adapters.runs import RunStore
from chatserver.core.job_ports import Enrichment
from chatserver.intake import Intake
from tests.career_sites.impatient import ImpatientWeb
from workers.boards.board import Adapter, Board, Carried, Found, Gone, Page, Stub, Withheld
from workers.boards.config import Source
from workers.ingestion import Ingestion
from workers.web import Web

POSTED = datetime(2026, 11, 20, tzinfo=UTC)
PAGE = 3


@dataclass
class Shown:
    """What one board shows just now: titles by id, and how it behaves."""

    titles: dict[str, str] = field(default_factory=dict)
    carries_text: bool = False
    incomplete: str | None = None
    advertised: int | None = None
    partial: str | None = None
    fails: Exception | None = None
    fails_after: int = 0
    details: dict[str, Exception] = field(default_factory=dict)
    language: str = "en"
    languages: dict[str, str] = field(default_factory=dict)
    requisition: str | None = None
    words: str = "help clients every day."
    passes_to_close: int = 1
    asked: list[str] = field(default_factory=list)


class ScriptedBoard:
    """An `Adapter`; what it shows is by its board's name in `shown`."""

    platform: ClassVar[str] = "scripted"
    shown: ClassVar[dict[str, Shown]] = {}

    def __init__(self, board: Board, web: Web) -> None:
        self._board = board
        self._shown = self.shown[board.name]
        self.passes_to_close: int = self._shown.passes_to_close

    async def pages(self) -> AsyncIterator[Page]:
        shown = self._shown
        entries = list(shown.titles.items())
        for start in range(0, len(entries), PAGE):
            if shown.fails is not None and start >= shown.fails_after:
                raise shown.fails
            stubs = tuple(self._stub(*entry) for entry in entries[start : start + PAGE])
            yield Page(stubs, shown.advertised)
            await asyncio.sleep(0)
        if shown.fails is not None:
            raise shown.fails
        yield Page((), shown.advertised, complete=shown.partial is None, partial=shown.partial)

    def _stub(self, id: str, title: str) -> Stub:
        carried = Carried(title + self._shown.words, partial(self._found, title)) if self._shown.carries_text else None
        url = f"https://jobs.example.com/{self._board.name}/{id}"
        return Stub(id, title, url, "Pune, IN", handle=f"/{id}", carried=carried, incomplete=self._shown.incomplete)

    def _found(self, title: str) -> Found:
        return Found(title, f"As {title} you {self._shown.words}", "Pune, IN", language=self._shown.language)

    async def detail(self, stub: Stub) -> Found:
        self._shown.asked.append(stub.external_id)
        wrong = self._shown.details.get(stub.external_id)
        if wrong is not None:
            raise wrong
        found = self._found(stub.title)
        return replace(
            found, location="Pune, IN; Delhi, IN", posted_at=POSTED, requisition=self._shown.requisition,
            language=self._shown.languages.get(stub.external_id, found.language),
        )  # fmt: skip

    @classmethod
    def board_from_url(cls, url: str) -> dict[str, Any] | None:
        return None


@dataclass
class Queue:
    asked: list[Enrichment] = field(default_factory=list)

    async def enrich(self, enrichment: Enrichment) -> None:
        self.asked.append(enrichment)


Step = Callable[[str, tuple[Any, ...]], Awaitable[None]]
"""Told the method that is called and with what."""


async def _nothing(name: str, arguments: tuple[Any, ...]) -> None:
    return None


def with_steps(*, before: Step = _nothing, after: Step = _nothing) -> Callable[[Any], Any]:
    """Puts something before and after each call of a worker's stores: a death, a delay, somebody else's deed."""

    class Between:
        def __init__(self, part: Any) -> None:
            self._part = part

        def __getattr__(self, name: str) -> Any:
            method = getattr(self._part, name)

            async def call(*arguments: Any, **named: Any) -> Any:
                await before(name, arguments)
                answer = await method(*arguments, **named)
                await after(name, arguments)
                return answer

            return call

    return Between


class Stage:
    """A firm with the boards `one` and `two` of one tenant, and workers that read them."""

    def __init__(self, database: asyncpg.Pool) -> None:
        self.database = database
        self.shown = {"one": Shown(), "two": Shown()}
        ScriptedBoard.shown = self.shown
        boards = tuple(
            Board(name, "ey", "EY", "scripted", f"https://jobs.example.com/{name}", "firm") for name in self.shown
        )
        self.source = Source("ey", "EY", ("EY", "ey"), boards)
        self.runs = RunStore(database)
        self.queue = Queue()

    def worker(
        self, wrap: Callable[[Any], Any] = lambda part: part, *, ttl_seconds: float = 120, renew_seconds: float = 0.05
    ) -> Ingestion:
        """Another process. `wrap` may put itself between the worker and its stores."""
        jobs = PostgresJobs(self.database)
        intake = Intake(jobs, PostgresIntake(self.database), self.queue)
        locks = CronLocks(self.database, str(uuid4()), ttl_seconds=ttl_seconds, renew_seconds=renew_seconds)
        adapters: dict[str, type[Adapter]] = {"scripted": ScriptedBoard}
        return Ingestion(
            wrap(RunStore(self.database)), wrap(Listings(self.database)), wrap(Adoption(self.database)), locks,
            wrap(intake), {"ey": self.source}, adapters, ImpatientWeb(),
        )  # fmt: skip

    async def run(self) -> dict[str, Any]:
        """A whole run; its row and its boards' as they ended."""
        run = await self.worker().run("ey")
        assert run is not None
        found = await self.runs.one(run)
        return {"status": found.status, "detail": found.detail, "new": found.jobs_new, "closed": found.jobs_closed,
                "fetched": found.jobs_fetched, "skipped": found.jobs_skipped, "errors": found.errors,
                **{board.board: board for board in found.boards}}  # fmt: skip

    async def jobs(self) -> dict[str, str]:
        """Statuses by external id."""
        rows = await self.database.fetch("select external_id, status from jobs where provider_id is not null")
        return {row["external_id"]: row["status"] for row in rows}

    async def description(self, external_id: str) -> str:
        return str(await self.database.fetchval("select description_raw from jobs where external_id = $1", external_id))

    async def state(self) -> list[Any]:
        """All that a run leaves, but for ids and times."""
        queries = (
            "select company_name, external_id, title, description_raw, status, location, source_name, board, language,"
            " posted_at, closed_because from jobs order by external_id",
            "select l.board, l.external_id, j.external_id as job, l.title, l.wanted, l.tries, l.made_job, l.missed,"
            " l.gone_run is null, l.tried_run is null"
            " from job_listings l left join jobs j on j.id = l.job_id order by l.board, l.external_id",
            "select source_name, status, jobs_fetched, jobs_new, jobs_skipped, jobs_closed, errors, detail"
            " from scraping_logs order by started_at",
            "select b.board, b.status, b.jobs_fetched, b.jobs_new, b.jobs_skipped, b.jobs_closed, b.errors"
            " from scraping_boards b join scraping_logs l on l.id = b.run_id order by l.started_at, b.board",
            "select lock_name from cron_locks where expires_at > now()",
        )
        return [[tuple(row) for row in await self.database.fetch(query)] for query in queries]


__all__ = ["POSTED", "Gone", "Queue", "ScriptedBoard", "Shown", "Stage", "Withheld", "with_steps"]
