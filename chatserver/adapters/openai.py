"""OpenAI's text-embedding-3-small at 384 dimensions."""

import asyncio
import re
from collections.abc import Sequence
from typing import Any

import httpx2
import msgspec
import numpy as np

from chatserver.adapters.outgoing import by_way_of
from chatserver.core.ports import DIMENSIONS, Unavailable, Vector

MODEL = "text-embedding-3-small"
BASE_URL = "https://api.openai.com/v1"
TEXTS_PER_REQUEST = 64
TEXT_MAX_CHARACTERS = 2_500
"""The service refuses a text of more than 8,191 tokens; in no script do this many characters make as many."""
USD_PER_MILLION_TOKENS = 0.02
"""As published in November 2026; estimates count with it, no budget does."""
REQUEST_SECONDS = 20.0
DEADLINE_SECONDS = 45.0
"""For one call with all its tries."""
ANSWER_MAX_BYTES = 4 * 1024 * 1024
"""Vectors of 64 texts are less than one."""
TRIES = 3
PAUSE_SECONDS = 0.5
PAUSE_MAX_SECONDS = 5.0
# About 256 tokens and 32 of English, so that one resume makes as many pieces as with the other model.
CHUNK_WORDS, OVERLAP_WORDS, CHUNKS_MAX = 190, 24, 6

# A text without spaces parts like one with them.
_WORD = re.compile(r"\S{1,12}")
_ELSE = "The embedding service answered something else; check its address, or try again later."


class _Row(msgspec.Struct):
    index: int
    embedding: list[float]


class _Answer(msgspec.Struct):
    data: list[_Row]


class OpenAIEmbedder:
    """An `Embedder`; a request that fails for a moment is tried again, three times in all."""

    model = MODEL

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str = BASE_URL,
        proxy: str | None = None,
        pause_seconds: float = PAUSE_SECONDS,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self._pause_seconds = pause_seconds
        self._deadline_seconds = deadline_seconds
        self._client = httpx2.AsyncClient(
            base_url=base_url, timeout=REQUEST_SECONDS, headers={"Authorization": f"Bearer {api_key}"},
            follow_redirects=False, **by_way_of(proxy),
        )  # fmt: skip

    async def aclose(self) -> None:
        await self._client.aclose()

    async def current(self, *, fresh: bool = False) -> "OpenAIEmbedder":
        return self

    def chunks(self, text: str) -> list[str]:
        """Pieces of 190 words, 24 of them shared with the next, six at most."""
        step = CHUNK_WORDS - OVERLAP_WORDS
        spans = []
        for match in _WORD.finditer(text):
            spans.append(match.span())
            if len(spans) == CHUNK_WORDS + (CHUNKS_MAX - 1) * step:
                break
        if len(spans) <= CHUNK_WORDS:
            return [text[: spans[-1][1]] if spans else ""]
        windows = [spans[start : start + CHUNK_WORDS] for start in range(0, len(spans) - OVERLAP_WORDS, step)]
        return [text[window[0][0] : window[-1][1]] for window in windows]

    async def embed(self, texts: Sequence[str]) -> Vector:
        """Unit vectors; of a text longer than 2,500 characters, of its beginning."""
        vectors = np.empty((len(texts), DIMENSIONS), dtype=np.float32)
        try:
            async with asyncio.timeout(self._deadline_seconds):
                for start in range(0, len(texts), TEXTS_PER_REQUEST):
                    part = texts[start : start + TEXTS_PER_REQUEST]
                    vectors[start : start + len(part)] = await self._request(part)
        except TimeoutError:
            raise Unavailable("The embedding service is too slow just now; try again later.") from None
        return vectors

    async def _request(self, texts: Sequence[str]) -> Vector:
        # An empty text is an error there; a space is a text.
        given = [text[:TEXT_MAX_CHARACTERS] or " " for text in texts]
        body = {"model": MODEL, "dimensions": DIMENSIONS, "input": given}
        said = ""
        for attempt in range(TRIES):
            pause = self._pause_seconds * 2**attempt
            try:
                status, asked, content = await self._asked(body)
            except httpx2.HTTPError as error:
                said = type(error).__name__
            else:
                if status == 200:
                    return _vectors(content, len(texts))
                if status in (401, 403):
                    raise Unavailable("The embedding service refuses the key; check OPENAI_API_KEY.")
                said = str(status)
                if status not in (408, 409, 429) and status < 500:
                    break
                pause = float(asked) if asked.isascii() and asked.isdecimal() else pause
            if attempt + 1 < TRIES:
                await asyncio.sleep(min(pause, PAUSE_MAX_SECONDS))
        raise Unavailable(f"The embedding service does not answer just now ({said}); try again later.")

    async def _asked(self, body: dict[str, Any]) -> tuple[int, str, bytes]:
        """Status, `Retry-After` and body. Raises `Unavailable` where it is larger than any that is meant."""
        received = bytearray()
        async with self._client.stream("POST", "/embeddings", json=body) as response:
            async for part in response.aiter_bytes():
                received += part
                if len(received) > ANSWER_MAX_BYTES:
                    raise Unavailable(_ELSE)
        return response.status_code, response.headers.get("retry-after", ""), bytes(received)


def _vectors(content: bytes, wanted: int) -> Vector:
    try:
        rows = msgspec.json.decode(content, type=_Answer).data
    except msgspec.MsgspecError as error:
        raise Unavailable(_ELSE) from error
    rows.sort(key=lambda row: row.index)
    if [row.index for row in rows] != list(range(wanted)) or any(len(row.embedding) != DIMENSIONS for row in rows):
        raise Unavailable(_ELSE)
    vectors = np.array([row.embedding for row in rows], dtype=np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not lengths.all():
        raise Unavailable(_ELSE)
    unit: Vector = vectors / lengths
    return unit
