"""A way to the sites on loopback, without the pauses that a real site is owed."""

from collections.abc import AsyncIterator

import pytest

from tests.career_sites.impatient import ImpatientWeb


@pytest.fixture
async def web() -> AsyncIterator[ImpatientWeb]:
    async with ImpatientWeb() as web:
        yield web
