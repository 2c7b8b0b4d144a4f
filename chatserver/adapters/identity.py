"""Who a token says it is: Supabase's issuer, or the development issuer where there is none."""

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx2
import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from chatserver.core.errors import Refused
from chatserver.core.ports import Unavailable
from chatserver.core.redaction import clean

log = logging.getLogger(__name__)

KEYS_FRESH_SECONDS = 300.0
"""From here on new keys are fetched while the old ones still serve."""
KEYS_SECONDS = 600.0
"""From here on the old ones serve no more: a key that was withdrawn is out by then."""
REFETCH_SECONDS = 30.0
RETRY_SECONDS = 5.0
FETCH_SECONDS = 5.0
KEYS_MAX = 50
KEYS_MAX_BYTES = 256 * 1024
RSA_LEAST_BITS = 2048
SECRET_LEAST_BYTES = 32
TOKEN_MAX_CHARACTERS = 16_384
EMAIL_MAX_CHARACTERS = 320
NAME_MAX_CHARACTERS = 120
LEEWAY_SECONDS = 10
AUDIENCE = "authenticated"

DEVELOPMENT_ISSUER = "ottobon-development"
DEVELOPMENT_SECONDS = 12 * 3600

# One algorithm a kind of key: a public key never serves as the secret of another algorithm.
_PUBLISHED = ("ES256", "RS256")


@dataclass(frozen=True, slots=True)
class Principal:
    """Whom a valid token names. `expires_at` is in epoch seconds."""

    id: UUID
    email: str | None
    name: str | None
    expires_at: float


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
    return " ".join(clean(name[: 4 * NAME_MAX_CHARACTERS]).split())[:NAME_MAX_CHARACTERS].strip() or None


def _principal(claims: dict[str, Any]) -> Principal:
    if claims.get("is_anonymous") not in (None, False):
        raise _unauthorized("Anonymous sign-ins may not chat; sign in with an e-mail address.")
    if claims.get("role") != AUDIENCE:
        raise _unauthorized("This token is not a signed-in person's; sign in again.")
    try:
        id = UUID(str(claims["sub"]))
    except ValueError:
        raise _unauthorized("This token names nobody; sign in again.") from None
    email = claims.get("email")
    email = email.strip() if isinstance(email, str) else ""
    # An address cut short would be somebody else's.
    usable = 0 < len(email) <= EMAIL_MAX_CHARACTERS and "\x00" not in email
    return Principal(id, email if usable else None, _name(claims), float(claims["exp"]))


def _decode(token: str, key: Any, algorithm: str, issuer: str) -> Principal:
    try:
        claims = jwt.decode(
            token, key, algorithms=[algorithm], audience=AUDIENCE, issuer=issuer, leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iss", "aud", "sub"], "strict_aud": True},
        )  # fmt: skip
    except jwt.ExpiredSignatureError:
        raise _unauthorized("The token has expired; sign in again.") from None
    except jwt.ImmatureSignatureError:
        raise _unauthorized("The token is not valid yet; check the clock of the machine that signs in.") from None
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError):
        raise _unauthorized("The token is not valid here; sign in again.") from None
    return _principal(claims)


def _header(token: str) -> dict[str, Any]:
    if len(token) > TOKEN_MAX_CHARACTERS:
        raise _unauthorized("The token is too long to be one; sign in again.")
    try:
        header: dict[str, Any] = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise _unauthorized("This is no token; sign in first.") from None
    return header


@dataclass(frozen=True, slots=True)
class _Key:
    public: Any
    algorithm: str


class _Jwks(msgspec.Struct):
    keys: list[dict[str, Any]]


def _key_of(one: dict[str, Any]) -> _Key | None:
    """A published key that signs tokens; None for every other kind."""
    if one.get("use", "sig") != "sig":
        return None
    try:
        if one.get("kty") == "EC" and one.get("crv") == "P-256":
            key = _Key(ECAlgorithm.from_jwk(one), "ES256")
        elif one.get("kty") == "RSA":
            key = _Key(RSAAlgorithm.from_jwk(one), "RS256")
            if not isinstance(key.public, RSAPublicKey) or key.public.key_size < RSA_LEAST_BITS:
                return None
        else:
            return None
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    return key if one.get("alg", key.algorithm) == key.algorithm else None


class _PublishedKeys:
    """The keys at one address. Callers share one fetch, which outlives whoever asked first."""

    def __init__(self, url: str, client: httpx2.AsyncClient, clock: Callable[[], float]) -> None:
        self._url = url
        self._client = client
        self._clock = clock
        self._keys: dict[str, _Key] = {}
        self._fetched = float("-inf")
        self._tried = float("-inf")
        self._failed = False
        self._fetching: asyncio.Task[None] | None = None

    async def aclose(self) -> None:
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait({self._fetching})

    async def get(self, kid: str) -> _Key | None:
        """The key of this id, None where none is published. Raises `Unavailable` where that cannot be told."""
        age = self._clock() - self._fetched
        if kid not in self._keys or age >= KEYS_SECONDS:
            fetching = self._refresh()
            if fetching is not None:
                await asyncio.shield(fetching)
        elif age >= KEYS_FRESH_SECONDS:
            self._refresh()
        usable = self._clock() - self._fetched < KEYS_SECONDS
        if usable and kid in self._keys:
            return self._keys[kid]
        if self._failed or not usable:
            raise Unavailable("The sign-in service does not answer just now; try again in a minute.")
        return None

    def _refresh(self) -> asyncio.Task[None] | None:
        """The fetch under way, or a new one; None where the last one was a moment ago."""
        if self._fetching is None or self._fetching.done():
            # Unknown keys are easy to make up: at most one fetch in a while, whoever asks.
            if self._clock() - self._tried < (RETRY_SECONDS if self._failed else REFETCH_SECONDS):
                return None
            self._tried = self._clock()
            self._fetching = asyncio.create_task(self._fetch(), name="fetch of the keys")
        return self._fetching

    async def _fetch(self) -> None:
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                published = msgspec.json.decode(await self._read(), type=_Jwks).keys
        except (httpx2.HTTPError, OSError, TimeoutError, ValueError, msgspec.DecodeError) as error:
            log.warning("the keys at %s cannot be had: %s", self._url, str(error) or type(error).__name__)
            self._failed = True
            return
        named = [(one.get("kid"), _key_of(one)) for one in published[:KEYS_MAX]]
        self._keys = {kid: key for kid, key in named if isinstance(kid, str) and key is not None}
        self._fetched = self._clock()
        self._failed = False

    async def _read(self) -> bytes:
        received = bytearray()
        async with self._client.stream("GET", self._url) as response:
            response.raise_for_status()
            async for chunk in response.aiter_bytes():
                received += chunk
                if len(received) > KEYS_MAX_BYTES:
                    raise ValueError(f"they are larger than {KEYS_MAX_BYTES // 1024} KiB")
        return bytes(received)


class SupabaseIdentity:
    """Verifies Supabase's tokens: ES256 and RS256 by the published keys, HS256 by the secret where one is given.

    Raises `Unavailable` for a secret that is too short to be one.
    """

    def __init__(
        self, url: str, *, secret: str | None = None, client: httpx2.AsyncClient | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        if secret is not None and len(secret.encode()) < SECRET_LEAST_BYTES:
            raise Unavailable(
                f"SUPABASE_JWT_SECRET has fewer than {SECRET_LEAST_BYTES} characters; copy it from the project again."
            )
        self.issuer = f"{url.rstrip('/')}/auth/v1"
        self._secret = secret
        self._client = client or httpx2.AsyncClient(timeout=FETCH_SECONDS, follow_redirects=False)
        self._keys = _PublishedKeys(f"{self.issuer}/.well-known/jwks.json", self._client, clock)

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
        return _decode(token, key.public, key.algorithm, self.issuer)


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

    async def aclose(self) -> None:
        return
