"""A deadline that moves: it ends what waits for too long, and nothing else."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from chatserver.adapters.patience import Patience

SOON = 0.02
LATER = 60.0


def now() -> float:
    return asyncio.get_running_loop().time()


@pytest_asyncio.fixture
async def patience() -> AsyncIterator[Patience]:
    made = Patience(now() + SOON)
    yield made
    made.close()


async def test_what_never_comes_ends_at_the_deadline_and_is_cancelled(patience: Patience) -> None:
    never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    with pytest.raises(TimeoutError):
        await patience.wait(never)
    assert never.cancelled()
    await asyncio.sleep(0)


async def test_what_comes_is_given_on(patience: Patience) -> None:
    patience.ends_at = now() + LATER
    assert await patience.wait(asyncio.sleep(0, "here")) == "here"


async def test_a_deadline_that_moved_on_is_the_one_that_counts(patience: Patience) -> None:
    patience.ends_at = now() + LATER
    assert await patience.wait(asyncio.sleep(5 * SOON, "late")) == "late"


async def test_nobody_who_is_doing_something_else_is_cancelled(patience: Patience) -> None:
    """The consumer of a stream takes its time between two steps; the next step is told."""
    await asyncio.sleep(3 * SOON)
    with pytest.raises(TimeoutError):
        await patience.wait(asyncio.sleep(LATER))


async def test_who_cancels_the_task_is_heard() -> None:
    patience = Patience(now() + LATER)
    task = asyncio.create_task(patience.wait(asyncio.sleep(LATER)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    patience.close()
