"""The settings, read once from the environment and checked before anything starts."""

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import time
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Literal, TypeVar
from urllib.parse import SplitResult, parse_qs, urlsplit
from zoneinfo import ZoneInfo

from chatserver.core.hours import Hours, parse_hours

T = TypeVar("T")
Network = IPv4Network | IPv6Network

CHAT_MODEL = "claude-sonnet-5-5"
ENRICHMENT_MODEL = "claude-haiku-5-5"
PORT = 8000
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_CERTIFICATES = ("required", "optional", "none")
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_TOGETHER = (
    ("SUPABASE_JWT_SECRET", "SUPABASE_URL"), ("SUPABASE_PUBLISHABLE_KEY", "SUPABASE_URL"),
    ("SUPABASE_SERVICE_KEY", "SUPABASE_URL"), ("ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY"),
    ("NOTIFY_WEBHOOK_URL", "NOTIFY_SECRET"), ("NOTIFY_SECRET", "NOTIFY_WEBHOOK_URL"),
)  # fmt: skip


class SettingsError(Exception):
    """One sentence for each wrong value, each with the variable's name and what to write instead."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting under the name of its variable in lower case. What is secret is not in its `repr`."""

    database_url: str | None = field(default=None, repr=False)
    database_pool_size: int = 8
    database_pooler: Literal["transaction"] | None = None
    redis_url: str | None = field(default=None, repr=False)
    supabase_url: str | None = None
    supabase_jwt_secret: str | None = field(default=None, repr=False)
    supabase_publishable_key: str | None = None
    supabase_service_key: str | None = field(default=None, repr=False)
    resume_dir: str = ".data/resumes"
    anthropic_api_key: str | None = field(default=None, repr=False)
    anthropic_base_url: str | None = None
    chat_model: str = CHAT_MODEL
    enrichment_model: str = ENRICHMENT_MODEL
    openai_api_key: str | None = field(default=None, repr=False)
    budget_day_usd: float = 20.0
    budget_seeker_day_usd: float = 1.0
    budget_enrichment_day_usd: float = 10.0
    public_url: str | None = None
    allowed_origins: tuple[str, ...] = ()
    trusted_proxies: tuple[Network, ...] = ()
    business_hours: Hours = field(default_factory=Hours)
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Kolkata"))
    outgoing_proxy: str | None = field(default=None, repr=False)
    notify_webhook_url: str | None = field(default=None, repr=False)
    notify_secret: str | None = field(default=None, repr=False)
    notify_after_seconds: int = 30
    limit_connections_per_user: int = 10
    limit_connections_per_address: int = 200
    limit_posts_per_minute: int = 20
    limit_frames_per_minute: int = 240
    limit_uploads_per_hour: int = 20
    port: int = PORT
    log_level: str = "INFO"
    log_format: Literal["json", "text"] | None = None
    """None where a terminal decides: text for a person, JSON for everything else."""
    ingest_at: time = time(22, 0)
    ingest_contact: str | None = None
    admin_lease_seconds: int = 300
    drain_seconds: int = 20
    retention_days: int = 730

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        """Reads what is set; an empty value counts as not set. Raises `SettingsError`."""
        values: dict[str, Any] = {}
        mistakes: list[str] = []
        for one in fields(cls):
            name = one.name.upper()
            text = env.get(name, "").strip()
            if not text:
                continue
            try:
                values[one.name] = _READERS.get(one.name, str)(text)
            except ValueError as wrong:
                mistakes.append(f"{name}: {wrong}")
        mistakes += [
            f"{name}: it says nothing without {needed}; set both or neither."
            for name, needed in _TOGETHER
            if name.lower() in values and not env.get(needed, "").strip()
        ]
        mistakes += _contradictions(values)
        if mistakes:
            raise SettingsError(mistakes)
        return cls(**values)

    @property
    def is_development(self) -> bool:
        """Nobody else signs tokens, so the development issuer does, and the server keeps to loopback."""
        return self.supabase_url is None


def _contradictions(values: Mapping[str, Any]) -> list[str]:
    """What each value alone does not show."""
    found = []
    if values.get("budget_seeker_day_usd", 0) > values.get("budget_day_usd", float("inf")):
        found.append("BUDGET_SEEKER_DAY_USD: it is more than BUDGET_DAY_USD gives to all together; lower it.")
    if _is_secret(values.get("supabase_publishable_key")):
        # Every browser is told it.
        found.append("SUPABASE_PUBLISHABLE_KEY: browsers are told it, and this is a secret key; set the other one.")
    service = values.get("supabase_service_key")
    if service is not None and service.startswith("sb_publishable_"):
        found.append("SUPABASE_SERVICE_KEY: this is the publishable key; set the secret or the service_role key.")
    return found


def _is_secret(key: str | None) -> bool:
    if key is None:
        return False
    if key.startswith("sb_secret_"):
        return True
    try:
        payload = key.split(".")[1]
        claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return bool(claims["role"] == "service_role")
    except (ValueError, IndexError, KeyError, TypeError):
        return False


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch(r"\d{1,9}", text) or not least <= int(text) <= most:
            raise ValueError(f"{text!r} is not a whole number from {least} to {most}; write one.")
        return int(text)

    return read


def _money(text: str) -> float:
    if not re.fullmatch(r"\d{1,9}(\.\d{1,6})?", text):
        raise ValueError(f"{text!r} is not an amount in US dollars; write for example 20 or 0.50.")
    return float(text)


def _parts(text: str) -> SplitResult | None:
    """The parts of an address, None where it is none."""
    # Of two readers one takes a backslash for the end of the host and another for a part of it.
    if not re.fullmatch(r"[!-~]+", text) or "\\" in text:
        return None
    try:
        parts = urlsplit(text)
        return parts if parts.port != 0 else None
    except ValueError:
        return None


def _url(*schemes: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        parts = _parts(text)
        # A database may be named by a socket's folder instead of a host.
        if parts is None or parts.scheme not in schemes or not (parts.hostname or "host=" in parts.query):
            # The value may bear a password: it is not repeated.
            raise ValueError(f"this is no address of the kind {schemes[0]}://user:password@host:port/name; write one.")
        return text

    return read


def _redis(text: str) -> str:
    url = _url("redis", "rediss")(text)
    for asked in parse_qs(urlsplit(url).query).get("ssl_cert_reqs", []):
        if asked not in _CERTIFICATES:
            raise ValueError(f"ssl_cert_reqs is {asked!r}, not one of {', '.join(_CERTIFICATES)}; write one of these.")
    return url


def _https(text: str) -> str:
    parts = _parts(text.rstrip("/"))
    plain = parts is not None and parts.scheme == "http" and parts.hostname in _LOOPBACK
    if parts is None or not parts.hostname or (parts.scheme != "https" and not plain):
        raise ValueError("this is no https address; write one (http is for loopback only).")
    return text.rstrip("/")


def _project(text: str) -> str:
    url = _https(text)
    parts = urlsplit(url)
    if url != f"{parts.scheme}://{parts.netloc}" or "@" in parts.netloc:
        raise ValueError("this has more than a host; write the project's address alone, like https://abcd.supabase.co.")
    return url


def _proxy(text: str) -> str:
    parts = _parts(text.rstrip("/"))
    if parts is None or parts.scheme != "http" or not parts.hostname or parts.path or parts.query:
        # The value may bear a password: it is not repeated.
        raise ValueError("this is no address of a proxy; write one like http://proxy.example.com:3128.")
    return text.rstrip("/")


def _origin(text: str) -> str:
    # Browsers send it in lower case and without a slash at its end.
    origin = text.rstrip("/").lower()
    parts = _parts(origin)
    if parts is None or not re.fullmatch(r"https?://[^/?#@]+", origin) or not parts.hostname:
        raise ValueError(f"{text!r} is not an origin; write scheme, host and port only, like https://jobs.example.com.")
    return origin


def _key(text: str) -> str:
    # It goes into a header as it is; it is not repeated.
    if not re.fullmatch(r"[!-~]+", text):
        raise ValueError("this is no key: it has a space or a letter that no key has; copy it again.")
    return text


def _each(read: Callable[[str], T]) -> Callable[[str], tuple[T, ...]]:
    return lambda text: tuple(read(part.strip()) for part in text.split(",") if part.strip())


def _network(text: str) -> Network:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"{text!r} is no address or network; write for example 10.0.0.0/8.") from None


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{text!r} is no time zone; write one like Asia/Kolkata.") from None


def _clock(text: str) -> time:
    if not re.fullmatch(r"\d{1,2}:\d{2}", text):
        raise ValueError(f"{text!r} is no time of day; write for example 22:00.")
    hour, minute = map(int, text.split(":"))
    if hour > 23 or minute > 59:
        raise ValueError(f"{text!r} is no time of day; write one from 00:00 to 23:59.")
    return time(hour, minute)


def _one_of(*choices: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        for choice in choices:
            if text.lower() == choice.lower():
                return choice
        raise ValueError(f"{text!r} is not one of {', '.join(choices)}; write one of these.")

    return read


_LIMIT = _whole(0, 1_000_000)

_READERS: dict[str, Callable[[str], Any]] = {
    "database_url": _url("postgresql", "postgres"),
    "database_pool_size": _whole(1, 200),
    "database_pooler": _one_of("transaction"),
    "redis_url": _redis,
    "supabase_url": _project,
    "supabase_publishable_key": _key,
    "supabase_service_key": _key,
    "anthropic_api_key": _key,
    "openai_api_key": _key,
    "anthropic_base_url": _https,
    "budget_day_usd": _money,
    "budget_seeker_day_usd": _money,
    "budget_enrichment_day_usd": _money,
    "public_url": _origin,
    "allowed_origins": _each(_origin),
    "trusted_proxies": _each(_network),
    "business_hours": parse_hours,
    "timezone": _zone,
    "outgoing_proxy": _proxy,
    "notify_webhook_url": _https,
    "notify_after_seconds": _whole(0, 86_400),
    "limit_connections_per_user": _LIMIT,
    "limit_connections_per_address": _LIMIT,
    "limit_posts_per_minute": _LIMIT,
    "limit_frames_per_minute": _LIMIT,
    "limit_uploads_per_hour": _LIMIT,
    "port": _whole(0, 65_535),
    "log_level": _one_of(*_LEVELS),
    "log_format": _one_of("json", "text"),
    "ingest_at": _clock,
    "admin_lease_seconds": _whole(1, 86_400),
    "drain_seconds": _whole(0, 3_600),
    "retention_days": _whole(1, 36_500),
}
