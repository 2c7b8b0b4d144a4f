"""What all REST routes share: who calls, what may be sent, and how a refusal reads (RFC 9457)."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from math import ceil
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match, Route

from chatserver.core.access import Role, User
from chatserver.core.errors import Code, Refused, quoted
from chatserver.core.ports import Unavailable
from chatserver.logs import request_id, session_id, user_id
from chatserver.users import Users

log = logging.getLogger(__name__)

T = TypeVar("T")

BODY_MAX_BYTES = 512 * 1024
BODY_SECONDS = 120.0
"""Five megabytes over a bad line; who drips a body byte by byte is not waited for."""
TRUSTED_SECONDS = 20.0
"""Whose body took longer is asked for anew, as every heartbeat asks for those on a socket."""
PAGE = 20
PAGE_MAX = 100
SESSIONS = "/api/sessions/"

_STATUS: dict[Code, int] = {
    "bad_frame": 400, "bad_content": 400, "unauthorized": 401, "forbidden": 403, "not_found": 404, "conflict": 409,
    "closed": 409, "not_holder": 409, "rate_limited": 429, "budget": 429, "unavailable": 503, "internal": 500,
}  # fmt: skip
_CODES: dict[int, Code] = {404: "not_found", 405: "bad_frame"}


def encoded(body: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status, media_type="application/json")


def problem(code: Code, sentence: str, *, status: int | None = None, retry_after: float | None = None) -> Response:
    """A problem document with the code that the socket would give; `retry_after` is in seconds."""
    number = status or _STATUS[code]
    body: dict[str, Any] = {
        "type": "about:blank", "title": HTTPStatus(number).phrase, "status": number, "detail": sentence, "code": code
    }  # fmt: skip
    headers: dict[str, str] = {}
    if retry_after is not None:
        body["retry_after"] = retry_after
        headers["Retry-After"] = str(max(1, ceil(retry_after)))
    if number == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(msgspec.json.encode(body), number, headers, media_type="application/problem+json")


async def on_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return problem(error.code, error.message, retry_after=error.retry_after)


async def on_unavailable(request: Request, error: Exception) -> Response:
    return problem("unavailable", str(error), retry_after=5)


async def on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    sentence = {404: "There is nothing at this address.", 405: "This address does not take that method."}.get(
        error.status_code, str(error.detail)
    )
    too_slow = error.status_code == HTTPStatus.REQUEST_TIMEOUT
    code = _CODES.get(error.status_code, "bad_content")
    # Without `Connection: close`: to end it over a body that still comes is a reset, which overtakes the sentence. What
    # follows of that body is read as such and thrown away, until `web.http` has waited long enough for its end.
    response = problem(code, sentence, status=error.status_code, retry_after=1.0 if too_slow else None)
    if error.status_code == 405:
        response.headers["Allow"] = ", ".join(sorted(_methods(request)))
    return response


def _methods(request: Request) -> set[str]:
    """What this address takes: a path may have several routes, of which the router tells only the first."""
    found: set[str] = set()
    for route in request.app.routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            found |= route.methods or set()
    return found


async def on_error(request: Request, error: Exception) -> Response:
    route = getattr(request.scope.get("route"), "path", "a request")
    log.error("%s failed", route, exc_info=error)
    return problem("internal", internal_sentence())


def internal_sentence() -> str:
    """What somebody is told of a failure of ours: the name under which it is in the log."""
    named = request_id.get()
    return f"Something went wrong here; it was noted{f' as {named}' if named else ''}. Try again."


HANDLERS: dict[Any, Any] = {
    Refused: on_refused, Unavailable: on_unavailable, HTTPException: on_http, Exception: on_error
}  # fmt: skip


Endpoint = Callable[[Request, User], Awaitable[Response]]


def signed_in(users: Users, endpoint: Endpoint, *roles: Role) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint for people with a valid token, of one of the roles if any are named."""

    async def run(request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Refused("unauthorized", "Sign in first: send a token as `Authorization: Bearer <token>`.")
        user = (await users.admit(token.strip())).user
        request.app.state.doors.requested(user.id, time.monotonic())
        user_id.set(user.id)
        if roles and user.role not in roles:
            raise Refused("forbidden", f"This is for {' and '.join(f'{role}s' for role in roles)} only.")

        async def still() -> None:
            if (await users.admit(token.strip())).user.role != user.role:
                raise Refused("forbidden", "Your access has changed; sign in again.")

        request.state.still = still
        return await endpoint(request, user)

    return run


async def body_of(request: Request, most: int = BODY_MAX_BYTES, what: str = "request") -> bytes:
    """The whole body; refused as soon as it is longer than `most` bytes, whatever it says of itself."""
    received = bytearray()
    began = time.monotonic()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                received += chunk
                if len(received) > most:
                    raise Refused("bad_content", f"The {what} is larger than {_size(most)}; send a smaller one.")
    except TimeoutError:
        raise HTTPException(408, f"The {what} did not come within {BODY_SECONDS:.0f} seconds; send it again.") from None
    except ClientDisconnect:
        raise Refused("bad_content", "The request ended early; send it again.") from None
    still = getattr(request.state, "still", None)
    if still is not None and time.monotonic() - began > TRUSTED_SECONDS:
        await still()
    return bytes(received)


def _size(size_bytes: int) -> str:
    return f"{size_bytes // 1024**2} MB" if size_bytes >= 1024**2 else f"{size_bytes // 1024} KiB"


async def json_of(request: Request, kind: type[T], most: int = BODY_MAX_BYTES) -> T:
    """The body as a value of `kind`, without a U+0000 in any of its texts."""
    raw = await body_of(request, most)
    try:
        value = msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise Refused(
            "bad_content", f"The request was not understood: {quoted(wrong)}. Send one JSON object."
        ) from None
    if _bears_nul(msgspec.to_builtins(value)):
        raise Refused("bad_content", "The text bears a character that cannot be stored (U+0000); remove it.")
    return value


def _bears_nul(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_bears_nul(one) for one in value.values())
    if isinstance(value, list | tuple):
        return any(_bears_nul(one) for one in value)
    return isinstance(value, str) and "\x00" in value


def id_of(request: Request, name: str = "id") -> UUID:
    """The id in the path; what is no id is not found either."""
    try:
        id = UUID(request.path_params[name])
    except ValueError:
        raise Refused("not_found", "There is nothing with this id.") from None
    if request.url.path.startswith(SESSIONS):
        session_id.set(id)
    return id


def uuid_of(request: Request, name: str) -> UUID | None:
    text = text_of(request, name)
    try:
        return UUID(text) if text else None
    except ValueError:
        raise Refused("bad_content", f"`{name}` is an id.") from None


def limit_of(request: Request, default: int = PAGE, most: int = PAGE_MAX) -> int:
    return number_of(request, "limit", 1, most) or default


def number_of(request: Request, name: str, least: int = 0, most: int = 2**53) -> int | None:
    text = request.query_params.get(name)
    if not text:
        return None
    if not text.isdecimal() or len(text) > 16 or not least <= int(text) <= most:
        raise Refused("bad_content", f"`{name}` is a whole number from {least} to {most}.")
    return int(text)


def text_of(request: Request, name: str, most: int = 200) -> str | None:
    text = request.query_params.get(name)
    if not text:
        return None
    if len(text) > most or "\x00" in text:
        raise Refused("bad_content", f"`{name}` has at most {most} characters and no U+0000.")
    return text


def page(items: list[Any], following: str | None) -> Response:
    return encoded({"items": items, "next": following})
