"""Random histories of one conversation on several nodes, with faults: whatever happens, the promises hold.

No acknowledged message is lost or doubled, the last question has one answer or a durable word why not, nothing of the
assistant follows a takeover on any screen, and every screen, the log and `conversation_log` end equal. What every
client was sent is judged frame by frame: those that sit at the node that writes are shown its text before the rest.
"""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatserver.adapters.minilm import MiniLM
from chatserver.adapters.postgres import connect
from chatserver.core.gazetteer import Gazetteer
from chatserver.core.ports import AnswerFailed, Unavailable
from tests.nodes import Device, Node
from tests.screens import Screen
from tests.town import Town, a_town
from tests.transcripts import Transcript, judge_all

NODES = 3
HISTORIES = 60
STEPS_MAX = 16

WORD_SECONDS = 0.3
"""So long a history waits for a word before it goes on without: not every answer gets so far."""

SLOWLY_SECONDS = 0.02

TOOLS: list[tuple[str, dict[str, Any]]] = [
    ("search_jobs", {"query": "Welder"}),
    ("ask_human", {"reason": "It is about a visa."}),
]
IN_MID_ANSWER = [
    "take", "stop", "move", "forget", "deafen", "cut", "estrange", "forsake", "kill", "unheard take", "unheard stop",
    "unheard ask",
]  # fmt: skip
UNHEARD = 3
"""Publications lost: the fence, the interrupted text and the event."""

STEPS = st.one_of(
    st.tuples(st.sampled_from(IN_MID_ANSWER).map(lambda what: f"mid-answer {what}"), st.integers(0, 7)),
    st.tuples(st.just("tool"), st.integers(0, 5)),
    st.tuples(st.sampled_from(["ask", "ask", "ask again", "say", "stop", "retry", "ask_human"]), st.integers(0, 3)),
    st.tuples(st.sampled_from(["take", "take", "back", "move", "move"]), st.integers(0, 5)),
    st.tuples(
        st.sampled_from(
            [
                "kill",
                "drain",
                "forget",
                "deafen",
                "cut",
                "forsake",
                "lose",
                "lose",
                "estrange",
                "estrange",
                "fail",
                "hold",
                "go",
            ]
        ),
        st.integers(0, 2),
    ),
    st.tuples(st.just("pause"), st.integers(1, 12)),
)


class History:
    """Two devices of Asha, one each of Ben and Chitra, on three nodes."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.acknowledged: dict[UUID, tuple[int, str]] = {}
        self.posted: list[tuple[int, UUID, str]] = []
        self.devices: list[Device] = []
        self.session = UUID(int=0)

    @property
    def alive(self) -> list[Node]:
        return [node for node in self.town.nodes if node.alive]

    async def begins(self) -> None:
        for _ in range(NODES):
            await self._opens()
        asha = await self.town.person("seeker", "Asha")
        people = [asha, asha, await self.town.person("admin", "Ben"), await self.town.person("admin", "Chitra")]
        self.devices = [
            self.town.device(user, self.alive[place % NODES], Screen(f"{user.name} {place}", transcript=[]))
            for place, user in enumerate(people)
        ]
        self.session = await self.devices[0].joins()
        for device in self.devices[1:]:
            await device.joins(self.session)

    async def _opens(self) -> Node:
        node = await self.town.node()
        node.assistant.pause_seconds = 0.003
        # No two answers have a word in common.
        node.assistant.word = f"n{len(self.town.nodes)}a"
        return node

    async def step(self, what: str, which: int) -> None:
        if what.startswith("mid-answer "):
            await self.step("ask", which)
            await self._shows(which)
            what = what.removeprefix("mid-answer ")
        if what.startswith("unheard "):
            what = what.removeprefix("unheard ")
            await self._unheard(what, which)
            return
        # The client keeps what it wanted to say; these histories let it go.
        with suppress(Unavailable):
            await getattr(self, what.replace(" ", "_"))(which)

    async def _unheard(self, what: str, which: int) -> None:
        """The writer of the answer hears nothing of it; the screens are told by the position checks of their nodes."""
        asks_elsewhere = 2 + which % 2 if what == "take" else 1
        self.devices[asks_elsewhere].node.loses(UNHEARD)
        await self.step(what, which if what == "take" else 1)
        for node in self.alive:
            node.hub.look_now()

    async def _taken_up(self, left: Node) -> None:
        """By another node, before it looks by itself, and while the one that is left still writes."""
        left.assistant.pause_seconds = SLOWLY_SECONDS
        await self.town.leases_run_out(left)
        other = next((node for node in self.alive if node is not left), left)
        with suppress(Unavailable):
            await other.answers.recovery.look()

    async def _shows(self, words: int) -> None:
        """Until one of the screens shows so many words and one more of a running answer."""
        with suppress(TimeoutError):
            async with asyncio.timeout(WORD_SECONDS):
                while not any(
                    device.screen.partial and device.screen.partial[1].count(" ") > words for device in self.devices
                ):
                    await asyncio.sleep(0.001)

    async def _posts(self, place: int, id: UUID, content: str) -> None:
        answer = await self.devices[place].sends("post", session=str(self.session), id=str(id), content=content)
        if answer["type"] == "ok":
            told = self.acknowledged.setdefault(id, (answer["seq"], content))
            assert told == (answer["seq"], content), "an id given twice has two places"

    async def ask(self, which: int) -> None:
        id = uuid4()
        self.posted.append((which % 2, id, f"Question {len(self.posted)}?"))
        await self._posts(*self.posted[-1])

    async def ask_again(self, which: int) -> None:
        """The client heard nothing of its post and sends it again, perhaps from another node."""
        if self.posted:
            await self._posts(*self.posted[which % len(self.posted)])

    async def say(self, which: int) -> None:
        await self._posts(2 + which % 2, uuid4(), f"A person, {which}.")

    async def stop(self, which: int) -> None:
        device = self.devices[which % 4]
        await device.sends("stop", session=str(self.session), turn=device.screen.turn)

    async def retry(self, which: int) -> None:
        device = self.devices[which % 4]
        ended = [e["of_turn"] for e in device.screen.events.values() if e.get("of_turn")]
        if ended:
            await device.sends("retry", session=str(self.session), turn=ended[-1])

    async def ask_human(self, which: int) -> None:
        await self.devices[which % 2].sends("ask_human", session=str(self.session))

    async def take(self, which: int) -> None:
        await self.devices[2 + which % 2].sends("take_over", session=str(self.session))

    async def back(self, which: int) -> None:
        await self.devices[2 + which % 2].sends("hand_back", session=str(self.session))

    async def move(self, which: int) -> None:
        device = self.devices[which % 4]
        self.devices[which % 4] = await self.town.moves(device, self.alive[which % len(self.alive)], self.session)

    async def kill(self, which: int) -> None:
        await self._loses(which, killed=True)

    async def drain(self, which: int) -> None:
        await self._loses(which, killed=False)

    async def _loses(self, which: int, *, killed: bool) -> None:
        node = self.alive[which % len(self.alive)]
        later = await self._opens()
        await (node.dies() if killed else node.leaves())
        await self.town.leases_run_out(node)
        for place, device in enumerate(self.devices):
            if device.node is node:
                self.devices[place] = await self.town.moves(device, later, self.session)

    async def forget(self, which: int) -> None:
        await self.town.redis.flushall()

    async def deafen(self, which: int) -> None:
        """The pub/sub connections of all nodes are cut."""
        await self.town.redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")

    async def cut(self, which: int) -> None:
        """The connections on which all nodes publish and read are cut: what is under way is dropped."""
        await self.town.redis.execute_command("CLIENT", "KILL", "TYPE", "normal")

    async def lose(self, which: int) -> None:
        self.alive[which % len(self.alive)].loses(1 + which)

    async def estrange(self, which: int) -> None:
        node = self.alive[which % len(self.alive)]
        node.estranged()
        await self._taken_up(node)

    async def forsake(self, which: int) -> None:
        node = self.alive[which % len(self.alive)]
        node.forsaken()
        await self._taken_up(node)

    async def tool(self, which: int) -> None:
        self.alive[which % len(self.alive)].assistant.calls.append(TOOLS[which % 2])

    async def fail(self, which: int) -> None:
        node = self.alive[which % len(self.alive)]
        node.assistant.fails = [AnswerFailed("overloaded")]

    async def hold(self, which: int) -> None:
        self.alive[which % len(self.alive)].assistant.free.clear()

    async def go(self, which: int) -> None:
        for node in self.alive:
            node.assistant.free.set()

    async def pause(self, which: int) -> None:
        await asyncio.sleep(which * 0.004)

    async def ends(self) -> None:
        await self.go(0)
        await self.town.settles(self.session)
        await self.town.equals_the_log(self.session)
        log = await self.town.database.fetch(
            "select seq, turn, of_turn, id, kind, role, content, meta from chat_messages"
            " where session_id = $1 order by seq",
            self.session,
        )
        assert [row["seq"] for row in log] == list(range(1, len(log) + 1))
        stored = {row["id"]: (row["seq"], row["content"]) for row in log if row["kind"] == "message"}
        assert {id: stored.get(id) for id in self.acknowledged} == self.acknowledged
        assert len([row for row in log if row["role"] == "user"]) == len({id for id in stored if id in self._asked})
        self._one_answer([dict(row) for row in log])
        judge_all(
            [
                Transcript(device.screen.name, device.user.role == "admin", device.screen.transcript or [])
                for device in self.devices
            ],
            [dict(row) for row in log],
        )

    @property
    def _asked(self) -> set[UUID]:
        return {id for _, id, _ in self.posted}

    def _one_answer(self, log: list[dict[str, Any]]) -> None:
        """Between two questions at most one whole answer; after the last one of a run an answer or a word."""
        whole, status, open_question = 0, "active_ai", False
        for row in log:
            if row["role"] == "user":
                whole, open_question = 0, True
            elif row["kind"] == "message" and row["role"] == "assistant" and not row["meta"].get("interrupted"):
                assert status == "active_ai", "the assistant spoke in a person's conversation"
                whole += 1
                assert whole <= 1 or row["seq"] == 1, f"two answers: {row}"
                open_question = False
            elif row["role"] == "admin":
                open_question = False
            elif row["kind"] == "status":
                status = row["content"]
                if str(row["meta"].get("reason", "")).startswith(("stopped", "answer_failed")):
                    open_question = False
        assert not (open_question and status == "active_ai"), "a question waits for ever"


@settings(
    max_examples=HISTORIES, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(steps=st.lists(STEPS, min_size=4, max_size=STEPS_MAX))
def test_whatever_happens_the_promises_hold(
    steps: list[tuple[str, int]], database_url: str, redis_url: str, tmp_path: Path, minilm: MiniLM,
    gazetteer: Gazetteer, as_shipped: None,
) -> None:  # fmt: skip
    async def play() -> None:
        pool = await connect(database_url, size=8)
        try:
            async with a_town(pool, redis_url, tmp_path, minilm, gazetteer) as town:
                history = History(town)
                await history.begins()
                for what, which in steps:
                    await history.step(what, which)
                await history.ends()
        finally:
            await pool.close()

    asyncio.run(play())


@pytest.mark.parametrize(("turn_of_the_event", "is_right"), [(2, True), (3, False)])
def test_an_event_cuts_the_text_of_an_earlier_turn_and_of_no_other(turn_of_the_event: int, is_right: bool) -> None:
    told = Transcript("Asha", False, [
        {"type": "joined", "seq": 1, "turn": 1},
        {"type": "delta", "turn": 2, "at": 0, "content": "taken up"},
        {"type": "status", "seq": 2, "turn": turn_of_the_event, "of_turn": None, "status": "active_ai"},
        {"type": "delta", "turn": turn_of_the_event, "at": 8, "content": " by another node"},
    ])  # fmt: skip
    log = [
        {"seq": 2, "turn": turn_of_the_event, "of_turn": None, "kind": "status", "role": None, "content": "active_ai"}
    ]
    if is_right:
        told.judge(log)
    else:
        with pytest.raises(AssertionError, match="after 0 characters"):
            told.judge(log)
