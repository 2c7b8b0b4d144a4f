"""Anthropic's assistant against a local server that speaks the real wire format, on its good days and its bad ones."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from chatserver.adapters.anthropic import (
    CEILING_REQUESTS,
    CUT_SIGN,
    TOKENS_MAX,
    TOOL_ROUNDS_MAX,
    TOOLS_PER_ROUND_MAX,
    AnthropicAssistant,
)
from chatserver.core.grounding import TOOL_RESULT_MAX_CHARACTERS
from chatserver.core.ports import AnswerFailed, AnswerRequest, Card, HistoryEntry, Usage
from tests.model_server import (
    AnyReply,
    Calls,
    Drops,
    EndsEarly,
    ErrorsMidway,
    Fails,
    ModelServer,
    Says,
    Stalls,
)

KEY = "key-made-up"
HANGS_SECONDS = 15.0
"""Less than an idle connection is kept, or a silent one waited for."""
MODEL = "claude-sonnet-5-5"
CARD = Card(
    3, UUID(int=3), "Senior Auditor", "Alpha Audit", "Pune", "active", "Audits banks.", ("Ind AS",), ("Ind AS",)
)


class Tools:
    """A toolbox that notes what it was asked and answers as told."""

    def __init__(self, result: dict[str, Any] | None = None) -> None:
        self.called: list[tuple[str, dict[str, Any]]] = []
        self.result = result or {"jobs": [{"ref": "J4", "title": "Audit Manager"}]}

    async def call(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        self.called.append((name, dict(arguments)))
        return self.result


def request(question: str = "Which job fits me?") -> AnswerRequest:
    return AnswerRequest("Asha Rao", (HistoryEntry("user", question),), (CARD,), "Audited banks")


@pytest_asyncio.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with ModelServer(key=KEY) as server:
        yield server


@pytest_asyncio.fixture
async def assistant(server: ModelServer) -> AsyncIterator[AnthropicAssistant]:
    assistant = AnthropicAssistant(KEY, MODEL, base_url=server.url, retries=0)
    yield assistant
    await assistant.aclose()


async def answered(
    assistant: AnthropicAssistant, asked: AnswerRequest | None = None, tools: Tools | None = None
) -> tuple[str, AnswerFailed | None]:
    """The text that came, and how it failed if it did."""
    text = ""

    def say(piece: str) -> None:
        nonlocal text
        text += piece

    try:
        await assistant.answer(asked or request(), tools or Tools(), say)
    except AnswerFailed as failed:
        return text, failed
    return text, None


async def test_an_answer_comes_as_it_is_written(server: ModelServer, assistant: AnthropicAssistant) -> None:
    text, _ = await answered(assistant)
    assert text.startswith("The job that comes closest is [J3], Senior Auditor at Alpha Audit.")
    asked = server.requests[0]
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.body["stream"] is True
    assert asked.body["max_tokens"] == TOKENS_MAX
    assert asked.body["thinking"] == {"type": "between_tools"}
    assert asked.body["system"][0]["cache_control"] == {"type": "ephemeral"}


async def test_the_first_words_do_not_wait_for_the_last(server: ModelServer, assistant: AnthropicAssistant) -> None:
    server.plays(Says(text="one two three", hold_after=2))
    said: asyncio.Queue[str] = asyncio.Queue()
    answering = asyncio.create_task(assistant.answer(request(), Tools(), said.put_nowait))
    early = ""
    while early != "one two":
        early += await said.get()
    server.release()
    await answering
    assert said.get_nowait() == " three"


async def test_tools_are_called_and_their_results_go_back(server: ModelServer, assistant: AnthropicAssistant) -> None:
    server.plays(
        Calls(
            text="Let me look.",
            thinking="I should search.",
            tools=[("search_jobs", {"query": "audit", "location": "Pune"}), ("get_guides", {"ref": "J3"})],
        ),
        Says(text="I found [J4]."),
    )
    tools = Tools()
    assert await answered(assistant, tools=tools) == ("Let me look.\n\nI found [J4].", None)
    assert tools.called == [("search_jobs", {"query": "audit", "location": "Pune"}), ("get_guides", {"ref": "J3"})]
    first, second = (asked.body["messages"] for asked in server.requests)
    assert [message["role"] for message in second[len(first) :]] == ["assistant", "user"]
    thought, said, *calls = second[-2]["content"]
    assert thought == {"type": "thinking", "thinking": "I should search.", "signature": "c2lnbmVk"}
    assert said == {"type": "text", "text": "Let me look."}
    assert [block["tool_use_id"] for block in second[-1]["content"]] == [call["id"] for call in calls]
    assert json.loads(second[-1]["content"][0]["content"][0]["text"]) == tools.result


async def test_arguments_that_are_no_object_run_nothing(server: ModelServer, assistant: AnthropicAssistant) -> None:
    server.plays(Calls(tools=[("search_jobs", '{"query": "au'), ("get_job", "[1]")]), Says(text="Sorry."))
    tools = Tools()
    assert await answered(assistant, tools=tools) == ("Sorry.", None)
    assert tools.called == []
    assert all(block["is_error"] for block in server.requests[1].body["messages"][-1]["content"])


async def test_the_rounds_of_tools_have_an_end(server: ModelServer, assistant: AnthropicAssistant) -> None:
    server.plays(*[Calls(tools=[("search_jobs", {"query": "x"})])] * TOOL_ROUNDS_MAX, Says(text="That is all."))
    tools = Tools()
    assert await answered(assistant, tools=tools) == ("That is all.", None)
    assert len(tools.called) == TOOL_ROUNDS_MAX
    assert [asked.body.get("tool_choice") for asked in server.requests] == [None] * TOOL_ROUNDS_MAX + [{"type": "none"}]


async def test_so_do_the_tools_of_a_round(server: ModelServer, assistant: AnthropicAssistant) -> None:
    server.plays(Calls(tools=[("get_job", {"ref": f"J{n}"}) for n in range(9)]), Says(text="Enough."))
    tools = Tools()
    assert await answered(assistant, tools=tools) == ("Enough.", None)
    assert len(tools.called) == TOOLS_PER_ROUND_MAX


async def test_no_answer_costs_more_than_was_reserved(server: ModelServer, assistant: AnthropicAssistant) -> None:
    """Results as large as may be, nothing cached: tools end early, and the last request is still paid for."""
    server.plays(*[Calls(tools=[("get_job", {"ref": f"J{n}"}) for n in range(4)])] * 4, Says(text="Done."))
    asked = request()
    huge = Tools({"description": "long " * TOOL_RESULT_MAX_CHARACTERS})
    _, failed = await answered(assistant, asked, huge)
    assert failed is None or failed.code == "too_long"
    assert len(server.requests) <= CEILING_REQUESTS + 1
    assert 0 < assistant.cost_usd(asked.usage) <= assistant.ceiling_usd(request())
    assert server.requests[-1].body["tool_choice"] == {"type": "none"}


async def test_results_for_which_nothing_is_left_are_not_sent(
    server: ModelServer, assistant: AnthropicAssistant
) -> None:
    server.plays(Calls(tools=[("get_job", {"ref": f"J{n}"}) for n in range(4)]), Says(text="Done."))
    half = "लेखापरीक्षा" * (TOOL_RESULT_MAX_CHARACTERS // 23)
    huge = Tools({"description": half, "more": half})
    assert await answered(assistant, tools=huge) == ("Done.", None)
    assert all("no room" in json.dumps(block) for block in server.requests[1].body["messages"][-1]["content"])


FAILURES: list[tuple[AnyReply, str, str]] = [
    (Fails(status=401, error="authentication_error"), "bad_key", ""),
    (Fails(status=403, error="permission_error"), "bad_key", ""),
    (Fails(status=404, error="not_found_error"), "down", ""),
    (Fails(status=429, error="rate_limit_error"), "overloaded", ""),
    (Fails(status=529, error="overloaded_error"), "overloaded", ""),
    (Fails(status=500), "down", ""),
    (Fails(status=400, error="invalid_request_error", message="prompt is too long: 9 tokens"), "too_long", ""),
    (Fails(status=413, error="request_too_large"), "too_long", ""),
    (ErrorsMidway(text="Half an", error="overloaded_error"), "overloaded", "Half an"),
    (ErrorsMidway(text="Half an", error="api_error"), "down", "Half an"),
    (ErrorsMidway(text="", error="authentication_error"), "bad_key", ""),
    (Drops(text="Half an"), "cut", "Half an"),
    (EndsEarly(text="Half an"), "cut", "Half an"),
    (Says(text="Half an", stop_reason="refusal"), "refused", "Half an"),
    (Says(text="", stop_reason="max_tokens"), "too_long", ""),
]


@pytest.mark.parametrize(("reply", "code", "kept"), FAILURES)
async def test_every_failure_has_its_code(
    reply: AnyReply, code: str, kept: str, server: ModelServer, assistant: AnthropicAssistant
) -> None:
    server.plays(reply)
    text, failed = await answered(assistant)
    assert failed is not None
    assert (failed.code, text) == (code, kept)
    assert failed.keep_text is (code != "refused")
    assert (await answered(assistant))[1] is None


async def test_a_server_that_is_not_there_is_down() -> None:
    async with ModelServer() as gone:
        url = gone.url
    assistant = AnthropicAssistant(KEY, MODEL, base_url=url, retries=0)
    text, failed = await answered(assistant)
    await assistant.aclose()
    assert failed is not None
    assert (failed.code, text) == ("down", "")


@pytest.mark.parametrize(
    ("reply", "limit", "why"),
    [
        (Stalls(), {"read_seconds": 0.05}, "silent"),
        (Stalls(), {"start_seconds": 0.3}, "silent"),
        (Stalls(text="Half an"), {"read_seconds": 0.05}, "silent"),
        (Stalls(text="Half an"), {"idle_seconds": 0.05}, "silent"),
        (Stalls(text="Half an", pings=True), {"idle_seconds": 0.3, "deadline_seconds": 30.0}, "silent"),
        (Says(text="word " * 500, words_per_second=50), {"deadline_seconds": 0.3}, "too long"),
    ],
)
async def test_silence_has_an_end_and_so_has_talk(
    reply: AnyReply, limit: dict[str, Any], why: str, server: ModelServer
) -> None:
    assistant = AnthropicAssistant(KEY, MODEL, base_url=server.url, retries=0, **limit)
    server.plays(reply)
    _, failed = await answered(assistant)
    assert failed is not None
    assert failed.code == "stalled"
    assert why in str(failed)
    async with asyncio.timeout(HANGS_SECONDS):
        # Perhaps it was over before it was asked.
        await server.until(lambda: server.gone >= len(server.requests))
    await assistant.aclose()


async def test_an_answer_that_reached_its_length_stays(server: ModelServer, assistant: AnthropicAssistant) -> None:
    server.plays(Says(text="Long and", stop_reason="max_tokens"))
    assert await answered(assistant) == (f"Long and{CUT_SIGN}", None)


async def test_a_short_pause_is_kept_and_a_long_one_is_not(server: ModelServer) -> None:
    assistant = AnthropicAssistant(KEY, MODEL, base_url=server.url, retries=1)
    server.plays(Fails(status=429, error="rate_limit_error", retry_after=0.01), Says(text="Now."))
    assert await answered(assistant) == ("Now.", None)
    server.plays(Fails(status=429, error="rate_limit_error", retry_after=3600), Says(text="Later."))
    _, failed = await answered(assistant)
    await assistant.aclose()
    assert failed is not None
    assert failed.code == "overloaded"
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    "reply", [Says(text="one two three", hold_after=2), Stalls(), Stalls(text="one two", pings=True)]
)
async def test_cancelling_closes_the_models_connection(
    reply: AnyReply, server: ModelServer, assistant: AnthropicAssistant
) -> None:
    server.plays(reply)
    task = asyncio.create_task(answered(assistant))
    async with asyncio.timeout(HANGS_SECONDS):
        await server.until(lambda: len(server.requests) == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.until(lambda: server.gone == 1)


async def test_a_listener_who_has_enough_closes_it_too(server: ModelServer, assistant: AnthropicAssistant) -> None:
    server.plays(Says(text="one two three", hold_after=2))
    heard: list[str] = []

    def say(piece: str) -> None:
        heard.append(piece)
        raise AnswerFailed("too_long")

    with pytest.raises(AnswerFailed, match="too_long"):
        await assistant.answer(request(), Tools(), say)
    assert len(heard) == 1
    async with asyncio.timeout(HANGS_SECONDS):
        await server.until(lambda: server.gone == 1)


async def test_usage_is_counted_as_it_comes(server: ModelServer, assistant: AnthropicAssistant) -> None:
    told = {
        "input_tokens": 40,
        "cache_read_input_tokens": 1_000,
        "cache_creation_input_tokens": 200,
        "output_tokens": 7,
    }
    asked = request()
    server.plays(Says(text="Hello there", usage=told))
    await answered(assistant, asked)
    assert asked.usage == Usage(40, 7, 1_000, 200)
    assert assistant.cost_usd(asked.usage) == pytest.approx((40 * 2 + 1_000 * 0.2 + 200 * 2.5 + 7 * 10) / 1e6)


async def test_every_round_is_counted(server: ModelServer, assistant: AnthropicAssistant) -> None:
    asked = request()
    last = Says(text="Done.", usage={"input_tokens": 9, "output_tokens": 2})
    server.plays(Calls(tools=[("get_job", {"ref": "J3"})]), last)
    await answered(assistant, asked)
    assert asked.usage.input_tokens > 9
    assert asked.usage.output_tokens > 2


@pytest.mark.parametrize("reply", [Stalls(), Says(text="one two three", hold_after=2)])
async def test_a_cancelled_call_is_counted_too(
    reply: AnyReply, server: ModelServer, assistant: AnthropicAssistant
) -> None:
    asked = request()
    server.plays(reply)
    task = asyncio.create_task(answered(assistant, asked))
    async with asyncio.timeout(HANGS_SECONDS):
        await server.until(lambda: len(server.requests) == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert 0 < assistant.cost_usd(asked.usage) < assistant.ceiling_usd(asked)


async def test_what_the_server_refused_costs_nothing(server: ModelServer, assistant: AnthropicAssistant) -> None:
    asked = request()
    server.plays(Fails(status=529, error="overloaded_error"))
    await answered(assistant, asked)
    assert asked.usage == Usage()


async def test_a_plain_server_is_asked_plainly_from_then_on() -> None:
    async with ModelServer(plain=True) as server:
        assistant = AnthropicAssistant("unused", "some-local-model", base_url=server.url, retries=0)
        assert (await answered(assistant))[1] is None
        assert (await answered(assistant))[1] is None
        await assistant.aclose()
    assert ["thinking" in asked.body for asked in server.requests] == [True, False, False, False]
    assert ["cache_control" in asked.body for asked in server.requests] == [True, True, False, False]
    assert assistant.ceiling_usd(request()) > 0, "nobody knows its price, so it is the dearest"


async def test_a_model_without_the_thinking_setting_still_caches(
    server: ModelServer, assistant: AnthropicAssistant
) -> None:
    server.plays(Fails(status=400, error="invalid_request_error", message="thinking: not supported"), Says(text="Yes."))
    assert await answered(assistant) == ("Yes.", None)
    assert "thinking" not in server.requests[1].body
    assert "cache_control" in server.requests[1].body


async def test_a_request_that_is_wrong_in_every_form_changes_nothing(
    server: ModelServer, assistant: AnthropicAssistant
) -> None:
    server.plays(*[Fails(status=400, error="invalid_request_error")] * 3)
    _, failed = await answered(assistant)
    assert failed is not None
    assert failed.code == "down"
    await answered(assistant)
    assert "thinking" in server.requests[-1].body


@pytest.mark.parametrize(
    ("model", "into", "out"),
    [
        ("claude-sonnet-5-5", 2, 10), ("claude-haiku-5-5", 0.1, 0.5), ("claude-opus-5-5", 4, 20),
        ("claude-opus-4-8", 5, 25), ("claude-sonnet-4-5", 3, 15), ("claude-something-new", 10, 50), ("llama", 10, 50),
    ],
)  # fmt: skip
async def test_prices(model: str, into: float, out: float) -> None:
    assistant = AnthropicAssistant(KEY, model)
    assert assistant.cost_usd(Usage(input_tokens=1_000_000)) == pytest.approx(into)
    assert assistant.cost_usd(Usage(output_tokens=1_000_000)) == pytest.approx(out)
    await assistant.aclose()


async def test_an_answer_streams_through_the_proxy_that_the_settings_name(server: ModelServer) -> None:
    assistant = AnthropicAssistant(KEY, MODEL, base_url="http://model.example", proxy=server.url, retries=0)
    server.plays(Says(text="Through the proxy."))
    assert await answered(assistant) == ("Through the proxy.", None)
    assert server.requests[0].headers["host"] == "model.example"
    await assistant.aclose()
