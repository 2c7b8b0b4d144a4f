"""The descriptions of REST and of the frames are those of the code."""

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from starlette.routing import Route

from chatserver.core.client_frames import AnyClientFrame
from chatserver.core.errors import CODES
from chatserver.core.server_frames import AnyServerFrame
from chatserver.web import openapi
from tests.web.house import House

CONTRACT = """
GET /healthz
GET /readyz
GET /metrics
GET /api/config
POST /auth/dev
GET /api/me
PATCH /api/me
DELETE /api/me
GET /api/me/export
GET /api/me/consent
PUT /api/me/consent
DELETE /api/me/consent
PUT /api/me/resume
GET /api/me/resume
GET /api/me/resume/file
DELETE /api/me/resume
GET /api/matches
POST /api/jobs/{id}/match
GET /api/jobs/{id}/matched
GET /api/jobs
GET /api/jobs/{id}
POST /api/jobs
PATCH /api/jobs/{id}
DELETE /api/jobs/{id}
POST /api/jobs/{id}/enrich
GET /api/sessions
GET /api/sessions/{id}
GET /api/sessions/{id}/messages
GET /api/sessions/{id}/transcript.json
GET /api/sessions/{id}/transcript.md
GET /api/users/{id}
GET /api/users/{id}/resume
GET /api/users/{id}/resume/file
GET /api/users/{id}/matches
GET /api/admin/runs
POST /api/admin/runs
GET /api/admin/overview
GET /api/admin/audit
GET /api/admin/users
PATCH /api/users/{id}
PUT /api/sessions/{id}/takeover
DELETE /api/sessions/{id}/takeover
PUT /api/sessions/{id}/closed
"""


async def read(house: House, path: str) -> dict[str, Any]:
    answer = await house.client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    found: dict[str, Any] = answer.json()
    return found


def operations(described: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    }


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for one in value.values():
            yield from references(one)
    elif isinstance(value, list):
        for one in value:
            yield from references(one)


async def test_every_route_of_the_contract_and_no_other_is_described(house: House) -> None:
    assert set(operations(await read(house, "/openapi.json"))) == set(CONTRACT.split("\n")) - {""}


async def test_what_is_described_is_served(house: House) -> None:
    described = operations(await read(house, "/openapi.json"))
    served = {
        f"{method} {route.path}"
        for route in house.described()
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert set(described) == served
    named: list[dict[tuple[str, str], Any]] = [
        openapi._BODIES, openapi._ANSWERS, openapi._LISTS, openapi._QUERIES, openapi._OTHER_MEDIA,
        openapi._OTHER_STATUS,
    ]  # fmt: skip
    for path, method in (key for table in named for key in table):
        assert f"{method.upper()} {path}" in served


async def test_who_needs_a_token_is_told_so(house: House) -> None:
    for name, operation in operations(await read(house, "/openapi.json")).items():
        method, path = name.split()
        answer = await house.client.request(method, path.replace("{id}", "0" * 32))
        assert (answer.status_code == 401) is ("security" in operation), name


async def test_every_number_of_a_query_is_one(house: House) -> None:
    admin, asha = await house.caller("admin"), await house.caller()
    session = await house.conversations.open(asha.user)
    for name, operation in operations(await read(house, "/openapi.json")).items():
        subject = asha.user.id if "/users/" in name else session
        path = name.split()[1].replace("{id}", str(subject))
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "query" and parameter["schema"] == {"type": "integer"}:
                caller = asha if path == "/api/matches" else admin
                answer = await caller.gets(path, **{parameter["name"]: "many"})
                assert answer.json()["code"] == "bad_content", (name, parameter)


async def test_nothing_is_named_that_is_not_there(house: House) -> None:
    described = await read(house, "/openapi.json")
    found = set(references(described))
    assert "#/components/schemas/Job" in found
    for reference in found:
        assert reference.removeprefix("#/components/schemas/") in described["components"]["schemas"]
    assert described["components"]["schemas"]["Problem"]["properties"]["code"]["enum"] == list(CODES)
    framed = await read(house, "/frames.json")
    for reference in references(framed):
        assert reference.removeprefix("#/$defs/") in framed["$defs"]


@pytest.mark.parametrize(("side", "frames"), [("client", AnyClientFrame), ("server", AnyServerFrame)])
async def test_every_frame_is_described(house: House, side: str, frames: Any) -> None:
    described = await read(house, "/frames.json")
    types = {one.__struct_config__.tag for one in get_args(frames)}
    assert set(described[side]["discriminator"]["mapping"]) == types


async def test_an_answer_is_as_described(house: House) -> None:
    """The names of a described answer are those that come."""
    described = await read(house, "/openapi.json")
    asha = await house.caller()
    me = (await asha.gets("/api/me")).json()
    assert set(me) == set(described["components"]["schemas"]["Profile"]["properties"])
    text = "Data engineer with six years of Python, SQL and Apache Spark for an online shop in Pune."
    read_ = (await asha.calls("PUT", "/api/me/resume", json={"text": text})).json()
    assert set(read_) == set(described["components"]["schemas"]["ResumeRead"]["properties"])
    resume = (await asha.gets("/api/me/resume")).json()
    assert set(resume) == set(described["components"]["schemas"]["Resume"]["properties"])
