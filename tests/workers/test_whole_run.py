"""All platforms at once through the real way to the web: one run each of four firms, a bad day, and the day after."""

from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest_asyncio
from starlette.responses import PlainTextResponse

from chatserver.adapters.adoption import Adoption
from chatserver.adapters.cron_locks import CronLocks
from chatserver.adapters.intake import PostgresIntake
from chatserver.adapters.jobs import PostgresJobs
from chatserver.adapters.listings import Listings
from chatserver.adapters.runs import RunStore
from chatserver.core.run import Run
from chatserver.intake import Intake
from tests.career_sites.avature import AvatureJob, AvatureSite
from tests.career_sites.kpmg_us import KpmgUsJob, KpmgUsSite
from tests.career_sites.oracle import OracleJob, OracleSite
from tests.career_sites.successfactors import SuccessFactorsJob, SuccessFactorsSite
from tests.career_sites.workday import WorkdayJob, WorkdaySite
from tests.loopback import serving
from tests.workers.bench import LOOPBACK
from tests.workers.clockwork import Clockwork
from tests.workers.scripted import Queue
from workers.boards.board import Board
from workers.boards.config import Source
from workers.boards.platforms import PLATFORMS
from workers.fetch import Fetch
from workers.ingestion import Ingestion
from workers.pace import Pace

DAY_SECONDS = 86_400.0
ALLOWED = "User-agent: *\nDisallow: /private/\n"


class Hosts:
    """Many sites on one port, by the name that is asked for; `robots` by host."""

    def __init__(self, sites: dict[str, Any]) -> None:
        self.sites = sites
        self.robots: dict[str, str] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        host = dict(scope["headers"])[b"host"].decode().partition(":")[0]
        if scope["path"] == "/robots.txt":
            await PlainTextResponse(self.robots.get(host, ALLOWED))(scope, receive, send)
        else:
            await self.sites[host].app(scope, receive, send)


async def loopback(host: str, port: int) -> Collection[str]:
    return ["127.0.0.1"]


class Firms:
    """Deloitte on SuccessFactors and Avature, PwC on two Workday sites, KPMG on Oracle and its own site, EY on one."""

    def __init__(self, database: asyncpg.Pool, hosts: Hosts, url: str, fetch: Fetch, clock: Clockwork) -> None:
        self.clock = clock
        self.database = database
        self.hosts = hosts
        port = urlsplit(url).port

        def board(name: str, source: str, company: str, platform: str, path: str, tenant: str) -> Board:
            # The firm's own site in the United States shows no other country.
            country = None if platform == "kpmg_us" else "IN"
            return Board(name, source, company, platform, f"http://{name}.example:{port}{path}", tenant, country)

        oracle = "/hcmUI/CandidateExperience/en/sites/CX_1"
        boards = {
            "deloitte": (
                board("southasia", "deloitte", "Deloitte", "successfactors", "", "sh"),
                board("usi", "deloitte", "Deloitte", "avature", "/en_US/careersUSI", "usi"),
            ),
            "pwc": (
                board("global", "pwc", "PwC", "workday", "/Careers", "acme"),
                board("campus", "pwc", "PwC", "workday", "/Careers", "acme"),
            ),
            "kpmg": (
                board("ejgk", "kpmg", "KPMG", "oracle", oracle, "ejgk"),
                board("us", "kpmg", "KPMG", "kpmg_us", "", "kpmgus"),
            ),
            "ey": (board("careers", "ey", "EY", "successfactors", "/ey", "ey"),),
        }
        self.sources = {
            name: Source(name, listed[0].company, (listed[0].company,), listed) for name, listed in boards.items()
        }
        intake = Intake(PostgresJobs(database), PostgresIntake(database), Queue())
        self.runs = RunStore(database)
        locks = CronLocks(database, str(uuid4()))
        self.ingestion = Ingestion(
            self.runs, Listings(database), Adoption(database), locks, intake, self.sources, PLATFORMS, fetch
        )

    async def run(self) -> dict[str, Run]:
        found = {}
        for source in self.sources:
            run = await self.ingestion.run(source)
            assert run is not None
            found[source] = await self.runs.one(run)
        return found

    async def open_jobs(self) -> set[str]:
        rows = await self.database.fetch("select company_name, external_id from jobs where status = 'processing'")
        return {f"{row['company_name']} {row['external_id']}" for row in rows}


SITES: dict[str, Any] = {
    "southasia.example": SuccessFactorsSite(
        {"1001": SuccessFactorsJob("Auditor"), "1002": SuccessFactorsJob("Lawyer")}
    ),
    "usi.example": AvatureSite({"2001": AvatureJob(), "2002": AvatureJob("Signal Keeper")}),
    "global.example": WorkdaySite({"301WD": WorkdayJob("Adviser"), "302WD": WorkdayJob("There", country="US")}),
    "campus.example": WorkdaySite({"301WD": WorkdayJob("Adviser", twin="-1"), "303WD": WorkdayJob("Intern")}),
    "ejgk.example": OracleSite(
        {"4001": OracleJob("Analyst"), "4002": OracleJob("There", country="GB", place="London")}
    ),
    "us.example": KpmgUsSite({"5001": KpmgUsJob()}),
    "careers.example": SuccessFactorsSite({"6001": SuccessFactorsJob("Partner")}, root="/ey"),
}


@pytest_asyncio.fixture
async def firms(database: asyncpg.Pool, redis_url: str) -> AsyncIterator[Firms]:
    async with AsyncExitStack() as stack:
        hosts = Hosts(SITES)
        url = await stack.enter_async_context(serving(hosts))
        clock = Clockwork()
        pace = Pace(redis_url, clock=clock, sleep=clock.sleep)
        stack.push_async_callback(pace.aclose)
        fetch = Fetch(
            "crawler@jobs.example", pace, reach=LOOPBACK, look_up=loopback, pauses_seconds=(0.0,), clock=clock,
            now=clock.now, sleep=clock.sleep,
        )  # fmt: skip
        stack.push_async_callback(fetch.aclose)
        yield Firms(database, hosts, url, fetch, clock)


EVERYTHING = {
    "Deloitte 1001", "Deloitte 1002", "Deloitte usi:2001", "Deloitte usi:2002", "PwC 301WD", "PwC acme:303WD",
    "KPMG 4001", "KPMG kpmgus:5001", "EY 6001",
}  # fmt: skip


async def test_three_days(firms: Firms) -> None:
    runs = await firms.run()
    assert await firms.open_jobs() == EVERYTHING
    assert {name: run.status for name, run in runs.items()} == dict.fromkeys(firms.sources, "completed")
    statuses = {board.board: board.status for run in runs.values() for board in run.boards}
    assert set(statuses.values()) == {"ok"}, statuses
    row = await firms.database.fetchrow("select * from jobs where external_id = '1001'")
    assert (row["description_raw"], row["posted_at"].day) == ("You close the books.\n\n- SAP", 16)

    # A bad day: one site shuts its robots, one is down, one asks for a person, one drops a posting.
    firms.hosts.robots["usi.example"] = "User-agent: *\nDisallow: /\n"
    SITES["global.example"].fails_from = 0
    SITES["careers.example"].feed, SITES["careers.example"].pages = "none", "login"
    del SITES["southasia.example"].jobs["1002"]
    await firms.clock.sleep(DAY_SECONDS)
    runs = await firms.run()
    told = {board.board: board.status for run in runs.values() for board in run.boards}
    assert (told["usi"], told["global"], told["careers"]) == ("disallowed", "failed", "blocked")
    assert runs["ey"].status == "failed"
    assert await firms.open_jobs() == EVERYTHING - {"Deloitte 1002"}

    # The day after, everything is as it was, and what was dropped stands there again.
    firms.hosts.robots.clear()
    SITES["global.example"].fails_from = None
    SITES["careers.example"].feed = "open"
    SITES["southasia.example"].jobs["1002"] = SuccessFactorsJob("Lawyer")
    await firms.clock.sleep(DAY_SECONDS)
    runs = await firms.run()
    assert await firms.open_jobs() == EVERYTHING
    assert {run.jobs_new for run in runs.values()} == {0}
