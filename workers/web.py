"""What the boards ask of the open web; `workers.fetch` is the only answer."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

PAGE_MAX_BYTES = 16 * 1024 * 1024
FEED_MAX_BYTES = 1024 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, unpacked."""

    status: int
    headers: Mapping[str, str]
    """By names in lower case."""
    body: bytes
    url: str

    @property
    def text(self) -> str:
        """By the declared character set, else UTF-8, else Windows-1252; never an error."""
        from workers.boards.text import decoded

        return decoded(self.body, self.headers.get("content-type"))


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer whose body comes in pieces, unpacked."""

    status: int
    headers: Mapping[str, str]
    url: str
    chunks: AsyncIterator[bytes]


Throttled = Callable[[Answer], bool]
"""Whether an answer means "too fast": it is asked for again, later, and counts against the board's patience."""


class Web(Protocol):
    """Robots, rate, retries, size, time and private networks are seen to. Raises `Disallowed`, `Blocked` and `Away`.

    429 and 5xx never come back as an answer; any other status does. `pace` is what shares one request a second; the
    host where it is None.
    """

    async def request(
        self, method: str, url: str, *, json: Any = None, headers: Mapping[str, str] | None = None,
        pace: str | None = None, throttled: Throttled | None = None, most_bytes: int = PAGE_MAX_BYTES,
    ) -> Answer:  # fmt: skip
        """A GET follows redirects, five at most; a POST follows none. `url` is sent as it is written."""
        ...

    def stream(
        self, url: str, *, headers: Mapping[str, str] | None = None, pace: str | None = None,
        most_bytes: int = FEED_MAX_BYTES,
    ) -> AbstractAsyncContextManager[Stream]:  # fmt: skip
        """The body breaks off with `Away` at `most_bytes` unpacked."""
        ...
