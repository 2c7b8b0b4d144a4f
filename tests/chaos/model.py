"""A model's server that writes at the pace of the real one, and notes when each of its streams was closed on it.

Each word says which stream wrote it and as which word, so that a judge can tell whole texts from mixed ones.
"""

import asyncio
import random
import re
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self
from uuid import uuid4

import msgspec

from tests.model_wire import Answer, Left, invalid

WORDS = (20, 45)
WORDS_PER_SECOND = 16
TOOL_SHARE = 0.4
"""Of the answers: they search in the middle."""
CALL_PREFIX = "toolu_town_"
CASE = re.compile(rb"\bcase (\d+)\b")
"""Every question of a session names it so."""


@dataclass
class Stream:
    began: float
    ended: float | None = None
    """When it had said all, or when the client closed it in mid-answer."""


class Model:
    """In the loop of the test: what it sees and what the clients see have one clock."""

    def __init__(self, chance: random.Random, words: tuple[int, int] = WORDS) -> None:
        self._chance = chance
        self._words = words
        self.answer_seconds = words[1] / WORDS_PER_SECOND
        """The longest answer's, searching not counted."""
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.streams: defaultdict[int, list[Stream]] = defaultdict(list)
        """By case, in the order in which they began."""
        self.searches = 0
        self.enriching = asyncio.Event()
        """Somebody asked for guides."""
        self.guides = 0
        self.guides_seconds = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def running_since(self, case: int, moment: float) -> list[Stream]:
        """Those that were not over at that moment, or began later."""
        return [one for one in self.streams[case] if one.ended is None or one.ended >= moment]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, backlog=1_000)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        answer = Answer(reader, writer)
        # Whoever leaves between two requests, or is killed, is no news.
        with suppress(Left, OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await self._exchange(reader, answer):
                pass
        writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, answer: Answer) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
        content = await reader.readexactly(int(length[1]) if length else 0)
        body: dict[str, Any] = msgspec.json.decode(content)
        if wrong := invalid(body):
            return await answer.error(400, "invalid_request_error", wrong)
        if not body.get("stream"):
            return await self._guides(body, answer)
        found = CASE.findall(content)
        stream = Stream(time.monotonic())
        self.streams[int(found[-1]) if found else -1].append(stream)
        return await self._watched(stream, reader, self._writes(answer, body))

    async def _watched(self, stream: Stream, reader: asyncio.StreamReader, writing: Any) -> bool:
        """Writes and listens at once: the end of a stream is noted when it comes, not at the next word."""
        writer, gone = asyncio.ensure_future(writing), asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait((writer, gone), return_when=asyncio.FIRST_COMPLETED)
            if not writer.done() or writer.exception() is not None:
                raise Left
            return bool(writer.result())
        finally:
            stream.ended = time.monotonic()
            writer.cancel()
            gone.cancel()
            # The reader has one waiter at a time: the next request is read when this one is gone.
            await asyncio.gather(writer, gone, return_exceptions=True)

    async def _writes(self, answer: Answer, body: dict[str, Any]) -> bool:
        name = uuid4().hex[:8]
        count = self._chance.randint(*self._words)
        searched = f'"{CALL_PREFIX}'.encode() in msgspec.json.encode(body["messages"][-1])
        searches = not searched and "tool_choice" not in body and self._chance.random() < TOOL_SHARE
        if searches:
            count = self._chance.randint(1, count // 2)
        text = " ".join(f"w{name}-{number}" for number in range(count))
        await answer.begin({})
        await answer.says(text, WORDS_PER_SECOND)
        if not searches:
            return await answer.finish("end_turn", {})
        self.searches += 1
        await answer.calls(f"{CALL_PREFIX}{name}", "search_jobs", {"query": "warehouse work"})
        return await answer.finish("tool_use", {})

    async def _guides(self, body: dict[str, Any], answer: Answer) -> bool:
        self.guides += 1
        self.enriching.set()
        await asyncio.sleep(self.guides_seconds)
        return await answer.message(body, None)
