"""`chatserver serve` as it runs everywhere, which writes down what it holds when it gets SIGUSR1."""

import asyncio
import contextlib
import ctypes
import gc
import json
import logging
import os
import signal
import sys
from collections import Counter
from pathlib import Path

import uvloop
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from chatserver import node as own_node
from chatserver.adapters.offline import OfflineAssistant
from chatserver.serving import LOOPBACK, serve
from chatserver.settings import Settings
from chatserver.subscriptions import Connection, Subscription
from chatserver.web.handshake import Handshake
from chatserver.web.line import Line
from chatserver.web.ws_socket import Socket

HELD = (Socket, Line, Handshake, Connection, Subscription, H11Protocol, RequestResponseCycle)


def written(place: Path) -> None:
    gc.collect()
    with contextlib.suppress(AttributeError):
        # What is free and was only not given back is no leak.
        ctypes.CDLL(None).malloc_trim(0)
    found = Counter(type(one) for one in gc.get_objects())
    rss = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    held = {
        "rss_kb": int(rss.split()[1]), "tasks": len(asyncio.all_tasks()),
        **{one.__name__: found[one] for one in HELD},
        "descriptors": len(os.listdir("/proc/self/fd")),
    }  # fmt: skip
    ready = place.with_suffix(".new")
    ready.write_text(json.dumps(held))
    ready.rename(place)


WORDS_PER_SECOND = 120.0
"""Time is short here: an answer is to run for a while, and not for most of the run."""


async def run(port: int, place: Path) -> None:
    vars(own_node)["OfflineAssistant"] = lambda: OfflineAssistant(WORDS_PER_SECOND)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, written, place)
    await serve(Settings.from_env(os.environ), LOOPBACK, port)


if __name__ == "__main__":
    logging.basicConfig(level="WARNING", format="%(asctime)s %(levelname)s %(name)s %(message)s")
    uvloop.run(run(int(sys.argv[1]), Path(sys.argv[2])))
