"""One request to one address and its answer, bounded in time and size."""

import asyncio
import json as json_
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
from yarl import URL

from workers.addresses import CheckedResolver, Lookup, Reach, look_up
from workers.boards.board import Away, Blocked
from workers.unpacking import BadPacking, Unpacking
from workers.web import Answer

CONNECT_SECONDS = 10.0
READ_SECONDS = 30.0
"""A site that sends nothing for so long is away."""
REQUEST_SECONDS = 60.0
STREAM_SECONDS = 3600.0
CONNECTIONS_PER_HOST_MAX = 8
HEADER_MAX_BYTES = 32 * 1024
CHUNK_BYTES = 64 * 1024
_NUMBER_MAX_DIGITS = 9


class Again(Exception):
    """A try that may be repeated. `retry_after`: the seconds that the site asks for, None where it does not say."""

    def __init__(self, error: Blocked | Away, retry_after: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Times:
    """How long a site may take; what runs in production is the default."""

    connect_seconds: float = CONNECT_SECONDS
    read_seconds: float = READ_SECONDS
    request_seconds: float = REQUEST_SECONDS
    stream_seconds: float = STREAM_SECONDS


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of an address, and of those that it redirects to."""

    method: str
    headers: Mapping[str, str]
    body: bytes | None = None

    @classmethod
    def of(cls, agent: str, method: str, headers: Mapping[str, str] | None = None, json: Any = None) -> "Question":
        sent = {"accept": "*/*"} | {name.lower(): value for name, value in (headers or {}).items()}
        body = None
        if json is not None:
            sent["content-type"] = "application/json"
            body = json_.dumps(json).encode()
        # Only what we can unpack in bounded pieces; and the name is ours whatever a board says.
        return cls(method, sent | {"user-agent": agent, "accept-encoding": "gzip, deflate"}, body)


class Exchange:
    """Redirects are not followed and cookies not kept. Raises `Again`, and `Blocked` for a private network."""

    def __init__(self, reach: Reach, look_up: Lookup = look_up, times: Times | None = None) -> None:
        self._reach = reach
        self._look_up = look_up
        self._times = times or Times()
        self._opened: aiohttp.ClientSession | None = None

    async def whole(self, question: Question, address: str, most_bytes: int, *, cut: bool = False) -> Answer:
        """`cut` leaves out what is over `most_bytes`; else that raises `Away`. `address` is a checked one."""
        found = bytearray()
        async with self._in_time(address, self._times.request_seconds), self._ask(question, address) as response:
            async for chunk in _unpacked(response):
                found += chunk
                if len(found) > most_bytes:
                    response.close()
                    if cut:
                        del found[most_bytes:]
                        break
                    raise _too_large(address, most_bytes)
            return Answer(response.status, lowered(response.headers), bytes(found), str(response.url))

    async def opened(self, question: Question, address: str) -> aiohttp.ClientResponse:
        """The answer's head. Whoever asked closes it."""
        async with self._in_time(address, self._times.request_seconds):
            response: aiohttp.ClientResponse = await self._ask(question, address)
            return response

    async def pieces(self, response: aiohttp.ClientResponse, most_bytes: int) -> AsyncIterator[bytes]:
        """The body, unpacked. Raises `Away` where it breaks off, takes too long or has more than `most_bytes`."""
        address = str(response.url)
        seen = 0
        clock = asyncio.get_running_loop().time
        until = clock() + self._times.stream_seconds
        chunks = _unpacked(response)
        while True:
            try:
                async with self._in_time(address, until - clock()):
                    chunk = await anext(chunks, None)
            except Again as broken:
                raise broken.error from broken.__cause__
            if chunk is None:
                return
            seen += len(chunk)
            if seen > most_bytes:
                raise _too_large(address, most_bytes)
            yield chunk

    async def aclose(self) -> None:
        if self._opened is not None:
            await self._opened.close()

    def _ask(self, question: Question, address: str) -> Any:
        # aiohttp's own type for what is awaited or entered is private.
        return self._session().request(
            question.method, URL(address, encoded=True), headers=question.headers, data=question.body,
            allow_redirects=False,
        )  # fmt: skip

    def _session(self) -> aiohttp.ClientSession:
        if self._opened is None:
            self._opened = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    resolver=CheckedResolver(self._reach, self._look_up), limit_per_host=CONNECTIONS_PER_HOST_MAX
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(
                    total=None, sock_connect=self._times.connect_seconds, sock_read=self._times.read_seconds
                ),
                max_line_size=HEADER_MAX_BYTES,
                max_field_size=HEADER_MAX_BYTES,
                read_bufsize=CHUNK_BYTES,
            )
        return self._opened

    @asynccontextmanager
    async def _in_time(self, address: str, seconds: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError as error:
            raise Again(Away(f"{address} does not answer in time; try again later.")) from error
        except (aiohttp.ClientError, BadPacking, OSError, UnicodeError) as error:
            why = str(error) or type(error).__name__
            raise Again(Away(f"{address} cannot be read ({why}); try again later.")) from error


async def _unpacked(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    unpacking = Unpacking(response.headers.get("content-encoding", ""))
    async for chunk in response.content.iter_chunked(CHUNK_BYTES):
        for piece in unpacking.pieces(chunk):
            yield piece
    unpacking.end()


def lowered(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def refused(address: str, status: int, headers: Mapping[str, str], now: datetime) -> Again | None:
    """What 429 and 5xx mean; None for any other status."""
    if status == 429:
        return too_fast(address, headers, now)
    if status < 500:
        return None
    return Again(Away(f"{address} answers only with errors ({status}); try again later."), _retry_after(headers, now))


def too_fast(address: str, headers: Mapping[str, str], now: datetime) -> Again:
    sentence = f"{address} asks us to slow down, again and again; try again later."
    return Again(Blocked(sentence), _retry_after(headers, now))


def _retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """The seconds that the answer asks for, as a number or as a date; None where it does not, or not legibly."""
    said = headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return float(said[:_NUMBER_MAX_DIGITS])
    try:
        until = parsedate_to_datetime(said)
    except (TypeError, ValueError, OverflowError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max((until - now).total_seconds(), 0.0)


def _too_large(address: str, most_bytes: int) -> Away:
    return Away(f"{address} is larger than {most_bytes:,} bytes, unpacked; nothing of a board is, so it is not read.")
