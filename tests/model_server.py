"""A model's server on loopback that speaks the Messages API's wire format, on its good days and its bad ones.

In a test: `async with ModelServer() as server`, then `server.plays(Calls(...), Says(...))`; what is not scripted is
answered from the jobs in the prompt. As a process: `python -m tests.model_server` prints its port in the first line;
`POST /script` takes a list of replies (`[{"kind": "says", "text": "…"}]`), `POST /release` lets a held one go on, and
`GET /seen` tells which requests came and how many clients left in mid-answer.
"""

import argparse
import asyncio
import signal
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

import msgspec

from tests.model_wire import Answer, Left, invalid, plain_only

CHARACTERS_PER_TOKEN = 4


class Reply(msgspec.Struct, kw_only=True, tag_field="kind"):
    """What the server does with one request."""


class Says(Reply, tag="says"):
    """Streams `text` word by word; after `hold_after` words it waits until it is released."""

    text: str
    stop_reason: str = "end_turn"
    thinking: str = ""
    words_per_second: float = 0
    hold_after: int | None = None
    usage: dict[str, int] = {}


class Calls(Reply, tag="calls"):
    """Calls tools, after `text`. A string stands for arguments that are no JSON object."""

    tools: list[tuple[str, dict[str, Any] | str]]
    text: str = ""
    thinking: str = ""
    stop_reason: str = "tool_use"


class Fails(Reply, tag="fails"):
    """An error instead of an answer."""

    status: int
    error: str = "api_error"
    message: str = "said by the server"
    retry_after: float | None = None


class ErrorsMidway(Reply, tag="errors_midway"):
    text: str
    error: str = "overloaded_error"


class Drops(Reply, tag="drops"):
    """The connection ends within the chunked body."""

    text: str


class EndsEarly(Reply, tag="ends_early"):
    """The body ends as if it were whole, but no stop reason came."""

    text: str


class Stalls(Reply, tag="stalls"):
    """Silence after `text`; without headers if there is none, or with pings for ever."""

    text: str = ""
    pings: bool = False


class Grounded(Reply, tag="grounded"):
    """An answer that cites the first job of the prompt's last search."""

    words_per_second: float = 0


AnyReply = Says | Calls | Fails | ErrorsMidway | Drops | EndsEarly | Stalls | Grounded


@dataclass(frozen=True, slots=True)
class Asked:
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class ModelServer:
    """`plain` refuses caching, thinking and tool choice, as other servers do; `key` refuses every other one."""

    key: str | None = None
    plain: bool = False
    words_per_second: float = 0
    port: int = 0
    requests: list[Asked] = field(default_factory=list)
    gone: int = 0
    """Clients that left in mid-answer."""
    _replies: deque[AnyReply] = field(default_factory=deque)
    _released: asyncio.Event = field(default_factory=asyncio.Event)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _server: asyncio.Server | None = None
    _connections: set["asyncio.Task[None]"] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def plays(self, *replies: AnyReply) -> None:
        """The next answers, in order."""
        self._replies.extend(replies)

    def release(self) -> None:
        self._released.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Waits until something that the server sees is so: `until(lambda: server.gone == 1)`."""
        async with self._changed:
            await self._changed.wait_for(condition)

    async def _note(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        answer = Answer(reader, writer)
        try:
            while await self._exchange(reader, answer):
                pass
        except (Left, ConnectionError):
            self.gone += 1
            await self._note()
        except (asyncio.IncompleteReadError, asyncio.CancelledError):
            # Between two requests, or at the end of the test: nobody is left waiting.
            pass
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, answer: Answer) -> bool:
        """One request and its answer. False where the connection is not to be used again."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        content = await reader.readexactly(int(headers.get("content-length", 0)))
        method, path, _ = first.split(" ")
        # A proxy is asked for whole addresses.
        path = "/" + path.split("/", 3)[3] if path.startswith("http://") else path
        match method, path.partition("?")[0]:
            case "POST", "/v1/messages":
                asked = Asked(path, headers, msgspec.json.decode(content))
                self.requests.append(asked)
                await self._note()
                return await self._answer(asked, answer)
            case "POST", "/script":
                self.plays(*msgspec.json.decode(content, type=list[AnyReply]))
                await answer.whole(200, {})
            case "POST", "/release":
                self.release()
                await answer.whole(200, {})
            case "GET", "/seen":
                seen = [{"path": asked.path, "body": asked.body} for asked in self.requests]
                await answer.whole(200, {"requests": seen, "gone": self.gone})
            case _:
                await answer.error(404, "not_found_error", f"There is no {path}.")
        return True

    async def _answer(self, asked: Asked, answer: Answer) -> bool:
        if self.key is not None and asked.headers.get("authorization") != f"Bearer {self.key}":
            return await answer.error(401, "authentication_error", "invalid x-api-key")
        wrong = invalid(asked.body) or (plain_only(asked.body) if self.plain else None)
        if wrong:
            return await answer.error(400, "invalid_request_error", wrong)
        reply = self._replies.popleft() if self._replies else Grounded(words_per_second=self.words_per_second)
        answer.tokens = len(msgspec.json.encode(asked.body)) // CHARACTERS_PER_TOKEN
        if not asked.body.get("stream") and not isinstance(reply, Fails):
            text = reply.text if isinstance(reply, Says) else None
            return await answer.message(asked.body, text)
        match reply:
            case Says():
                await answer.begin(reply.usage)
                await answer.thinks(reply.thinking)
                await answer.says(reply.text, reply.words_per_second, reply.hold_after, self._released)
                return await answer.finish(reply.stop_reason, reply.usage)
            case Grounded(words_per_second=pace):
                await answer.begin({})
                await answer.says(grounded(asked.body), pace)
                return await answer.finish("end_turn", {})
            case Calls():
                await answer.begin({})
                await answer.thinks(reply.thinking)
                await answer.says(reply.text)
                for number, (name, arguments) in enumerate(reply.tools):
                    await answer.calls(f"toolu_{len(self.requests)}_{number}", name, arguments)
                return await answer.finish(reply.stop_reason, {})
            case Fails():
                return await answer.error(reply.status, reply.error, reply.message, reply.retry_after)
            case ErrorsMidway():
                await answer.begin({})
                await answer.says(reply.text)
                return await answer.errs(reply.error)
            case Drops():
                await answer.begin({})
                return await answer.says(reply.text)
            case EndsEarly():
                await answer.begin({})
                await answer.says(reply.text)
                return await answer.end()
            case Stalls():
                if reply.text or reply.pings:
                    await answer.begin({})
                    await answer.says(reply.text)
                return await answer.stall(pings=reply.pings)


def grounded(body: dict[str, Any]) -> str:
    """What a good model says to the prompt: of its first job, by its reference, in its own words."""
    for message in reversed(body["messages"]):
        for block in message["content"] if isinstance(message["content"], list) else []:
            if block["type"] != "tool_result":
                continue
            content = block["content"]
            found = msgspec.json.decode(content if isinstance(content, str) else content[0]["text"])
            if found.get("jobs"):
                job = found["jobs"][0]
                skills = ", ".join(job.get("matched_skills") or job.get("skills") or ["your experience"])
                return (
                    f"The job that comes closest is [{job['ref']}], {job['title']} at {job['company']}. It asks for "
                    f"{skills}, and your resume shows that. Look at what the posting says about the daily work, put "
                    "the project that comes nearest to it at the top of your resume, and prepare one story with a "
                    "number in it. Shall we go through the questions that they may ask you?"
                )
    return "None of the jobs that I can see fits that. Tell me a role, a skill or a city in other words."


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--words-per-second", type=float, default=0)
    parser.add_argument("--key", default=None)
    parser.add_argument("--plain", action="store_true")
    given = parser.parse_args()
    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    async with ModelServer(given.key, given.plain, given.words_per_second, given.port) as server:
        print(server.port, flush=True)
        await over.wait()


if __name__ == "__main__":
    asyncio.run(main())
