"""Every operation of the REST description, called by everybody with what schemathesis makes of it, on a real node."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import CheckFunction
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from chatserver.adapters.identity import DevelopmentIssuer
from tests.fuzz.house import a_node

SEED = 20_261_130
EXAMPLES = 3
"""Of each operation and role."""
ROLES = ("anonymous", "seeker", "provider", "admin")
SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Person:
    id: UUID
    headers: dict[str, str]


@dataclass
class Place:
    database: asyncpg.Connection
    issuer: DevelopmentIssuer
    port: int
    loop: asyncio.AbstractEventLoop

    def person(self, role: str) -> Person:
        """Somebody new, as an operation may end or change them."""
        return asyncio.run_coroutine_threadsafe(self._person(role), self.loop).result(SECONDS)

    async def _person(self, role: str) -> Person:
        if role == "anonymous":
            return Person(UUID(int=0), {})
        id = uuid4()
        await self.database.execute(
            "insert into users (id, email, role, full_name) values ($1, $2, $3::text::user_role, 'Asha Rao')",
            id, f"{id}@example.com", role,
        )  # fmt: skip
        return Person(id, {"Authorization": f"Bearer {self.issuer.issue(f'{id}@example.com', id)}"})

    async def subject(self, path: str, owner: UUID) -> UUID:
        """The id of a thing that the operation is about, of `owner` if it is one of theirs."""
        if path.startswith("/api/users/"):
            return (await self._person("seeker")).id
        id = uuid4()
        if path.startswith("/api/jobs/"):
            await self.database.execute(
                "insert into jobs (id, provider_id, title, description_raw, status)"
                " values ($1, $2, 'Engineer', $3, 'closed')",
                id, owner if owner.int else (await self._person("provider")).id, "Python and SQL.",
            )  # fmt: skip
        else:
            seeker = owner if owner.int else (await self._person("seeker")).id
            await self.database.execute("insert into chat_sessions (id, user_id, seq) values ($1, $2, 1)", id, seeker)
            await self.database.execute(
                "insert into chat_messages (session_id, seq, id, turn, kind, role, author_id, content)"
                " values ($1, 1, $1, 0, 'message', 'user', $2, 'Which job fits?')", id, seeker,
            )  # fmt: skip
        return id

    def subject_of(self, path: str, owner: UUID) -> UUID:
        return asyncio.run_coroutine_threadsafe(self.subject(path, owner), self.loop).result(SECONDS)


CHECKS: list[CheckFunction] = [
    schemathesis.checks.not_a_server_error, status_code_conformance, content_type_conformance,
    response_schema_conformance,
]  # fmt: skip


def call_everything(place: Place, examples: int) -> tuple[dict[str, set[int]], list[str]]:
    """The statuses of each operation, and what was found."""
    base = f"http://127.0.0.1:{place.port}"
    schema = schemathesis.openapi.from_url(f"{base}/openapi.json")
    statuses: dict[str, set[int]] = {}
    found: list[str] = []
    for one in schema.get_all_operations():
        if not isinstance(one, Ok):
            raise one.err()
        operation = one.ok()
        for role in ROLES:
            person = place.person(role)
            id = place.subject_of(operation.path, person.id) if "{id}" in operation.path else None
            try:
                _call(operation, base, person, id, examples, statuses.setdefault(operation.label, set()))
            except FailureGroup as failures:
                found += [f"{operation.label} as {role}: {failure}" for failure in failures.exceptions]
    return statuses, found


def _call(operation: Any, base: str, person: Person, id: UUID | None, examples: int, statuses: set[int]) -> None:
    modes = [operation.as_strategy(mode) for mode in schemathesis.GenerationMode]

    @seed(SEED)
    @settings(
        max_examples=examples, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck), report_multiple_bugs=False,
    )  # fmt: skip
    @given(case=st.one_of(modes), real=st.sampled_from((True, True, True, False)))
    def calls(case: Any, real: bool) -> None:
        if real and id is not None:
            case.path_parameters["id"] = str(id)
        response = case.call(base_url=base, headers=person.headers)
        statuses.add(response.status_code)
        case.validate_response(response, checks=CHECKS)

    calls()


async def test_every_operation_answers_everybody_as_described(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    database = await asyncpg.connect(database_url)
    try:
        async with a_node(database_url, redis_url, tmp_path) as node:
            place = Place(database, DevelopmentIssuer(database_url), node.port, asyncio.get_running_loop())
            statuses, found = await asyncio.to_thread(call_everything, place, EXAMPLES)
            assert not found, "\n\n".join(found)
            assert not node.complaints()
    finally:
        await database.close()
    # That it was more than a closed door everywhere; some doors need what no single call can bring along.
    reached = {label for label, seen in statuses.items() if min(seen) < 300}
    assert len(reached) > len(statuses) / 2, statuses.keys() - reached
