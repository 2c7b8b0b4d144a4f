"""What an idle connection costs: memory in the server's process, time to open, processor time while nothing is said.
And how soon a phone on a bad line is of use.

Every connection has signed in and joined a session of its own. Memory is what the process grew by (RSS), divided; the
kernel's buffers for sockets are not in it. `CONNECTIONS=2000 python -m tests.benchmarks connections` takes fewer.
"""

import asyncio
import os
import time
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import uuid4

import asyncpg
import msgspec

from chatserver.adapters.identity import DevelopmentIssuer
from tests.benchmarks.idle.clients import Held, Opened, Plan, files_for
from tests.benchmarks.servers import Servers, servers
from tests.benchmarks.streaming import free_port, processor, said, started, users
from tests.load.house import a_client
from tests.load.relay import Line, a_relay
from tests.load.town import a_seeker

CONNECTIONS = int(os.environ.get("CONNECTIONS", "10000"))
IDLE_SECONDS = 30.0
SETTLE_SECONDS = 5.0
START_SECONDS = 60.0
GOAL_KB = 24.0
PHONE_BITS_PER_SECOND = 50_000
PHONE_DELAY_SECONDS = 0.3
"""One way; a round trip takes twice as long. There is no TLS here, which takes one or two more."""
PHONE_MESSAGES = 500
PHONE_GOAL_SECONDS = 10.0


def resident_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


async def served(stack: AsyncExitStack, own: Servers) -> tuple[int, int]:
    """A server process without limits on who connects; its port and its id."""
    with free_port() as port:
        process = await started(
            stack, "chatserver", "serve", "--port", str(port), DATABASE_URL=own.database_url, REDIS_URL=own.redis_url,
            LIMIT_CONNECTIONS_PER_ADDRESS="0", TRUSTED_PROXIES="127.0.0.1/32", LOG_LEVEL="WARNING",
        )  # fmt: skip
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return port, process.pid
    raise SystemExit("The server did not start.")


async def phone(own: Servers, port: int) -> float:
    """Seconds until somebody with a long session on a bad line has the newest of it and their message is confirmed."""
    database = await asyncpg.connect(own.database_url)
    try:
        token, session = await a_seeker(database, DevelopmentIssuer(own.database_url), PHONE_MESSAGES)
    finally:
        await database.close()
    bad = Line(port, PHONE_BITS_PER_SECOND / 8, PHONE_DELAY_SECONDS)
    began = time.monotonic()
    async with a_relay(bad) as line, a_client(f"ws://127.0.0.1:{line.listening_port}/ws") as client:
        await client.says("hello", token=token)
        await client.hears_of("welcome")
        await client.says("join", session=str(session))
        joined = await client.hears_of("joined")
        shown = time.monotonic() - began
        await client.says("post", session=str(session), id=str(uuid4()), content="Am I heard?", ref="p")
        await client.hears_back("p")
        usable = time.monotonic() - began
    print(
        f"a phone at {PHONE_BITS_PER_SECOND // 1000} kbit/s and {PHONE_DELAY_SECONDS * 2000:.0f} ms:"
        f" the last {len(joined['events'])} of {PHONE_MESSAGES} messages after {shown:.1f} s, a post confirmed after"
        f" {usable:.1f} s, {(line.down + line.up) / 1024:.0f} KB"
    )
    return usable


async def measure() -> bool:
    # The server inherits it, as it would from an operator's service file.
    files_for(CONNECTIONS)
    async with servers() as own, AsyncExitStack() as stack:
        tokens, sessions = await users(own, CONNECTIONS)
        port, pid = await served(stack, own)
        await asyncio.sleep(SETTLE_SECONDS)
        before, spent_before = resident_kb(pid), processor(pid)
        clients = await started(stack, "tests.benchmarks.idle.clients")
        assert clients.stdin is not None
        assert clients.stdout is not None
        clients.stdin.write(msgspec.json.encode(Plan(port, tokens, sessions)) + b"\n")
        opened = msgspec.json.decode(await said(clients), type=Opened)
        spent_opening = processor(pid).loop - spent_before.loop
        await asyncio.sleep(SETTLE_SECONDS)
        each_kb = (resident_kb(pid) - before) / opened.joined
        print(
            f"{opened.joined} connections joined in {opened.seconds:.1f} s, the slowest in {opened.slowest_ms:.0f} ms"
        )
        print(f"opening: {spent_opening / opened.joined * 1e6:.0f} µs of the server's processor each")
        print(f"memory: {each_kb:.1f} KB each, of {before / 1024:.0f} MB before; the goal is {GOAL_KB:.0f}")
        idle = processor(pid)
        await asyncio.sleep(IDLE_SECONDS)
        now = processor(pid)
        idle_percent = (now.loop - idle.loop + now.others - idle.others) / IDLE_SECONDS * 100
        clients.stdin.write(b"\n")
        held = msgspec.json.decode(await said(clients), type=Held)
        print(
            f"idle: {idle_percent:.1f} per cent of a core over {IDLE_SECONDS:.0f} s, {held.heartbeats} heartbeats heard"
        )
        later_kb = (resident_kb(pid) - before) / opened.joined
        print(f"still open: {held.alive} of {opened.joined}; memory then {later_kb:.1f} KB each")
        phone_seconds = await phone(own, port)
        return each_kb <= GOAL_KB and held.alive == opened.joined == CONNECTIONS and phone_seconds <= PHONE_GOAL_SECONDS


def main() -> None:
    if not asyncio.run(measure()):
        raise SystemExit("The goal was missed.")


if __name__ == "__main__":
    main()
