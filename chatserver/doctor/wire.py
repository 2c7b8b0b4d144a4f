"""Of Redis: whether it answers, its version, its certificate, and whether it drops what it was given."""

from redis.exceptions import RedisError

from chatserver.adapters.postgres import reason
from chatserver.adapters.redis_address import is_unverified
from chatserver.adapters.wire import client
from chatserver.doctor.finding import Finding
from chatserver.settings import Settings

REDIS_MIN = (6, 2)
_DROPS = "allkeys"


async def redis(settings: Settings) -> Finding:
    if not settings.redis_url:
        return Finding("redis", False, "REDIS_URL is not set; set it, or use `chatserver up`, which brings its own.")
    try:
        connection = client(settings.redis_url)
        try:
            version = str((await connection.info("server"))["redis_version"])
            policy = str((await connection.info("memory")).get("maxmemory_policy", ""))
        finally:
            await connection.aclose()
    except (RedisError, OSError, TimeoutError, ValueError) as error:
        return Finding("redis", False, _trouble(settings.redis_url, reason(error)))
    if tuple(int(part) for part in version.split(".")[:2]) < REDIS_MIN:
        return Finding("redis", False, f"version {version} is too old; use 6.2 or newer.")
    if is_unverified(settings.redis_url):
        return Finding(
            "redis", None, f"version {version}, encrypted, but nobody checks whose certificate it is; where the "
            "provider tells who signs it, name that file instead: ?ssl_ca_certs=FILE.",
        )  # fmt: skip
    if policy.startswith(_DROPS):
        return Finding(
            "redis", None, f"version {version}; at the end of its memory it drops what the workers wait for, which "
            "is then asked for again within minutes: maxmemory-policy noeviction is better.",
        )  # fmt: skip
    return Finding("redis", True, f"version {version}")


def _trouble(url: str, said: str) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in said:
        return (
            "its certificate does not verify. Name who signed it: REDIS_URL=…?ssl_ca_certs=FILE; or, where that "
            "cannot be known, as with Heroku's, ask for none: …?ssl_cert_reqs=none."
        )
    if url.startswith("rediss:") and ("SSL" in said or "Timeout" in said):
        return f"does not answer in TLS ({said}); check REDIS_URL: is it redis:// and not rediss://?"
    if url.startswith("redis:") and "losed" in said:
        return f"it hangs up ({said}); is it rediss:// and not redis://?"
    return f"does not answer ({said}); check REDIS_URL."
