"""No time limit that stands for another one who is away ends what merely takes long on a busy machine.

Each of these bounds has tests of its own, which set it, or take it `as_shipped`; everywhere else a stall of some
hundred milliseconds between a test and its own Redis or Postgres would have a right answer counted as none.
"""

from collections.abc import Iterator
from pkgutil import resolve_name

import pytest

LONG_SECONDS = 60.0
BOUNDS = (
    "chatserver.adapters.chats.ANSWER_LEASE_SECONDS", "chatserver.adapters.levels.READ_SECONDS",
    "chatserver.adapters.limits.ANSWER_SECONDS", "chatserver.adapters.locked_session.ANSWER_LEASE_SECONDS",
    "chatserver.adapters.readiness.ANSWER_SECONDS", "chatserver.adapters.wire.PAD_READ_SECONDS",
    "chatserver.adapters.wire_listening.SUBSCRIBE_SECONDS", "chatserver.adapters.wire_publishing.FRESH_SECONDS",
    "chatserver.web.ws_socket.HELLO_SECONDS", "workers.pace.ANSWER_SECONDS",
)  # fmt: skip

Shipped = dict[str, float]


@pytest.fixture(scope="session", autouse=True)
def _shipped() -> Iterator[Shipped]:
    with pytest.MonkeyPatch.context() as patch:
        shipped = {}
        for bound in BOUNDS:
            shipped[bound] = resolve_name(bound)
            patch.setattr(bound, LONG_SECONDS)
        yield shipped


@pytest.fixture
def as_shipped(_shipped: Shipped, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a node runs, for a test whose Redis or Postgres takes what is said and says nothing."""
    for bound, seconds in _shipped.items():
        monkeypatch.setattr(bound, seconds)
