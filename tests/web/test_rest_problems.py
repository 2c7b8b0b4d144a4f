"""How a refusal reads, which headers every answer bears, and who may call from elsewhere."""

import base64
import logging
from uuid import uuid4

import pytest
from starlette.requests import Request

from chatserver.core.errors import CODES, Refused
from chatserver.core.ports import Unavailable
from chatserver.web.rest import BODY_MAX_BYTES, on_refused, on_unavailable, problem
from tests.web.house import ORIGIN, House, chunks, problem_of


def test_every_code_of_the_socket_has_a_status() -> None:
    found = {code: problem(code, "A sentence.").status_code for code in CODES}
    assert found == {
        "bad_frame": 400, "bad_content": 400, "unauthorized": 401, "forbidden": 403, "not_found": 404, "conflict": 409,
        "closed": 409, "not_holder": 409, "rate_limited": 429, "budget": 429, "unavailable": 503, "internal": 500,
    }  # fmt: skip


async def test_who_shall_come_back_is_told_when() -> None:
    request = Request({"type": "http", "method": "GET", "path": "/", "headers": []})
    for wait, told in ((0.2, "1"), (1.2, "2"), (90.0, "90")):
        refused = await on_refused(request, Refused("rate_limited", "Too many.", retry_after=wait))
        assert refused.headers["retry-after"] == told
    away = await on_unavailable(request, Unavailable("The database does not answer."))
    assert away.status_code == 503
    assert int(away.headers["retry-after"]) > 0


async def test_an_address_that_is_none_and_a_method_that_is_none(house: House) -> None:
    problem_of(await house.client.get("/api/nothing"), 404, "not_found")
    problem_of(await house.client.get("/nothing"), 404, "not_found")
    answer = await house.client.post("/api/me")
    problem_of(answer, 405, "bad_frame")
    assert answer.headers["allow"] == "DELETE, GET, HEAD, PATCH"


async def test_a_failure_of_ours_tells_nothing_of_itself_and_is_noted(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = await house.client.get("/api/breaks", headers={"Origin": ORIGIN})
    problem_of(answer, 500, "internal")
    assert "swordfish" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    (noted,) = (record for record in caplog.records if record.levelno >= logging.ERROR)
    assert noted.exc_info is not None
    assert "/api/breaks" in noted.getMessage()


async def test_a_database_that_is_away_is_a_problem_that_passes(house: House) -> None:
    asha = await house.caller()
    await house.database.close()
    answer = await asha.gets("/api/me")
    assert "database" in problem_of(answer, 503, "unavailable")
    assert answer.headers["retry-after"]


async def test_a_body_is_not_read_beyond_its_bound(house: House) -> None:
    provider = await house.caller("provider")
    pulled: list[int] = []
    answer = await provider.calls("POST", "/api/jobs", content=chunks(100 * 1024**2, pulled))
    assert "512 KiB" in problem_of(answer, 400, "bad_content")
    assert sum(pulled) <= BODY_MAX_BYTES + 2 * 65_536


async def test_what_nobody_said_is_not_asked_for(house: House) -> None:
    """Who is not signed in is turned away before a byte of the body is read."""
    pulled: list[int] = []
    problem_of(await house.client.post("/api/jobs", content=chunks(10 * 1024**2, pulled)), 401, "unauthorized")
    assert sum(pulled) <= 65_536


# Headers


async def test_every_answer_is_guarded(house: House) -> None:
    for path in ("/healthz", "/api/config", "/api/me", "/api/nothing", "/api/breaks", "/openapi.json"):
        headers = (await house.client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["x-frame-options"] == "DENY", path
        assert headers["cross-origin-opener-policy"] == "same-origin", path
        assert "camera=()" in headers["permissions-policy"], path
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert "unsafe" not in headers["content-security-policy"], path
        assert "set-cookie" not in headers, path
        assert "strict-transport-security" not in headers, path
        assert headers["referrer-policy"] == "no-referrer", path
        assert headers["cross-origin-resource-policy"] == "same-origin", path
        assert "Origin" in headers["vary"], path
        assert "access-control-allow-origin" not in headers, path
        if path.startswith("/api/"):
            assert headers["cache-control"] == "no-store", path


async def test_behind_https_browsers_are_told_to_stay_there(house: House) -> None:
    for url in ("https://127.0.0.1/healthz", "https://127.0.0.1/nothing"):
        assert (await house.client.get(url)).headers["strict-transport-security"] == "max-age=31536000"


async def test_an_origin_is_allowed_exactly_or_not(house: House) -> None:
    for origin in (
        "https://jobs.example.com.evil.example", "http://jobs.example.com", "https://jobs.example.com:444",
        "https://example.com", "null", "*", "",
    ):  # fmt: skip
        for method in ("GET", "OPTIONS"):
            answer = await house.client.request(
                method, "/api/config", headers={"Origin": origin, "Access-Control-Request-Method": "GET"}
            )
            assert not [name for name in answer.headers if name.startswith("access-control-")], origin
            assert "Origin" in answer.headers["vary"], origin


async def test_the_allowed_origin_may_ask_and_read(house: House) -> None:
    asked = await house.client.options("/api/me", headers={"Origin": ORIGIN, "Access-Control-Request-Method": "PATCH"})
    assert asked.status_code == 204
    assert asked.headers["access-control-allow-origin"] == ORIGIN
    assert "PATCH" in asked.headers["access-control-allow-methods"]
    assert "authorization" in asked.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in asked.headers
    for path in ("/api/config", "/api/me", "/api/breaks"):
        told = (await house.client.get(path, headers={"Origin": ORIGIN})).headers
        assert told["access-control-allow-origin"] == ORIGIN
        assert "Retry-After" in told["access-control-expose-headers"]


# Probes


async def test_the_probes_need_nobody(house: House) -> None:
    assert (await house.client.get("/healthz")).json() == {"status": "alive"}
    assert (await house.client.get("/readyz")).json() == {"status": "ready", "parts": house.parts}
    house.parts["redis"] = "degraded"
    degraded = await house.client.get("/readyz")
    assert (degraded.status_code, degraded.json()["status"]) == (200, "degraded")
    house.parts["database"] = "does not answer"
    broken = await house.client.get("/readyz")
    assert (broken.status_code, broken.json()["status"]) == (503, "not_ready")
    metrics = await house.client.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    assert "# TYPE" in metrics.text
    assert (await house.client.get("/api/config")).json()["sign_in"] == {"kind": "development"}


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
async def test_a_cursor_of_a_moment_that_never_was_is_none_of_ours(house: House, moment: str) -> None:
    sealed = base64.urlsafe_b64encode(f"{moment} {uuid4()}".encode()).decode()
    seeker, admin = await house.caller(), await house.caller("admin")
    for caller, path, cursor in (
        (seeker, "/api/sessions", sealed), (seeker, "/api/jobs", f"{moment}~{uuid4()}"),
        (admin, "/api/admin/users", sealed), (admin, "/api/admin/runs", moment),
    ):  # fmt: skip
        assert "cursor" in problem_of(await caller.gets(path, cursor=cursor), 400, "bad_content")
