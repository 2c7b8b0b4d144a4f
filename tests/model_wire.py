"""The bytes of the Messages API: what an answer looks like on the wire, and which requests are not valid."""

import asyncio
from itertools import pairwise
from typing import Any

import msgspec

PING_SECONDS = 0.01
CACHE_MARKS_MAX = 4


class Left(Exception):
    """The client closed the connection before its answer was over."""


class Answer:
    """Writes one answer after the other to a connection. What ends one returns whether the connection may go on."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._blocks = 0
        self._words = 0
        self.tokens = 0

    async def whole(self, status: int, body: dict[str, Any], headers: str = "") -> bool:
        content = msgspec.json.encode(body)
        self._writer.write(
            f"HTTP/1.1 {status} Said\r\ncontent-type: application/json\r\nrequest-id: req_1\r\n{headers}"
            f"content-length: {len(content)}\r\n\r\n".encode()
            + content
        )
        await self._writer.drain()
        return True

    async def error(self, status: int, kind: str, message: str, retry_after: float | None = None) -> bool:
        headers = "" if retry_after is None else f"retry-after: {retry_after:g}\r\n"
        return await self.whole(status, {"type": "error", "error": {"type": kind, "message": message}}, headers)

    async def message(self, asked: dict[str, Any], text: str | None) -> bool:
        """The answer to a request that wants no stream; of the schema's shape where it names one."""
        if text is None:
            schema = asked.get("output_config", {}).get("format", {}).get("schema")
            text = msgspec.json.encode(example(schema)).decode() if schema else "Said at once."
        return await self.whole(200, {
            "id": "msg_1", "type": "message", "role": "assistant", "model": asked["model"], "stop_reason": "end_turn",
            "stop_sequence": None, "content": [{"type": "text", "text": text}], "usage": self._usage({}, len(text)),
        })  # fmt: skip

    def _usage(self, usage: dict[str, int], written: int) -> dict[str, int]:
        zero = {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
        return {"input_tokens": self.tokens, "output_tokens": written, **zero, **usage}

    async def begin(self, usage: dict[str, int]) -> None:
        self._blocks = self._words = 0
        self._writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n"
            b"request-id: req_1\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        message: dict[str, Any] = {
            "id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": [],
            "stop_reason": None, "stop_sequence": None, "usage": self._usage({**usage, "output_tokens": 1}, 1),
        }  # fmt: skip
        await self._event({"type": "message_start", "message": message})
        await self._event({"type": "ping"})

    async def thinks(self, text: str) -> None:
        if text:
            await self._open({"type": "thinking", "thinking": "", "signature": ""})
            await self._delta({"type": "thinking_delta", "thinking": text})
            await self._delta({"type": "signature_delta", "signature": "c2lnbmVk"})
            await self._close()

    async def says(
        self, text: str, per_second: float = 0, hold_after: int | None = None, released: asyncio.Event | None = None
    ) -> bool:
        if text:
            await self._open({"type": "text", "text": ""})
            for number, word in enumerate(text.split(" ")):
                if number == hold_after and released is not None:
                    await self._held(released)
                await self._delta({"type": "text_delta", "text": word if number == 0 else f" {word}"})
                if per_second:
                    await asyncio.sleep(1 / per_second)
            await self._close()
        return False

    async def says_in(self, pieces: list[str]) -> None:
        """One block of text in these pieces."""
        await self._open({"type": "text", "text": ""})
        for piece in pieces:
            await self._delta({"type": "text_delta", "text": piece})
        await self._close()

    async def _held(self, released: asyncio.Event) -> None:
        go, left = asyncio.ensure_future(released.wait()), asyncio.ensure_future(self._reader.read(1))
        try:
            await asyncio.wait((go, left), return_when=asyncio.FIRST_COMPLETED)
        finally:
            go.cancel()
            left.cancel()
            # The reader has one waiter at a time: the next request is read when this one is gone.
            await asyncio.gather(go, left, return_exceptions=True)
        if not released.is_set():
            raise Left

    async def calls(self, call: str, name: str, arguments: dict[str, Any] | str) -> None:
        await self._open({"type": "tool_use", "id": call, "name": name, "input": {}})
        given = arguments if isinstance(arguments, str) else msgspec.json.encode(arguments).decode()
        for part in ("", given[: len(given) // 2], given[len(given) // 2 :]):
            await self._delta({"type": "input_json_delta", "partial_json": part})
        await self._close()

    async def finish(self, stop_reason: str, usage: dict[str, int]) -> bool:
        await self._event({
            "type": "message_delta", "delta": {"stop_reason": stop_reason, "stop_sequence": None},
            "usage": {"output_tokens": usage.get("output_tokens", self._words)},
        })  # fmt: skip
        await self._event({"type": "message_stop"})
        return await self.end()

    async def end(self) -> bool:
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()
        return True

    async def errs(self, kind: str) -> bool:
        await self._event({"type": "error", "error": {"type": kind, "message": "said in mid-stream"}})
        return await self.end()

    async def stall(self, *, pings: bool) -> bool:
        while pings:
            await self._event({"type": "ping"})
            await asyncio.sleep(PING_SECONDS)
        if not await self._reader.read(1):
            raise Left
        return False

    async def _open(self, block: dict[str, Any]) -> None:
        await self._event({"type": "content_block_start", "index": self._blocks, "content_block": block})

    async def _delta(self, delta: dict[str, Any]) -> None:
        self._words += 1
        await self._event({"type": "content_block_delta", "index": self._blocks, "delta": delta})

    async def _close(self) -> None:
        await self._event({"type": "content_block_stop", "index": self._blocks})
        self._blocks += 1

    async def _event(self, event: dict[str, Any]) -> None:
        if self._reader.at_eof() or self._writer.is_closing():
            raise Left
        content = b"event: %s\ndata: %s\n\n" % (event["type"].encode(), msgspec.json.encode(event))
        self._writer.write(b"%x\r\n%s\r\n" % (len(content), content))
        await self._writer.drain()


def example(schema: dict[str, Any], name: str = "text") -> Any:
    """Something of the schema's shape; lists have five entries, no two alike."""
    match schema.get("type"):
        case "object":
            return {key: example(inner, f"{name} {key}") for key, inner in schema["properties"].items()}
        case "array":
            return [example(schema["items"], f"{name} {number}") for number in range(1, 6)]
        case "integer" | "number":
            return 1
        case "boolean":
            return True
    return f"An example of {name}."


def invalid(body: dict[str, Any]) -> str | None:
    """Why the API would answer 400, as far as our requests could make it."""
    messages = body.get("messages") or []
    roles = [message["role"] for message in messages]
    if not roles or roles[0] != "user" or roles[-1] != "user":
        return "messages: the first and the last must be the user's"
    if any(one == other for one, other in pairwise(roles)):
        return "messages: roles must alternate"
    called: set[str] = set()
    for message in messages:
        blocks = message["content"]
        if isinstance(blocks, str):
            blocks = [{"type": "text", "text": blocks}]
        if not blocks or any(block["type"] == "text" and not block["text"].strip() for block in blocks):
            return "messages: text content blocks must be non-empty"
        if called != {block["tool_use_id"] for block in blocks if block["type"] == "tool_result"}:
            return "messages: each tool_use must have its tool_result in the next message"
        called = {block["id"] for block in blocks if block["type"] == "tool_use"}
        if called and not body.get("tools"):
            return "tools: required where messages have tool_use blocks"
    if not isinstance(body.get("max_tokens"), int) or body["max_tokens"] < 1:
        return "max_tokens: required"
    if {"temperature", "top_p", "top_k"} & body.keys():
        return "sampling parameters are not accepted by this model"
    marks = msgspec.json.encode(body).count(b'"cache_control":')
    return f"cache_control: {marks} are too many" if marks > CACHE_MARKS_MAX else None


def plain_only(body: dict[str, Any]) -> str | None:
    """Why a server that knows neither caching nor thinking nor a choice of tools would answer 400."""
    encoded = msgspec.json.encode(body)
    for word in ("thinking", "cache_control", "tool_choice"):
        if f'"{word}":'.encode() in encoded:
            return f"{word}: extra inputs are not permitted"
    return None
