"""Steps that are taken again and again, whatever became of the last one."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from chatserver.core.ports import Unavailable

log = logging.getLogger(__name__)


async def every(seconds: float, step: Callable[[], Awaitable[object]]) -> None:
    """Until it is cancelled, `seconds` after the last one each. While a server is away that is said once."""
    quiet = True
    while True:
        await asyncio.sleep(seconds)
        try:
            await step()
            quiet = True
        except Unavailable as away:
            if quiet:
                log.warning("%s", away)
            quiet = False
        except Exception:
            log.exception("a periodic step failed")
