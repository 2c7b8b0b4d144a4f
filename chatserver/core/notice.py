"""The signed call to the outside that somebody waits: ids and times, never a name or a word that was said."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

SIGNATURE_HEADER = "Ottobon-Signature"


@dataclass(frozen=True, slots=True)
class Notice:
    """One wait of one session; `tries` counts from 1."""

    session: UUID
    waiting_since: datetime
    tries: int
    urgent_since: datetime | None = None

    @property
    def since(self) -> datetime:
        return max(self.waiting_since, self.urgent_since or self.waiting_since)

    @property
    def id(self) -> UUID:
        """The same for every try, so that a receiver can tell a second delivery from a second wait."""
        return uuid5(self.session, self.since.isoformat())


def body_of(notice: Notice) -> bytes:
    """The call's JSON in UTF-8."""
    said: dict[str, object] = {
        "id": str(notice.id), "type": "seeker_waiting", "session": str(notice.session),
        "waiting_since": notice.waiting_since.isoformat(),
    }  # fmt: skip
    if notice.urgent_since is not None:
        said["urgent"] = True
    return json.dumps(said, separators=(",", ":")).encode()


def signature(secret: str, body: bytes, at: int) -> str:
    """`t=<epoch seconds>,v1=<hex HMAC-SHA256 of "t.body">`: the time is signed too, so that a call cannot be kept."""
    signed = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={signed}"
