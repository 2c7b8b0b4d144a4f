"""Signing in: a link's token leaves the address, Supabase's is renewed, one user's words are never another's."""

import base64
import json
import time
from typing import Any

import pytest
from playwright.async_api import Page, Route

from tests.chromium import NOWHERE

pytestmark = pytest.mark.asyncio(loop_scope="session")

AUTH = "https://demo.supabase.test"
SUPABASE = {"kind": "supabase", "url": AUTH, "publishable_key": "sb_publishable_made_up"}
DEVELOPMENT = {"kind": "development"}


def token(user: str, *, seconds: float = 3600, now: float | None = None) -> str:
    """Unsigned: the client only reads what a token says of its time and its user."""
    issued = int(time.time() if now is None else now)
    claims = json.dumps({"sub": user, "iat": issued, "exp": issued + int(seconds)}).encode()
    return f"e30.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.x"


async def fresh(page: Page, *, fragment: str = "", kept: dict[str, str] | None = None) -> None:
    await page.goto("about:blank")
    await page.goto(f"{NOWHERE}/")
    await page.evaluate("(kept) => { sessionStorage.clear(); Object.assign(sessionStorage, kept); }", kept or {})
    await page.evaluate("(fragment) => { location.hash = fragment; }", fragment)


async def run(page: Page, config: dict[str, Any], body: str) -> Any:
    return await page.evaluate(
        f"""async (config) => {{
          const {{ Session }} = await import("/session.js");
          const session = new Session(config);
          {body}
        }}""",
        config,
    )


async def test_the_token_of_a_link_is_kept_in_the_tab_and_leaves_the_address(page: Page) -> None:
    linked = token("asha")
    await fresh(page, fragment=f"token={linked}")
    found = await run(page, DEVELOPMENT, "return [session.token, session.subject, location.hash, location.href];")
    assert found == [linked, "asha", "", f"{NOWHERE}/"]


async def test_another_users_link_drops_what_was_kept_for_the_one_before(page: Page) -> None:
    await fresh(page, fragment=f"token={token('ravi')}", kept={"token": token("asha"), "outbox:asha": "[1]"})
    assert await run(page, DEVELOPMENT, "return sessionStorage.getItem('outbox:asha');") is None
    await fresh(page, fragment=f"token={token('asha')}", kept={"token": token("asha"), "outbox:asha": "[1]"})
    assert await run(page, DEVELOPMENT, "return sessionStorage.getItem('outbox:asha');") == "[1]"


async def test_supabase_signs_in_by_password_and_renews_once_for_everybody_who_asks(page: Page) -> None:
    asked: list[tuple[str, Any, str | None]] = []

    async def answer(route: Route) -> None:
        request = route.request
        headers = {"access-control-allow-origin": "*", "access-control-allow-headers": "apikey, content-type"}
        if request.method == "OPTIONS":
            await route.fulfill(status=204, headers=headers)
            return
        asked.append((request.url, request.post_data_json, request.headers.get("apikey")))
        given = {"access_token": token("asha", seconds=3600 * len(asked)), "refresh_token": f"r{len(asked)}"}
        await route.fulfill(json=given, headers=headers)

    await page.route(f"{AUTH}/**", answer)
    try:
        await fresh(page)
        renewed = await run(
            page, SUPABASE,
            """const heard = [];
            session.onRenewed = (token) => heard.push(token);
            await session.signIn("asha@example.com", "a made-up password");
            const all = await Promise.all([session.current(true), session.current(true)]);
            return [all[0] === all[1], heard.length, heard[0] === session.token];""",
        )  # fmt: skip
    finally:
        await page.unroute(f"{AUTH}/**")
    assert renewed == [True, 1, True]
    assert asked == [
        (
            f"{AUTH}/auth/v1/token?grant_type=password",
            {"email": "asha@example.com", "password": "a made-up password"},
            SUPABASE["publishable_key"],
        ),
        (f"{AUTH}/auth/v1/token?grant_type=refresh_token", {"refresh_token": "r1"}, SUPABASE["publishable_key"]),
    ]


async def test_a_refused_password_is_told_in_the_services_words(page: Page) -> None:
    async def answer(route: Route) -> None:
        await route.fulfill(
            status=400, json={"error_code": "invalid_credentials", "msg": "Invalid login credentials"},
            headers={"access-control-allow-origin": "*", "access-control-allow-headers": "apikey, content-type"},
        )  # fmt: skip

    await page.route(f"{AUTH}/**", answer)
    try:
        await fresh(page)
        said = await run(
            page, SUPABASE,
            """try { await session.signIn("asha@example.com", "wrong"); } catch (error) { return error.message; }""",
        )  # fmt: skip
    finally:
        await page.unroute(f"{AUTH}/**")
    assert said == "Invalid login credentials"


async def test_an_expired_development_token_means_signing_in_again(page: Page) -> None:
    await fresh(page, kept={"token": token("asha", seconds=-1)})
    assert await run(page, DEVELOPMENT, "return session.current();") is None


async def test_a_clock_that_is_hours_wrong_neither_shuts_out_nor_renews_all_the_time(page: Page) -> None:
    issued = token("asha", now=time.time() - 7 * 3600)

    async def answer(route: Route) -> None:
        headers = {"access-control-allow-origin": "*", "access-control-allow-headers": "apikey, content-type"}
        await route.fulfill(json={"access_token": issued, "refresh_token": "r", "token": issued}, headers=headers)

    await page.route(f"{AUTH}/**", answer)
    await page.route(f"{NOWHERE}/auth/dev", answer)
    try:
        for config in (SUPABASE, DEVELOPMENT):
            await fresh(page)
            found = await run(
                page, config,
                """await session.signIn("asha@example.com", "a made-up password");
                const again = new Session(config);
                again.renew = () => "renewed";
                return [again.until > Date.now() + 3000_000, await again.current()];""",
            )  # fmt: skip
            assert found == [True, issued]
    finally:
        await page.unroute(f"{AUTH}/**")
        await page.unroute(f"{NOWHERE}/auth/dev")


async def test_a_service_that_cannot_be_reached_is_told_in_a_sentence(page: Page) -> None:
    await page.route(f"{AUTH}/**", lambda route: route.abort())
    try:
        await fresh(page, kept={"token": token("asha", seconds=-1), "refresh_token": "r1"})
        said = await run(page, SUPABASE, "try { await session.current(); } catch (error) { return error.message; }")
    finally:
        await page.unroute(f"{AUTH}/**")
    assert said == "The sign-in service cannot be reached; check your connection and try again."
