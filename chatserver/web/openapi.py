"""The description of REST and of the frames, generated from the routes and types that serve them."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from chatserver.core.client_frames import AnyClientFrame
from chatserver.core.consent import ConsentTerms
from chatserver.core.draft import JobChanges, JobDraft
from chatserver.core.erasure import Receipt
from chatserver.core.errors import CODES
from chatserver.core.job import Job, JobMatch, Match, Matched
from chatserver.core.overview import Listed, Overview, TrailEntry
from chatserver.core.run import Run
from chatserver.core.server_frames import AnyServerFrame, Message, Note, SessionSummary, StatusChanged
from chatserver.resumes import Resume, ResumeRead
from chatserver.web.admin import RunRequest
from chatserver.web.consent import Agreement
from chatserver.web.health import SignedIn, SignIn
from chatserver.web.me import Profile, ProfileChanges, ResumeText, UserChanges
from chatserver.web.rest import encoded
from chatserver.web.sessions import Transcript

Key = tuple[str, str]
"""A path and a method in lower case."""

_BODIES: dict[Key, type] = {
    ("/api/me", "patch"): ProfileChanges,
    ("/api/me/consent", "put"): Agreement,
    ("/api/me/resume", "put"): ResumeText,
    ("/api/users/{id}", "patch"): UserChanges,
    ("/api/jobs", "post"): JobDraft,
    ("/api/jobs/{id}", "patch"): JobChanges,
    ("/api/admin/runs", "post"): RunRequest,
    ("/auth/dev", "post"): SignIn,
}
_ANSWERS: dict[Key, type] = {
    ("/auth/dev", "post"): SignedIn,
    ("/api/me", "get"): Profile,
    ("/api/me", "patch"): Profile,
    ("/api/me", "delete"): Receipt,
    ("/api/me/consent", "get"): ConsentTerms,
    ("/api/me/consent", "put"): ConsentTerms,
    ("/api/me/consent", "delete"): ConsentTerms,
    ("/api/me/resume", "put"): ResumeRead,
    ("/api/me/resume", "get"): Resume,
    ("/api/users/{id}", "get"): Profile,
    ("/api/users/{id}", "patch"): Profile,
    ("/api/users/{id}/resume", "get"): Resume,
    ("/api/jobs", "post"): Job,
    ("/api/jobs/{id}", "get"): Job,
    ("/api/jobs/{id}", "patch"): Job,
    ("/api/jobs/{id}", "delete"): Job,
    ("/api/jobs/{id}/enrich", "post"): Job,
    ("/api/jobs/{id}/match", "post"): JobMatch,
    ("/api/jobs/{id}/matched", "get"): Matched,
    ("/api/admin/runs", "post"): Run,
    ("/api/admin/overview", "get"): Overview,
    ("/api/sessions/{id}", "get"): SessionSummary,
    ("/api/sessions/{id}/transcript.json", "get"): Transcript,
    ("/api/sessions/{id}/takeover", "put"): SessionSummary,
    ("/api/sessions/{id}/takeover", "delete"): SessionSummary,
    ("/api/sessions/{id}/closed", "put"): SessionSummary,
}
_LISTS: dict[Key, Any] = {
    ("/api/matches", "get"): Match,
    ("/api/users/{id}/matches", "get"): Match,
    ("/api/jobs", "get"): Job,
    ("/api/admin/runs", "get"): Run,
    ("/api/admin/audit", "get"): TrailEntry,
    ("/api/admin/users", "get"): Listed,
    ("/api/sessions", "get"): SessionSummary,
    ("/api/sessions/{id}/messages", "get"): Message | Note | StatusChanged,
}
_QUERIES: dict[Key, tuple[str, ...]] = {
    ("/api/matches", "get"): ("limit", "source", "location", "language"),
    ("/api/users/{id}/matches", "get"): ("limit", "source", "location", "language"),
    ("/api/jobs", "get"): ("q", "source", "location", "language", "limit", "cursor"),
    ("/api/admin/runs", "get"): ("limit", "cursor"),
    ("/api/admin/overview", "get"): ("days",),
    ("/api/admin/audit", "get"): ("limit", "cursor", "actor", "subject"),
    ("/api/admin/users", "get"): ("q", "role", "limit", "cursor"),
    ("/api/sessions", "get"): ("status", "q", "user", "limit", "cursor"),
    ("/api/sessions/{id}/messages", "get"): ("after", "before", "limit"),
}
_NUMBERS = ("days", "limit", "after", "before")
_OTHER_MEDIA: dict[Key, str] = {
    ("/metrics", "get"): "text/plain",
    ("/api/sessions/{id}/transcript.md", "get"): "text/markdown",
    ("/api/me/resume/file", "get"): "application/octet-stream",
    ("/api/users/{id}/resume/file", "get"): "application/octet-stream",
}
_OTHER_STATUS: dict[Key, str] = {
    ("/api/jobs", "post"): "201",
    ("/api/jobs/{id}/enrich", "post"): "202",
    ("/api/admin/runs", "post"): "202",
    ("/api/me/resume", "delete"): "204",
}
_PROBES = ("/healthz", "/readyz", "/metrics")
_OPEN = (*_PROBES, "/api/config", "/auth/dev")

_FILE = {
    "type": "object", "required": ["file"], "properties": {"file": {"type": "string", "format": "binary"}},
}  # fmt: skip
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
        "detail": {"type": "string"}, "code": {"enum": list(CODES)}, "retry_after": {"type": "number"},
    },
}  # fmt: skip


def describe(routes: Sequence[BaseRoute]) -> dict[str, Any]:
    """OpenAPI 3.1 for these routes."""
    types = [*_BODIES.values(), *_ANSWERS.values(), *_LISTS.values()]
    schemas, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    schema_of = dict(zip(types, schemas, strict=True))
    paths: dict[str, Any] = {}
    for route in routes:
        if isinstance(route, Route):
            for method in sorted((route.methods or set()) - {"HEAD"}):
                paths.setdefault(route.path, {})[method.lower()] = _operation((route.path, method.lower()), schema_of)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Ottobon Jobs", "version": "1"},
        "paths": paths,
        "components": {
            "schemas": {**components, "Problem": _PROBLEM},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _operation(key: Key, schema_of: dict[Any, Any]) -> dict[str, Any]:
    path, _ = key
    operation: dict[str, Any] = {
        "responses": {_OTHER_STATUS.get(key, "200"): _answer(key, schema_of)}
        | {str(status): _problem(status) for status in _refusals(key)}
    }
    parameters = [
        {"name": name, "in": "query", "schema": {"type": "integer" if name in _NUMBERS else "string"}}
        for name in _QUERIES.get(key, ())
    ]
    if "{id}" in path:
        uuid = {"type": "string", "format": "uuid"}
        parameters.append({"name": "id", "in": "path", "required": True, "schema": uuid})  # type: ignore[dict-item]
    if parameters:
        operation["parameters"] = parameters
    if key in _BODIES:
        content = {"application/json": {"schema": schema_of[_BODIES[key]]}}
        if key == ("/api/me/resume", "put"):
            content["multipart/form-data"] = {"schema": _FILE}
        operation["requestBody"] = {"required": True, "content": content}
    if path not in _OPEN:
        operation["security"] = [{"bearer": []}]
    return operation


def _refusals(key: Key) -> list[int]:
    """The statuses of the problems that this operation may answer with; one of ours, 500, is nobody's to expect."""
    path, _ = key
    if path in _PROBES:
        return []
    found = {429}
    if path not in _OPEN or key in _BODIES:
        # To let somebody in, their row is read; it may be somebody else's who has their address.
        found |= {403, 409, 503}
    if path not in _OPEN:
        found.add(401)
    if key in _QUERIES or key in _BODIES:
        found.add(400)
    if key in _BODIES:
        found.add(408)
    if "{id}" in path or path.startswith("/api/me/resume"):
        found.add(404)
    return sorted(found)


def _problem(status: int) -> dict[str, Any]:
    problem = {"$ref": "#/components/schemas/Problem"}
    return {"description": HTTPStatus(status).phrase, "content": {"application/problem+json": {"schema": problem}}}


def _answer(key: Key, schema_of: dict[Any, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": "Done."}
    if key in _ANSWERS:
        answer["content"] = {"application/json": {"schema": schema_of[_ANSWERS[key]]}}
    elif key in _LISTS:
        listed = {
            "type": "object", "required": ["items", "next"],
            "properties": {
                "items": {"type": "array", "items": schema_of[_LISTS[key]]}, "next": {"type": ["string", "null"]},
            },
        }  # fmt: skip
        answer["content"] = {"application/json": {"schema": listed}}
    elif key in _OTHER_MEDIA:
        answer["content"] = {_OTHER_MEDIA[key]: {"schema": {"type": "string"}}}
    elif key not in _OTHER_STATUS:
        answer["content"] = {"application/json": {"schema": {"type": "object"}}}
    return answer


def frames() -> dict[str, Any]:
    """JSON Schema of what a client may send and of what it is sent."""
    (client, server), components = msgspec.json.schema_components([AnyClientFrame, AnyServerFrame])
    return {"client": client, "server": server, "$defs": components}


def description_routes(routes: Sequence[BaseRoute]) -> Sequence[BaseRoute]:
    """The two descriptions; of REST, these routes."""
    described, framed = describe(routes), frames()

    async def openapi(request: Request) -> Response:
        return encoded(described)

    async def all_frames(request: Request) -> Response:
        return encoded(framed)

    return [
        Route("/openapi.json", openapi, methods=["GET"]),
        Route("/frames.json", all_frames, methods=["GET"]),
    ]
