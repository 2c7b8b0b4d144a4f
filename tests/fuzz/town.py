"""Everybody at once on a real node, and what must be true of the database, the log and the memory afterwards."""

import asyncio
import json
import os
import random
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import asyncpg

from chatserver.adapters.children import dies_with_us, free_port
from chatserver.adapters.identity import DevelopmentIssuer
from chatserver.settings import Settings
from tests.fuzz.forge import Known
from tests.fuzz.visit import NOTE, Broken, Count, Guest, Visit

ROOT = Path(__file__).parent.parent.parent
START_SECONDS = 60.0
LOOK_SECONDS = 600.0
"""On a busy machine; it is asked between two frames."""
SETTLE_SECONDS = 120.0
STOP_SECONDS = 60.0
POLL_SECONDS = 0.05
POOLED = 32
"""Descriptors: connections to the database and to Redis that are kept."""
DEVICES = 2
"""Of each person at a time."""
LOOK_FRAMES = 2_500
LOOKS = 40
"""At the memory, spread over the run, and not more often than all so many frames."""
WARM_SHARE = 0.25
"""What the first frames take is the server's own: its code, its caches, its pools."""
LEAK_KB_PER_100K = 8 * 1024
LEAK_KB = 48 * 1024
"""What a short run may take all the same: the caches of a process that is minutes old still fill."""

PEOPLE = UUID("6f1c1f0e-0000-4000-8000-00000000f022")
QUIET = {name: value for name, value in os.environ.items() if name not in {f.name.upper() for f in fields(Settings)}}
# The limits are tried by tests of their own; here they would end every connection before it got anywhere.
SETTINGS = {
    "LIMIT_POSTS_PER_MINUTE": "0", "LIMIT_FRAMES_PER_MINUTE": "0", "LIMIT_CONNECTIONS_PER_ADDRESS": "0",
    "LIMIT_CONNECTIONS_PER_USER": "0", "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1",
}  # fmt: skip
VICTIM_WORDS = "nobody-elses-words"
_TRACE = re.compile(r"Traceback| ERROR | CRITICAL |Task exception|Error running script|never retrieved|never awaited")

INVARIANTS = {
    "the places of a session are 1 to its seq": """
      select s.id from chat_sessions s left join chat_messages m on m.session_id = s.id group by s.id
      having count(m.seq) <> s.seq or coalesce(max(m.seq), 0) <> s.seq or coalesce(min(m.seq), 1) <> 1""",
    "no turn goes back": """
      select session_id from (select session_id, turn, lag(turn) over (partition by session_id order by seq) as before
        from chat_messages) t where turn < before""",
    "no event is of a turn that has not begun": """
      select s.id from chat_sessions s join chat_messages m on m.session_id = s.id and m.turn > s.turn""",
    "a note is in no conversation_log": f"""
      select id from chat_sessions where conversation_log::text like '%{NOTE}%'""",
    "notes are written by admins": """
      select m.session_id from chat_messages m join users u on u.id = m.author_id
      where m.kind = 'note' and u.role <> 'admin'""",
    "nobody speaks in somebody else's session": """
      select m.session_id from chat_messages m join chat_sessions s on s.id = m.session_id
      join users u on u.id = m.author_id
      where m.kind = 'message' and u.role <> 'admin' and s.user_id <> m.author_id""",
    "only an admin holds a session": """
      select s.id from chat_sessions s join users u on u.id = s.admin_id where u.role <> 'admin'""",
    "nothing is stored that cannot be": """
      select session_id from chat_messages where length(content) > 8000 and role = 'user'""",
}  # fmt: skip


@dataclass
class Node:
    port: int
    child: asyncio.subprocess.Process
    log: Path
    held: Path

    async def look(self) -> dict[str, int]:
        """What the process holds: kilobytes, tasks, and objects by their class."""
        self.held.unlink(missing_ok=True)
        self.child.send_signal(signal.SIGUSR1)
        async with asyncio.timeout(LOOK_SECONDS):
            while not self.held.exists():
                await asyncio.sleep(POLL_SECONDS)
        found: dict[str, int] = json.loads(self.held.read_text())
        return found

    def complaints(self) -> list[str]:
        lines = self.log.read_text(errors="replace").splitlines()
        return [line for line in lines if _TRACE.search(line)]


@asynccontextmanager
async def a_node(database_url: str, redis_url: str, folder: Path) -> AsyncIterator[Node]:
    port, log, held = free_port(), folder / "node.log", folder / "held.json"
    environment = {
        **QUIET, **SETTINGS, "DATABASE_URL": database_url, "REDIS_URL": redis_url,
        "RESUME_DIR": str(folder / "resumes"),
    }  # fmt: skip
    with log.open("wb") as output:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.fuzz.node", str(port), str(held), cwd=ROOT, env=environment,
            stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, preexec_fn=dies_with_us(signal.SIGKILL),
        )  # fmt: skip
    node = Node(port, child, log, held)
    try:
        async with asyncio.timeout(START_SECONDS):
            while True:
                with suppress(OSError, asyncio.IncompleteReadError):
                    if await _answers(port):
                        break
                assert child.returncode is None, log.read_text(errors="replace")[-2_000:]
                await asyncio.sleep(POLL_SECONDS)
        yield node
    finally:
        if child.returncode is None:
            child.terminate()
            with suppress(TimeoutError):
                await asyncio.wait_for(child.wait(), STOP_SECONDS)
            if child.returncode is None:
                child.kill()
                await child.wait()


async def _answers(port: int) -> bool:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
        return b" 200 " in await reader.readuntil(b"\r\n")
    finally:
        writer.close()


@dataclass
class Fuzzing:
    """`count` frames from everybody, by `seed`; raises `Broken` with what to look at."""

    database: asyncpg.Connection
    issuer: DevelopmentIssuer
    node: Node
    seed: int
    count: Count
    says: Callable[[str], None] = lambda line: None
    guests: list[Guest] = field(default_factory=list)
    _looks: list[tuple[int, int]] = field(default_factory=list)

    async def run(self) -> str:
        """A line of what was done."""
        began = time.monotonic()
        await self._people()
        before = await self._bystander()
        idle = await self.node.look()
        looking = asyncio.create_task(self._watch())
        lives = [
            asyncio.create_task(self._life(guest, f"{self.seed} {guest.name} {device}"))
            for guest in self.guests
            for device in range(DEVICES if guest.role != "anonymous" else 1)
        ]
        try:
            awaited: set[asyncio.Future[Any]] = {asyncio.gather(*lives), looking}
            done, _ = await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
            for ended in done:
                ended.result()
        finally:
            for task in [*lives, looking]:
                task.cancel()
            await asyncio.gather(*lives, looking, return_exceptions=True)
        seconds = time.monotonic() - began
        await self._settles()
        last = await self._gone(idle)
        await self._invariants(before)
        self._logged()
        slope = self._memory(last)
        counted = self.count
        return (
            f"{counted.sent:,} frames in {counted.visits:,} connections, {counted.heard:,} heard, {seconds:.0f} s, "
            f"{counted.sent / seconds:,.0f}/s; memory {idle['rss_kb'] / 1024:.0f} MB to {last['rss_kb'] / 1024:.0f} MB"
            f"{slope}; ended with {dict(sorted(counted.codes.items()))}"
        )

    async def _life(self, guest: Guest, seed: str) -> None:
        chance = random.Random(seed)
        while self.count.left > 0:
            await Visit(self.node.port, guest, chance, self.count).lasts()

    async def _watch(self) -> None:
        step = max(self.count.most // LOOKS, LOOK_FRAMES)
        reached = step
        began = time.monotonic()
        while True:
            await asyncio.sleep(POLL_SECONDS)
            self._logged()
            if self.count.sent >= reached:
                reached = (self.count.sent // step + 1) * step
                held = await self.node.look()
                self._looks.append((self.count.sent, held["rss_kb"]))
                self.says(
                    f"{self.count.sent:>9,} frames  {time.monotonic() - began:>5.0f} s  "
                    f"{held['rss_kb'] / 1024:>5.0f} MB  {held['tasks']:>3} tasks  {held['Socket']:>3} sockets"
                )

    # Who is there

    async def _people(self) -> None:
        names = {
            "Asha": "seeker", "Ben": "seeker", "Devi": "seeker", "Admin One": "admin", "Admin Two": "admin",
            "Provider": "provider", "Victim": "seeker", "Gone": "seeker",
        }  # fmt: skip
        ids = {name: uuid5(PEOPLE, f"{name} {self.seed}") for name in names}
        for name, role in names.items():
            await self.database.execute(
                "insert into users (id, email, role, full_name, deactivated_at)"
                " values ($1, $2, $3::text::user_role, $4, case when $4::text = 'Gone' then now() end)",
                ids[name], f"{ids[name]}@example.com", role, name,
            )  # fmt: skip
        session = uuid5(PEOPLE, f"session {self.seed}")
        job = uuid5(PEOPLE, f"job {self.seed}")
        await self.database.execute(
            "insert into chat_sessions (id, user_id, seq) values ($1, $2, 1)", session, ids["Victim"]
        )
        await self.database.execute(
            "insert into chat_messages (session_id, seq, id, turn, kind, role, author_id, content)"
            " values ($1, 1, $2, 0, 'message', 'user', $3, $4)", session, job, ids["Victim"], VICTIM_WORDS,
        )  # fmt: skip
        await self.database.execute(
            "insert into jobs (id, provider_id, title, description_raw, status) values ($1, $2, $3, $3, 'closed')",
            job, ids["Provider"], "Data engineer",
        )  # fmt: skip
        tokens = {name: self.issuer.issue(f"{id}@example.com", id) for name, id in ids.items()}
        dead = self.issuer.issue("dead@example.com", ids["Asha"], seconds=-100)
        marks = {name: f"mark-of-{name.replace(' ', '-').lower()}" for name in names}
        for name in ("Asha", "Ben", "Devi", "Admin One", "Admin Two", "Provider"):
            others = [tokens["Gone"], dead, "", "x", tokens[name][:-3], "a.b.c", tokens[name] + "="]
            known = Known(
                foreign=[str(session)] if names[name] != "admin" else [],
                barred=[str(session)], people=[str(id) for id in ids.values()],
                jobs=[str(job)], tokens=[tokens[name], *others], mark=marks[name],
            )  # fmt: skip
            hidden = [
                VICTIM_WORDS,
                NOTE,
                *(mark for other, mark in marks.items() if names[other] == "seeker" and other != name),
            ]
            self.guests.append(Guest(name, names[name], known, tuple(word.encode() for word in hidden)))
        nobody = Known(foreign=[str(session)], tokens=[dead, tokens["Gone"], "x", "a.b.c", ""])
        self.guests.append(Guest("Nobody", "anonymous", nobody))
        # What an admin may do to anybody's session is not what is tried here: they are kept from the bystander's.
        self._victim, self._session, self._job = ids["Victim"], session, job

    async def _bystander(self) -> list[Any]:
        """Everything that is nobody's business."""
        session = "select user_id, seq, turn, status, admin_id, waiting_since from chat_sessions where id = $1"
        return [
            [dict(row) for row in await self.database.fetch(sql, id)]
            for sql, id in (
                ("select * from users where id = $1", self._victim),
                ("select * from chat_messages where session_id = $1", self._session),
                (session, self._session),
                ("select * from chat_reads where session_id = $1", self._session),
                ("select * from jobs where id = $1", self._job),
            )
        ]  # fmt: skip

    # Afterwards

    async def _settles(self) -> None:
        running = "select count(*) from chat_answers where state = 'running'"
        async with asyncio.timeout(SETTLE_SECONDS):
            while await self.database.fetchval(running):
                await asyncio.sleep(POLL_SECONDS)

    async def _gone(self, idle: dict[str, int]) -> dict[str, int]:
        """What the node holds once everybody is gone: no more than before anybody came."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            held = await self.node.look()
            more = {
                name: (idle[name], many)
                for name, many in held.items()
                if name != "rss_kb" and many > idle[name] + (POOLED if name == "descriptors" else 0)
            }
            if not more:
                return held
            if time.monotonic() > deadline:
                raise Broken(f"everybody is gone and this is still held (before, now): {more}")
            await asyncio.sleep(0.25)

    async def _invariants(self, before: list[Any]) -> None:
        for name, sql in INVARIANTS.items():
            if found := await self.database.fetch(f"{sql} limit 5"):
                raise Broken(f"not true any more: {name}: {[str(row[0]) for row in found]}")
        for was, now in zip(before, await self._bystander(), strict=True):
            if was != now:
                raise Broken(f"what is nobody's business was changed: {was} is now {now}")
        roles = {
            row["full_name"]: row["role"] for row in await self.database.fetch("select full_name, role from users")
        }
        for guest in self.guests:
            if roles.get(guest.name, guest.role) != guest.role:
                raise Broken(f"{guest.name} is a {roles[guest.name]} now")
        if strangers := roles.keys() - {guest.name for guest in self.guests} - {"Victim", "Gone", "Ottobon Jobs"}:
            raise Broken(f"there are users whom nobody made: {strangers}")

    def _logged(self) -> None:
        if complaints := self.node.complaints():
            raise Broken(f"the log complains {len(complaints)} times, see {self.node.log}: {complaints[:3]}")

    def _memory(self, last: dict[str, int]) -> str:
        warm = [(at, kb) for at, kb in self._looks if at >= self.count.most * WARM_SHARE]
        if not warm:
            return ""
        frames, grown = self.count.sent - warm[0][0], last["rss_kb"] - warm[0][1]
        allowed = LEAK_KB + LEAK_KB_PER_100K * frames / 100_000
        told = f", {grown / 1024:+.1f} MB in the last {frames:,} frames"
        if grown > allowed:
            raise Broken(f"memory grows{told}: {self._looks}")
        return told
