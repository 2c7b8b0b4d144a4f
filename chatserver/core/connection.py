"""The grammar of one socket, without the socket: hello first, few broken frames, a bounded rate, progress."""

from dataclasses import dataclass

from chatserver.core.client_frames import AnyClientFrame, Hello
from chatserver.core.codec import decode, ref_of
from chatserver.core.errors import Refused
from chatserver.core.protocol import (
    BAD_FRAMES_PER_MINUTE,
    CLOSE_BAD_PROTOCOL,
    CLOSE_TOO_LARGE,
    CLOSE_TOO_MANY,
    CLOSE_UNAUTHORIZED,
    FRAME_MAX_BYTES,
)
from chatserver.core.server_frames import Error

MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Accepted:
    frame: AnyClientFrame


@dataclass(frozen=True, slots=True)
class Answered:
    """The frame changes nothing; this is said, and with a `close` code the connection ends after it."""

    error: Error
    close: int | None = None


class Window:
    """How much was spent in the minute that the first of it began. Two numbers, however much it is."""

    __slots__ = ("began", "spent")

    def __init__(self) -> None:
        self.began = float("-inf")
        self.spent = 0

    def spend(self, most: int, now: float) -> float | None:
        """None if one more is within `most` a minute (0 is no limit), else the seconds until the next is."""
        if now - self.began >= MINUTE:
            self.began, self.spent = now, 0
        self.spent += 1
        return None if not most or self.spent <= most else round(MINUTE - (now - self.began), 1)

    def is_over(self, now: float) -> bool:
        return now - self.began >= MINUTE


class Progress:
    """Whether somebody reads on, judged by the bytes that have left: a large frame may take as long as it takes."""

    __slots__ = ("_left", "_since")

    def __init__(self) -> None:
        self._left = 0
        self._since: float | None = None

    def stuck_seconds(self, written: int, waiting: int, now: float) -> float:
        """For how long nothing left although something waits; `written` and `waiting` are bytes."""
        left = written - waiting
        if not waiting:
            self._left, self._since = left, None
        elif self._since is None or left > self._left:
            self._left, self._since = left, now
        return 0.0 if self._since is None else now - self._since


class Grammar:
    """Judges the frames of one connection in the order in which they come.

    `window` counts them; after the hello it is the one that all connections of the user share.
    """

    __slots__ = ("_broken", "_frames_per_minute", "_greeted", "window")

    def __init__(self, frames_per_minute: int) -> None:
        self._frames_per_minute = frames_per_minute
        self.window = Window()
        self._broken: list[float] | None = None
        self._greeted = False

    def count(self, now: float) -> Answered | None:
        """One more frame; the answer where that is too many."""
        wait = self.window.spend(self._frames_per_minute, now)
        if wait is None:
            return None
        message = f"Too many frames; come back in {wait:g} seconds."
        return Answered(Error(code="rate_limited", message=message, retry_after=wait), CLOSE_TOO_MANY)

    def receive(self, text: str | bytes, now: float) -> Accepted | Answered:
        """Judges one frame that came at `now` (seconds, any clock that only goes forward)."""
        if len(text) > FRAME_MAX_BYTES or len(text.encode() if isinstance(text, str) else text) > FRAME_MAX_BYTES:
            error = Error(code="bad_frame", message=f"A frame has at most {FRAME_MAX_BYTES // 1024} KiB; send less.")
            return Answered(error, CLOSE_TOO_LARGE)
        if (too_many := self.count(now)) is not None:
            return too_many
        try:
            frame = decode(text)
        except Refused as refused:
            return self._refuse(refused, ref_of(text), now)
        if isinstance(frame, Hello):
            if self._greeted:
                return self._refuse(
                    Refused("bad_frame", "The hello was said already; use auth to renew a token."), frame.ref, now
                )
            self._greeted = True
        elif not self._greeted:
            error = Error(code="unauthorized", message="The first frame is hello, with a token.", ref=frame.ref)
            return Answered(error, CLOSE_UNAUTHORIZED)
        return Accepted(frame)

    def _refuse(self, refused: Refused, ref: str | None, now: float) -> Answered:
        error = Error(code=refused.code, message=refused.message, ref=ref)
        if not self._greeted:
            return Answered(error, CLOSE_UNAUTHORIZED)
        if refused.code != "bad_frame":
            return Answered(error)
        self._broken = [at for at in self._broken or () if now - at < MINUTE]
        self._broken.append(now)
        return Answered(error, CLOSE_BAD_PROTOCOL if len(self._broken) >= BAD_FRAMES_PER_MINUTE else None)
