"""How much of a session is shown at once to somebody who has none of it yet."""

from collections.abc import Sequence

from chatserver.core.events import Logged, durable

UNASKED_BYTES = 24 * 1024
"""A phone at 50 kbit/s and 600 ms, that is to be of use within ten seconds, has room for some 35 KB beside its
journeys: TCP, TLS, the handshake, hello, join and a post."""


def newest_within(events: Sequence[Logged], most_bytes: int = UNASKED_BYTES) -> Sequence[Logged]:
    """The newest of these events, in their order, as far as their frames fit; at least the last one."""
    room = most_bytes
    for place in range(len(events) - 1, -1, -1):
        room -= len(durable(events[place]).frame.encode())
        if room < 0:
            return events[min(place + 1, len(events) - 1) :]
    return events
