"""Which waits are to be told of, and the webhook that is told."""

import asyncio
import time
from collections.abc import Callable

import asyncpg
import httpx2

from chatserver.adapters.outgoing import by_way_of
from chatserver.adapters.postgres import acquired
from chatserver.core.notice import SIGNATURE_HEADER, Notice, body_of, signature
from chatserver.core.ports import Unavailable

CALL_SECONDS = 5.0

# What a wait is known by: who turns out to be in danger while they wait is told of once more.
_SINCE = "greatest(waiting_since, urgent_since)"


class PostgresNotices:
    """Raises `Unavailable` while the database does not answer."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def due(self, *, after_seconds: float, tries: int, pause_seconds: float, most: int) -> list[Notice]:
        async with acquired(self._pool) as connection:
            rows = await connection.fetch(
                f"""
                with due as (
                  select id, case when notice_since is distinct from {_SINCE} then 0 else notice_tries end as tried
                  from public.chat_sessions
                  where status = 'active_ai' and waiting_since is not null
                    and (urgent_since is not null or waiting_since <= now() - make_interval(secs => $1))
                    and (notice_since is distinct from {_SINCE} or (notice_tries < $2 and notice_due_at <= now()))
                  order by urgent_since nulls last, waiting_since limit $4 for update skip locked)
                update public.chat_sessions s set notice_since = {_SINCE}, notice_tries = due.tried + 1,
                  notice_due_at = now() + make_interval(secs => $3 * power(2, due.tried))
                from due where s.id = due.id
                returning s.id, s.waiting_since, s.notice_tries, s.urgent_since
                """,
                after_seconds, tries, pause_seconds, most,
            )  # fmt: skip
        return [Notice(*row.values()) for row in rows]

    async def done(self, notice: Notice) -> None:
        async with acquired(self._pool) as connection:
            await connection.execute(
                "update public.chat_sessions set notice_due_at = null where id = $1 and notice_since = $2",
                notice.session, notice.since,
            )  # fmt: skip


class Webhook:
    """Calls `url` with a signed body; without a secret it is not signed."""

    def __init__(
        self, url: str, secret: str | None, *, proxy: str | None = None, now: Callable[[], float] = time.time
    ) -> None:
        self._url = url
        self._secret = secret
        self._now = now
        # A redirect would carry the call to where nobody meant it to go.
        self._client = httpx2.AsyncClient(timeout=CALL_SECONDS, follow_redirects=False, **by_way_of(proxy))

    async def aclose(self) -> None:
        await self._client.aclose()

    async def tell(self, notice: Notice) -> None:
        """Raises `Unavailable` for everything but an answer of 2xx."""
        body = body_of(notice)
        headers = {"Content-Type": "application/json"}
        if self._secret:
            headers[SIGNATURE_HEADER] = signature(self._secret, body, int(self._now()))
        try:
            # The head says all that counts; nobody's page is read to its end. One that drips is not waited for.
            async with (
                asyncio.timeout(CALL_SECONDS),
                self._client.stream("POST", self._url, content=body, headers=headers) as answer,
            ):
                status = answer.status_code
        except (httpx2.HTTPError, OSError) as error:
            # Neither the address nor the error, which may name it: it bears a secret with some receivers.
            raise Unavailable(f"the webhook cannot be reached ({type(error).__name__})") from None
        if not 200 <= status < 300:
            raise Unavailable(f"the webhook answered {status}")
