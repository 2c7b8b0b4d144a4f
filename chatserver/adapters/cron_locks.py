"""Rows of `cron_locks`: who runs a scheduled task, judged by the database's clock alone."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg

from chatserver.adapters.postgres import answering, reason
from chatserver.core.ports import Unavailable

log = logging.getLogger(__name__)

TTL_SECONDS = 120.0
RENEW_SECONDS = 20.0

_TAKE = """
insert into public.cron_locks as l (lock_name, locked_by, locked_at, expires_at)
values ($1, $2, clock_timestamp(), clock_timestamp() + make_interval(secs => $3))
on conflict (lock_name) do update
   set locked_by = excluded.locked_by, locked_at = excluded.locked_at, expires_at = excluded.expires_at
 where l.expires_at <= clock_timestamp()
returning true
"""
# A lock that lapsed and that nobody took is still its holder's.
_RENEW = """
update public.cron_locks set expires_at = clock_timestamp() + make_interval(secs => $3)
 where lock_name = $1 and locked_by = $2
"""


class Lost(Exception):
    """Somebody else has the lock now."""


class CronLocks:
    """`holder` names this process, in no other process's words."""

    def __init__(
        self, pool: asyncpg.Pool, holder: str, *, ttl_seconds: float = TTL_SECONDS, renew_seconds: float = RENEW_SECONDS
    ) -> None:
        self._pool = pool
        self.holder = holder
        self._ttl_seconds = ttl_seconds
        self._renew_seconds = renew_seconds
        self._asked_for: set[str] = set()

    @asynccontextmanager
    async def held(self, name: str) -> AsyncIterator[bool]:
        """Whether it is ours; if so it is renewed until the end, and given back.

        Raises `Lost` in the middle of what it guards once somebody else has it.
        """
        # The row says which process has it: of two here, one would take or give back what is the other's.
        if name in self._asked_for:
            yield False
            return
        self._asked_for.add(name)
        try:
            async with self._held(name) as ours:
                yield ours
        finally:
            self._asked_for.discard(name)

    @asynccontextmanager
    async def _held(self, name: str) -> AsyncIterator[bool]:
        try:
            async with answering():
                taken = await self._pool.fetchval(_TAKE, name, self.holder, self._ttl_seconds)
        except asyncio.CancelledError:
            # It may be ours all the same.
            await self._give_back(name)
            raise
        if not taken:
            yield False
            return
        try:
            async with asyncio.timeout(None) as until:
                renewing = asyncio.create_task(self._renew(name, until), name=f"lock {name}")
                try:
                    yield True
                finally:
                    renewing.cancel()
                    await asyncio.wait([renewing])
        except TimeoutError:
            if until.expired():
                raise Lost(f"{name} is somebody else's now") from None
            raise
        finally:
            await self._give_back(name)

    async def _renew(self, name: str, until: asyncio.Timeout) -> None:
        while True:
            await asyncio.sleep(self._renew_seconds)
            # A statement that fails proves nothing; the writes under the lock look at its row themselves.
            try:
                done = await self._pool.execute(_RENEW, name, self.holder, self._ttl_seconds)
            except Exception as error:
                log.warning("the lock %s was not renewed (%s); it is tried again", name, reason(error))
                continue
            if done != "UPDATE 1":
                until.reschedule(asyncio.get_running_loop().time())
                return

    async def _give_back(self, name: str) -> None:
        # What cannot be given back runs out by itself.
        with suppress(Unavailable):
            await asyncio.shield(self._release(name))

    async def _release(self, name: str) -> None:
        async with answering():
            await self._pool.execute(
                "delete from public.cron_locks where lock_name = $1 and locked_by = $2", name, self.holder
            )


async def still_held(connection: asyncpg.Connection, name: str, holder: str) -> None:
    """Raises `Lost` unless the lock's row is the holder's; it stays so until the transaction ends."""
    if not await connection.fetchval(
        "select true from public.cron_locks where lock_name = $1 and locked_by = $2 for share", name, holder
    ):
        raise Lost(f"{name} is somebody else's now")
