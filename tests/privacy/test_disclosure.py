"""Whoever reads a message, now or later, reads whether a person, a model or a program without one wrote it."""

import json
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from chatserver.core.access import User
from chatserver.core.gazetteer import Gazetteer
from tests.model_server import Says
from tests.privacy.outside import Outside, outside_of
from tests.privacy.test_consent import Device
from tests.until import until

MODEL = "claude-made-up-9"
OFFLINE = {"name": "Offline assistant", "kind": "offline"}
ASSISTANT = {"name": "Assistant", "kind": "anthropic", "model": MODEL}


async def told(outside: Outside, user: User, session: object) -> tuple[list[Any], str, str]:
    """The authors of what the assistant said, as on the wire; the transcript for people; the export."""
    events = (await outside.calls(user, "GET", f"/api/sessions/{session}/messages")).json()["items"]
    authors = [event["author"] for event in events if event.get("role") == "assistant"]
    transcript = (await outside.calls(user, "GET", f"/api/sessions/{session}/transcript.md")).text
    as_data = (await outside.calls(user, "GET", f"/api/sessions/{session}/transcript.json")).json()["events"]
    export = (await outside.calls(user, "GET", "/api/me/export")).text
    assert [event["author"] for event in as_data if event.get("role") == "assistant"] == authors
    assert [
        event["author"] for event in json.loads(export)["sessions"][0]["events"] if event.get("role") == "assistant"
    ] == authors
    return authors, transcript, export


@pytest.mark.parametrize("key", ["sk-ant-made-up-key", ""])
async def test_every_message_of_the_assistant_says_which_it_was(
    database: asyncpg.Pool, database_url: str, redis_url: str, gazetteer: Gazetteer, monkeypatch: pytest.MonkeyPatch,
    key: str,
) -> None:  # fmt: skip
    without = {} if key else {"ANTHROPIC_BASE_URL": ""}
    async with outside_of(
        database, database_url, redis_url, gazetteer, monkeypatch, ANTHROPIC_API_KEY=key, CHAT_MODEL=MODEL, **without
    ) as outside:
        asha, esha = await outside.person(), await outside.person("admin", "Esha Iyer")
        outside.model.plays(Says("A whole answer."), Says("Half an answer and no more", hold_after=2))
        session = await outside.asks(asha, "Which?")
        await outside.node.conversations.post(asha, session, uuid4(), "And?")

        async def is_growing() -> bool:
            pad = await outside.node.wire.pad(session)
            return pad is not None and bool(pad.content)

        await until(is_growing)
        # Cut in the middle: what is kept of it is a program's too.
        await outside.node.conversations.take_over(esha, session)
        await outside.node.conversations.post(esha, session, uuid4(), "I am here now.")
        device = Device(esha)
        outside.node.drafts.begin(device, await outside.node.conversations.row(esha, session), None, None)
        await until(device.has_a_draft)
        outside.model.release()
        author, said = (ASSISTANT, f"(AI model {MODEL})") if key else (OFFLINE, "(program without an AI model)")
        authors, transcript, _ = await told(outside, asha, session)
        assert authors == [author] * 3, "greeting, answer and what was cut"
        assert transcript.count(said) == 3
        assert "**Esha Iyer** (admin)" in transcript
        assert "was written by a program, not by a person" in transcript
        assert json.loads(device.frames[-1])["author"] == author


async def test_over_the_budget_it_is_the_offline_assistant_that_signs(
    database: asyncpg.Pool, database_url: str, redis_url: str, gazetteer: Gazetteer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with outside_of(
        database, database_url, redis_url, gazetteer, monkeypatch, BUDGET_DAY_USD="0"
    ) as outside:  # fmt: skip
        asha = await outside.person()
        session = await outside.asks(asha, "Which?")
        authors, _, _ = await told(outside, asha, session)
        assert authors[-1] == OFFLINE
        assert outside.sent("model") == []
