"""Ports that are free when they are asked for and still are when somebody listens there."""

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from chatserver.adapters.children import free_port


@contextmanager
def held_port(port: int = 0) -> Iterator[int]:
    """A port of this machine, or this one, which is given to nobody meanwhile: tests beside this one ask for some too.

    Whoever is told its number may listen there; until then nobody answers.
    """
    if sys.platform != "linux":
        # Elsewhere a port that is held is held against everybody.
        yield port or free_port()
        return
    with socket.socket() as holding:
        holding.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holding.bind(("127.0.0.1", port))
        yield holding.getsockname()[1]


@pytest.fixture
def unused_tcp_port() -> Iterator[int]:
    """In the place of pytest-asyncio's, which somebody else may be given before it is used."""
    with held_port() as port:
        yield port
