"""all-MiniLM-L6-v2: the same vectors as BERT done by hand, the same graph as its script builds, and its bounds."""

import asyncio
import json
import shutil
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer

from chatserver.adapters import minilm as module
from chatserver.adapters.minilm import (
    CHUNKED_CHARACTERS_MAX,
    CHUNKS_MAX,
    GRAPH,
    HEADER_MAX_BYTES,
    OVERLAP,
    TOKENS,
    WAITING_MAX,
    MiniLM,
    read_safetensors,
    weights_folder,
)
from chatserver.core.ports import DIMENSIONS, Unavailable
from chatserver.data.build_minilm_graph import build
from tests.adapters.bert_reference import Bert

LONG = " ".join(f"paragraph {n} about audits, ledgers and the Kubernetes cluster number {n * 7}." for n in range(200))
TEXTS = [
    "Data engineer",
    "Chartered Accountant with eight years of statutory audit under Ind AS.",
    "",
    "naïve café – 数据 工程师 🙂",
    LONG[:4000],
    "a",
]


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    tokenizer = Tokenizer.from_file(str(weights_folder() / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(TOKENS)
    return tokenizer


async def test_the_vectors_are_those_of_the_model(minilm: MiniLM, tokenizer: Any) -> None:
    reference = Bert(read_safetensors(weights_folder() / "model.safetensors"))
    expected = np.stack([reference.sentence(tokenizer.encode(text).ids) for text in TEXTS])
    vectors = await minilm.embed(TEXTS)
    assert vectors.dtype == np.float32
    assert np.abs(vectors - expected).max() < 1e-5


async def test_long_texts_are_read_one_after_the_other_and_short_ones_together(
    minilm: MiniLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[list[int]] = []
    run = minilm._run

    def watched(batch: list[list[int]]) -> Any:
        batches.append(list(map(len, batch)))
        return run(batch)

    monkeypatch.setattr(minilm, "_run", watched)
    await minilm.embed([LONG] * 3 + ["Data engineer"] * 9)
    assert sorted(map(len, batches)) == [1, 1, 1, 1, 8]
    assert all(len(batch) * max(batch) <= TOKENS for batch in batches)


async def test_company_in_a_batch_changes_no_vector(minilm: MiniLM) -> None:
    together = await minilm.embed(TEXTS * 3)
    alone = np.concatenate([await minilm.embed([text]) for text in TEXTS])
    assert np.abs(together - np.concatenate([alone] * 3)).max() < 1e-5


async def test_rows_are_unit_vectors_also_of_nothing(minilm: MiniLM) -> None:
    assert (await minilm.embed([])).shape == (0, DIMENSIONS)
    assert np.allclose(np.linalg.norm(await minilm.embed(TEXTS), axis=1), 1, atol=1e-5)


async def test_what_is_alike_is_near(minilm: MiniLM) -> None:
    await minilm.warm()
    developer, engineer, nurse = await minilm.embed(["Python developer", "software engineer (Django)", "night nurse"])
    assert developer @ engineer > developer @ nurse + 0.2


def test_the_graph_in_the_package_is_what_its_script_builds() -> None:
    assert GRAPH.read_bytes() == build()


def test_pieces_are_verbatim_whole_words_and_overlap(minilm: MiniLM, tokenizer: Any) -> None:
    pieces = minilm.chunks(LONG)
    assert len(pieces) == CHUNKS_MAX
    places = [LONG.index(piece) for piece in pieces]
    assert places[0] == 0
    assert places == sorted(places)
    for place, piece in zip(places, pieces, strict=True):
        assert len(tokenizer.encode(piece).ids) <= TOKENS
        assert place == 0 or not (LONG[place - 1].isalnum() and piece[0].isalnum())
        after = LONG[place + len(piece) :]
        assert not (after[:1].isalnum() and piece[-1].isalnum())
    for before, place, piece in zip(places, places[1:], pieces, strict=False):
        shared = LONG[place : before + len(piece)]
        assert OVERLAP <= len(tokenizer.encode(shared, add_special_tokens=False).ids) <= OVERLAP + 4


def test_a_short_text_is_one_piece(minilm: MiniLM) -> None:
    assert minilm.chunks("Data engineer") == ["Data engineer"]
    assert minilm.chunks("") == [""]


def test_a_text_without_words_or_without_end_is_bounded(minilm: MiniLM) -> None:
    assert len(minilm.chunks("数据" * 20_000)) == CHUNKS_MAX
    assert minilm.chunks("x" * 1_000_000) == ["x" * CHUNKED_CHARACTERS_MAX]


async def test_too_many_callers_are_told_so(minilm: MiniLM) -> None:
    callers = [asyncio.ensure_future(minilm.embed(["x"])) for _ in range(WAITING_MAX + 1)]
    answers = await asyncio.gather(*callers, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, Unavailable)]
    assert len(refused) == 1
    assert "try again" in str(refused[0])
    assert (await minilm.embed(["x"])).shape == (1, DIMENSIONS)


async def test_a_caller_that_goes_away_leaves_its_place(minilm: MiniLM) -> None:
    callers = [asyncio.ensure_future(minilm.embed(["x"])) for _ in range(WAITING_MAX)]
    await asyncio.sleep(0)
    for caller in callers:
        caller.cancel()
    await asyncio.gather(*callers, return_exceptions=True)
    assert (await minilm.embed(["x"])).shape == (1, DIMENSIONS)


def test_other_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(weights_folder() / "tokenizer.json", tmp_path)
    (tmp_path / "model.safetensors").write_bytes(safetensors({}))
    monkeypatch.setattr(module, "weights_folder", lambda: tmp_path)
    with pytest.raises(Unavailable, match="not the official ones; reinstall"):
        MiniLM()


def safetensors(header: object, data: bytes = b"") -> bytes:
    encoded = json.dumps(header).encode()
    return struct.pack("<Q", len(encoded)) + encoded + data


def tensor(shape: list[int], start: int, end: int, dtype: str = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


def test_tensors_are_read(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    numbers = np.arange(6, dtype=np.float32)
    header = {"__metadata__": {"format": "pt"}, "a": tensor([2, 3], 0, 24), "whole": tensor([1], 0, 8, "I64")}
    file.write_bytes(safetensors(header, numbers.tobytes()))
    read = read_safetensors(file)
    assert list(read) == ["a"]
    assert np.array_equal(read["a"], numbers.reshape(2, 3))


@pytest.mark.parametrize(
    "content",
    [
        b"short", struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", HEADER_MAX_BYTES + 1) + b" " * (HEADER_MAX_BYTES + 1),
        struct.pack("<Q", 4) + b"nope", safetensors([]), safetensors({"a": 1}), safetensors({"a": tensor([2], 0, 8)}),
        safetensors({"a": tensor([2], -8, 0)}, b"12345678"), safetensors({"a": tensor([3], 0, 8)}, b"12345678"),
        safetensors({"a": tensor([-2, -1], 0, 8)}, b"12345678"), safetensors({"a": tensor([2], 8, 0)}, b"12345678"),
        safetensors({"a": {"dtype": "F32", "shape": "two", "data_offsets": [0, 8]}}, b"12345678"),
    ],
)  # fmt: skip
def test_a_broken_file_is_an_error_and_nothing_else(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(content)
    with pytest.raises(ValueError):  # noqa: PT011 - every one of them, whatever it says
        read_safetensors(file)
