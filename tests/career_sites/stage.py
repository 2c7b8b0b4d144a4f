"""One server for the sites of many tests: stopping one takes longer than most of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

from tests.career_sites.impatient import ImpatientWeb
from tests.loopback import serving
from workers.boards.board import Adapter, Page, Stub


class Site(Protocol):
    @property
    def app(self) -> Any: ...


class Stage:
    """Shows one site at a time, at `url`; `web` is a way to it."""

    def __init__(self, web: ImpatientWeb) -> None:
        self.web = web
        self.url = ""
        self._site: Site | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert self._site is not None
        await self._site.app(scope, receive, send)

    def shows(self, site: Site) -> str:
        self._site = site
        return self.url

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator["Stage"]:
        async with ImpatientWeb() as web:
            stage = cls(web)
            async with serving(stage) as stage.url:
                yield stage


async def listed(adapter: Adapter) -> tuple[dict[str, Stub], Page]:
    """What a list gave, the last said of each posting, and its last page, which alone says how it ended."""
    pages = [page async for page in adapter.pages()]
    assert all(not page.complete and page.partial is None for page in pages[:-1])
    return {stub.external_id: stub for page in pages for stub in page.stubs}, pages[-1]
