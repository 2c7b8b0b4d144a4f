"""Of what the settings alone say."""

from urllib.parse import urlsplit

from chatserver.doctor.finding import Finding
from chatserver.settings import Settings

LOOPBACK = ("127.0.0.1", "localhost", "::1")


async def origins(settings: Settings) -> Finding:
    named = [origin for origin in (settings.public_url, *settings.allowed_origins) if origin]
    plain = [
        origin for origin in named if urlsplit(origin).scheme == "http" and urlsplit(origin).hostname not in LOOPBACK
    ]
    if plain and not settings.is_development:
        return Finding("origins", None, f"{plain[0]} is not https: tokens cross the network in the clear; use https.")
    if named:
        return Finding("origins", True, ", ".join(named))
    if settings.is_development:
        return Finding("origins", True, "the server's own")
    return Finding("origins", None, "only pages of the server's own host; set PUBLIC_URL behind a proxy.")


async def limits(settings: Settings) -> Finding:
    off = [
        name
        for name in ("connections_per_user", "connections_per_address", "posts_per_minute", "frames_per_minute",
                     "uploads_per_hour")
        if not getattr(settings, f"limit_{name}")
    ]  # fmt: skip
    if off:
        return Finding("limits", None, f"LIMIT_{off[0].upper()} is 0, which means none; set it, unless it is meant.")
    if not settings.trusted_proxies and not settings.is_development:
        return Finding(
            "limits", None, "no TRUSTED_PROXIES: behind a router all clients have its address and share one "
            "LIMIT_CONNECTIONS_PER_ADDRESS; name the router's network.",
        )  # fmt: skip
    return Finding("limits", True, "as set")


async def ingestion(settings: Settings) -> Finding:
    if not (settings.ingest_contact or settings.public_url):
        return Finding("ingestion", None, "without INGEST_CONTACT no career site is read; name a page or an address.")
    return Finding("ingestion", True, f"daily at {settings.ingest_at:%H:%M} {settings.timezone}")
