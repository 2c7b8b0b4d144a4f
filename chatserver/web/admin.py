"""What an admin alone sees and starts over REST."""

from collections.abc import Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from chatserver.core.access import User
from chatserver.core.overview import DAYS_DEFAULT, DAYS_MAX
from chatserver.overview import PAGE as LIST_PAGE
from chatserver.overview import PAGE_MAX as LIST_PAGE_MAX
from chatserver.overview import Overviews
from chatserver.runs import PAGE, PAGE_MAX, Runs
from chatserver.users import Users
from chatserver.web.rest import encoded, json_of, limit_of, number_of, page, signed_in, text_of

EMAIL_MAX = 320


class RunRequest(msgspec.Struct):
    source: str


class AdminRoutes:
    def __init__(self, users: Users, runs: Runs, overviews: Overviews) -> None:
        self._users = users
        self._runs = runs
        self._overviews = overviews

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/api/admin/runs", signed_in(self._users, self.recent, "admin"), methods=["GET"]),
            Route("/api/admin/runs", signed_in(self._users, self.ask, "admin"), methods=["POST"]),
            Route("/api/admin/overview", signed_in(self._users, self.overview, "admin"), methods=["GET"]),
            Route("/api/admin/audit", signed_in(self._users, self.trail, "admin"), methods=["GET"]),
            Route("/api/admin/users", signed_in(self._users, self.people, "admin"), methods=["GET"]),
        ]

    async def recent(self, request: Request, user: User) -> Response:
        runs, following = await self._runs.recent(
            limit=limit_of(request, PAGE, PAGE_MAX), cursor=text_of(request, "cursor")
        )
        return page([msgspec.to_builtins(run) for run in runs], following)

    async def ask(self, request: Request, user: User) -> Response:
        """A run that waits for a worker; written down in its row: who asked."""
        asked = await json_of(request, RunRequest)
        return encoded(await self._runs.ask(user, asked.source), 202)

    async def overview(self, request: Request, user: User) -> Response:
        return encoded(await self._overviews.look(number_of(request, "days", 1, DAYS_MAX) or DAYS_DEFAULT))

    async def trail(self, request: Request, user: User) -> Response:
        entries, following = await self._overviews.trail(
            actor=text_of(request, "actor", EMAIL_MAX), subject=text_of(request, "subject", EMAIL_MAX),
            cursor=text_of(request, "cursor"), limit=limit_of(request, LIST_PAGE, LIST_PAGE_MAX),
        )  # fmt: skip
        return page(list(entries), following)

    async def people(self, request: Request, user: User) -> Response:
        people, following = await self._overviews.people(
            q=text_of(request, "q"), role=text_of(request, "role"), cursor=text_of(request, "cursor"),
            limit=limit_of(request, LIST_PAGE, LIST_PAGE_MAX),
        )  # fmt: skip
        return page(list(people), following)
