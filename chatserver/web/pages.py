"""The web client's files, read once at the start and served as they are under a strict policy."""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

CLIENT = Path(__file__).parent.parent / "client"
PAGES = {"/": "index.html", "/admin": "admin.html", "/admin/overview": "overview.html", "/provider": "provider.html"}
TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    packed: bytes
    media_type: str
    etag: str


def _files(folder: Path) -> dict[str, _File]:
    """Every file of the client by its path within; what is not among these does not exist, whatever a path says."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix in TYPES and path.is_file():
            content = path.read_bytes()
            etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
            packed = gzip.compress(content, mtime=0)
            found[path.relative_to(folder).as_posix()] = _File(content, packed, TYPES[path.suffix], etag)
    return found


def policy(connect_to: str | None) -> str:
    """The Content-Security-Policy; `connect_to` is the URL of the sign-in service, if there is one."""
    connect = "'self'"
    if connect_to:
        url = urlsplit(connect_to)
        connect += f" {url.scheme}://{url.netloc}"
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; connect-src {connect}; img-src 'self' data:; "
        "base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
    )


def routes(connect_to: str | None = None) -> list[BaseRoute]:
    """The four pages and what they load."""
    files = _files(CLIENT)
    headers = {
        "Content-Security-Policy": policy(connect_to),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        # A browser asks each time and gets 304: a page never runs with yesterday's module beside today's.
        "Cache-Control": "no-cache",
    }

    def answer(request: Request, name: str) -> Response:
        file = files.get(name)
        if file is None:
            return Response("There is nothing at this address.", 404, headers, media_type="text/plain")
        # Weak: the same file whether packed or not.
        given = {**headers, "ETag": f"W/{file.etag}", "Vary": "Accept-Encoding", "Accept-Ranges": "none"}
        known = request.headers.get("if-none-match", "")
        if known.strip() == "*" or file.etag in (one.strip().removeprefix("W/") for one in known.split(",")):
            return Response(status_code=304, headers=given)
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(file.content, headers=given, media_type=file.media_type)
        return Response(file.packed, headers={**given, "Content-Encoding": "gzip"}, media_type=file.media_type)

    async def page(request: Request) -> Response:
        return answer(request, PAGES[request.url.path])

    async def part(request: Request) -> Response:
        return answer(request, request.path_params["name"])

    return [
        *(Route(path, page, methods=["GET"]) for path in PAGES),
        # The router's own would lead to whatever host the request named.
        *(Route(f"{path}/", RedirectResponse(path), methods=["GET"]) for path in PAGES if path != "/"),
        Route("/client/{name:path}", part, methods=["GET"]),
    ]
