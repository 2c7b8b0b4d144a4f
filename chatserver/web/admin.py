"""What an admin alone sees and starts over REST."""

from collections.abc import Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from chatserver.core.access import User
from chatserver.runs import PAGE, PAGE_MAX, Runs
from chatserver.users import Users
from chatserver.web.rest import encoded, json_of, limit_of, page, signed_in, text_of


class RunRequest(msgspec.Struct):
    source: str


class AdminRoutes:
    def __init__(self, users: Users, runs: Runs) -> None:
        self._users = users
        self._runs = runs

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/api/admin/runs", signed_in(self._users, self.recent, "admin"), methods=["GET"]),
            Route("/api/admin/runs", signed_in(self._users, self.ask, "admin"), methods=["POST"]),
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
