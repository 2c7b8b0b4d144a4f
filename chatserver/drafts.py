"""What the assistant proposes to an admin who holds a session: streamed to one connection, stored nowhere."""

import asyncio
import logging
from typing import Protocol
from uuid import UUID

from chatserver.answers import ANSWER_MAX_CHARACTERS
from chatserver.assistants import Assistants, Chosen, author_of
from chatserver.core.access import User
from chatserver.core.chat_ports import ChatStore, SessionRow
from chatserver.core.codec import encode
from chatserver.core.errors import Refused
from chatserver.core.gate import Gate
from chatserver.core.ports import AnswerFailed, AnswerRequest, Proposal, Unavailable
from chatserver.core.server_frames import Author, Draft, DraftDelta
from chatserver.grounding import MATCHES_PER_ANSWER, AnswerTools, Grounding, texts_of

log = logging.getLogger(__name__)

DRAFTS_MAX = 50
"""Running at once in this process."""
DRAFT_SECONDS = 90.0


class Asker(Protocol):
    """The connection that asked, as far as a draft goes."""

    user: User
    closed: bool

    def send(self, frame: str, session: UUID | None = None) -> None: ...


class Drafts:
    """This process's running drafts, one for each connection: a new request takes the place of the last."""

    def __init__(self, store: ChatStore, grounding: Grounding, assistants: Assistants) -> None:
        self._store = store
        self._grounding = grounding
        self._assistants = assistants
        self._running: dict[Asker, asyncio.Task[None]] = {}

    def begin(self, asker: Asker, row: SessionRow, hint: str | None, ref: str | None) -> None:
        """Raises `Refused`: `not_holder`, or `unavailable` where too many are being written."""
        if row.status != "active_human" or row.admin != asker.user.id:
            raise Refused("not_holder", "Take this conversation over before you ask for a draft in it.")
        if last := self._running.pop(asker, None):
            last.cancel()
        if len(self._running) >= DRAFTS_MAX:
            raise Refused("unavailable", "Too many drafts are being written; try again in a moment.", retry_after=5)
        task = asyncio.create_task(self._write(asker, row, hint, ref), name=f"draft {row.id}")
        self._running[asker] = task
        task.add_done_callback(lambda done: self._ended(asker, done))

    def end(self, asker: Asker) -> None:
        """Who asked is gone, and nobody else is shown it: the model is not paid for more."""
        if task := self._running.get(asker):
            task.cancel()

    async def stop(self) -> None:
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, asker: Asker, task: asyncio.Task[None]) -> None:
        if self._running.get(asker) is task:
            del self._running[asker]

    async def _write(self, asker: Asker, row: SessionRow, hint: str | None, ref: str | None) -> None:
        author = author_of(self._assistants.assistant)
        try:
            async with asyncio.timeout(DRAFT_SECONDS):
                await self._compose(asker, row, hint, ref)
            return
        except AnswerFailed as failed:
            code = failed.code
        except Refused as gone:
            # The session was erased meanwhile.
            code = gone.code
        except TimeoutError:
            code = "stalled"
        except Unavailable as away:
            log.warning("a draft could not be written: %s", away)
            code = "unavailable"
        except Exception:
            log.exception("a draft failed")
            code = "internal"
        asker.send(encode(Draft(session=row.id, content="", author=Author(**author), failed=code, ref=ref)))

    async def _compose(self, asker: Asker, row: SessionRow, hint: str | None, ref: str | None) -> None:
        said = await self._grounding.said(row)
        question = next((entry.content for entry in reversed(said) if entry.role == "user"), None)
        cards = await self._grounding.cards(row, question=question, limit=MATCHES_PER_ANSWER)
        request = await self._grounding.request(row, said, cards, Proposal(asker.user.name, hint))
        retrieved = texts_of(cards)
        tools = AnswerTools(self._grounding, row, request, retrieved, _is_here_already)
        gate = Gate(retrieved.__contains__)
        chosen = await self._assistants.choose(row.seeker, request)
        try:
            content = await self._stream(asker, row.id, chosen, request, tools, gate, ref)
        finally:
            # A cancelled call costs money too.
            await asyncio.shield(_settle(chosen, request))
        if not content.strip():
            raise AnswerFailed("empty")
        sources = await self._store.sources(row.id, gate.used)
        author = Author(**author_of(chosen.assistant))
        asker.send(encode(Draft(session=row.id, content=content, author=author, sources=sources, ref=ref)))

    async def _stream(
        self, asker: Asker, session: UUID, chosen: Chosen, request: AnswerRequest, tools: AnswerTools, gate: Gate,
        ref: str | None,
    ) -> str:  # fmt: skip
        written = ""

        def show(piece: str) -> None:
            nonlocal written
            room = ANSWER_MAX_CHARACTERS - len(written)
            piece, over = piece[:room], len(piece) > room
            asker.send(encode(DraftDelta(session=session, at=len(written), content=piece, ref=ref)))
            written += piece
            if over:
                raise AnswerFailed("too_long", "The proposal had no end.")

        writing = asyncio.current_task()
        assert writing is not None

        def say(piece: str) -> None:
            if asker.closed:
                writing.cancel()
                return
            if shown := gate.feed(piece):
                show(shown)

        await chosen.assistant.answer(request, tools, say)
        if rest := gate.finish():
            show(rest)
        return written


async def _is_here_already(reason: str | None) -> bool:
    """What `ask_human` comes to while a person holds the session."""
    return False


async def _settle(chosen: Chosen, request: AnswerRequest) -> None:
    try:
        await chosen.settle(request)
    except Unavailable as away:
        log.warning("a draft's cost was not settled: %s", away)
