"""Settings: the names and defaults of the contract, and one sentence for each mistake."""

import json
from base64 import urlsafe_b64encode
from dataclasses import fields
from datetime import datetime, time
from ipaddress import ip_network
from zoneinfo import ZoneInfo

import pytest

from chatserver.settings import Settings, SettingsError

DEFAULTS = {
    "DATABASE_URL": None, "DATABASE_POOL_SIZE": 8, "DATABASE_POOLER": None, "REDIS_URL": None,
    "SUPABASE_URL": None, "SUPABASE_JWT_SECRET": None, "SUPABASE_PUBLISHABLE_KEY": None, "SUPABASE_SERVICE_KEY": None,
    "RESUME_DIR": ".data/resumes", "ANTHROPIC_API_KEY": None, "ANTHROPIC_BASE_URL": None,
    "CHAT_MODEL": "claude-sonnet-5-5", "ENRICHMENT_MODEL": "claude-haiku-5-5", "OPENAI_API_KEY": None,
    "BUDGET_DAY_USD": 20, "BUDGET_SEEKER_DAY_USD": 1, "BUDGET_ENRICHMENT_DAY_USD": 10,
    "PUBLIC_URL": None, "ALLOWED_ORIGINS": (), "TRUSTED_PROXIES": (), "TIMEZONE": ZoneInfo("Asia/Kolkata"),
    "OUTGOING_PROXY": None, "NOTIFY_WEBHOOK_URL": None, "NOTIFY_SECRET": None, "NOTIFY_AFTER_SECONDS": 30,
    "LIMIT_CONNECTIONS_PER_USER": 10, "LIMIT_CONNECTIONS_PER_ADDRESS": 200, "LIMIT_POSTS_PER_MINUTE": 20,
    "LIMIT_FRAMES_PER_MINUTE": 240, "LIMIT_UPLOADS_PER_HOUR": 20, "PORT": 8000, "LOG_LEVEL": "INFO", "LOG_FORMAT": None,
    "INGEST_AT": time(22, 0), "INGEST_CONTACT": None, "ADMIN_LEASE_SECONDS": 300, "DRAIN_SECONDS": 20,
    "RETENTION_DAYS": 730,
}  # fmt: skip

SUPABASE = {"SUPABASE_URL": "https://abcd.supabase.co"}

SECRETS = {
    **SUPABASE, "DATABASE_URL": "postgresql://owner:tiger@db.example.com/jobs", "REDIS_URL": "rediss://:tiger@r.example.com",
    "SUPABASE_JWT_SECRET": "tiger", "SUPABASE_SERVICE_KEY": "tiger", "ANTHROPIC_API_KEY": "tiger",
    "OPENAI_API_KEY": "tiger", "NOTIFY_SECRET": "tiger", "NOTIFY_WEBHOOK_URL": "https://hooks.example.com/tiger",
    "OUTGOING_PROXY": "http://asha:tiger@proxy.example.com:3128",
}  # fmt: skip

WRONG = [
    ("DATABASE_URL", "mysql://root:tiger@localhost/jobs", "postgresql://user:password@host"),
    ("DATABASE_URL", "localhost:5432", "postgresql://user:password@host"),
    ("DATABASE_URL", "postgresql://owner:tiger@localhost:port/jobs", "write one"),
    ("DATABASE_URL", "postgresql://owner:tiger@[::1/jobs", "write one"),
    ("DATABASE_POOL_SIZE", "0", "a whole number from 1 to 200"),
    ("DATABASE_POOL_SIZE", "many", "a whole number from 1 to 200"),
    ("DATABASE_POOLER", "session", "not one of transaction"),
    ("REDIS_URL", "http://:tiger@localhost", "redis://"),
    ("SUPABASE_URL", "http://abcd.supabase.co", "https"),
    ("SUPABASE_URL", "https://abcd.supabase.co/auth/v1", "address alone"),
    ("ANTHROPIC_BASE_URL", "https://api.example.com", "ANTHROPIC_API_KEY"),
    ("ANTHROPIC_API_KEY", "sk-tiger and more", "copy it again"),
    ("OPENAI_API_KEY", "sk-tigér", "copy it again"),
    ("ANTHROPIC_BASE_URL", "api.example.com", "https"),
    ("BUDGET_DAY_USD", "-3", "US dollars"),
    ("BUDGET_SEEKER_DAY_USD", "1,50", "US dollars"),
    ("PUBLIC_URL", "https://jobs.example.com/chat", "scheme, host and port only"),
    ("ALLOWED_ORIGINS", "https://a.example.com, *", "'*' is not an origin"),
    ("TRUSTED_PROXIES", "10.0.0.0/8, proxy", "'proxy' is no address or network"),
    ("BUSINESS_HOURS", "nine to five", "Mon-Fri 09:00-18:00"),
    ("TIMEZONE", "Asia/Atlantis", "like Asia/Kolkata"),
    ("TIMEZONE", "../../etc/passwd", "like Asia/Kolkata"),
    ("NOTIFY_WEBHOOK_URL", "ftp://hooks.example.com", "https"),
    ("NOTIFY_SECRET", "tiger", "NOTIFY_WEBHOOK_URL"),
    ("OUTGOING_PROXY", "proxy.example.com:3128", "http://proxy.example.com:3128"),
    ("OUTGOING_PROXY", "https://asha:tiger@proxy.example.com", "http://proxy.example.com:3128"),
    ("OUTGOING_PROXY", "socks5://proxy.example.com:1080", "http://proxy.example.com:3128"),
    ("OUTGOING_PROXY", "http://proxy.example.com:3128/tiger", "http://proxy.example.com:3128"),
    ("OUTGOING_PROXY", "http://:3128", "http://proxy.example.com:3128"),
    ("SUPABASE_JWT_SECRET", "tiger", "SUPABASE_URL"),
    ("SUPABASE_SERVICE_KEY", "tiger", "SUPABASE_URL"),
    ("SUPABASE_PUBLISHABLE_KEY", "sb_publishable", "SUPABASE_URL"),
    ("LIMIT_POSTS_PER_MINUTE", "-1", "a whole number from 0"),
    ("PORT", "65536", "from 0 to 65535"),
    ("LOG_LEVEL", "LOUD", "DEBUG, INFO, WARNING, ERROR"),
    ("LOG_FORMAT", "xml", "json, text"),
    ("INGEST_AT", "25:00", "from 00:00 to 23:59"),
    ("INGEST_AT", "late", "22:00"),
    ("ADMIN_LEASE_SECONDS", "5 minutes", "a whole number"),
    ("RETENTION_DAYS", "0", "from 1"),
]


def test_without_any_variable_the_defaults_of_the_contract_hold() -> None:
    settings = Settings.from_env({})
    assert {name: getattr(settings, name.lower()) for name in DEFAULTS} == DEFAULTS
    assert settings.business_hours.is_open(datetime(2026, 11, 22, 3, 0))
    assert {field.name.upper() for field in fields(Settings)} == DEFAULTS.keys() | {"BUSINESS_HOURS"}


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    assert Settings.from_env(dict.fromkeys(DEFAULTS, " ")) == Settings()


def test_what_is_set_is_read() -> None:
    settings = Settings.from_env({
        **SECRETS, "PUBLIC_URL": "https://Jobs.example.com/", "DATABASE_POOLER": "Transaction", "LOG_LEVEL": "debug",
        "ALLOWED_ORIGINS": "https://a.example.com, http://localhost:3000,", "TRUSTED_PROXIES": "10.0.0.1/8, ::1",
        "BUSINESS_HOURS": "Mon-Fri 09:00-18:00", "INGEST_AT": "6:05", "LIMIT_FRAMES_PER_MINUTE": "0",
        "BUDGET_DAY_USD": "0.50", "ANTHROPIC_BASE_URL": "http://localhost:11434/", "TIMEZONE": "Europe/Berlin",
    })  # fmt: skip
    assert settings.public_url == "https://jobs.example.com"
    assert settings.allowed_origins == ("https://a.example.com", "http://localhost:3000")
    assert settings.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("::1"))
    assert settings.database_pooler == "transaction"
    assert settings.log_level == "DEBUG"
    assert not settings.business_hours.is_open(datetime(2026, 11, 22, 12, 0))
    assert settings.ingest_at == time(6, 5)
    assert settings.limit_frames_per_minute == 0
    assert settings.budget_day_usd == 0.5
    assert settings.anthropic_base_url == "http://localhost:11434"
    assert settings.timezone.key == "Europe/Berlin"
    assert not settings.is_development


def test_a_database_behind_a_socket_has_no_host() -> None:
    url = "postgresql:///jobs?host=/run/postgresql"
    assert Settings.from_env({"DATABASE_URL": url}).database_url == url


@pytest.mark.parametrize(("name", "value", "remedy"), WRONG)
def test_a_mistake_is_named_with_its_remedy_and_without_a_secret(name: str, value: str, remedy: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({name: value})
    (sentence,) = caught.value.mistakes
    assert sentence.startswith(f"{name}: ")
    assert remedy in sentence
    assert sentence.endswith(".")
    assert "tig" not in sentence


def old_key(role: str) -> str:
    """As a project's keys were before: a token."""
    claims = json.dumps({"role": role, "of": "tiger"}).encode()
    return f"e30.{urlsafe_b64encode(claims).decode().rstrip('=')}.c2ln"


CONTRADICTIONS = [
    ({"BUDGET_DAY_USD": "1", "BUDGET_SEEKER_DAY_USD": "2"}, "BUDGET_SEEKER_DAY_USD", "lower it"),
    ({**SUPABASE, "SUPABASE_PUBLISHABLE_KEY": "sb_secret_tiger"}, "SUPABASE_PUBLISHABLE_KEY", "browsers"),
    ({**SUPABASE, "SUPABASE_PUBLISHABLE_KEY": old_key("service_role")}, "SUPABASE_PUBLISHABLE_KEY", "browsers"),
    ({**SUPABASE, "SUPABASE_SERVICE_KEY": "sb_publishable_tiger"}, "SUPABASE_SERVICE_KEY", "service_role"),
]


@pytest.mark.parametrize(("env", "name", "remedy"), CONTRADICTIONS)
def test_values_that_contradict_each_other(env: dict[str, str], name: str, remedy: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(env)
    (sentence,) = caught.value.mistakes
    assert sentence.startswith(f"{name}: ")
    assert remedy in sentence
    assert "tig" not in sentence


def test_an_old_publishable_key_is_none_that_is_secret() -> None:
    Settings.from_env({**SUPABASE, "SUPABASE_PUBLISHABLE_KEY": old_key("anon")})
    Settings.from_env({"BUDGET_SEEKER_DAY_USD": "50"})


def test_all_mistakes_are_said_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({"PORT": "x", "LOG_LEVEL": "x", "SUPABASE_URL": "x", "SUPABASE_JWT_SECRET": "tiger"})
    assert [sentence.partition(":")[0] for sentence in caught.value.mistakes] == ["SUPABASE_URL", "PORT", "LOG_LEVEL"]
    assert str(caught.value).count("\n") == 2


def test_secrets_are_not_shown() -> None:
    assert "tiger" not in repr(Settings.from_env(SECRETS))


# In the clear to this machine alone, however it is written; everybody else shows a certificate of their name.
NOT_THIS_MACHINE = [
    "http://hooks.example.com", "http://10.0.0.7", "http://169.254.169.254", "http://2130706433", "http://0x7f.1",
    "http://0177.0.0.1", "http://127.1", "http://127.0.0.1.", "http://127.0.0.2", "http://[::ffff:127.0.0.1]",
    "http://localhost.example.com", "http://127.0.0.1@hooks.example.com", "http://hooks.example.com\\@127.0.0.1",
    "http://127.0.0.1\\@hooks.example.com", "http://hooks.example.com#@127.0.0.1", "http://hooks.example.com?@127.0.0.1",
    "http://127.0.0.1:0", "http://127.0.0.1:99999", "http://127.0.0.1 .example.com", "http://127.0.0.1\tx",
    "http://\u2460\u2461\u2466.0.0.1", "file:///etc/passwd", "gopher://127.0.0.1", "//127.0.0.1", "https://",
]  # fmt: skip


@pytest.mark.parametrize("name", ["SUPABASE_URL", "NOTIFY_WEBHOOK_URL", "ANTHROPIC_BASE_URL"])
@pytest.mark.parametrize("url", NOT_THIS_MACHINE)
def test_nobody_is_called_in_the_clear_but_this_machine(name: str, url: str) -> None:
    with pytest.raises(SettingsError) as wrong:
        Settings.from_env({name: url})
    assert f"{name}: this is no https address; write one (http is for loopback only)." in wrong.value.mistakes


@pytest.mark.parametrize("more", ["/auth/v1", "?a=b", "#a", "/?", "//a"])
@pytest.mark.parametrize("host", ["abcd.supabase.co", "asha:tiger@abcd.supabase.co"])
def test_a_project_is_a_host_and_nothing_else(host: str, more: str) -> None:
    with pytest.raises(SettingsError, match="address alone") as wrong:
        Settings.from_env({"SUPABASE_URL": f"https://{host}{more}"})
    assert "tiger" not in str(wrong.value)
