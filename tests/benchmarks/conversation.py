"""What a message costs in a short conversation and in a long one, and how soon a takeover is seen on another node.

Appends alternate between both conversations, in one run. The flush into `conversation_log`, which happens behind the
messages every two seconds, is measured beside them: it rewrites an array, and that grows.
"""

import asyncio
import statistics
import time
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
from websockets.asyncio.client import ClientConnection, connect

from chatserver.adapters.chats import ChatStore
from chatserver.adapters.identity import DevelopmentIssuer
from chatserver.adapters.postgres import connect as open_pool
from chatserver.adapters.wire import RedisWire
from chatserver.conversations import Conversations
from chatserver.core.access import User
from tests.benchmarks.servers import Servers, servers
from tests.benchmarks.streaming import node, said, started

SHORT, LONG = 10, 5_000
APPENDS = 300
FLUSHES = 30
TAKEOVERS = 200
WORDS = "I have looked at it and think that the second one suits you better, for the reasons that you gave. " * 2


async def person(connection: asyncpg.Connection, role: str, name: str) -> User:
    user = User(uuid4(), f"{name.lower()}@example.com", role, name)  # type: ignore[arg-type]
    await connection.execute(
        "insert into public.users (id, email, role, full_name) values ($1, $2, $3::text::public.user_role, $4)",
        user.id, user.email, role, name,
    )  # fmt: skip
    return user


async def conversation(connection: asyncpg.Connection, seeker: User, admin: User, messages: int) -> UUID:
    """One that an admin holds, so that a message calls no assistant."""
    session = uuid4()
    await connection.execute(
        "insert into public.chat_sessions (id, user_id, status, admin_id, admin_lease_until, seq)"
        " values ($1, $2, 'active_human', $3, now() + interval '1 hour', $4)",
        session, seeker.id, admin.id, messages,
    )  # fmt: skip
    await connection.execute(
        "insert into public.chat_messages (session_id, seq, id, turn, kind, role, author_id, content, meta)"
        " select $1, n, gen_random_uuid(), 0, 'message', 'user', $2, $4, '{}'::jsonb from generate_series(1, $3) n",
        session, seeker.id, messages, WORDS,
    )  # fmt: skip
    await connection.execute("select public.chat_flush(array[$1]::uuid[])", session)
    return session


async def wal(connection: asyncpg.Connection) -> int:
    at: int = await connection.fetchval("select (pg_current_wal_insert_lsn() - '0/0')::bigint")
    return at


class Measured:
    def __init__(self) -> None:
        self.milliseconds: list[float] = []
        self.wal: list[int] = []

    def __str__(self) -> str:
        return f"{statistics.median(self.milliseconds):6.2f} ms, {statistics.median(self.wal):9,.0f} bytes of WAL"


async def appends(own: Servers) -> None:
    async with AsyncExitStack() as stack:
        pool = await open_pool(own.database_url, size=4)
        stack.push_async_callback(pool.close)
        watching = await asyncpg.connect(own.database_url)
        stack.push_async_callback(watching.close)
        wire = RedisWire(own.redis_url)
        wire.start()
        stack.push_async_callback(wire.stop)
        conversations = Conversations(ChatStore(pool, uuid4(), 3600), wire, {"name": "Assistant", "kind": "offline"})
        asha, ben = await person(watching, "seeker", "Asha"), await person(watching, "admin", "Ben")
        held = {messages: await conversation(watching, asha, ben, messages) for messages in (SHORT, LONG)}
        await watching.execute("vacuum analyze public.chat_messages")
        append, flush = {name: Measured() for name in held}, {name: Measured() for name in held}

        async def measured(into: Measured, work: Any) -> None:
            before, began = await wal(watching), time.perf_counter()
            await work
            into.milliseconds.append((time.perf_counter() - began) * 1000)
            into.wal.append(await wal(watching) - before)

        for _ in range(APPENDS):
            for messages, session in held.items():
                await measured(append[messages], conversations.post(ben, session, uuid4(), WORDS))
        for _ in range(FLUSHES):
            for messages, session in held.items():
                await conversations.post(ben, session, uuid4(), WORDS)
                await measured(flush[messages], pool.execute("select public.chat_flush(array[$1]::uuid[])", session))
        for messages in held:
            print(f"  an append at {messages:>5,} messages: {append[messages]}   its flush: {flush[messages]}")
        ratio = [
            statistics.median(append[LONG].milliseconds) / statistics.median(append[SHORT].milliseconds),
            statistics.median(append[LONG].wal) / statistics.median(append[SHORT].wal),
        ]
        print(f"  long to short: {ratio[0]:.2f} in time, {ratio[1]:.2f} in WAL", flush=True)


class Screen:
    """A client of one session."""

    def __init__(self, socket: ClientConnection, session: str) -> None:
        self._socket = socket
        self.session = session

    async def says(self, kind: str, **fields: Any) -> None:
        await self._socket.send(msgspec.json.encode({"type": kind, **fields}).decode())

    async def hears(self, kind: str, **wanted: Any) -> float:
        """The moment at which such a frame came."""
        while True:
            frame = msgspec.json.decode(await self._socket.recv())
            if frame["type"] == "error":
                raise SystemExit(frame)
            if frame["type"] == kind and all(frame.get(name) == value for name, value in wanted.items()):
                return time.perf_counter()


async def takeovers(own: Servers) -> None:
    async with AsyncExitStack() as stack:
        model_url = f"http://127.0.0.1:{await said(await started(stack, 'tests.benchmarks.streams.model'))}"
        ports = [(await node(stack, own, model_url))[0] for _ in range(2)]
        watching = await asyncpg.connect(own.database_url)
        stack.push_async_callback(watching.close)
        issuer = DevelopmentIssuer(own.database_url)
        asha, ben = await person(watching, "seeker", "Chitra"), await person(watching, "admin", "Dev")
        session = str(uuid4())
        await watching.execute("insert into public.chat_sessions (id, user_id) values ($1, $2)", UUID(session), asha.id)

        async def screen(user: User, port: int) -> Screen:
            socket = await stack.enter_async_context(connect(f"ws://127.0.0.1:{port}/ws"))
            made = Screen(socket, session)
            await made.says("hello", token=issuer.issue(user.email or "", user.id))
            await made.says("join", ref="j", session=session)
            await made.hears("joined")
            return made

        # The seeker's node runs the answers; the admin's is the other one.
        seeker, admin = await screen(asha, ports[0]), await screen(ben, ports[1])
        after_ok: list[float] = []
        after_asked: list[float] = []
        for _ in range(TAKEOVERS):
            await seeker.says("post", session=session, id=str(uuid4()), content="Which of these jobs suits me?")
            await seeker.hears("delta")
            asked = time.perf_counter()
            await admin.says("take_over", ref="t", session=session)
            ok, seen = await asyncio.gather(admin.hears("ok", ref="t"), seeker.hears("status", status="active_human"))
            after_ok.append(max(0.0, seen - ok) * 1000)
            after_asked.append((seen - asked) * 1000)
            await admin.says("post", ref="p", session=session, id=str(uuid4()), content="I am here.")
            await admin.hears("ok", ref="p")
            await admin.says("hand_back", ref="b", session=session)
            await asyncio.gather(admin.hears("ok", ref="b"), seeker.hears("status", status="active_ai"))
        for name, found in (("after its ok", after_ok), ("after it was asked for", after_asked)):
            found.sort()
            print(
                f"  a takeover in mid-answer, seen on the other node {name}: {found[len(found) // 2]:.1f} ms p50, "
                f"{found[int(len(found) * 0.99)]:.1f} ms p99, {found[-1]:.1f} ms at worst, of {len(found)}"
            )


async def measure() -> None:
    async with servers() as own:
        await appends(own)
        await takeovers(own)


def main() -> None:
    asyncio.run(measure())


if __name__ == "__main__":
    main()
