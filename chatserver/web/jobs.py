"""Jobs and matches over REST."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from chatserver.allowances import Allowances
from chatserver.core.access import User
from chatserver.core.draft import JobChanges, JobDraft
from chatserver.core.gap import advice
from chatserver.core.job import JobMatch
from chatserver.jobs import Jobs
from chatserver.users import Users
from chatserver.web.rest import encoded, id_of, json_of, limit_of, page, signed_in, text_of

MATCHES = 10
MATCHES_MAX = 50


class JobRoutes:
    def __init__(self, users: Users, jobs: Jobs, allowances: Allowances) -> None:
        self._users = users
        self._jobs = jobs
        self._allowances = allowances

    def routes(self) -> Sequence[BaseRoute]:
        users = self._users
        return [
            Route("/api/matches", signed_in(users, self.matches, "seeker"), methods=["GET"]),
            Route("/api/users/{id}/matches", signed_in(users, self.matches_of, "admin"), methods=["GET"]),
            Route("/api/jobs", signed_in(users, self.search), methods=["GET"]),
            Route("/api/jobs", signed_in(users, self.publish, "provider", "admin"), methods=["POST"]),
            Route("/api/jobs/{id}", signed_in(users, self.one), methods=["GET"]),
            Route("/api/jobs/{id}", signed_in(users, self.edit, "provider", "admin"), methods=["PATCH"]),
            Route("/api/jobs/{id}", signed_in(users, self.close, "provider", "admin"), methods=["DELETE"]),
            Route("/api/jobs/{id}/enrich", signed_in(users, self.enrich, "provider", "admin"), methods=["POST"]),
            Route("/api/jobs/{id}/matched", signed_in(users, self.matched, "provider", "admin"), methods=["GET"]),
            Route("/api/jobs/{id}/match", signed_in(users, self.match, "seeker"), methods=["POST"]),
        ]

    async def matches(self, request: Request, user: User) -> Response:
        await self._allowances.spend(user.id, "lookups")
        return await self._matches(request, user.id)

    async def _matches(self, request: Request, seeker: UUID) -> Response:
        found = await self._jobs.matches(
            seeker, limit=limit_of(request, MATCHES, MATCHES_MAX), source=text_of(request, "source"),
            location=text_of(request, "location"), language=text_of(request, "language"),
        )  # fmt: skip
        return page([msgspec.to_builtins(one) for one in found], None)

    async def matches_of(self, request: Request, user: User) -> Response:
        """What the seeker sees, for the admin beside them; looking is written down, as reasons quote the resume."""
        seeker = await self._users.look(user, id_of(request), "matches_read")
        await self._allowances.spend(user.id, "lookups")
        return await self._matches(request, seeker.id)

    async def search(self, request: Request, user: User) -> Response:
        await self._allowances.spend(user.id, "lookups")
        jobs, following = await self._jobs.search(
            user, q=text_of(request, "q", 8_000), source=text_of(request, "source"),
            location=text_of(request, "location"), language=text_of(request, "language"), limit=limit_of(request),
            cursor=text_of(request, "cursor"),
        )  # fmt: skip
        return page([msgspec.to_builtins(one) for one in jobs], following)

    async def one(self, request: Request, user: User) -> Response:
        return encoded(await self._jobs.get(user, id_of(request)))

    async def publish(self, request: Request, user: User) -> Response:
        draft = await json_of(request, JobDraft)
        await self._allowances.spend(user.id, "publications")
        return encoded(await self._jobs.publish(user, draft), 201)

    async def edit(self, request: Request, user: User) -> Response:
        changes = await json_of(request, JobChanges)
        await self._allowances.spend(user.id, "publications")
        return encoded(await self._jobs.edit(user, id_of(request), changes))

    async def close(self, request: Request, user: User) -> Response:
        return encoded(await self._jobs.close(user, id_of(request)))

    async def enrich(self, request: Request, user: User) -> Response:
        await self._allowances.spend(user.id, "publications")
        return encoded(await self._jobs.enrich(user, id_of(request)), 202)

    async def matched(self, request: Request, user: User) -> Response:
        return encoded(await self._jobs.matched(user, id_of(request)))

    async def match(self, request: Request, user: User) -> Response:
        await self._allowances.spend(user.id, "lookups")
        found = await self._jobs.match_one(user.id, id_of(request))
        what = advice(found.missing_skills, found.matched_skills, found.job.resume_guide_generated)
        return encoded(
            JobMatch(
                found.job, found.rank, found.similarity, found.matched_skills, found.missing_skills, found.reasons, what
            )
        )
