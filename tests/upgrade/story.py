"""A story that is played on nodes of two versions at once, over one database, as in the middle of a deploy."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import asyncpg
import httpx2
import msgspec

from chatserver.adapters.identity import DevelopmentIssuer
from tests.load.house import Client, a_client
from tests.screens import Screen
from tests.until import until
from tests.upgrade.versions import Running, Version

WITHIN_SECONDS = 60.0
WORK_SECONDS = 90.0
STOPS_MAX = 5
"""So often it is tried to stop an answer before its end, which a slow machine may miss."""
JOB = {"title": "Customs clerk", "description_raw": "Clears shipments and keeps the papers. " * 20}


class Device:
    """Somebody's connection to a node, with a screen that judges what it is shown as docs/protocol.md promises it."""

    def __init__(self, client: Client, name: str) -> None:
        self._client = client
        self.screen = Screen(name, transcript=[])
        self.session = ""
        self.was_cut = False
        """Its node was killed."""
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._reading = asyncio.create_task(self._reads())

    async def _reads(self) -> None:
        while True:
            # Without a limit: between two heartbeats nothing need be said.
            frame = msgspec.json.decode(await self._client.socket.recv())
            if (ref := frame.get("ref")) in self._answers:
                self._answers.pop(ref).set_result(frame)
            self.screen.take(frame)

    async def asks(self, type: str, **fields: Any) -> dict[str, Any]:
        ref = uuid4().hex
        answer = self._answers[ref] = asyncio.get_running_loop().create_future()
        here = {"session": self.session} if self.session and type not in ("hello", "watch") else {}
        await self._client.says(type, ref=ref, **{**here, **fields})
        async with asyncio.timeout(WITHIN_SECONDS):
            await asyncio.wait({answer, self._reading}, return_when=asyncio.FIRST_COMPLETED)
        if self._reading.done():
            self._reading.result()
        found: dict[str, Any] = answer.result()
        return found

    async def does(self, type: str, **fields: Any) -> dict[str, Any]:
        answer = await self.asks(type, **fields)
        assert answer["type"] != "error", f"{self.screen.name} could not {type}: {answer}"
        return answer

    async def joins(self, session: str = "", **fields: Any) -> str:
        self.session = str(
            (await self.does("join", **({"session": session} if session else {}), **fields))["session"]["id"]
        )
        return self.session

    async def says(self, content: str) -> int:
        return int((await self.does("post", id=str(uuid4()), content=content))["seq"])

    async def shows(self, holds: Callable[[Screen], bool]) -> None:
        def held() -> bool:
            if self._reading.done():
                self._reading.result()
            return holds(self.screen)

        await until(held, WITHIN_SECONDS)

    async def sees_begin(self, seq: int) -> None:
        """Until the question of that `seq` is being answered here, or is answered."""
        await self.shows(lambda screen: screen.seq >= seq and (screen.partial is not None or _is_answered(screen)))

    async def ends(self) -> None:
        self._reading.cancel()
        await asyncio.wait({self._reading})
        if not self._reading.cancelled() and (wrong := self._reading.exception()) and not self.was_cut:
            raise wrong


class Story:
    def __init__(self, database: asyncpg.Connection, database_url: str) -> None:
        self._database = database
        self._issuer = DevelopmentIssuer(database_url)
        self._tokens: dict[str, str] = {}

    async def person(self, role: str, name: str) -> None:
        id = uuid4()
        await self._database.execute(
            "insert into users (id, email, role, full_name) values ($1, $2, $3::text::user_role, $4)",
            id, f"{id}@example.com", role, name,
        )  # fmt: skip
        self._tokens[name] = self._issuer.issue(f"{id}@example.com", id, name=name)

    @asynccontextmanager
    async def device(self, node: Running, name: str, where: str) -> AsyncIterator[Device]:
        async with a_client(node.url) as client:
            device = Device(client, f"{name} on the {where} node")
            try:
                await device.does("hello", token=self._tokens[name])
                yield device
            finally:
                await device.ends()

    async def rest(self, node: Running, name: str, method: str, path: str, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {self._tokens[name]}"}
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{node.port}", trust_env=False) as client:
            answer = await client.request(method, path, headers=headers, **more)
        assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def conversation(self, old: Running, new: Running, seeker: Device) -> str:
        """`seeker` sits on the old node since before the migration."""
        async with self.device(new, "Esha", "new") as admin, self.device(new, "Asha", "new") as phone:
            session = seeker.session
            await admin.joins(session)
            await phone.joins(session)
            # An answer of the old node grows on the new one, and ends there with a takeover.
            await phone.sees_begin(await seeker.says("Which of these jobs fits me, and why?"))
            await admin.does("take_over")
            for device in (seeker, phone):
                await device.shows(lambda screen: screen.status == "active_human" and screen.partial is None)
            seq = await admin.says("I am a person.")
            await seeker.shows(lambda screen: screen.seq >= seq)
            await admin.does("note", id=str(uuid4()), content="Call them tomorrow.")
            await admin.does("hand_back")
            await seeker.shows(lambda screen: screen.status == "active_ai")
            # An answer of the new node grows on the old one, and is stopped from there; then once more, to its end.
            turn = await self._stopped(asks=phone, stops=seeker)
            await seeker.does("retry", turn=turn)
            await phone.shows(_is_answered)
            await seeker.shows(_is_answered)
            # Who asks on the old node is seen to wait on the new one; words of self-harm find their text on both.
            await seeker.does("ask_human", reason="I would rather speak to somebody.")
            lobby = await admin.asks("watch")
            assert any(one["id"] == session and one.get("waiting_since") for one in lobby["sessions"]), lobby
            await seeker.does("cancel_human")
            await phone.says("I want to end my life.")
            await seeker.shows(lambda screen: any(e.get("code") == "help_in_distress" for e in screen.events.values()))
            await self._agree(old, new, session, (seeker, phone, admin))
        return session

    async def _stopped(self, asks: Device, stops: Device) -> int:
        """The turn of an answer that was stopped from the other node; both have been shown that."""
        for _ in range(STOPS_MAX):
            seq = await asks.says("And the second one?")
            await stops.sees_begin(seq)
            turn = int(stops.screen.events[seq]["turn"])
            await stops.does("stop", turn=turn)
            for device in (asks, stops):
                await device.shows(lambda screen, turn=turn: bool(_ends(screen, turn)))  # type: ignore[misc]
            if any(one.get("reason") == "stopped" for one in _ends(stops.screen, turn)):
                return turn
        raise AssertionError("no answer could be stopped")

    async def dies_and_goes_on(self, old: Running, new: Running) -> None:
        """The old node is killed in the middle of an answer, and the new one goes on with it."""
        async with self.device(new, "Ben", "new") as phone:
            async with self.device(old, "Ben", "old") as seeker:
                session = await seeker.joins()
                await phone.joins(session)
                await phone.sees_begin(await seeker.says("Which of these jobs fits me, and why?"))
                await old.dies()
                await phone.shows(_is_answered)
                seeker.was_cut = True
            await phone.does("close")

    async def work(self, old: Running, new: Running, before: Version, after: Version) -> None:
        """What the one's web asks for, the other's worker does."""
        for node, version in ((new, before), (old, after)):
            job = await self.rest(node, "Provider", "POST", "/api/jobs", json=JOB)
            async with version.worker():

                async def is_active(id: str = job["id"]) -> bool:
                    return bool(await self._database.fetchval("select status = 'active' from jobs where id = $1", id))

                await until(is_active, WORK_SECONDS)
            for reader in (old, new):
                found = await self.rest(reader, "Asha", "GET", f"/api/jobs/{job['id']}")
                assert found["status"] == "active"

    async def _agree(self, old: Running, new: Running, session: str, devices: tuple[Device, ...]) -> None:
        """Both nodes tell the same, every screen shows it, and it is what is stored."""
        told = [
            [(one["seq"], one["type"], one.get("content")) for one in page["items"]]
            for page in [
                await self.rest(node, "Esha", "GET", f"/api/sessions/{session}/messages?limit=200")
                for node in (old, new)
            ]
        ]
        assert told[0] == told[1], "the old node and the new one tell different things"
        stored = await self._database.fetch(
            "select role, content from chat_messages where session_id = $1 and kind = 'message' order by seq", session
        )
        for device in devices:
            await device.shows(lambda screen: screen.said == [tuple(row) for row in stored])


def _ends(screen: Screen, turn: int) -> list[dict[str, Any]]:
    """What ended the answer of that turn: a whole message, or a status."""
    return [
        one for one in screen.events.values()
        if one.get("of_turn") == turn and not one.get("interrupted", False)
    ]  # fmt: skip


def _is_answered(screen: Screen) -> bool:
    last = screen.events.get(screen.seq, {})
    return last.get("role") == "assistant" and not last.get("interrupted", False)
