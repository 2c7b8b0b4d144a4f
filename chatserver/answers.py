"""Running answers: claimed, grounded, streamed, finished; leases, recovery and the drain."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any
from uuid import UUID

from chatserver.assistants import Assistants, Chosen, author_of
from chatserver.conversations import Conversations
from chatserver.core.chat_ports import ChatStore, Wire
from chatserver.core.claims import remark, speaks_of_claims
from chatserver.core.codec import encode
from chatserver.core.delivery import Durable, Passing, Text, pack, unpack
from chatserver.core.errors import Refused
from chatserver.core.gate import Gate
from chatserver.core.grounding import greeting
from chatserver.core.observer import UNOBSERVED, AnswerOutcome, Observer
from chatserver.core.ports import AnswerFailed, AnswerRequest, Assistant, Unavailable
from chatserver.core.server_frames import Answering
from chatserver.grounding import (
    GREETING_MATCHES,
    MATCHES_PER_ANSWER,
    UNREAD,
    AnswerTools,
    Grounding,
    heard_of,
    source_of,
    texts_of,
)
from chatserver.logs import session_id
from chatserver.recovery import FLUSH_SECONDS, LOOK_SECONDS, Recovery
from chatserver.rounds import every

log = logging.getLogger(__name__)

LEASE_RENEW_SECONDS = 1.5
ANSWER_MAX_SECONDS = 180.0
RUNNING_MAX = 1_000
ANSWER_MAX_CHARACTERS = 40_000
"""A server of models that does not keep to `max_tokens` is cut off here."""
STORE_TRIES = 5
STORE_PAUSE_SECONDS = 0.5
LAST_WORDS_SECONDS = 2.0
"""So long a drain waits, beyond its grace, for what is being stored just now."""

BUDGET_SENTENCE = "Today's budget for the assistant is used up, so the offline assistant answers. "


class Answers:
    """This process's running answers, one task each."""

    def __init__(
        self, store: ChatStore, wire: Wire, conversations: Conversations, grounding: Grounding,
        assistants: Assistants, observer: Observer = UNOBSERVED,
    ) -> None:  # fmt: skip
        self._store = store
        self._wire = wire
        self._conversations = conversations
        self._grounding = grounding
        self._assistants = assistants
        self._observer = observer
        self._running: dict[tuple[UUID, int], asyncio.Task[None]] = {}
        self._loops: list[asyncio.Task[None]] = []
        self._last_words: set[tuple[UUID, int]] = set()
        """Answers that are being stored. Whoever cut one in its COMMIT would leave it stored and told to nobody; where
        its turn is over, what it stores is void anyway."""
        self._leaving = False
        self._has_left = False
        self._handing_over: set[asyncio.Task[None]] = set()
        self.recovery = Recovery(store, conversations, self._room)

    def start(self) -> None:
        self._conversations.claimed = self.begin
        self._conversations.moved = self.cut_below
        self._conversations.may_claim = lambda: self._room() > 0
        self._loops = [
            asyncio.create_task(every(LEASE_RENEW_SECONDS, self._renew), name="leases"),
            asyncio.create_task(every(LOOK_SECONDS, self.recovery.look), name="look"),
            asyncio.create_task(every(FLUSH_SECONDS, self.recovery.flush), name="flush"),
        ]

    async def drain(self, seconds: float) -> None:
        """Lets running answers end within `seconds`, then gives the rest up to other nodes by their lease."""
        self._leaving = True
        if self._running and seconds > 0:
            await asyncio.wait(self._running.values(), timeout=seconds)
        for running in list(self._running):
            self._cut(*running)
        if self._running:
            await asyncio.wait(self._running.values(), timeout=LAST_WORDS_SECONDS)
        # First the tasks: what is given up must not be written by two.
        for task in [*self._running.values(), *self._loops]:
            task.cancel()
        await asyncio.gather(*self._running.values(), *self._loops, return_exceptions=True)
        self._has_left = True
        try:
            await self._store.give_up_leases()
            await self.recovery.flush()
        except Unavailable as away:
            log.warning("leaving without a word to the database: %s", away)
        except Exception:
            log.exception("leaving without a word to the database")

    @property
    def count(self) -> int:
        return len(self._running)

    # Which answers run here

    def _room(self) -> int:
        """How many more may run here; what is claimed beyond that is any node's at once, and this was no attempt."""
        return 0 if self._leaving else RUNNING_MAX - len(self._running)

    def begin(self, session: UUID, turn: int) -> None:
        if self._has_left:
            # It was in its commit when the others were handed over.
            handing_over = asyncio.create_task(self._store.give_up_leases(), name=f"hand over {session} {turn}")
            self._handing_over.add(handing_over)
            handing_over.add_done_callback(self._handing_over.discard)
            return
        task = asyncio.create_task(self._answer(session, turn), name=f"answer {session} {turn}")
        self._running[session, turn] = task
        task.add_done_callback(lambda done: self._ended(session, turn, done))

    def _ended(self, session: UUID, turn: int, task: asyncio.Task[None]) -> None:
        self._running.pop((session, turn), None)
        self._wire.ended(session, turn)
        if not task.cancelled() and (error := task.exception()):
            log.error("an answer ended in an error of ours", exc_info=error, extra={"session": str(session)})

    def cut_below(self, session: UUID, turn: int) -> None:
        """The session went on: what runs under an older turn is void."""
        for running, asked in list(self._running):
            if running == session and asked < turn:
                self._cut(running, asked)

    def _cut(self, session: UUID, turn: int) -> None:
        task = self._running.get((session, turn))
        if task is not None and (session, turn) not in self._last_words:
            task.cancel()

    async def _renew(self) -> None:
        if not self._running:
            return
        mine = set(self._running)
        owned = await self._store.renew_leases(mine)
        for lost in mine - owned:
            self._cut(*lost)

    # One answer

    async def _answer(self, session: UUID, turn: int) -> None:
        """Runs one answer to its end: a message, a durable word that it failed, or nothing where the turn is over."""
        session_id.set(session)

        def heard(item: str) -> None:
            received = unpack(item)
            if isinstance(received, Durable) and received.turn > turn:
                self._cut(session, turn)
            elif isinstance(received, Text) and received.turn == turn:
                self._wire.arrived(session, turn, received.at + received.length)

        began = monotonic()
        outcome: AnswerOutcome = "cut"
        code = ""
        end = await self._wire.listen(session, heard)
        written: list[str] = []
        try:
            async with asyncio.timeout(ANSWER_MAX_SECONDS):
                outcome = "done" if await self._compose(session, turn, written, began) else "void"
        except AnswerFailed as failed:
            outcome, code = "failed", failed.code
            await self._fail(session, turn, failed.code, "".join(written) if failed.keep_text else "")
        except TimeoutError:
            outcome, code = "failed", "stalled"
            await self._fail(session, turn, "stalled", "".join(written))
        except Unavailable as away:
            outcome, code = "failed", "unavailable"
            log.warning("an answer could not go on: %s", away, extra={"session": str(session)})
            await self._fail(session, turn, "unavailable", "".join(written))
        except Refused as gone:
            # As above, in the middle of it.
            outcome = "void"
            log.info("an answer has no session any more: %s", gone, extra={"session": str(session)})
        except Exception:
            outcome, code = "failed", "internal"
            log.exception("an answer failed", extra={"session": str(session)})
            await self._fail(session, turn, "internal", "".join(written))
        finally:
            self._observer.answer_ended(outcome, monotonic() - began, code)
            end()

    async def _fail(self, session: UUID, turn: int, code: str, content: str) -> None:
        try:
            await self._insist(session, turn, lambda: self._conversations.fail(session, turn, code, content))
        except Unavailable:
            raise
        except Exception:
            # What was written is nothing that the database stores; that it failed is to be known all the same.
            log.exception("what was written of an answer could not be kept")
            await self._insist(session, turn, lambda: self._conversations.fail(session, turn, code, ""))

    async def _insist(self, session: UUID, turn: int, write: Callable[[], Awaitable[bool]]) -> bool:
        """The last word of an answer is tried again while the database is away; the lease is the net below."""
        self._last_words.add((session, turn))
        try:
            for attempt in range(STORE_TRIES):
                try:
                    return await write()
                except Refused:
                    # The session was erased meanwhile: there is nothing left to write into.
                    return False
                except Unavailable:
                    if attempt == STORE_TRIES - 1:
                        raise
                    await asyncio.sleep(STORE_PAUSE_SECONDS * 2**attempt)
            raise AssertionError("the last try returns or raises")
        finally:
            self._last_words.discard((session, turn))

    async def _compose(self, session: UUID, turn: int, written: list[str], began: float) -> bool:
        """False where the turn was over and nothing was written."""
        row = await self._store.glance(session)
        if row is None or row.turn != turn:
            return False
        self._say(session, turn, "matching")
        said = await self._grounding.said(row)
        question = next((entry.content for entry in reversed(said) if entry.role == "user"), None)
        cards = await self._grounding.cards(row, question=question, limit=MATCHES_PER_ANSWER)
        request = await self._grounding.request(row, said, cards)
        self._say(session, turn, "thinking", [source_of(one) for one in cards])

        def refused() -> None:
            self._cut(session, turn)

        chosen = await self._assistants.choose(row.seeker, request)
        if chosen.is_over_budget:
            written.append(BUDGET_SENTENCE)
            self._wire.stream(session, turn, 0, BUDGET_SENTENCE, BUDGET_SENTENCE, refused)
        retrieved = texts_of(cards)
        tools = AnswerTools(
            self._grounding, row, request, retrieved,
            lambda reason: self._conversations.answer_asks_human(session, turn, reason),
        )  # fmt: skip
        gate = Gate(retrieved.__contains__)
        try:
            show = self._shower(session, turn, written, refused)
            await self._stream(session, turn, chosen.assistant, request, tools, gate, show, began)
            answer = "".join(written)
            # Many numbers in long texts take a while to compare.
            if speaks_of_claims(answer) and (
                added := await asyncio.to_thread(remark, answer, retrieved, heard_of(request))
            ):
                show(f"\n\n({added})")
        finally:
            # A cancelled call costs money too: it is counted to the end, whoever cancelled it.
            await asyncio.shield(self._settle(session, turn, chosen, request))
        content = "".join(written)
        if not content.strip():
            raise AnswerFailed("empty")
        meta = {"author": author_of(chosen.assistant), **({} if request.resume else {UNREAD: True})}
        return await self._insist(
            session, turn, lambda: self._conversations.finish(session, turn, content, meta, gate.used)
        )

    async def _stream(
        self, session: UUID, turn: int, assistant: Assistant, request: AnswerRequest, tools: AnswerTools, gate: Gate,
        show: Callable[[str], None], began: float,
    ) -> None:  # fmt: skip
        first = True

        def say(piece: str) -> None:
            nonlocal first
            if first:
                self._say(session, turn, "writing")
                self._observer.answer_showed(monotonic() - began)
                first = False
            if shown := gate.feed(piece):
                show(shown)

        await assistant.answer(request, tools, say)
        if rest := gate.finish():
            show(rest)

    def _shower(
        self, session: UUID, turn: int, written: list[str], refused: Callable[[], None]
    ) -> Callable[[str], None]:
        """What shows the next piece of an answer, after what was written of it already."""
        at = sum(map(len, written))
        whole = "".join(written)

        def show(piece: str) -> None:
            nonlocal at, whole
            piece, over = piece[: ANSWER_MAX_CHARACTERS - at], at + len(piece) > ANSWER_MAX_CHARACTERS
            written.append(piece)
            whole += piece
            self._wire.stream(session, turn, at, piece, whole, refused)
            at += len(piece)
            if over:
                raise AnswerFailed("too_long", "The answer had no end.")

        return show

    async def _settle(self, session: UUID, turn: int, chosen: Chosen, request: AnswerRequest) -> None:
        try:
            if used := await chosen.settle(request):
                tokens = {kind: used[f"{kind}_tokens"] for kind in ("input", "output", "cache_read", "cache_write")}
                self._observer.answer_cost(tokens, used["usd"])
                await self._store.note_usage(session, turn, used)
        except Unavailable as away:
            log.warning("an answer's cost was not settled: %s", away)

    def _say(self, session: UUID, turn: int, phase: Any, sources: Any = None) -> None:
        frame = Answering(session=session, turn=turn, phase=phase)
        if sources:
            frame.sources = sources
        self._wire.publish(session, pack(Passing(turn, encode(frame))))

    # The greeting

    async def greet(self, session: UUID) -> None:
        """The first word of a session: by name, with the best matches, without a call of a model."""
        row = await self._store.session(session)
        if row is None or row.seq or row.seeker is None:
            return
        cards = await self._grounding.cards(row, question=None, limit=GREETING_MATCHES)
        has_resume = await self._grounding.has_resume(row)
        assistant = self._assistants.assistant
        offline = assistant.kind == "offline"
        shown = cards if has_resume or row.job else []
        text = greeting(row.seeker_name, shown, has_resume=has_resume, offline=offline)
        meta = {"author": author_of(assistant), **({} if has_resume else {UNREAD: True})}
        await self._conversations.greet(session, text, meta, [one.ref for one in shown])
