"""OpenAI's embeddings, against a server on this machine that speaks its wire format."""

import itertools
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from chatserver.adapters.openai import (
    CHUNK_WORDS,
    CHUNKS_MAX,
    MODEL,
    TEXT_MAX_CHARACTERS,
    TEXTS_PER_REQUEST,
    TRIES,
    OpenAIEmbedder,
)
from chatserver.core.ports import DIMENSIONS, Unavailable, Vector
from tests.loopback import serving

KEY = "sk-made-up"


def vector_of(text: str) -> list[float]:
    """Not of length 1, and another one for each text."""
    return [3.0 * len(text), 4.0, *[0.0] * (DIMENSIONS - 2)]


def rows(texts: list[str]) -> list[dict[str, Any]]:
    return [{"object": "embedding", "index": place, "embedding": vector_of(text)} for place, text in enumerate(texts)]


@dataclass
class EmbeddingServer:
    """Answers with what `script` holds first, then as the service does."""

    script: list[Callable[[list[str]], Response]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        body = json.loads(await request.body())
        self.asked.append(body)
        assert (request.method, request.url.path) == ("POST", "/v1/embeddings")
        assert request.headers["authorization"] == f"Bearer {KEY}"
        answer = self.script.pop(0)(body["input"]) if self.script else self._served(body)
        await answer(scope, receive, send)

    def _served(self, body: dict[str, Any]) -> Response:
        assert body["model"] == MODEL
        assert body["dimensions"] == DIMENSIONS
        if any(text == "" for text in body["input"]):
            return JSONResponse({"error": {"message": "'$.input' is invalid."}}, 400)
        data = list(reversed(rows(body["input"])))
        return JSONResponse({"object": "list", "data": data, "model": MODEL, "usage": {"total_tokens": 1}})


@pytest_asyncio.fixture
async def server() -> AsyncIterator[EmbeddingServer]:
    served = EmbeddingServer()
    async with serving(served) as served.url:
        yield served


@pytest_asyncio.fixture
async def embedder(server: EmbeddingServer) -> AsyncIterator[OpenAIEmbedder]:
    embedder = OpenAIEmbedder(KEY, base_url=f"{server.url}/v1", pause_seconds=0.001)
    yield embedder
    await embedder.aclose()


def failing(status: int, **headers: str) -> Callable[[list[str]], Response]:
    return lambda texts: JSONResponse({"error": {"message": "no"}}, status, headers)


def saying(body: Any) -> Callable[[list[str]], Response]:
    return lambda texts: JSONResponse(body)


async def test_each_text_gets_its_own_unit_vector(embedder: OpenAIEmbedder) -> None:
    texts = ["x" * n for n in range(1, TEXTS_PER_REQUEST + 3)]
    vectors = await embedder.embed(texts)
    expected = np.array([vector_of(text) for text in texts])
    assert vectors.dtype == np.float32
    assert np.allclose(vectors, expected / np.linalg.norm(expected, axis=1, keepdims=True), atol=1e-6)


async def test_many_texts_go_in_bounded_requests(server: EmbeddingServer, embedder: OpenAIEmbedder) -> None:
    await embedder.embed(["x"] * (TEXTS_PER_REQUEST + 1))
    assert [len(body["input"]) for body in server.asked] == [TEXTS_PER_REQUEST, 1]
    assert (await embedder.embed([])).shape == (0, DIMENSIONS)


async def test_empty_and_endless_texts_are_sent_as_the_service_takes_them(
    server: EmbeddingServer, embedder: OpenAIEmbedder
) -> None:
    await embedder.embed(["", "数" * 100_000])
    assert server.asked[0]["input"] == [" ", "数" * TEXT_MAX_CHARACTERS]


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
async def test_a_failure_of_a_moment_is_tried_again(
    server: EmbeddingServer, embedder: OpenAIEmbedder, status: int
) -> None:
    server.script = [failing(status), failing(status)]
    assert (await embedder.embed(["x"])).shape == (1, DIMENSIONS)
    assert len(server.asked) == TRIES


async def test_the_tries_have_an_end(server: EmbeddingServer, embedder: OpenAIEmbedder) -> None:
    server.script = [failing(503)] * 10
    with pytest.raises(Unavailable, match=r"does not answer just now \(503\); try again later"):
        await embedder.embed(["x"])
    assert len(server.asked) == TRIES


@pytest.mark.parametrize(("status", "sentence"), [(401, "check OPENAI_API_KEY"), (400, r"\(400\)")])
async def test_what_does_not_pass_is_not_tried_again(
    server: EmbeddingServer, embedder: OpenAIEmbedder, status: int, sentence: str
) -> None:
    server.script = [failing(status)] * 10
    with pytest.raises(Unavailable, match=sentence):
        await embedder.embed(["x"])
    assert len(server.asked) == 1


async def test_waiting_as_long_as_the_service_asks_has_a_deadline(server: EmbeddingServer) -> None:
    server.script = [failing(429, **{"retry-after": "3600"})] * 10
    hurried = OpenAIEmbedder(KEY, base_url=f"{server.url}/v1", deadline_seconds=0.2)
    with pytest.raises(Unavailable, match="too slow"):
        await hurried.embed(["x"])
    await hurried.aclose()
    assert len(server.asked) <= 1, "not a second time, whether or not the first was in time"


async def test_nobody_there(embedder: OpenAIEmbedder) -> None:
    nowhere = OpenAIEmbedder(KEY, base_url="http://127.0.0.1:9", pause_seconds=0.001)
    with pytest.raises(Unavailable, match="ConnectError"):
        await nowhere.embed(["x"])
    await nowhere.aclose()


@pytest.mark.parametrize(
    "body",
    [
        [], {"data": []}, {"data": rows(["a", "b"])}, {"data": [{"index": 1, "embedding": vector_of("a")}]},
        {"data": [{"index": 0, "embedding": [1.0, 2.0]}]}, {"data": [{"index": 0, "embedding": [0.0] * DIMENSIONS}]},
        {"data": [{"index": 0, "embedding": "AAAA"}]},
    ],
)  # fmt: skip
async def test_another_answer_is_none(server: EmbeddingServer, embedder: OpenAIEmbedder, body: Any) -> None:
    server.script = [saying(body)]
    with pytest.raises(Unavailable, match="something else"):
        await embedder.embed(["a"])


def test_pieces_are_verbatim_overlapping_and_bounded(embedder: OpenAIEmbedder) -> None:
    text = " \n".join(f"word{n}" for n in range(5_000))
    pieces = embedder.chunks(text)
    assert len(pieces) == CHUNKS_MAX
    assert all(piece in text and len(piece.split()) == CHUNK_WORDS for piece in pieces)
    assert all(before.split()[-24:] == after.split()[:24] for before, after in itertools.pairwise(pieces))


def test_every_word_of_a_resume_is_in_a_piece(embedder: OpenAIEmbedder) -> None:
    for count in (1, CHUNK_WORDS, CHUNK_WORDS + 1, 356, 357, 600):
        words = [f"word{n}" for n in range(count)]
        assert {word for piece in embedder.chunks(" ".join(words)) for word in piece.split()} == set(words)
    assert embedder.chunks("") == [""]


def test_a_text_without_spaces_makes_pieces_too(embedder: OpenAIEmbedder) -> None:
    pieces = embedder.chunks("数据" * 50_000)
    assert len(pieces) == CHUNKS_MAX
    assert max(map(len, pieces)) <= TEXT_MAX_CHARACTERS


async def test_both_embedders_are_one_kind_of_thing(embedder: OpenAIEmbedder, minilm: Any) -> None:
    async def as_asked(one: Any) -> Vector:
        text = "Data engineer. " * 400
        assert 1 < len(one.chunks(text)) <= CHUNKS_MAX
        vectors: Vector = await one.embed([*one.chunks(text), ""])
        return vectors

    for one in (embedder, minilm):
        vectors = await as_asked(one)
        assert vectors.dtype == np.float32
        assert vectors.shape[1] == DIMENSIONS
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
        assert one.model
