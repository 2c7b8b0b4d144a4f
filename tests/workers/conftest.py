"""A site with troubles and workers to read it."""

from collections.abc import AsyncIterator

import pytest

from tests.workers.bench import Bench, open_bench


@pytest.fixture
async def bench(redis_url: str) -> AsyncIterator[Bench]:
    async with open_bench(redis_url) as bench:
        yield bench
