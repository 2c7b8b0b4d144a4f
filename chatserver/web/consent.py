"""What a seeker is asked about their resume, and what they say."""

from collections.abc import Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from chatserver.allowances import Allowances
from chatserver.consents import Consents
from chatserver.core.access import User
from chatserver.resumes import Resumes
from chatserver.users import Users
from chatserver.web.rest import encoded, json_of, signed_in


class Agreement(msgspec.Struct, forbid_unknown_fields=True):
    """The version and the recipients that were shown and agreed to."""

    version: int
    recipients: list[str]


class ConsentRoutes:
    def __init__(self, users: Users, consents: Consents, resumes: Resumes, allowances: Allowances) -> None:
        self._users = users
        self._consents = consents
        self._resumes = resumes
        self._allowances = allowances

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/api/me/consent", signed_in(self._users, self.terms, "seeker"), methods=["GET"]),
            Route("/api/me/consent", signed_in(self._users, self.give, "seeker"), methods=["PUT"]),
            Route("/api/me/consent", signed_in(self._users, self.withdraw, "seeker"), methods=["DELETE"]),
        ]

    async def terms(self, request: Request, user: User) -> Response:
        return encoded(await self._consents.look(user))

    async def give(self, request: Request, user: User) -> Response:
        await self._allowances.spend(user.id, "consents")
        agreement = await json_of(request, Agreement)
        terms = await self._consents.give(user, agreement.version, agreement.recipients)
        await self._resumes.follow(user)
        return encoded(terms)

    async def withdraw(self, request: Request, user: User) -> Response:
        """Also for somebody who was asked and did not agree. Nobody is refused it, however often they ask."""
        terms = await self._consents.withdraw(user)
        await self._resumes.follow(user)
        return encoded(terms)
