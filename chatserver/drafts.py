"""What the assistant proposes to an admin who holds a session: streamed to one connection, stored nowhere."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from chatserver.answers import ANSWER_MAX_CHARACTERS
from chatserver.assistants import Assistants, Chosen, author_of
from chatserver.core.access import User
from chatserver.core.chat_ports import ChatStore, SessionRow, Wire
from chatserver.core.codec import encode
from chatserver.core.delivery import Durable, unpack
from chatserver.core.errors import Code, Refused
from chatserver.core.gate import Gate
from chatserver.core.ports import AnswerFailed, AnswerRequest, Proposal, Unavailable
from chatserver.core.server_frames import Author, Draft, DraftDelta, Source
from chatserver.grounding import MATCHES_PER_ANSWER, AnswerTools, Grounding, texts_of

log = logging.getLogger(__name__)

DRAFTS_MAX = 50
"""Running at once in this process."""
DRAFT_SECONDS = 90.0
LOOK_SECONDS = 1.0
"""So often it is looked who holds the session, whatever is heard: the wire may lose an event; an erasure is none."""


class Asker(Protocol):
    """The connection that asked, as far as a draft goes."""

    user: User
    closed: bool

    def send(self, frame: str, session: UUID | None = None) -> None: ...


@dataclass(slots=True)
class _Proposal:
    """What goes to the asker: pieces, then one end, and nothing after it."""

    asker: Asker
    session: UUID
    ref: str | None
    is_over: bool = False

    def show(self, at: int, piece: str) -> None:
        if not self.is_over:
            self.asker.send(encode(DraftDelta(session=self.session, at=at, content=piece, ref=self.ref)))

    def end(
        self, author: Author, content: str = "", sources: Sequence[Source] = (), *, failed: str | None = None
    ) -> None:
        if not self.is_over:
            self.is_over = True
            self.asker.send(encode(Draft(
                session=self.session, content=content, author=author, sources=list(sources), failed=failed, ref=self.ref
            )))  # fmt: skip


class Drafts:
    """This process's running drafts, one for each connection: a new request takes the place of the last."""

    def __init__(self, store: ChatStore, wire: Wire, grounding: Grounding, assistants: Assistants) -> None:
        self._store = store
        self._wire = wire
        self._grounding = grounding
        self._assistants = assistants
        self._running: dict[Asker, tuple[UUID, asyncio.Task[None]]] = {}

    def begin(self, asker: Asker, row: SessionRow, hint: str | None, ref: str | None) -> None:
        """Raises `Refused`: `not_holder`, or `unavailable` where too many are being written."""
        if _why_over(row, asker.user) is not None:
            raise Refused("not_holder", "Take this conversation over before you ask for a draft in it.")
        self.end(asker)
        self._running.pop(asker, None)
        if len(self._running) >= DRAFTS_MAX:
            raise Refused("unavailable", "Too many drafts are being written; try again in a moment.", retry_after=5)
        task = asyncio.create_task(self._write(asker, row, hint, ref), name=f"draft {row.id}")
        self._running[asker] = row.id, task
        task.add_done_callback(lambda done: self._ended(asker, done))

    def end(self, asker: Asker, session: UUID | None = None) -> None:
        """Who asked is gone, or has left the session: nobody else is shown it, and the model is not paid for more."""
        if (running := self._running.get(asker)) and session in (None, running[0]):
            running[1].cancel()

    async def stop(self) -> None:
        tasks = [task for _, task in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, asker: Asker, task: asyncio.Task[None]) -> None:
        if (running := self._running.get(asker)) and running[1] is task:
            del self._running[asker]

    async def _write(self, asker: Asker, row: SessionRow, hint: str | None, ref: str | None) -> None:
        author = Author(**author_of(self._assistants.assistant))
        proposal = _Proposal(asker, row.id, ref)
        writing = asyncio.current_task()
        assert writing is not None

        def give_up(code: Code) -> None:
            # Said at once: what it cost is settled before the task ends.
            proposal.end(author, failed=code)
            writing.cancel()

        looking = asyncio.create_task(self._look_on(asker.user, row.id, give_up), name=f"holder {row.id}")
        try:
            async with asyncio.timeout(DRAFT_SECONDS):
                await self._compose(asker, row, hint, proposal)
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
        finally:
            looking.cancel()
        proposal.end(author, failed=code)

    async def _look_on(self, holder: User, session: UUID, give_up: Callable[[Code], None]) -> None:
        """Gives up once the session is not its holder's any more, whichever node changed that."""
        moved = asyncio.Event()

        def heard(item: str) -> None:
            if isinstance(unpack(item), Durable):
                moved.set()

        end = await self._wire.listen(session, heard)
        try:
            while True:
                # It may have been before anybody listened.
                moved.clear()
                try:
                    if (code := _why_over(await self._store.glance(session), holder)) is not None:
                        give_up(code)
                        return
                except Unavailable:
                    pass
                except Exception:
                    log.exception("it could not be looked whose a draft is")
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await moved.wait()
        finally:
            end()

    async def _compose(self, asker: Asker, row: SessionRow, hint: str | None, proposal: _Proposal) -> None:
        said = await self._grounding.said(row)
        question = next((entry.content for entry in reversed(said) if entry.role == "user"), None)
        cards = await self._grounding.cards(row, question=question, limit=MATCHES_PER_ANSWER)
        request = await self._grounding.request(row, said, cards, Proposal(asker.user.name, hint))
        retrieved = texts_of(cards)
        tools = AnswerTools(self._grounding, row, request, retrieved, _is_here_already)
        gate = Gate(retrieved.__contains__)
        chosen = await self._assistants.choose(row.seeker, request)
        try:
            content = await self._stream(proposal, chosen, request, tools, gate)
        finally:
            # A cancelled call costs money too.
            await asyncio.shield(_settle(chosen, request))
        if not content.strip():
            raise AnswerFailed("empty")
        sources = await self._store.sources(row.id, gate.used)
        proposal.end(Author(**author_of(chosen.assistant)), content, sources)

    async def _stream(
        self, proposal: _Proposal, chosen: Chosen, request: AnswerRequest, tools: AnswerTools, gate: Gate
    ) -> str:
        written = ""

        def show(piece: str) -> None:
            nonlocal written
            room = ANSWER_MAX_CHARACTERS - len(written)
            piece, over = piece[:room], len(piece) > room
            proposal.show(len(written), piece)
            written += piece
            if over:
                raise AnswerFailed("too_long", "The proposal had no end.")

        writing = asyncio.current_task()
        assert writing is not None

        def say(piece: str) -> None:
            if proposal.asker.closed:
                writing.cancel()
                return
            if shown := gate.feed(piece):
                show(shown)

        await chosen.assistant.answer(request, tools, say)
        if rest := gate.finish():
            show(rest)
        return written


def _why_over(row: SessionRow | None, holder: User) -> Code | None:
    """Why there is no draft in this session for this admin, as who waits for one is told."""
    if row is None:
        return "not_found"
    if row.status == "closed":
        return "closed"
    return None if row.status == "active_human" and row.admin == holder.id else "not_holder"


async def _is_here_already(reason: str | None) -> bool:
    """What `ask_human` comes to while a person holds the session."""
    return False


async def _settle(chosen: Chosen, request: AnswerRequest) -> None:
    try:
        await chosen.settle(request)
    except Unavailable as away:
        log.warning("a draft's cost was not settled: %s", away)
