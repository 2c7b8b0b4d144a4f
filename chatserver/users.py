"""People: who may come in, and what an admin sees and changes of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol
from unicodedata import category
from uuid import UUID

from chatserver.core.access import Role, User
from chatserver.core.errors import Refused
from chatserver.core.redaction import clean

NAME_MAX_CHARACTERS = 120

Sight = Literal["user_read", "resume_read", "matches_read"]
"""What an admin looked at, as the trail calls it."""


class Principal(Protocol):
    @property
    def id(self) -> UUID: ...
    @property
    def email(self) -> str | None: ...
    @property
    def name(self) -> str | None: ...
    @property
    def expires_at(self) -> float: ...
    @property
    def key(self) -> str | None: ...
    @property
    def issued_at(self) -> float | None: ...


class Identity(Protocol):
    async def verify(self, token: str) -> Principal: ...
    async def believes(self, key: str) -> bool: ...


class UserStore(Protocol):
    async def get(self, id: UUID) -> User | None: ...
    async def by_email(self, email: str) -> User | None: ...
    async def some(self, ids: Sequence[UUID]) -> list[User]: ...
    async def see(
        self, id: UUID, email: str | None, name: str | None, *, signed_in_at: float | None = None
    ) -> User: ...
    async def set_full_name(self, id: UUID, full_name: str | None) -> None: ...
    async def change(
        self, id: UUID, *, role: Role | None = None, deactivated: bool | None = None, by: UUID | None = None
    ) -> None: ...
    async def note(self, by: UUID, action: str, subject: UUID) -> None: ...
    async def note_conversation(self, by: UUID, seeker: UUID, session: UUID) -> None: ...
    async def note_search(self, by: UUID) -> None: ...


@dataclass(frozen=True, slots=True)
class Admitted:
    """Somebody with a valid token; its end, in epoch seconds, and the published key that signed it, if one did."""

    user: User
    expires_at: float
    key: str | None = None


class Users:
    """Every call reads the row: a role that changed a moment ago counts now."""

    def __init__(self, identity: Identity, store: UserStore) -> None:
        self._identity = identity
        self._store = store
        self.changed: Callable[[UUID], None] = lambda user: None
        """Called with the id of somebody whose role or activity was changed."""

    async def admit(self, token: str) -> Admitted:
        """Raises `Refused`: `unauthorized` (token, or erased since it was issued), `forbidden` (deactivated),
        `conflict` (another user's address).
        """
        return await self.enter(await self.verify(token))

    async def verify(self, token: str) -> Principal:
        """Raises `Refused` (`unauthorized`), and `Unavailable` where the keys cannot be had. Asks no database."""
        return await self._identity.verify(token)

    async def enter(self, principal: Principal) -> Admitted:
        """The user whom a token named; raises as `admit` does."""
        user = await self._store.see(principal.id, principal.email, principal.name, signed_in_at=principal.issued_at)
        if user.deactivated:
            raise Refused("forbidden", "This account has been deactivated; write to an admin.")
        return Admitted(user, principal.expires_at, principal.key)

    async def believes(self, key: str) -> bool:
        """Whether tokens that this key signed still let anybody in."""
        return await self._identity.believes(key)

    async def get(self, id: UUID) -> User | None:
        return await self._store.get(id)

    async def some(self, ids: Sequence[UUID]) -> list[User]:
        return await self._store.some(ids)

    async def by_email(self, email: str, new: UUID) -> User:
        """The user of this address; at first sight a seeker with the id `new`."""
        known = await self._store.by_email(email)
        if known is not None:
            return known
        try:
            return await self._store.see(new, email, None)
        except Refused:
            # Somebody else signed in with it in between.
            known = await self._store.by_email(email)
            if known is None:
                raise
            return known

    async def rename(self, user: User, full_name: str | None) -> User:
        """Sets the name that others see; None or nothing but space takes it away."""
        name = clean(full_name or "").strip() or None
        if name is not None and (len(name) > NAME_MAX_CHARACTERS or any(category(one) == "Cc" for one in name)):
            raise Refused(
                "bad_content", f"A name has at most {NAME_MAX_CHARACTERS} characters and is one line; shorten it."
            )
        await self._store.set_full_name(user.id, name)
        return await self._read(user.id)

    async def look(self, by: User, id: UUID, sight: Sight) -> User:
        """The user for an admin's eyes; that they looked is written down first."""
        _must_be_admin(by)
        user = await self._read(id)
        await self._store.note(by.id, sight, id)
        return user

    async def look_into(self, by: User, seeker: UUID | None, session: UUID) -> None:
        """Writes down that an admin reads somebody's conversation, which may quote their resume; before they do."""
        if by.role == "admin" and seeker is not None:
            await self._store.note_conversation(by.id, seeker, session)

    async def search_conversations(self, by: User) -> None:
        """Writes down that an admin searches what everybody said, which tells what is in it; before they do."""
        if by.role == "admin":
            await self._store.note_search(by.id)

    async def change(self, by: User, id: UUID, *, role: Role | None, deactivated: bool | None) -> User:
        """What an admin may change. Nobody changes their own: the last admin cannot lock the door from outside."""
        _must_be_admin(by)
        if by.id == id:
            raise Refused("forbidden", "Ask another admin to change your own account.")
        await self._read(id)
        await self._store.change(id, role=role, deactivated=deactivated, by=by.id)
        self.changed(id)
        return await self._read(id)

    async def _read(self, id: UUID) -> User:
        user = await self._store.get(id)
        if user is None:
            raise Refused("not_found", "There is no such user.")
        return user


def _must_be_admin(user: User) -> None:
    if user.role != "admin":
        raise Refused("forbidden", "Only an admin may do this.")
