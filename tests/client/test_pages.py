"""How the pages are served: under a strict policy, never stale, and nothing but the client's own files."""

import gzip
import re
from typing import Any

import pytest
from starlette.applications import Starlette

from chatserver.web import pages
from tests.chromium import CLIENT

NOT_OURS = (
    "/client/",
    "/client/../web/pages.py",
    "/client/%2e%2e/web/pages.py",
    "/client//etc/passwd",
    "/client/none.js",
)


async def get(path: str, *, known: str | None = None, packed: bool = False) -> tuple[int, dict[str, str], bytes]:
    """One request as an ASGI server would pass it on; the path is taken as it is, dots included."""
    sent: list[Any] = []
    headers = [(b"if-none-match", known.encode())] if known else []
    if packed:
        headers.append((b"accept-encoding", b"gzip, br"))
    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "headers": headers, "scheme": "http", "server": ("127.0.0.1", 80), "http_version": "1.1",
    }  # fmt: skip

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await Starlette(routes=pages.routes("https://demo.supabase.co/"))(scope, receive, send)
    start, *parts = sent
    given = {name.decode(): value.decode() for name, value in start["headers"]}
    return int(str(start["status"])), given, b"".join(part["body"] for part in parts)


@pytest.mark.parametrize(
    "path",
    ["/", "/admin", "/admin/overview", "/provider", "/client/state.js", "/client/tokens.css", "/client/icon.svg"],
)
async def test_every_file_comes_under_the_policy(path: str) -> None:
    status, headers, body = await get(path)
    assert status == 200
    assert body
    assert headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' https://demo.supabase.co; "
        "img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
    )
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-cache"


async def test_a_file_that_is_known_is_not_sent_again() -> None:
    _, headers, _ = await get("/client/state.js")
    status, again, body = await get("/client/state.js", known=headers["etag"])
    assert (status, body, again["etag"]) == (304, b"", headers["etag"])
    status, _, body = await get("/client/state.js", known='"another"')
    assert status == 200
    assert body


async def test_who_can_unpack_gets_it_packed_and_nobody_else() -> None:
    _, headers, plain = await get("/client/state.js")
    assert "content-encoding" not in headers
    _, headers, body = await get("/client/state.js", packed=True)
    assert headers["content-encoding"] == "gzip"
    assert headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(body) == plain
    assert (await get("/client/state.js", known=headers["etag"], packed=True))[0] == 304


@pytest.mark.parametrize("path", NOT_OURS)
async def test_nothing_else_is_served(path: str) -> None:
    status, _, _ = await get(path)
    assert status == 404


def test_the_client_makes_no_markup_from_text_and_loads_nothing_of_others() -> None:
    for file in sorted(CLIENT.rglob("*.*")):
        text = file.read_text()
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text), (
            file
        )
        assert not re.search(r"""(?:from|import|src|href)\s*[=(]?\s*["'](?:https?:)?//""", text), file
        assert len(text.splitlines()) <= 300, f"{file} is too long"
