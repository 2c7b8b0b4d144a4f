"""What an idle connection costs: memory in the server's process, time to open, processor time while nothing is said.

Every connection has signed in and joined a session of its own. Memory is what the process grew by (RSS), divided; the
kernel's buffers for sockets are not in it. `CONNECTIONS=2000 python -m tests.benchmarks connections` takes fewer.
"""

import asyncio
import os
import time
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec

from tests.benchmarks.idle.clients import Held, Opened, Plan, files_for
from tests.benchmarks.servers import Servers, servers
from tests.benchmarks.streaming import free_port, processor, said, started, users

CONNECTIONS = int(os.environ.get("CONNECTIONS", "10000"))
IDLE_SECONDS = 30.0
SETTLE_SECONDS = 5.0
START_SECONDS = 60.0
GOAL_KB = 24.0


def resident_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


async def served(stack: AsyncExitStack, own: Servers) -> tuple[int, int]:
    """A server process without limits on who connects; its port and its id."""
    with free_port() as port:
        process = await started(
            stack, "chatserver", "serve", "--port", str(port), DATABASE_URL=own.database_url, REDIS_URL=own.redis_url,
            LIMIT_CONNECTIONS_PER_ADDRESS="0", LOG_LEVEL="WARNING",
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
        return each_kb <= GOAL_KB and held.alive == opened.joined == CONNECTIONS


def main() -> None:
    if not asyncio.run(measure()):
        raise SystemExit("The goal was missed.")


if __name__ == "__main__":
    main()
