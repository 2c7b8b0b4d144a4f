"""The public keys that a sign-in service has at one address: which are believed, and how long."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx2
import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from chatserver.core.ports import Unavailable

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


@dataclass(frozen=True, slots=True)
class Key:
    """A public key and the one algorithm that it serves."""

    public: Any
    algorithm: str


class _Jwks(msgspec.Struct):
    keys: list[dict[str, Any]]


def _key_of(one: dict[str, Any]) -> Key | None:
    """A published key that signs tokens; None for every other kind."""
    # With "d" it is the private key: whoever read it signs as anybody.
    if one.get("use", "sig") != "sig" or "d" in one:
        return None
    try:
        if "verify" not in one.get("key_ops", ["verify"]):
            return None
        if one.get("kty") == "EC" and one.get("crv") == "P-256":
            key = Key(ECAlgorithm.from_jwk(one), "ES256")
        elif one.get("kty") == "RSA":
            key = Key(RSAAlgorithm.from_jwk(one), "RS256")
            if not isinstance(key.public, RSAPublicKey) or key.public.key_size < RSA_LEAST_BITS:
                return None
        else:
            return None
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    return key if one.get("alg", key.algorithm) == key.algorithm else None


class PublishedKeys:
    """The keys at one address. Callers share one fetch, which outlives whoever asked first."""

    def __init__(self, url: str, client: httpx2.AsyncClient, clock: Callable[[], float]) -> None:
        self._url = url
        self._client = client
        self._clock = clock
        self._keys: dict[str, Key] = {}
        self._fetched = float("-inf")
        self._tried = float("-inf")
        self._failed = False
        self._fetching: asyncio.Task[None] | None = None

    async def aclose(self) -> None:
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait({self._fetching})

    async def get(self, kid: str) -> Key | None:
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
        # Not compressed: a few bytes that unfold into gigabytes do so before anybody counts them.
        async with self._client.stream("GET", self._url, headers={"Accept-Encoding": "identity"}) as response:
            response.raise_for_status()
            async for chunk in response.aiter_raw():
                received += chunk
                if len(received) > KEYS_MAX_BYTES:
                    raise ValueError(f"they are larger than {KEYS_MAX_BYTES // 1024} KiB")
        return bytes(received)
