"""One real server with the demo, and one browser, for all tests of the pages."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.chromium import chromium

READY_SECONDS = 120
STOP_SECONDS = 30


@dataclass(frozen=True, slots=True)
class House:
    """`chatserver up`: where it is, the links that it printed, and where its data is."""

    url: str
    links: dict[str, str]
    database_url: str


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def house(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    # After the browser: where there is none, nobody waits for a server.
    folder = tmp_path_factory.mktemp("house")
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chatserver", "up", "--port", "0", "--data", str(folder),
        env=kept, cwd=tmp_path_factory.mktemp("elsewhere"), stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT, start_new_session=True,
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
        yield House(run["url"].rstrip("/"), links, run["database_url"])
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
            if draining is not None:
                await draining
