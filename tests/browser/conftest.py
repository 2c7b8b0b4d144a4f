"""One real server with the demo, more nodes of it, and one browser, for all tests of the pages.

Whatever the browser complains of, errors of scripts and violations of the policy included, fails the test.
"""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import httpx2
import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage

from chatserver.adapters.children import dies_with_us, free_port
from chatserver.core.hours import DAYS
from tests.chromium import chromium
from tests.until import until

READY_SECONDS = 120
STOP_SECONDS = 30


@dataclass(frozen=True, slots=True)
class House:
    """`chatserver up`: where it is, the links that it printed, and where its data is."""

    url: str
    links: dict[str, str]
    database_url: str
    redis_url: str

    def on(self, node: str, link: str) -> str:
        """The same link at another node."""
        return link.replace(self.url, node)


@dataclass
class Complaints:
    """What the browser said was wrong, and what of it a test brings about on purpose."""

    said: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def expect(self, pattern: str) -> None:
        self.expected.append(pattern)

    def watch(self, context: BrowserContext) -> None:
        context.on("weberror", lambda error: self.said.append(str(error.error)))
        context.on("console", self.hear)

    def hear(self, said: ConsoleMessage) -> None:
        # The browser reports every 404 by itself, and "no resume yet" is one.
        asked_for_a_resume = said.location["url"].endswith("/resume") and "404" in said.text
        if said.type in ("error", "warning") and not asked_for_a_resume:
            self.said.append(said.text)

    def left(self) -> list[str]:
        return [one for one in self.said if not any(re.search(pattern, one) for pattern in self.expected)]


@asynccontextmanager
async def another_node(house: House, **settings: str) -> AsyncIterator[str]:
    """One more `chatserver serve` on the house's database and wire, with settings of its own; yields where it is."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chatserver", "serve", "--port", str(port),
        env=kept_environment() | {"DATABASE_URL": house.database_url, "REDIS_URL": house.redis_url, **settings},
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, start_new_session=True,
        preexec_fn=dies_with_us(signal.SIGTERM),
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        async with asyncio.timeout(READY_SECONDS), httpx2.AsyncClient(base_url=url) as http:

            async def serves() -> bool:
                assert process.returncode is None, "the node ended before it was ready"
                with suppress(httpx2.TransportError):
                    return (await http.get("/readyz")).status_code == 200
                return False

            await until(serves)
        yield url
    finally:
        await _stopped(process)


def kept_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}


async def _stopped(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(STOP_SECONDS):
        await process.wait()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def complaints(browser: Browser) -> AsyncIterator[Complaints]:
    """All contexts that are opened in the test."""
    heard = Complaints()
    browser.on("context", heard.watch)
    yield heard
    browser.remove_listener("context", heard.watch)
    assert heard.left() == []


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def house(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    # After the browser: where there is none, nobody waits for a server.
    folder = tmp_path_factory.mktemp("house")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chatserver", "up", "--port", "0", "--data", str(folder),
        env=kept_environment(), cwd=tmp_path_factory.mktemp("elsewhere"), stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT, start_new_session=True, preexec_fn=dies_with_us(signal.SIGTERM),
    )  # fmt: skip
    assert process.stdout is not None
    said = ""
    draining: asyncio.Task[bytes] | None = None
    try:
        async with asyncio.timeout(READY_SECONDS):
            links: dict[str, str] = {}
            while len(links) < 3:
                line = (await process.stdout.readline()).decode()
                assert line, f"the server ended before it was ready:\n{said}"
                said += line
                if found := re.match(r"\s*(seeker|admin|provider)\s+(http\S+#token=\S+)", line):
                    links[found[1]] = found[2]
        # A pipe that nobody reads fills up and stops the server.
        draining = asyncio.create_task(process.stdout.read())
        run = msgspec.json.decode((folder / "run.json").read_bytes())
        yield House(run["url"].rstrip("/"), links, run["database_url"], run["redis_url"])
    finally:
        await _stopped(process)
        if draining is not None:
            await draining


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def node_at_night(house: House) -> AsyncIterator[str]:
    """The address of a second node, on which business opens tomorrow."""
    tomorrow = DAYS[(datetime.now(ZoneInfo("Asia/Kolkata")) + timedelta(days=1)).weekday()]
    async with another_node(house, BUSINESS_HOURS=f"{tomorrow} 09:00-18:00", DRAIN_SECONDS="1") as url:
        yield url
