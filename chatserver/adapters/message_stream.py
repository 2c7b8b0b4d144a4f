"""The body of a streamed message, split by hand: bytes in; text, blocks, usage and the reason of the end out."""

from collections.abc import Mapping
from typing import Any

import msgspec

from chatserver.core.ports import AnswerFailed, Usage

EVENT_MAX_BYTES = 1024 * 1024
_COUNTED = (
    ("input_tokens", "input_tokens"), ("output_tokens", "output_tokens"),
    ("cache_read_input_tokens", "cache_read_tokens"), ("cache_creation_input_tokens", "cache_write_tokens"),
)  # fmt: skip


def tokens_of(text: str) -> int:
    return tokens_in(len(text) if text.isascii() else len(text.encode()))


def tokens_in(size: int) -> int:
    """A guess on the high side: two and a half bytes a token, which holds for English and Hindi alike."""
    return size * 2 // 5 + 1


class Reply:
    """What came of one request so far, and what it costs in the eyes of whoever stops it now.

    `usage` is the whole answer's: from the moment the request is sent until the server tells, it holds a guess, so that
    a call which is cancelled is counted too.
    """

    def __init__(self, usage: Usage, expected_tokens: int, *, last_said: str = "") -> None:
        self.blocks: list[dict[str, Any]] = []
        self.stop_reason: str | None = None
        self.failure: AnswerFailed | None = None
        self.last_said = last_said
        """The last character of the answer's text, in earlier requests too."""
        self.steps = 0
        """Events that brought the answer on; a ping is none."""
        self._usage = usage
        self._before = {name: getattr(usage, name) for _, name in _COUNTED}
        self._written = 0
        self._buffer = b""
        self._data: list[bytes] = []
        self._arguments: dict[int, str] = {}
        usage.input_tokens += expected_tokens

    def void(self) -> None:
        """The server refused the request before it cost anything."""
        for name, value in self._before.items():
            setattr(self._usage, name, value)

    def feed(self, content: bytes) -> str:
        """The text that this piece of the body adds; `failure` is set where the server says that it failed after it."""
        *lines, self._buffer = (self._buffer + content).split(b"\n")
        text = ""
        for line in lines:
            if line.startswith(b"data:"):
                self._data.append(line[5:])
            elif not line.strip() and self._data and self.failure is None:
                data, self._data = b"\n".join(self._data), []
                text += self._event(data)
        if len(self._buffer) + sum(map(len, self._data)) > EVENT_MAX_BYTES:
            self.failure = AnswerFailed("cut", "The model's server sent an event without an end.")
        return text

    @property
    def calls(self) -> list[dict[str, Any]]:
        """The tools to run. `input` is None where the arguments are no JSON object."""
        return [block for block in self.blocks if block.get("type") == "tool_use"]

    def content(self) -> list[dict[str, Any]]:
        """The blocks as they have to go back with the tools' results: thinking untouched, empty texts left out."""
        return [
            {**block, "input": block["input"] or {}} if block["type"] == "tool_use" else block
            for block in self.blocks
            if block.get("type") and block.get("text") != ""
        ]

    def _event(self, data: bytes) -> str:
        try:
            event = msgspec.json.decode(data)
            kind = event["type"]
            if kind == "ping":
                return ""
            self.steps += 1
            match kind:
                case "content_block_delta":
                    return self._extend(event["index"], event["delta"])
                case "content_block_start":
                    self._begin(event["index"], event["content_block"])
                case "content_block_stop":
                    self._end(event["index"])
                case "message_start":
                    self._tell(event["message"].get("usage") or {})
                case "message_delta":
                    self.stop_reason = event["delta"].get("stop_reason")
                    self._tell(event.get("usage") or {})
                case "error":
                    self.failure = _error_of(event.get("error") or {})
        except (msgspec.DecodeError, KeyError, IndexError, TypeError, AttributeError):
            self.failure = AnswerFailed("cut", "The model's server sent what is no event of the Messages API.")
        return ""

    def _begin(self, index: int, block: dict[str, Any]) -> None:
        if index != len(self.blocks):
            raise IndexError(index)
        self.blocks.append(dict(block))
        if block["type"] == "tool_use":
            self._arguments[index] = ""

    def _extend(self, index: int, delta: dict[str, Any]) -> str:
        block = self.blocks[index]
        match delta["type"]:
            case "text_delta":
                said: str = delta["text"]
                self._wrote(said)
                begins = not block["text"]
                block["text"] += said
                if begins and said and self.last_said and not self.last_said.isspace():
                    # A new block is a new paragraph: words before and after a tool's call must not run together.
                    said = f"\n\n{said}"
                self.last_said = said[-1:] or self.last_said
                return said
            case "input_json_delta":
                self._arguments[index] += delta["partial_json"]
                self._wrote(delta["partial_json"])
            case "thinking_delta":
                block["thinking"] += delta["thinking"]
                self._wrote(delta["thinking"])
            case "signature_delta":
                block["signature"] = delta["signature"]
        return ""

    def _end(self, index: int) -> None:
        if index in self._arguments:
            try:
                given = msgspec.json.decode(self._arguments[index] or "{}")
            except (ValueError, RecursionError):
                given = None
            self.blocks[index]["input"] = given if isinstance(given, dict) else None

    def _wrote(self, text: str) -> None:
        self._written += tokens_of(text)
        self._usage.output_tokens = self._before["output_tokens"] + self._written

    def _tell(self, told: Mapping[str, Any]) -> None:
        for theirs, ours in _COUNTED:
            if isinstance(told.get(theirs), int):
                setattr(self._usage, ours, self._before[ours] + told[theirs])


def _error_of(error: Mapping[str, Any]) -> AnswerFailed:
    """An error that came in mid-stream, in an answer that began well."""
    kind = str(error.get("type"))
    if kind in ("overloaded_error", "rate_limit_error"):
        return AnswerFailed("overloaded", "The model is overloaded.")
    if kind in ("authentication_error", "permission_error"):
        return AnswerFailed("bad_key", "The model's server refuses the key.")
    return AnswerFailed("down", f"The model's server failed in mid-stream ({kind[:50]}).")
