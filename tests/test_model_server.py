"""The model's server as a process of its own: scripted from outside, it tells what it saw and goes when it is told."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator

import anthropic
import httpx2
import pytest
import pytest_asyncio

from chatserver.core.guides import GUIDES_SCHEMA, checked
from chatserver.core.job import TIPS_PER_JOB
from tests.model_wire import invalid, plain_only


@pytest_asyncio.fixture
async def url() -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.model_server", "--port", "0", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    port = int(await process.stdout.readline())
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    assert await process.wait() == 0


async def test_a_process_is_scripted_and_tells_what_it_saw(url: str) -> None:
    client = anthropic.AsyncAnthropic(api_key="key-made-up", base_url=url, max_retries=0)
    async with client, httpx2.AsyncClient(base_url=url) as control:
        script = [{"kind": "says", "text": "one two three", "hold_after": 2}, {"kind": "fails", "status": 529}]
        assert (await control.post("/script", json=script)).status_code == 200
        asked: list[anthropic.types.MessageParam] = [{"role": "user", "content": "Count."}]
        async with client.messages.stream(model="claude", max_tokens=9, messages=asked) as stream:
            words = stream.text_stream
            assert [await anext(words), await anext(words)] == ["one", " two"]
            await control.post("/release")
            assert await anext(words) == " three"
            assert (await stream.get_final_message()).stop_reason == "end_turn"
        with pytest.raises(anthropic.APIStatusError) as failed:
            await client.messages.create(model="claude", max_tokens=9, messages=asked)
        assert failed.value.status_code == 529
        seen = (await control.get("/seen")).json()
        assert [one["body"]["messages"] for one in seen["requests"]] == [asked, asked]
        assert seen["gone"] == 0


async def test_a_schema_is_answered_in_its_shape(url: str) -> None:
    client = anthropic.AsyncAnthropic(api_key="key-made-up", base_url=url, max_retries=0)
    async with client:
        message = await client.messages.create(
            model="claude",
            max_tokens=9,
            messages=[{"role": "user", "content": "Write guides."}],
            output_config={"format": {"type": "json_schema", "schema": GUIDES_SCHEMA}},
        )
    block = message.content[0]
    assert block.type == "text"
    assert len(checked(json.loads(block.text)).tips) == TIPS_PER_JOB


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({}, None),
        ({"messages": []}, "first"),
        ({"messages": [{"role": "assistant", "content": "Hi"}]}, "first"),
        ({"messages": [{"role": "user", "content": "Hi"}, {"role": "user", "content": "Hi"}]}, "alternate"),
        ({"messages": [{"role": "user", "content": " "}]}, "non-empty"),
        (
            {"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "x", "content": "{}"}]}]},
            "tool_result",
        ),
        ({"max_tokens": 0}, "max_tokens"),
        ({"temperature": 1}, "sampling"),
    ],
)
def test_a_request_that_the_api_would_refuse_is_refused(change: dict[str, object], why: str | None) -> None:
    wrong = invalid({"max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}], **change})
    assert (wrong is None) if why is None else why in str(wrong)


def test_a_plain_server_names_what_it_does_not_know() -> None:
    assert plain_only({"system": "thinking of cache_control"}) is None
    assert "thinking" in str(plain_only({"thinking": {"type": "between_tools"}}))
