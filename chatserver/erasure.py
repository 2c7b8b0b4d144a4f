"""Taking a person out of the house: what is theirs goes, and a receipt says what remains and why."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any, Protocol
from uuid import UUID

import msgspec

from chatserver.consents import Consents
from chatserver.conversations import Conversations
from chatserver.core.access import User
from chatserver.core.erasure import Erased, Receipt, receipt
from chatserver.core.errors import Refused
from chatserver.core.job import Job
from chatserver.reading import Reading
from chatserver.resumes import Resumes

SESSIONS_PAGE = 100


class People(Protocol):
    """Each method raises `Unavailable` while the database does not answer."""

    async def open_sessions(self, user: UUID) -> list[UUID]: ...

    async def jobs(self, provider: UUID) -> list[Job]: ...

    async def noted(self, user: UUID) -> dict[str, Any]:
        """What stands about the person beside what they wrote: dates, the trail without names of others, and costs."""
        ...

    async def erase(self, user: UUID) -> Erased | None:
        """All rows of the person in one transaction; None where that would leave no admin."""
        ...


class Erasure:
    """`sent_to` names who is sent questions and resumes, for the receipt; None where nothing leaves the house."""

    def __init__(
        self, people: People, conversations: Conversations, resumes: Resumes, reading: Reading, consents: Consents,
        sent_to: str | None,
    ) -> None:  # fmt: skip
        self._people = people
        self._conversations = conversations
        self._resumes = resumes
        self._reading = reading
        self._consents = consents
        self._sent_to = sent_to
        self.erased: Callable[[UUID], None] = lambda user: None
        """Called with the id of somebody who is gone."""

    async def erase(self, user: User) -> Receipt:
        """Raises `Refused` (`conflict`) for the last admin, `Unavailable` where a part is away: then ask again."""
        # Closed first: an answer that runs must not write into what is gone, and its text leaves Redis with that.
        for session in await self._people.open_sessions(user.id):
            await self._conversations.close(_as_seeker(user), session)
        resume = await self._resumes.get(user.id) is not None
        # The file before the row, which alone knows where it is.
        await self._resumes.erase(user)
        erased = await self._people.erase(user.id)
        if erased is None:
            raise Refused("conflict", "You are the only admin; make somebody else one before you go.")
        self.erased(user.id)
        # An upload that came between has lost its row; one that comes later finds none, and takes its file back itself.
        await self._resumes.forget_files(user.id)
        return receipt(erased, resume=resume, sent_to=self._sent_to)

    async def export(self, user: User) -> AsyncIterator[bytes]:
        """What is kept of the person, as one JSON object, conversation by conversation: all but vectors, which are
        numbers made of their text, and what admins noted for each other.
        """
        resume = await self._resumes.get(user.id)
        profile = {"id": user.id, "email": user.email, "role": user.role, "full_name": user.full_name}
        yield b'{"profile":' + msgspec.json.encode(profile) + b',"resume":' + msgspec.json.encode(resume)
        consent = await self._consents.look(user) if user.role == "seeker" or resume is not None else None
        yield b',"consent":' + msgspec.json.encode(consent)
        for name, told in (await self._people.noted(user.id)).items():
            yield b',"%s":' % name.encode() + msgspec.json.encode(told)
        yield b',"jobs":' + msgspec.json.encode(await self._people.jobs(user.id)) + b',"sessions":['
        first = True
        user = _as_seeker(user)
        async for session in self._sessions(user):
            events: list[dict[str, Any]] = []
            reached = 0
            while True:
                more, now = await self._reading.page_after(user, UUID(session["id"]), reached)
                if now == reached:
                    break
                events, reached = events + more, now
            yield (b"" if first else b",") + msgspec.json.encode({"session": session, "events": events})
            first = False
        yield b"]}"

    async def _sessions(self, user: User) -> AsyncIterator[dict[str, Any]]:
        cursor: str | None = None
        while True:
            page, cursor = await self._reading.list(user, status=None, q=None, cursor=cursor, limit=SESSIONS_PAGE)
            for session in page:
                yield session
            if cursor is None:
                return


def _as_seeker(user: User) -> User:
    """Whoever has another role by now still had these conversations, and of other people's sees none here."""
    return replace(user, role="seeker")
