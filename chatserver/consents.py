"""Whether something of a resume may leave this server just now: read from its row each time, remembered nowhere."""

from typing import Protocol
from uuid import UUID

from chatserver.core.access import User
from chatserver.core.consent import Consent, ConsentTerms, Recipient, Recipients, covers, given, terms, withdrawn


class ConsentStore(Protocol):
    """Each method raises `Unavailable` while the database does not answer."""

    async def get(self, user: UUID) -> Consent | None: ...

    async def now(self) -> str:
        """By the database's clock, as RFC 3339."""
        ...

    async def put(self, user: UUID, consent: Consent) -> Consent:
        """In the row and in the trail, or in neither; what stands then, which is what stood where it says the same."""
        ...


class Consents:
    """Each question raises `Unavailable` where it cannot be answered: then nothing leaves either."""

    def __init__(self, store: ConsentStore, recipients: Recipients) -> None:
        self._store = store
        self._recipients = recipients

    async def let_model_read(self, user: UUID) -> bool:
        return await self._let(user, self._recipients.model)

    async def let_embed(self, user: UUID, model: str) -> bool:
        return await self._let(user, self._recipients.embeddings.get(model))

    async def let_keep_file(self, user: UUID) -> bool:
        return await self._let(user, self._recipients.files)

    async def _let(self, user: UUID, recipient: Recipient | None) -> bool:
        return recipient is None or covers(await self._store.get(user), recipient)

    async def look(self, user: User) -> ConsentTerms:
        return terms(self._recipients, await self._store.get(user.id))

    async def give(self, user: User, version: int, agreed: list[str]) -> ConsentTerms:
        """Raises `Refused` (`conflict`) where other words or other recipients were read than hold now."""
        consent = given(self._recipients, version, agreed, await self._store.now())
        return terms(self._recipients, await self._store.put(user.id, consent))

    async def withdraw(self, user: User) -> ConsentTerms:
        """Holds for every call that is made from now on, on every node."""
        consent = withdrawn(self._recipients, await self._store.get(user.id), await self._store.now())
        return terms(self._recipients, await self._store.put(user.id, consent))
