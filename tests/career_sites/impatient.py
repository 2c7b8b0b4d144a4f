"""Reads sites on loopback without robots and pauses, and tries what is throttled a few times at once."""

import json as json_
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self

import aiohttp
from yarl import URL

from workers.boards.board import Away, Blocked
from workers.web import FEED_MAX_BYTES, PAGE_MAX_BYTES, Answer, Stream, Throttled

TRIES = 4


class ImpatientWeb:
    """A `Web`; `asked` lists what was asked for, retries included."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def request(
        self, method: str, url: str, *, json: Any = None, headers: Mapping[str, str] | None = None,
        pace: str | None = None, throttled: Throttled | None = None, most_bytes: int = PAGE_MAX_BYTES,
    ) -> Answer:  # fmt: skip
        body = None if json is None else json_.dumps(json).encode()
        for _ in range(TRIES):
            self.asked.append((method, url))
            async with self._session.request(
                method, URL(url, encoded=True), data=body, headers=headers, allow_redirects=method == "GET"
            ) as response:
                found = {name.lower(): value for name, value in response.headers.items()}
                answer = Answer(response.status, found, await response.read(), str(response.url))
            if answer.status != 429 and answer.status < 500 and not (throttled and throttled(answer)):
                return answer
        if answer.status >= 500:
            raise Away(f"{url} answers only with errors; try again later.")
        raise Blocked(f"{url} asks us to slow down, again and again; try again later.")

    @asynccontextmanager
    async def stream(
        self, url: str, *, headers: Mapping[str, str] | None = None, pace: str | None = None,
        most_bytes: int = FEED_MAX_BYTES,
    ) -> AsyncIterator[Stream]:  # fmt: skip
        self.asked.append(("GET", url))
        async with self._session.get(URL(url, encoded=True), headers=headers) as response:
            found = {name.lower(): value for name, value in response.headers.items()}
            yield Stream(response.status, found, str(response.url), response.content.iter_chunked(65_536))
