"""One browser for all tests of the client's modules."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Page

from tests.chromium import chromium, module_page


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page() -> AsyncIterator[Page]:
    async with chromium() as browser, module_page(browser) as blank:
        yield blank
