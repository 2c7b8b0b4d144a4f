"""Of whom the server calls: the sign-in service, the model, the store of files, the webhook. None is asked for work."""

import asyncio
import os
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from chatserver.adapters.outgoing import by_way_of
from chatserver.adapters.storage import BUCKET
from chatserver.doctor.finding import Finding
from chatserver.settings import Settings

ANSWER_SECONDS = 5.0


async def _get(settings: Settings, path: str, key: str | None = None) -> httpx2.Response | str:
    """What is at this path of SUPABASE_URL, or why nothing is."""
    headers = {"Authorization": f"Bearer {key}", "apikey": key} if key else {}
    try:
        async with (
            asyncio.timeout(ANSWER_SECONDS),
            httpx2.AsyncClient(follow_redirects=False, **by_way_of(settings.outgoing_proxy)) as client,
        ):
            return await client.get(f"{settings.supabase_url}{path}", headers=headers)
    except (httpx2.HTTPError, OSError) as error:
        return type(error).__name__


async def sign_in(settings: Settings) -> Finding:
    if settings.is_development:
        return Finding("sign-in", None, "development issuer, loopback only; set SUPABASE_URL for real people.")
    answer = await _get(settings, "/auth/v1/.well-known/jwks.json")
    if isinstance(answer, str):
        return Finding("sign-in", False, f"{settings.supabase_url} cannot be reached ({answer}); check SUPABASE_URL.")
    if answer.status_code != httpx2.codes.OK:
        return Finding("sign-in", False, f"no keys are published there ({answer.status_code}); check SUPABASE_URL.")
    try:
        keys = len(answer.json()["keys"])
    except (ValueError, KeyError, TypeError):
        return Finding("sign-in", False, "what is published there are no keys; check SUPABASE_URL.")
    if not keys and not settings.supabase_jwt_secret:
        return Finding(
            "sign-in", False, "the project publishes no keys, so nobody can sign in: change it to asymmetric keys, or "
            "set SUPABASE_JWT_SECRET.",
        )  # fmt: skip
    if not settings.supabase_publishable_key:
        return Finding("sign-in", None, "the web client cannot sign anybody in; set SUPABASE_PUBLISHABLE_KEY.")
    return Finding("sign-in", True, f"Supabase at {settings.supabase_url}, {keys} keys")


async def assistant(settings: Settings) -> Finding:
    if not settings.anthropic_api_key:
        return Finding("assistant", None, "the offline assistant answers; set ANTHROPIC_API_KEY for a model.")
    # Not tried: a call costs money. Whoever else speaks this protocol has keys of another form.
    if not settings.anthropic_base_url and not settings.anthropic_api_key.startswith("sk-ant-"):
        return Finding(
            "assistant", False, "ANTHROPIC_API_KEY is no key of Anthropic, which begin with sk-ant-; copy it again."
        )
    return Finding("assistant", True, f"{settings.chat_model}, at most {settings.budget_day_usd:g} USD a day")


async def storage(settings: Settings) -> Finding:
    if settings.supabase_url and settings.supabase_service_key:
        answer = await _get(settings, f"/storage/v1/bucket/{BUCKET}", settings.supabase_service_key)
        if isinstance(answer, str):
            return Finding("storage", False, f"Supabase Storage cannot be reached ({answer}); check SUPABASE_URL.")
        if answer.status_code in (httpx2.codes.UNAUTHORIZED, httpx2.codes.FORBIDDEN):
            return Finding(
                "storage", False, "Supabase Storage refuses SUPABASE_SERVICE_KEY; take the service_role or secret key."
            )
        if answer.status_code != httpx2.codes.OK:
            return Finding("storage", False, f"there is no bucket {BUCKET}; make a private one of that name.")
        if answer.json().get("public"):
            return Finding("storage", False, f"the bucket {BUCKET} is public, resumes with it; make it private.")
        return Finding("storage", True, "resume files go to Supabase Storage")
    folder = Path(settings.resume_dir)
    place = next(path for path in (folder, *folder.resolve().parents) if path.exists())
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        return Finding("storage", False, f"{folder} cannot be written; set RESUME_DIR to a folder that can.")
    if not settings.is_development:
        return Finding(
            "storage", None, f"resume files go to {folder} on this machine, which platforms throw away with each "
            "deploy and other nodes do not see; set SUPABASE_SERVICE_KEY.",
        )  # fmt: skip
    return Finding("storage", True, f"resume files go to {folder}")


async def notifications(settings: Settings) -> Finding:
    if not settings.notify_webhook_url:
        return Finding("notifications", None, "nobody is called when a seeker waits; set NOTIFY_WEBHOOK_URL.")
    if settings.outgoing_proxy:
        return Finding("notifications", None, "the webhook is called by OUTGOING_PROXY; doctor does not try it.")
    parts = urlsplit(settings.notify_webhook_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        # Only reached, not called: its receiver would wake somebody.
        async with asyncio.timeout(ANSWER_SECONDS):
            _, writer = await asyncio.open_connection(parts.hostname, port, ssl=parts.scheme == "https" or None)
        writer.close()
    except (OSError, TimeoutError) as error:
        return Finding(
            "notifications", False, f"the webhook cannot be reached ({type(error).__name__}); check NOTIFY_WEBHOOK_URL."
        )
    return Finding("notifications", True, f"after {settings.notify_after_seconds} s")
