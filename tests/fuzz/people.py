"""Who comes to the node: seekers, admins, a provider, nobody, and a bystander whom nobody may touch."""

import random
from typing import Any
from uuid import UUID, uuid5

import asyncpg

from chatserver.adapters.identity import DevelopmentIssuer
from tests.fuzz.forge import NOTE
from tests.fuzz.guest import Guest
from tests.fuzz.known import Known

NAMES = {
    "Asha": "seeker", "Ben": "seeker", "Devi": "seeker", "Admin One": "admin", "Admin Two": "admin",
    "Provider": "provider", "Victim": "seeker", "Gone": "seeker",
}  # fmt: skip
COMING = ("Asha", "Ben", "Devi", "Admin One", "Admin Two", "Provider")
PASSER = "Passer"
"""The seekers who are erased have this name, one after the other."""
PASSING_ROLES = ("seeker", "seeker", "seeker", "admin", "provider")
VICTIM_WORDS = "nobody-elses-words"

_SPACE = UUID("6f1c1f0e-0000-4000-8000-00000000f022")


def mark_of(name: str) -> str:
    return f"mark-of-{name.replace(' ', '-').lower()}"


class People:
    """`seed` makes them the same again."""

    def __init__(self, database: asyncpg.Connection, issuer: DevelopmentIssuer, seed: int) -> None:
        self.database = database
        self.issuer = issuer
        self.guests: list[Guest] = []
        self.passers: list[UUID] = []
        self._seed = seed
        self._ids = {name: self._id(name) for name in NAMES}
        self._session, self._job = self._id("session"), self._id("job")

    async def come(self) -> None:
        database, ids = self.database, self._ids
        for name, role in NAMES.items():
            await database.execute(
                "insert into users (id, email, role, full_name, deactivated_at)"
                " values ($1, $2, $3::text::user_role, $4, case when $4::text = 'Gone' then now() end)",
                ids[name], f"{ids[name]}@example.com", role, name,
            )  # fmt: skip
        await database.execute(
            "insert into chat_sessions (id, user_id, seq) values ($1, $2, 1)", self._session, ids["Victim"]
        )
        await database.execute(
            "insert into chat_messages (session_id, seq, id, turn, kind, role, author_id, content)"
            " values ($1, 1, $2, 0, 'message', 'user', $3, $4)",
            self._session, self._job, ids["Victim"], VICTIM_WORDS,
        )  # fmt: skip
        await database.execute(
            "insert into jobs (id, provider_id, title, description_raw, status) values ($1, $2, $3, $3, 'closed')",
            self._job, ids["Provider"], "Data engineer",
        )  # fmt: skip
        for name in COMING:
            self.guests.append(self._guest(name, NAMES[name], ids[name]))
        nobody = Known(foreign=[str(self._session)], tokens=[self._dead(), self._token(ids["Gone"]), "x", "a.b.c", ""])
        self.guests.append(Guest("Nobody", "anonymous", nobody))

    async def passer(self, role: str) -> Guest:
        """Somebody new, who will ask to be erased."""
        id = self._id(f"passer {len(self.passers)}")
        self.passers.append(id)
        name = PASSER if role == "seeker" else f"Passing {role}"
        await self.database.execute(
            "insert into users (id, email, role, full_name) values ($1, $2, $3::text::user_role, $4)",
            id, f"{id}@example.com", role, name,
        )  # fmt: skip
        return self._guest(name, role, id)

    async def bystander(self) -> list[Any]:
        """Everything that is nobody's business."""
        session = "select user_id, seq, turn, status, admin_id, waiting_since from chat_sessions where id = $1"
        return [
            [dict(row) for row in await self.database.fetch(sql, id)]
            for sql, id in (
                ("select * from users where id = $1", self._ids["Victim"]),
                ("select * from chat_messages where session_id = $1", self._session),
                (session, self._session),
                ("select * from chat_reads where session_id = $1", self._session),
                ("select * from jobs where id = $1", self._job),
            )
        ]  # fmt: skip

    def _guest(self, name: str, role: str, id: UUID) -> Guest:
        token = self._token(id, name)
        others = [self._token(self._ids["Gone"]), self._dead(), "", "x", token[:-3], "a.b.c", token + "="]
        known = Known(
            own=str(id), foreign=[str(self._session)] if role != "admin" else [],
            # What an admin may do to anybody's session is not what is tried here: they are kept from the bystander's.
            barred=[str(self._session)], people=[str(one) for one in self._ids.values()],
            jobs=[str(self._job)], tokens=[token, *others], mark=mark_of(name),
        )  # fmt: skip
        seekers = [*(other for other in COMING if NAMES[other] == "seeker"), PASSER]
        hidden = [VICTIM_WORDS, NOTE, *(mark_of(other) for other in seekers if other != name)]
        return Guest(name, role, known, tuple(word.encode() for word in hidden))

    def _token(self, id: UUID, name: str | None = None) -> str:
        return self.issuer.issue(f"{id}@example.com", id, name=name)

    def _dead(self) -> str:
        return self.issuer.issue("dead@example.com", self._ids["Asha"], seconds=-100)

    def _id(self, name: str) -> UUID:
        return uuid5(_SPACE, f"{name} {self._seed}")


def address(chance: random.Random) -> str:
    """Whence a connection comes; so many that none is one too busy."""
    return f"10.0.{chance.randrange(8)}.{chance.randrange(1, 255)}"
