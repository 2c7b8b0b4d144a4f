"""Conversations that go on whatever happens: a seeker on two devices, admins who look on, and what was acknowledged."""

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from tests.chaos.clients import Device
from tests.chaos.town import Person, Town
from tests.screens import Screen

BEGIN_SECONDS = 120.0
ANSWERED_SECONDS = 120.0
PAUSE_SECONDS = (0.1, 0.8)
OVER_REASONS = ("answer_failed", "stopped")


def is_answered(screen: Screen, seq: int) -> bool:
    """Whether something after this question says that it is done with: an answer, a person, or a durable word."""
    return any(
        (event["type"] == "message" and event["role"] in ("assistant", "admin") and not event.get("interrupted"))
        or (event["type"] == "status" and str(event.get("reason", "")).startswith(OVER_REASONS))
        for at, event in screen.events.items()
        if at > seq
    )


@dataclass
class Life:
    """One conversation. `case` is the number that its questions bear, by which the model's server knows it."""

    case: int
    town: Town
    chance: random.Random
    devices: list[Device] = field(default_factory=list)
    admins: list[Device] = field(default_factory=list)
    posted: dict[str, str] = field(default_factory=dict)
    """Acknowledged, by id."""
    questions: int = 0
    seeker: Person | None = None
    _asking: "asyncio.Task[None] | None" = None
    _enough: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def session(self) -> UUID:
        return UUID(self.devices[0].session)

    @property
    def all(self) -> list[Device]:
        return [*self.devices, *self.admins]

    async def begins(self, admins: int = 1) -> None:
        self.seeker = seeker = await self.town.person("seeker", f"Seeker {self.case}")
        new = str(uuid4())
        for number in range(2):
            # Both at once, perhaps on two nodes: they open one session.
            self.devices.append(Device(self.town, seeker, f"{seeker.name}, device {number}", self.chance, new=new))
        async with asyncio.timeout(BEGIN_SECONDS):
            for device in self.devices:
                device.starts()
            await asyncio.gather(*(device.joined() for device in self.devices))
            assert len({device.session for device in self.devices}) == 1, "two tabs opened two sessions"
            for number in range(admins):
                admin = await self.town.person("admin", f"Admin {self.case} {number}")
                device = Device(self.town, admin, admin.name, self.chance, session=str(self.session))
                device.starts()
                self.admins.append(device)
            await asyncio.gather(*(device.joined() for device in self.admins))

    async def posts(self, content: str, by: Device | None = None) -> int:
        id, seq = await (by or self.chance.choice(self.devices)).posts(content)
        self.posted[id] = content
        return seq

    async def asks(self) -> int:
        self.questions += 1
        return await self.posts(f"Question {self.questions} of case {self.case}: which job suits me?")

    async def answered(self, seq: int) -> None:
        await self.devices[0].until(lambda screen: is_answered(screen, seq), ANSWERED_SECONDS)

    def goes_on(self) -> None:
        """Asks and reads, and now and then asks before it has read."""
        self._enough.clear()
        self._asking = asyncio.create_task(self._goes_on())

    async def _goes_on(self) -> None:
        while not self._enough.is_set():
            seq = await self.asks()
            if self.chance.random() < 0.85:
                await self.answered(seq)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._enough.wait(), self.chance.uniform(*PAUSE_SECONDS))

    async def rests(self) -> None:
        """Nothing more is asked; what was begun to be said is said to its end."""
        self._enough.set()
        if self._asking is not None:
            await self._asking
            self._asking = None

    async def ends(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        await asyncio.gather(*(device.stops() for device in self.all))

    def judged(self) -> None:
        for device in self.all:
            device.judged()
        if self._asking is not None and self._asking.done():
            self._asking.result()


async def begun(town: Town, count: int, chance: random.Random, *, first: int = 0, admins: int = 1) -> list[Life]:
    lives = [Life(first + number, town, chance) for number in range(count)]
    try:
        await asyncio.gather(*(life.begins(admins) for life in lives))
    except BaseException:
        await asyncio.gather(*(life.ends() for life in lives))
        raise
    return lives
