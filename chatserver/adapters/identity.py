"""Who a token says it is: Supabase's issuer, or the development issuer where there is none."""

import base64
import hashlib
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import httpx2
import jwt

from chatserver.adapters.outgoing import by_way_of
from chatserver.adapters.published_keys import FETCH_SECONDS, PublishedKeys
from chatserver.core.errors import Refused
from chatserver.core.ports import Unavailable
from chatserver.core.redaction import clean

SECRET_LEAST_BYTES = 32
TOKEN_MAX_CHARACTERS = 16_384
EMAIL_MAX_CHARACTERS = 320
NAME_MAX_CHARACTERS = 120
LEEWAY_SECONDS = 10
LAST_INSTANT = 253_402_300_799
"""The end of the year 9999, in epoch seconds: what expires later has no date."""
AUDIENCE = "authenticated"

DEVELOPMENT_ISSUER = "ottobon-development"
DEVELOPMENT_SECONDS = 12 * 3600

# One algorithm a kind of key: a public key never serves as the secret of another algorithm.
_PUBLISHED = ("ES256", "RS256")
_SHAPE = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Principal:
    """Whom a valid token names; its end and, where it says, its beginning, in epoch seconds, and the published key that
    signed it, if one did."""

    id: UUID
    email: str | None
    name: str | None
    expires_at: float
    key: str | None = None
    issued_at: float | None = None


def _unauthorized(sentence: str) -> Refused:
    return Refused("unauthorized", sentence)


def _name(claims: dict[str, Any]) -> str | None:
    # Shown as a name and nothing else: people edit these fields themselves.
    metadata = claims.get("user_metadata")
    if not isinstance(metadata, dict):
        return None
    name = metadata.get("full_name") or metadata.get("name")
    if not isinstance(name, str):
        return None
    # Half a character is valid JSON, and nothing that a database keeps.
    name = name.encode(errors="ignore").decode()
    return " ".join(clean(name[: 4 * NAME_MAX_CHARACTERS]).split())[:NAME_MAX_CHARACTERS].strip() or None


def _principal(claims: dict[str, Any]) -> Principal:
    if claims.get("is_anonymous") not in (None, False):
        raise _unauthorized("Anonymous sign-ins may not chat; sign in with an e-mail address.")
    if claims.get("role") != AUDIENCE:
        raise _unauthorized("This token is not a signed-in person's; sign in again.")
    email = claims.get("email")
    email = email.strip() if isinstance(email, str) else ""
    # An address cut short would be somebody else's.
    usable = 0 < len(email) <= EMAIL_MAX_CHARACTERS and not re.search("[\x00\ud800-\udfff]", email)
    return Principal(
        _id(claims["sub"]), email if usable else None, _name(claims), _expiry(claims["exp"]), issued_at=_issued(claims)
    )


def _id(sub: str) -> UUID:
    try:
        id = UUID(sub)
    except ValueError:
        id = None
    # One person has one name: the library also reads braces, URNs and digits alone.
    if id is None or str(id) != sub.lower():
        raise _unauthorized("This token names nobody; sign in again.")
    return id


def _expiry(exp: Any) -> float:
    if isinstance(exp, bool) or not isinstance(exp, int | float) or exp > LAST_INSTANT:
        raise _unauthorized("The token is not valid here; sign in again.")
    return float(exp)


def _issued(claims: dict[str, Any]) -> float | None:
    iat = claims.get("iat")
    return float(iat) if isinstance(iat, int | float) and 0 < iat <= LAST_INSTANT else None


def _decode(token: str, key: Any, algorithm: str, issuer: str) -> Principal:
    try:
        claims = jwt.decode(
            token, key, algorithms=[algorithm], audience=AUDIENCE, issuer=issuer, leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iss", "aud", "sub"], "strict_aud": True},
        )  # fmt: skip
        _unambiguous(token.split(".")[1])
    except jwt.ExpiredSignatureError:
        raise _unauthorized("The token has expired; sign in again.") from None
    except jwt.ImmatureSignatureError:
        raise _unauthorized(
            "The token is not valid yet: the clock of this server, or of the one that signed it, is wrong."
        ) from None
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
        raise _unauthorized("The token is not valid here; sign in again.") from None
    return _principal(claims)


def _header(token: str) -> dict[str, Any]:
    if len(token) > TOKEN_MAX_CHARACTERS:
        raise _unauthorized("The token is too long to be one; sign in again.")
    try:
        if not _SHAPE.fullmatch(token):
            raise ValueError
        header: dict[str, Any] = jwt.get_unverified_header(token)
        _unambiguous(token.split(".")[0])
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise _unauthorized("This is no token; sign in first.") from None
    # What `crit` names must be understood, and no extension is understood here.
    if "crit" in header:
        raise _unauthorized("The token is not valid here; sign in again.")
    return header


def _unambiguous(part: str) -> None:
    """Raises `ValueError` where a name stands twice: of two readers, each might believe another."""
    json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)), object_pairs_hook=_once)


def _once(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name stands twice")


class SupabaseIdentity:
    """Verifies Supabase's tokens: ES256 and RS256 by the published keys, HS256 by the secret where one is given.

    Raises `Unavailable` for a secret that is too short to be one.
    """

    def __init__(
        self, url: str, *, secret: str | None = None, proxy: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        if secret is not None and len(secret.encode()) < SECRET_LEAST_BYTES:
            raise Unavailable(
                f"SUPABASE_JWT_SECRET has fewer than {SECRET_LEAST_BYTES} characters; copy it from the project again."
            )
        self.issuer = f"{url.rstrip('/')}/auth/v1"
        self._secret = secret
        self._client = httpx2.AsyncClient(timeout=FETCH_SECONDS, follow_redirects=False, **by_way_of(proxy))
        self._keys = PublishedKeys(f"{self.issuer}/.well-known/jwks.json", self._client, clock)

    async def aclose(self) -> None:
        await self._keys.aclose()
        await self._client.aclose()

    async def verify(self, token: str) -> Principal:
        """Raises `Refused` (`unauthorized`), or `Unavailable` where the keys cannot be had."""
        header = _header(token)
        algorithm = header.get("alg")
        if algorithm == "HS256":
            if self._secret is None:
                raise _unauthorized("Tokens signed with a secret are not accepted here; sign in again.")
            return _decode(token, self._secret, algorithm, self.issuer)
        if algorithm not in _PUBLISHED:
            raise _unauthorized("The token is not valid here; sign in again.")
        kid = header.get("kid")
        if not isinstance(kid, str):
            raise _unauthorized("The token names no key; sign in again.")
        key = await self._keys.get(kid)
        if key is None:
            raise _unauthorized("The token was signed with a key that is not published; sign in again.")
        return replace(_decode(token, key.public, key.algorithm, self.issuer), key=kid)

    async def believes(self, key: str) -> bool:
        """Whether tokens of this key still count; True where that cannot be told just now."""
        try:
            return await self._keys.get(key) is not None
        except Unavailable:
            return True


class DevelopmentIssuer:
    """Signs and verifies tokens where no Supabase does; every process with the same `seed` accepts them.

    Whoever reaches it may be anybody: the server that uses it listens on loopback only.
    """

    def __init__(self, seed: str) -> None:
        self._key = hashlib.sha256(f"{DEVELOPMENT_ISSUER}\n{seed}".encode()).hexdigest()

    def issue(self, email: str, user_id: UUID, *, name: str | None = None, seconds: int = DEVELOPMENT_SECONDS) -> str:
        """A token for this user that is good for `seconds` from now."""
        now = int(time.time())
        claims = {
            "iss": DEVELOPMENT_ISSUER, "aud": AUDIENCE, "role": AUDIENCE, "sub": str(user_id), "email": email,
            "iat": now, "exp": now + seconds, "user_metadata": {"full_name": name} if name else {},
        }  # fmt: skip
        return jwt.encode(claims, self._key, algorithm="HS256")

    async def verify(self, token: str) -> Principal:
        """Raises `Refused` (`unauthorized`)."""
        if _header(token).get("alg") != "HS256":
            raise _unauthorized("The token is not valid here; sign in again.")
        return _decode(token, self._key, "HS256", DEVELOPMENT_ISSUER)

    async def believes(self, key: str) -> bool:
        return True

    async def aclose(self) -> None:
        return
