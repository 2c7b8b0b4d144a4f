"""The assistant on Anthropic's Messages API: the official package's request, our own reading, tool loop and limits."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import replace
from typing import Any, Literal

import anthropic
import httpx2
import msgspec

from chatserver.adapters.message_stream import Reply, tokens_in, tokens_of
from chatserver.adapters.outgoing import by_way_of
from chatserver.adapters.patience import Patience
from chatserver.adapters.pushed_http import Body, PushTransport, Take
from chatserver.core.grounding import RULES, TOOLS, Prompt, render, tool_result
from chatserver.core.ports import AnswerFailed, AnswerRequest, AssistantKind, Say, Toolbox, Usage

log = logging.getLogger(__name__)

BASE_URL = "https://api.anthropic.com"
TOKENS_MAX = 3_000
TOOL_ROUNDS_MAX = 4
TOOLS_PER_ROUND_MAX = 4
CONNECT_SECONDS = 5.0
READ_SECONDS = 20.0
"""Without a byte, pings included."""
START_SECONDS = 30.0
"""Until the answer begins, all retries included."""
IDLE_SECONDS = 45.0
"""Without a step of the answer, however many pings come."""
DEADLINE_SECONDS = 150.0
RETRIES = 2
RETRY_AFTER_MAX_SECONDS = 5.0
"""A server that asks for a longer pause is not asked again: the seeker is told at once."""
CEILING_REQUESTS = 3
"""An answer costs at most so many times its dearest first request; tools end before it would cost more."""
CUT_SIGN = " …"
"""Where an answer reached its length: every language reads it."""

# US dollars per million tokens, input and output, as published in November 2026; by the longest beginning of a model's
# name. A name that is not known counts as the dearest: a budget that does not hold is none.
PRICES = {
    "claude-haiku-5": (0.10, 0.50), "claude-haiku": (1.0, 5.0), "claude-sonnet-5": (2.0, 10.0),
    "claude-sonnet": (3.0, 15.0), "claude-opus-5-5": (4.0, 20.0), "claude-opus": (5.0, 25.0), "": (10.0, 50.0),
}  # fmt: skip
CACHE_READ_FACTOR = 0.1
CACHE_WRITE_FACTOR = 1.25

Fluency = Literal["whole", "unthinking", "plain"]
_PLAINER: dict[Fluency, Fluency] = {"whole": "unthinking", "unthinking": "plain"}


class AnthropicAssistant:
    """Streams answers of `model`.

    A server or model that refuses the thinking setting is asked without it, one that refuses caching and tool choice
    too is asked in the plainest form; what worked is remembered.
    """

    kind: AssistantKind = "anthropic"

    def __init__(
        self, api_key: str, model: str, *, base_url: str | None = None, proxy: str | None = None,
        connect_seconds: float = CONNECT_SECONDS,
        read_seconds: float = READ_SECONDS, start_seconds: float = START_SECONDS, idle_seconds: float = IDLE_SECONDS,
        deadline_seconds: float = DEADLINE_SECONDS, retries: int = RETRIES,
        retry_after_max_seconds: float = RETRY_AFTER_MAX_SECONDS,
    ) -> None:  # fmt: skip
        self.model = model
        self._start_seconds = start_seconds
        self._idle_seconds = idle_seconds
        self._deadline_seconds = deadline_seconds
        self._fluency: Fluency = "whole"
        self._prices = PRICES[max((name for name in PRICES if model.startswith(name)), key=len)]
        if not model.startswith("claude-"):
            log.warning("no price is known for the model %s: budgets count it as the dearest", model)

        async def cap(response: httpx2.Response) -> None:
            # The package waits as long as a server asks, be it an hour.
            wait = response.headers.get("retry-after")
            if wait is not None and not _is_within(wait, retry_after_max_seconds):
                response.headers["x-should-retry"] = "false"

        self._client = anthropic.AsyncAnthropic(
            api_key=api_key,
            # Without one the package looks for variables of its own.
            base_url=base_url or BASE_URL,
            max_retries=retries,
            # A redirect would carry the key elsewhere.
            http_client=httpx2.AsyncClient(
                transport=PushTransport() if proxy is None else None,
                timeout=httpx2.Timeout(read_seconds, connect=connect_seconds),
                event_hooks={"response": [cap]},
                follow_redirects=False,
                # What came is what was said, in the step in which it came: packed, it would wait for more.
                headers={"accept-encoding": "identity"},
                **by_way_of(proxy),
            ),
        )

    async def aclose(self) -> None:
        await self._client.close()

    async def answer(self, request: AnswerRequest, toolbox: Toolbox, say: Say) -> None:
        prompt = render(request)
        size = _size(prompt)
        ceiling = CEILING_REQUESTS * self._dearest(size)
        ends_at = _now() + self._deadline_seconds
        last_said, rounds, tools = "", 0, True
        try:
            while True:
                reply = Reply(request.usage, size, last_said=last_said)
                # Left in whatever way, a cancelled task's included, the stack closes the model's connection at once.
                async with AsyncExitStack() as stack:
                    give = await self._opened(stack, prompt, reply, ends_at, tools=tools)
                    patience = Patience(min(ends_at, _now() + self._idle_seconds))
                    stack.callback(patience.close)

                    def take(content: bytes, reply: Reply = reply, patience: Patience = patience) -> None:
                        steps = reply.steps
                        if text := reply.feed(content):
                            say(text)
                        if reply.failure is not None:
                            raise reply.failure
                        if reply.steps > steps:
                            patience.prolong(self._idle_seconds, ends_at)

                    await patience.wait(give(take))
                last_said = reply.last_said
                if reply.stop_reason != "tool_use" or not reply.calls or not tools:
                    break
                rounds += 1
                async with asyncio.timeout_at(ends_at):
                    results = await _results(reply.calls, toolbox)
                spent = self.cost_usd(request.usage)
                further = _continued(prompt, reply, results)
                if spent + self._dearest(_size(further)) > ceiling:
                    further = _continued(prompt, reply, [tool_result(call["id"], _NO_ROOM) for call in reply.calls])
                prompt, size = further, _size(further)
                tools = rounds < TOOL_ROUNDS_MAX and spent + 2 * self._dearest(size) <= ceiling
        except TimeoutError:
            raise AnswerFailed("stalled", _TOO_LATE if _now() >= ends_at else _SILENT) from None
        except (anthropic.APIError, httpx2.HTTPError, httpx2.StreamError) as error:
            raise _failure(error, self.model) from error
        if sign := _ended(reply, has_text=bool(last_said)):
            say(sign)

    async def _opened(
        self, stack: AsyncExitStack, prompt: Prompt, reply: Reply, ends_at: float, *, tools: bool
    ) -> Callable[[Take], Awaitable[None]]:
        fluency = self._fluency
        try:
            async with asyncio.timeout_at(min(ends_at, _now() + self._start_seconds)):
                while True:
                    try:
                        response = await stack.enter_async_context(self._asked(prompt, fluency, tools=tools))
                        break
                    except (anthropic.BadRequestError, anthropic.UnprocessableEntityError) as refused:
                        if fluency not in _PLAINER or _is_too_long(refused):
                            raise
                        fluency = _PLAINER[fluency]
        except (anthropic.APIStatusError, anthropic.APIConnectionError) as error:
            if not isinstance(error, anthropic.APITimeoutError):
                reply.void()
            raise
        if fluency != self._fluency:
            log.warning("the model %s takes requests of the %s form only", self.model, fluency)
            self._fluency = fluency
        body: Body | None = response.http_response.extensions.get("body")
        if body is not None and "content-encoding" not in response.headers:
            return body.give

        async def unpacked(take: Take) -> None:
            async for content in response.iter_bytes():
                take(content)

        return unpacked

    def _asked(self, prompt: Prompt, fluency: Fluency, *, tools: bool) -> AbstractAsyncContextManager[Any]:
        asked: dict[str, Any] = {
            "model": self.model, "max_tokens": TOKENS_MAX, "stream": True, "tools": list(TOOLS),
            "system": prompt.system, "messages": prompt.messages,
        }  # fmt: skip
        if fluency != "plain":
            asked["system"], asked["messages"] = prompt.cached()
            # The end of the request too: the next round of tools begins with all of it.
            asked["cache_control"] = {"type": "ephemeral"}
            if not tools:
                asked["tool_choice"] = {"type": "none"}
        if fluency == "whole":
            asked["thinking"] = {"type": "between_tools"}
        create: Any = self._client.messages.with_streaming_response.create
        manager: AbstractAsyncContextManager[Any] = create(**asked)
        return manager

    def ceiling_usd(self, request: AnswerRequest) -> float:
        return CEILING_REQUESTS * self._dearest(_size(render(request)))

    def _dearest(self, size: int) -> float:
        """The most that one request of `size` tokens can cost, its own words read once more by the next included."""
        return self.cost_usd(Usage(cache_write_tokens=size + TOKENS_MAX, output_tokens=TOKENS_MAX))

    def cost_usd(self, usage: Usage) -> float:
        into, out = self._prices
        tokens = (
            usage.input_tokens
            + CACHE_READ_FACTOR * usage.cache_read_tokens
            + CACHE_WRITE_FACTOR * usage.cache_write_tokens
        )
        return (tokens * into + usage.output_tokens * out) / 1e6


_SILENT = "The model fell silent."
_TOO_LATE = "The answer took too long."
_NO_ROOM = {"error": "There is no room for more; answer with what you have."}
_NO_JSON = {"error": "The arguments are no JSON object; call the tool again."}
_TOO_MANY = {"error": f"At most {TOOLS_PER_ROUND_MAX} tools at a time; ask again for the rest."}
_FIXED_TOKENS = tokens_of(RULES + json.dumps(TOOLS))


def _now() -> float:
    return asyncio.get_running_loop().time()


def _size(prompt: Prompt) -> int:
    return _FIXED_TOKENS + tokens_in(len(msgspec.json.encode(prompt.messages)))


async def _results(calls: list[dict[str, Any]], toolbox: Toolbox) -> list[dict[str, Any]]:
    results = []
    for place, call in enumerate(calls):
        if place >= TOOLS_PER_ROUND_MAX:
            result: dict[str, Any] = _TOO_MANY
        elif call["input"] is None:
            result = _NO_JSON
        else:
            result = await toolbox.call(str(call["name"]), call["input"])
        results.append(tool_result(call["id"], result))
    return results


def _continued(prompt: Prompt, reply: Reply, results: list[dict[str, Any]]) -> Prompt:
    said = {"role": "assistant", "content": reply.content()}
    return replace(prompt, messages=[*prompt.messages, said, {"role": "user", "content": results}])


def _ended(reply: Reply, *, has_text: bool) -> str:
    """What is to be added to an answer that ended so. Raises `AnswerFailed` where that is no end."""
    match reply.stop_reason:
        case None:
            # A connection that closes between two events looks like the end of the body: nothing is raised.
            raise AnswerFailed("cut", "The model's answer ended early.")
        case "refusal":
            raise AnswerFailed("refused", "The model declined to answer.", keep_text=False)
        case "max_tokens" | "model_context_window_exceeded" if has_text:
            return CUT_SIGN
        case "max_tokens" | "model_context_window_exceeded" | "tool_use" if not has_text:
            raise AnswerFailed("too_long", "The model came to the end of its room without an answer.")
    return ""


def _is_within(retry_after: str, seconds: float) -> bool:
    try:
        return float(retry_after) <= seconds
    except ValueError:
        # A date, which nobody who means seconds sends.
        return False


def _is_too_long(error: anthropic.APIStatusError) -> bool:
    return error.status_code == 413 or "too long" in str(error.api_message)


def _failure(error: Exception, model: str) -> AnswerFailed:
    if isinstance(error, anthropic.APIStatusError):
        log.warning("the model's server answered %d (%s)", error.status_code, error.type)
        if error.status_code in (429, 529) or error.type == "overloaded_error":
            return AnswerFailed("overloaded", "The model is overloaded.")
        if error.status_code in (401, 403):
            log.error("the model's server refuses the key; set a valid ANTHROPIC_API_KEY")
            return AnswerFailed("bad_key", "The model's server refuses the key.")
        if _is_too_long(error):
            return AnswerFailed("too_long", "The conversation is too long for the model.")
        if error.status_code == 404:
            log.error("there is no model %s; set CHAT_MODEL to one that the server has", model)
        return AnswerFailed("down", f"The model's server answered {error.status_code}.")
    if isinstance(error, anthropic.APITimeoutError | httpx2.TimeoutException):
        return AnswerFailed("stalled", _SILENT)
    if isinstance(error, httpx2.HTTPError | httpx2.StreamError):
        return AnswerFailed("cut", "The connection to the model was cut.")
    log.warning("the model's server cannot be reached: %s", error)
    return AnswerFailed("down", "The model's server cannot be reached.")
