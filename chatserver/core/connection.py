"""The grammar of one socket, without the socket: hello first, few broken frames, a bounded rate."""

from collections import deque
from dataclasses import dataclass

from chatserver.core.errors import Refused
from chatserver.core.protocol import (
    BAD_FRAMES_PER_MINUTE,
    CLOSE_BAD_PROTOCOL,
    CLOSE_TOO_LARGE,
    CLOSE_TOO_MANY,
    CLOSE_UNAUTHORIZED,
    FRAME_MAX_BYTES,
    AnyClientFrame,
    Error,
    Hello,
    decode,
    ref_of,
)

MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Accepted:
    frame: AnyClientFrame


@dataclass(frozen=True, slots=True)
class Answered:
    """The frame changes nothing; this is said, and with a `close` code the connection ends after it."""

    error: Error
    close: int | None = None


class Grammar:
    """Judges the frames of one connection in the order in which they come."""

    def __init__(self, frames_per_minute: int) -> None:
        self._frames_per_minute = frames_per_minute
        self._frames: deque[float] = deque()
        self._broken: deque[float] = deque()
        self._greeted = False

    def receive(self, text: str | bytes, now: float) -> Accepted | Answered:
        """Judges one frame that came at `now` (seconds, any clock that only goes forward)."""
        if len(text) > FRAME_MAX_BYTES or len(text.encode() if isinstance(text, str) else text) > FRAME_MAX_BYTES:
            error = Error(code="bad_frame", message=f"A frame has at most {FRAME_MAX_BYTES // 1024} KiB; send less.")
            return Answered(error, CLOSE_TOO_LARGE)
        self._forget(self._frames, now)
        self._frames.append(now)
        if self._frames_per_minute and len(self._frames) > self._frames_per_minute:
            wait = round(MINUTE - (now - self._frames[0]), 1)
            error = Error(
                code="rate_limited", message=f"Too many frames; come back in {wait:g} seconds.", retry_after=wait
            )
            return Answered(error, CLOSE_TOO_MANY)
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
        self._forget(self._broken, now)
        self._broken.append(now)
        return Answered(error, CLOSE_BAD_PROTOCOL if len(self._broken) >= BAD_FRAMES_PER_MINUTE else None)

    @staticmethod
    def _forget(moments: deque[float], now: float) -> None:
        while moments and now - moments[0] >= MINUTE:
            moments.popleft()
