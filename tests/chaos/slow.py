"""A client that stops reading: nobody waits for it, it is told so, and has everything when it comes back."""

import asyncio
import random
import time
from uuid import UUID

from tests.chaos.clients import Device
from tests.chaos.judge import Broken, Count, is_true, settles
from tests.chaos.lives import begun
from tests.chaos.town import Town

WINDOW_BYTES = 4_096
MESSAGES = 60
CHARACTERS = 7_500
OTHERS_SECONDS = 1.0
"""So soon the others see each message."""
STALLED_SECONDS = 27.0
"""20 without progress, and the next look at who reads."""
TOO_SLOW = 4408


async def a_client_stops_reading(town: Town, chance: random.Random, *, first: int) -> tuple[Count, str]:
    (life,) = await begun(town, 1, chance, first=first)
    assert life.seeker is not None
    phone = Device(town, life.seeker, "the slow phone", chance, session=str(life.session))
    phone.window = WINDOW_BYTES
    phone.starts()
    life.devices.append(phone)
    try:
        await phone.joined()
        phone.reads.clear()
        admin, desk = life.admins[0], life.devices[0]
        assert (await admin.asks("take_over"))["type"] == "ok"
        slowest = 0.0
        for number in range(MESSAGES):
            began = time.monotonic()
            seq = await life.posts(f"{number}: {'x' * CHARACTERS}", admin)
            await desk.until(lambda screen, seq=seq: screen.seq >= seq, STALLED_SECONDS)  # type: ignore[misc]
            slowest = max(slowest, time.monotonic() - began)
        if slowest > OTHERS_SECONDS:
            raise Broken(f"the others waited {slowest:.1f} s for a message")
        await asyncio.sleep(STALLED_SECONDS)
        if sent := await _sent_to(town, life.session, phone):
            raise Broken(sent)
        phone.reads.set()
        settled = await settles(town, [life])
        if [closed.code for closed in phone.closed] != [TOO_SLOW]:
            raise Broken(f"the slow phone was closed with {[closed.code for closed in phone.closed]}")
        await admin.asks("hand_back")
        await settles(town, [life])
        count = await is_true(town, [life])
        return count, f"closed with {TOO_SLOW}, others waited {slowest * 1e3:.0f} ms at most, settled {settled:.1f} s"
    finally:
        await life.ends()


async def _sent_to(town: Town, session: UUID, phone: Device) -> str:
    """What speaks against it that the phone was really behind."""
    (row,) = await town.query("select seq from public.chat_sessions where id = $1", session)
    return "the slow phone has read everything" if phone.screen.seq >= row["seq"] else ""
