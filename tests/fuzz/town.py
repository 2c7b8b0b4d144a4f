"""Everybody at once on a real node, and what must be true of the database, the log and the memory afterwards."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.fuzz.guest import Broken, Count, Guest
from tests.fuzz.house import POLL_SECONDS, Node
from tests.fuzz.people import COMING, NAMES, PASSER, PASSING_ROLES, People, address, mark_of
from tests.fuzz.truths import TRUTHS
from tests.fuzz.visit import Visit

SETTLE_SECONDS = 120.0
POOLED = 32
"""Descriptors: connections to the database and to Redis that are kept."""
DEVICES = 2
"""Of each person at a time."""
NOBODY_SECONDS = 0.2
ERASURES = 500
"""At least, in a long run: each looks through every message there is."""
LOOK_FRAMES = 2_500
LOOKS = 40
"""At the memory, spread over the run, and not more often than all so many frames."""
WARM_SHARE = 0.25
"""What the first frames take is the server's own: its code, its caches, its pools."""
LEAK_KB_PER_100K = 8 * 1024
LEAK_KB = 48 * 1024
"""What a short run may take all the same: the caches of a process that is minutes old still fill."""
JUDGED_SHARE = 0.85
"""Of what is sent; the rest was on its way when a connection ended."""


@dataclass
class Fuzzing:
    """`count` frames from everybody, by `seed`; raises `Broken` with what to look at."""

    people: People
    node: Node
    seed: int
    count: Count
    says: Callable[[str], None] = lambda line: None
    devices: int = DEVICES
    _looks: list[tuple[int, int]] = field(default_factory=list)

    async def run(self) -> str:
        """What was done, for people."""
        began = time.monotonic()
        await self.people.come()
        before = await self.people.bystander()
        idle = await self.node.look()
        looking = asyncio.create_task(self._watch())
        lives = [
            asyncio.create_task(self._life(guest, f"{self.seed} {guest.name} {device}"))
            for guest in self.people.guests
            for device in range(self.devices if guest.role != "anonymous" else 1)
        ]
        lives.append(asyncio.create_task(self._passes_by()))
        try:
            left: set[asyncio.Task[Any]] = {*lives, looking}
            while left != {looking}:
                done, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
                for ended in done:
                    ended.result()
        finally:
            for task in [*lives, looking]:
                task.cancel()
            await asyncio.gather(*lives, looking, return_exceptions=True)
        seconds = time.monotonic() - began
        await self._settles()
        last = await self._gone(idle)
        await self._truths(before)
        self._logged()
        slope = self._memory(last)
        counted = self.count
        if counted.judged < counted.sent * JUDGED_SHARE:
            raise Broken(f"of {counted.sent:,} frames only {counted.judged:,} were judged: {counted.codes}")
        reached = ", ".join(f"{name} {many:,}" for name, many in sorted(counted.reached.items()))
        return (
            f"{counted.sent:,} frames in {counted.visits:,} connections, {counted.judged:,} of them judged one by one; "
            f"{counted.heard:,} heard, {counted.erased:,} people erased, {seconds:.0f} s, "
            f"{counted.sent / seconds:,.0f}/s; memory {idle['rss_kb'] / 1024:.0f} MB to {last['rss_kb'] / 1024:.0f} MB"
            f"{slope}; ended with {dict(sorted(counted.codes.items()))}\nreached: {reached}"
        )

    async def _life(self, guest: Guest, seed: str) -> None:
        chance = random.Random(seed)
        while self.count.left > 0:
            await Visit(self.node.port, guest, chance, self.count, address=address(chance)).lasts()
            if guest.role == "anonymous":
                # Whose visits are short and all alike: they are not to be most of the run.
                await asyncio.sleep(NOBODY_SECONDS)

    async def _passes_by(self) -> None:
        """One person after the other is erased in the middle of what they say on two devices."""
        chance = random.Random(f"{self.seed} passers")
        while self.count.left > 0:
            guest = await self.people.passer(chance.choice(PASSING_ROLES))
            devices = [
                asyncio.create_task(Visit(self.node.port, guest, chance, self.count, address=address(chance)).lasts())
                for _ in range(DEVICES)
            ]
            reached = self.count.sent + chance.randint(20, max(400, self.count.most // ERASURES))
            while self.count.sent < reached and self.count.left > 0 and not all(one.done() for one in devices):
                await asyncio.sleep(POLL_SECONDS)
            guest.is_erased = True
            try:
                await self.node.erases(guest.known.tokens[0])
                await asyncio.gather(*devices)
            finally:
                for one in devices:
                    one.cancel()
            # Tokens are issued in whole seconds: one of the erasure's own second brings somebody new, who goes as well.
            await self.node.erases(guest.known.tokens[0], may_be_gone=True)
            self.count.erased += 1

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
                    f"{self.count.sent:>9,} frames {self.count.judged:>9,} judged  {time.monotonic() - began:>5.0f} s  "
                    f"{held['rss_kb'] / 1024:>5.0f} MB  {held['tasks']:>3} tasks  {held['Socket']:>3} sockets"
                )

    # Afterwards

    async def _settles(self) -> None:
        running = "select count(*) from chat_answers where state = 'running'"
        async with asyncio.timeout(SETTLE_SECONDS):
            while await self.people.database.fetchval(running):
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

    async def _truths(self, before: list[Any]) -> None:
        database = self.people.database
        for name, sql in TRUTHS.items():
            if found := await database.fetch(f"{sql} limit 5"):
                raise Broken(f"not true any more: {name}: {[str(row[0]) for row in found]}")
        for was, now in zip(before, await self.people.bystander(), strict=True):
            if was != now:
                raise Broken(f"what is nobody's business was changed: {was} is now {now}")
        roles = {row["full_name"]: row["role"] for row in await database.fetch("select full_name, role from users")}
        for name in COMING:
            if roles[name] != NAMES[name]:
                raise Broken(f"{name} is a {roles[name]} now")
        if strangers := roles.keys() - NAMES.keys() - {"Ottobon Jobs"}:
            raise Broken(f"there are users whom nobody made, or who were erased: {strangers}")
        left = await database.fetchval(
            "select count(*) from chat_messages where author_id = any($1) or meta::text ~ $3"
            " or content like '%' || $2 || '%'",
            self.people.passers, mark_of(PASSER), f"\"({PASSER}|Passing [a-z]+)\"",
        )  # fmt: skip
        if left:
            raise Broken(f"{left} messages of people who were erased are still there")

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
