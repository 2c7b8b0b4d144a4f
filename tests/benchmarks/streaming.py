"""What a streamed token costs: our server with one node and with two, beside relays that do nothing else.

Side by side in one run: processor time of the server's processes per token, latency added between the model's server
and a client, and how many streams are held. Postgres, Redis, the model's server and the clients run on the same
machine; where it has few cores, they take from the server's what it could have held.
"""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import uuid4

import asyncpg
import msgspec

from chatserver.adapters.children import dies_with_us
from chatserver.adapters.identity import DevelopmentIssuer
from chatserver.demo import load_demo
from chatserver.settings import Settings
from tests.benchmarks.servers import Servers, servers
from tests.benchmarks.streams.clients import Outcome, Plan
from tests.benchmarks.streams.model import RATE

STREAMS = 100
LADDER = (100, 200, 300, 400, 500, 600)
SECONDS = 8.0
HELD_SHARE = 0.90
HELD_P99_MS = 250.0
"""A stream is held while its reader gets nine of ten tokens that an idle server would give, and none much too late."""
TICK = os.sysconf("SC_CLK_TCK")
FOLDER = Path(__file__).parent.parent.parent


@dataclass(frozen=True, slots=True)
class Spent:
    """Processor seconds: of the event loop's threads, of all others (the embedding model's)."""

    loop: float
    others: float


@dataclass(frozen=True, slots=True)
class Target:
    name: str
    ports: list[int]
    processes: list[int]
    ours: bool


def processor(pid: int) -> Spent:
    loop = others = 0.0
    for task in Path(f"/proc/{pid}/task").iterdir():
        seconds = int((task / "schedstat").read_text().split()[0]) / 1e9
        if task.name == str(pid):
            loop += seconds
        else:
            others += seconds
    return Spent(loop, others)


async def started(stack: AsyncExitStack, *command: str, **environment: str) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *command, cwd=FOLDER, env={**os.environ, **environment},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, preexec_fn=dies_with_us(signal.SIGKILL),
    )  # fmt: skip

    async def end() -> None:
        if process.returncode is None:
            process.kill()
        await process.wait()

    stack.push_async_callback(end)
    return process


async def said(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip()


async def users(own: Servers, count: int) -> tuple[list[str], list[str]]:
    """So many seekers with a token and a session each."""
    issuer = DevelopmentIssuer(own.database_url)
    ids = [uuid4() for _ in range(count)]
    sessions = [uuid4() for _ in range(count)]
    connection = await asyncpg.connect(own.database_url)
    try:
        await connection.executemany(
            "insert into public.users (id, email, role, full_name) values ($1, $2, 'seeker', $3)",
            [(id, f"seeker{number}-{id}@example.com", f"Seeker {number}") for number, id in enumerate(ids)],
        )
        await connection.executemany(
            "insert into public.chat_sessions (id, user_id) values ($1, $2)", list(zip(sessions, ids, strict=True))
        )
    finally:
        await connection.close()
    return (
        [issuer.issue(f"seeker{number}-{id}@example.com", id) for number, id in enumerate(ids)],
        [str(session) for session in sessions],
    )


@contextmanager
def free_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    yield port


async def node(stack: AsyncExitStack, own: Servers, model_url: str) -> tuple[int, int]:
    with free_port() as port:
        process = await started(
            stack, "chatserver", "serve", "--port", str(port), DATABASE_URL=own.database_url, REDIS_URL=own.redis_url,
            ANTHROPIC_API_KEY="none", ANTHROPIC_BASE_URL=model_url, BUDGET_DAY_USD="1000000",
            BUDGET_SEEKER_DAY_USD="1000000", LIMIT_POSTS_PER_MINUTE="0", LIMIT_FRAMES_PER_MINUTE="0",
            LIMIT_CONNECTIONS_PER_ADDRESS="0", LOG_LEVEL="WARNING", ADMIN_EMAILS="",
        )  # fmt: skip
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return port, process.pid
    raise SystemExit("The server did not start.")


async def run(target: Target, own: Servers, streams: int) -> tuple[Outcome, Spent]:
    async with AsyncExitStack() as stack:
        clients = await started(stack, "tests.benchmarks.streams.clients")
        tokens, sessions = await users(own, streams) if target.ours else ([], [])
        assert clients.stdin is not None
        clients.stdin.write(msgspec.json.encode(Plan(target.ports, streams, tokens, sessions)) + b"\n")
        if await said(clients) != "ready":
            raise SystemExit(f"{target.name}: not every client got a first token.")
        # Until the answers are spread evenly over time.
        await asyncio.sleep(3)
        before = [processor(pid) for pid in target.processes]
        clients.stdin.write(b"go\n")
        await asyncio.sleep(SECONDS)
        clients.stdin.write(b"stop\n")
        after = [processor(pid) for pid in target.processes]
        outcome = msgspec.json.decode(await said(clients), type=Outcome)
    loop = sum(now.loop - then.loop for now, then in zip(after, before, strict=True))
    others = sum(now.others - then.others for now, then in zip(after, before, strict=True))
    return outcome, Spent(loop, others)


def told(outcome: Outcome, spent: Spent, streams: int) -> tuple[str, bool]:
    each = 1e6 / max(outcome.tokens, 1)
    share = outcome.tokens / (streams * RATE * outcome.seconds)
    held = share >= HELD_SHARE and outcome.p99_ms <= HELD_P99_MS and not outcome.errors
    return (
        f"{streams:>4} streams: {spent.loop * each:6.1f} µs a token (+{spent.others * each:5.1f} beside the loop), "
        f"{outcome.p50_ms:6.2f} ms p50, {outcome.p99_ms:7.2f} ms p99, {share:4.0%} of the tokens, "
        f"{spent.loop / outcome.seconds:4.0%} of a core"
        + (f", {outcome.errors} errors" if outcome.errors else "")
        + ("" if held else "  not held")
    ), held


async def measure(wanted: set[str]) -> None:
    async with AsyncExitStack() as stack:
        own = await stack.enter_async_context(servers())
        await load_demo(
            Settings.from_env({"DATABASE_URL": own.database_url, "REDIS_URL": own.redis_url}), lambda _: None
        )
        model_url = f"http://127.0.0.1:{await said(await started(stack, 'tests.benchmarks.streams.model'))}"

        async def relay(kind: str) -> Target:
            process = await started(stack, "tests.benchmarks.streams.relays", kind, model_url)
            names = {"bare": "bare relay", "helper": "Starlette and the package's helper"}
            return Target(names[kind], [int(await said(process))], [process.pid], ours=False)

        async def ours(nodes: int) -> Target:
            running = [await node(stack, own, model_url) for _ in range(nodes)]
            ports, pids = [port for port, _ in running], [pid for _, pid in running]
            return Target(f"this server, {nodes} node{'s' * (nodes > 1)}", ports, pids, ours=True)

        makers: dict[str, Callable[[], Awaitable[Target]]] = {
            "bare": partial(relay, "bare"), "helper": partial(relay, "helper"), "one": partial(ours, 1),
            "two": partial(ours, 2),
        }  # fmt: skip
        for kind, make in makers.items():
            if wanted and kind not in wanted:
                continue
            target = await make()
            print(target.name, flush=True)
            for streams in LADDER:
                line, held = told(*await run(target, own, streams), streams)
                print(f"  {line}", flush=True)
                if not held:
                    break


def main() -> None:
    asyncio.run(measure(set(sys.argv[1:])))


if __name__ == "__main__":
    main()
