"""What every node does again and again for all sessions: takes up what others left, brings the old log up to date."""

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from uuid import UUID

from chatserver.conversations import Conversations
from chatserver.core.chat_ports import ChatStore
from chatserver.core.ports import Unavailable

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
REAP_MOST = 20
"""At a time; as long as that many are found, the look goes on."""
OVERDUE_MOST = 20
FLUSH_SECONDS = 2.0
FLUSH_MOST = 10
"""Sessions in one statement, which holds all of them to its end."""
LEFT_BEHIND_SECONDS = 600.0
EVER_SECONDS = 10 * 365 * 86_400.0
LEFT_BEHIND_MOST = 50


class Recovery:
    """`room` says how many answers this process can take up."""

    def __init__(self, store: ChatStore, conversations: Conversations, room: Callable[[], int]) -> None:
        self._store = store
        self._conversations = conversations
        self._room = room
        self._left_behind_seconds = EVER_SECONDS
        """What nodes left that all died is taken up by the first that comes, however long that was."""

    async def look(self) -> None:
        """Goes on with answers whose owner died, ends what goes on for nobody, then hands back what admins left.

        Raises `Unavailable`.
        """
        while (most := min(self._room(), REAP_MOST)) > 0:
            found = await self._store.ownerless(most)
            reaped = [await _spared(self._conversations.reap, session) for session in found]
            if len(found) < most or not any(reaped):
                break
        for session, turn in await self._store.unread(OVERDUE_MOST):
            await _spared(partial(self._conversations.stop, None, turn=turn), session)
        await self._store.end_leases_of_the_gone(OVERDUE_MOST)
        for session in await self._store.overdue(OVERDUE_MOST):
            await _spared(self._conversations.take_back, session)

    async def flush(self) -> None:
        """Raises `Unavailable`; what was not written is tried again."""
        touched = self._conversations.touched
        waiting = list(touched)
        for start in range(0, len(waiting), FLUSH_MOST):
            some = waiting[start : start + FLUSH_MOST]
            touched.difference_update(some)
            try:
                await self._store.flush(some)
            except Unavailable:
                touched.update(some)
                raise
            except Exception:
                # Left to the sweep: one session that cannot be written holds up no other.
                log.exception("conversation_log could not be brought up to date")
        written = await self._store.flush_left(self._left_behind_seconds, LEFT_BEHIND_MOST)
        if written < LEFT_BEHIND_MOST:
            self._left_behind_seconds = LEFT_BEHIND_SECONDS


async def _spared(step: Callable[[UUID], Awaitable[object]], session: UUID) -> bool:
    """Whether the step went well: a session whose row is held, or cannot be written, is not to end the look."""
    try:
        await step(session)
    except Exception as error:
        log.warning(
            "a session could not be taken up: %s", error, extra={"session": str(session)},
            exc_info=None if isinstance(error, Unavailable) else error,
        )  # fmt: skip
        return False
    return True
