"""A worker as its process beside a test, of which nothing may go wrong."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from chatserver.adapters.children import dies_with_us

ROOT = Path(__file__).parent.parent
PATIENCE_SECONDS = 60.0


@asynccontextmanager
async def a_worker(settings: str = "WorkerSettings", **env: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "arq", f"workers.main.{settings}", cwd=ROOT, env={"PATH": os.environ["PATH"], **env},
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE, preexec_fn=dies_with_us(signal.SIGTERM),
    )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        _, said = await asyncio.wait_for(process.communicate(), PATIENCE_SECONDS)
    assert b"Traceback" not in said, said.decode()
    assert b'"error"' not in said, said.decode()
