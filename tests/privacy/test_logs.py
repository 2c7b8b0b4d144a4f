"""At the most talkative level no log, metric or refusal has a word of a resume, a message, a token or a key in it."""

import io
import json
import logging
import secrets
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import asyncpg
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from chatserver import logs
from chatserver.app import application
from chatserver.core.access import User
from chatserver.core.gazetteer import Gazetteer
from tests.load.house import serving
from tests.model_server import Drops, ErrorsMidway, Fails, Says
from tests.privacy.outside import KEYS, Outside
from tests.privacy.test_consent import Device, a_job
from tests.until import until

RESUME, MESSAGE, ANSWER, NOTE, TOKEN = (f"marked-{name}-{secrets.token_hex(8)}" for name in (
    "resume", "message", "answer", "note", "token",
))  # fmt: skip


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What a process writes at LOG_LEVEL=DEBUG."""
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    levels = {name: logging.getLogger(name).level for name in root.manager.loggerDict}
    stream = io.StringIO()
    logs.configure("DEBUG", "json", "web")
    root.handlers[:] = [logs.handler("web", stream, "json")]
    # The line that the test itself holds.
    logging.getLogger("websockets.client").setLevel("WARNING")
    yield stream
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


class Socket:
    """A raw line to the node; keeps what it was told."""

    def __init__(self, line: Any) -> None:
        self.line = line
        self.heard: list[str] = []

    async def sends(self, frame: dict[str, Any] | str | bytes) -> None:
        await self.line.send(frame if isinstance(frame, str | bytes) else json.dumps(frame))

    async def hears(self, *words: str) -> None:
        while not any(word in said for word in words for said in self.heard):
            self.heard.append(str(await self.line.recv()))

    async def hears_the_end(self) -> None:
        try:
            while True:
                self.heard.append(str(await self.line.recv()))
        except ConnectionClosed as closed:
            self.heard.append(str(closed))


async def test_a_whole_story_is_told_by_ids_and_counts(
    outside: Outside, gazetteer: Gazetteer, written: io.StringIO, database: asyncpg.Pool
) -> None:
    await a_job(outside, gazetteer)
    asha, esha = await outside.person(), await outside.person("admin", "Esha")
    told: list[str] = []
    async with serving(application(outside.node)) as (_, port):
        async with connect(f"ws://127.0.0.1:{port}/ws") as line:
            stranger = Socket(line)
            await stranger.sends({"type": "hello", "token": f"{TOKEN}.{TOKEN}.{TOKEN}"})
            await stranger.hears_the_end()
            told += stranger.heard
        await _talks(outside, asha, port)
    await outside.agrees(asha)
    resume = f"{RESUME} audited ledgers with SAP and Ind AS for banks, six years long."
    await outside.calls(asha, "PUT", "/api/me/resume", files={"file": (f"{RESUME}.txt", resume.encode())})
    for broken in (b"%PDF-1.7 " + RESUME.encode(), RESUME.encode() + b"\xff\xfe\x00", b"PK\x03\x04" + RESUME.encode()):
        refused = await outside.tries(asha, "PUT", "/api/me/resume", files={"file": (f"{RESUME}.pdf", broken)})
        assert refused.status_code == 400
    told.append((await outside.tries(asha, "PUT", "/api/me/resume", json={"text": [RESUME]})).text)
    told.append((await outside.tries(asha, "GET", f"/api/sessions/{RESUME}")).text)
    told.append((await outside.tries(asha, "GET", "/api/me", token=f"{TOKEN}.{TOKEN}.{TOKEN}")).text)

    outside.model.plays(
        Says(ANSWER), Fails(500, message=MESSAGE), Fails(500, message=MESSAGE), Fails(500, message=MESSAGE),
        ErrorsMidway(ANSWER), Drops(ANSWER), Fails(400, error="invalid_request_error", message=MESSAGE),
    )  # fmt: skip
    session = await outside.asks(asha, MESSAGE)
    for _ in range(4):
        await outside.asks(asha, MESSAGE, session)
    await outside.node.conversations.take_over(esha, session)
    await outside.node.conversations.note(esha, session, uuid4(), NOTE)
    device = Device(esha)
    outside.node.drafts.begin(device, await outside.node.conversations.row(esha, session), NOTE, None)
    await until(device.has_a_draft)
    await outside.node.conversations.hand_back(esha, session)
    await outside.answered(session)
    await outside.node.conversations.ask_human(asha, session, MESSAGE)
    told += await _breaks(outside, asha, session, database)

    said = written.getvalue()
    metrics = (await outside.client.get("/metrics")).text
    assert said.count("\n") > 10, "there is something to look through"
    password = urlsplit(str(outside.node.settings.database_url)).password or ""
    assert password
    secret_words = (RESUME, ANSWER, NOTE, TOKEN, password, *KEYS.values())
    for words in (*secret_words, MESSAGE, asha.email):
        assert words not in said, _around(words, said)
        assert words not in metrics
    for words in secret_words:
        assert all(words not in one for one in told), words


async def _talks(outside: Outside, asha: User, port: int) -> None:
    """Over a real socket: good frames and bad ones, each with marked words."""
    async with connect(f"ws://127.0.0.1:{port}/ws") as line:
        socket = Socket(line)
        await socket.sends({"type": "hello", "token": outside.token(asha), "ref": "1"})
        await socket.hears('"welcome"')
        await socket.sends({"type": "join", "ref": "2"})
        await socket.hears('"joined"')
        session = await outside.node.conversations.open(asha)
        await socket.sends(
            {"type": "post", "session": str(session), "id": str(uuid4()), "content": MESSAGE, "ref": "3"}
        )
        await socket.hears('"ref":"3"')
        await outside.answered(session)
        for bad in (
            MESSAGE,
            "{" + MESSAGE,
            f'{{"type":"{MESSAGE}"}}',
            f'{{"type":"post","content":"{MESSAGE}"}}',
            MESSAGE.encode(),
        ):
            for _ in range(3):
                await socket.sends(bad)
        await socket.hears_the_end()


async def _breaks(outside: Outside, asha: User, session: UUID, database: asyncpg.Pool) -> list[str]:
    """What a caller is told while the database refuses a row, and while a table is gone."""
    told = []
    await database.execute(
        "alter table chat_messages add constraint broken check (content not like '%marked%') not valid"
    )
    with pytest.raises(asyncpg.CheckViolationError):
        await outside.node.conversations.post(asha, session, uuid4(), MESSAGE)
    await database.execute("alter table users add constraint broken check (resume_text not like '%marked%') not valid")
    resume = f"{RESUME} audited ledgers with SAP and Ind AS for banks, seven years long."
    told.append((await outside.tries(asha, "PUT", "/api/me/resume", json={"text": resume})).text)
    await database.execute("alter table chat_sessions rename to chat_sessions_gone")
    told.append((await outside.tries(asha, "GET", "/api/sessions", params={"q": MESSAGE})).text)
    await database.execute("alter table chat_sessions_gone rename to chat_sessions")
    assert all('"code":"internal"' in one for one in told), told
    return told


def _around(words: str, said: str) -> str:
    at = said.index(words)
    return f"…{said[max(0, at - 300) : at + 80]}…"
