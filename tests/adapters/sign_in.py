"""A sign-in service on loopback, as Supabase is one, and tokens made by hand."""

import asyncio
import base64
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from chatserver.adapters.identity import (
    DevelopmentIssuer,
    SupabaseIdentity,
)
from chatserver.core.errors import Refused
from tests.loopback import serving

ASHA = UUID("5f0c2d6e-8f0b-4a53-9f86-1a4a5b8a7b11")
SECRET = "a shared secret of forty characters, made up"
CURVE_KEY = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(65537, 2048)

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def public_jwk(kid: str, key: PrivateKey, **more: Any) -> dict[str, Any]:
    public = key.public_key()
    written = (
        ECAlgorithm.to_jwk(public) if isinstance(public, ec.EllipticCurvePublicKey) else RSAAlgorithm.to_jwk(public)
    )
    return {**json.loads(written), "kid": kid, "use": "sig", **more}


class Supabase:
    """The sign-in service: publishes keys, signs tokens, and can be away."""

    def __init__(self) -> None:
        self.url = ""
        self.keys: list[dict[str, Any]] = [public_jwk("curve", CURVE_KEY), public_jwk("rsa", RSA_KEY)]
        self.body: bytes | None = None
        self.status = 200
        self.fetches = 0
        self.fetches_elsewhere = 0
        self.headers: dict[str, str] = {}
        self.accepted: list[str | None] = []
        """The `Accept-Encoding` of each fetch."""
        self.endless: bytes | None = None
        """What is sent again and again instead of the keys, as long as the other side reads."""
        self.left = False
        self.open = asyncio.Event()
        self.open.set()

    async def publish(self, request: Request) -> Response:
        self.fetches += 1
        self.accepted.append(request.headers.get("accept-encoding"))
        await self.open.wait()
        if self.endless is not None:
            return StreamingResponse(self._without_end(), media_type="application/json")
        body = json.dumps({"keys": self.keys}).encode() if self.body is None else self.body
        headers = {"Location": f"{self.url}/elsewhere"} if self.status == 302 else self.headers
        return Response(body, self.status, headers)

    async def _without_end(self) -> AsyncIterator[bytes]:
        try:
            while self.endless is not None:
                yield self.endless
                await asyncio.sleep(0.01)
        finally:
            self.left = True

    async def elsewhere(self, request: Request) -> Response:
        self.fetches_elsewhere += 1
        return Response(json.dumps({"keys": self.keys}))

    def claims(self, **changes: Any) -> dict[str, Any]:
        claims = {
            "iss": f"{self.url}/auth/v1", "aud": "authenticated", "role": "authenticated", "sub": str(ASHA),
            "email": "asha@example.com", "exp": int(time.time()) + 3600, "is_anonymous": False,
            "user_metadata": {"full_name": "Asha Rao"}, **changes,
        }  # fmt: skip
        return {name: value for name, value in claims.items() if value is not ...}

    def token(
        self, key: Any = CURVE_KEY, *, kid: str | None = "curve", algorithm: str = "ES256", **changes: Any
    ) -> str:
        return jwt.encode(
            self.claims(**changes), key, algorithm=algorithm, headers={"kid": kid} if kid is not None else None
        )


@asynccontextmanager
async def a_sign_in_service() -> AsyncIterator[Supabase]:
    service = Supabase()
    keys = Route("/auth/v1/.well-known/jwks.json", service.publish)
    async with serving(Starlette(routes=[keys, Route("/elsewhere", service.elsewhere)])) as service.url:
        yield service


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


async def refusal(identity: SupabaseIdentity | DevelopmentIssuer, token: str) -> str:
    """The sentence with which a token is turned away; it repeats nothing of the token."""
    with pytest.raises(Refused) as told:
        await identity.verify(token)
    assert told.value.code == "unauthorized"
    for part in ("asha@example.com", str(ASHA), token):
        assert not part or part not in told.value.message
    return told.value.message


def part(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def sealed(header: dict[str, Any], claims: dict[str, Any], secret: bytes, digest: str = "sha256") -> str:
    """A token made by hand, as somebody makes one who does not ask a library's leave."""
    signed = f"{part(json.dumps(header).encode())}.{part(json.dumps(claims).encode())}"
    return f"{signed}.{part(hmac.new(secret, signed.encode(), digest).digest())}"


def signed(header: dict[str, Any] | str, claims: dict[str, Any] | str, key: PrivateKey = CURVE_KEY) -> str:
    """The same with a private key, and with JSON that no library writes where that is given as text."""
    texts = [one if isinstance(one, str) else json.dumps(one) for one in (header, claims)]
    content = ".".join(part(text.encode()) for text in texts)
    if isinstance(key, rsa.RSAPrivateKey):
        signature = RSAAlgorithm(RSAAlgorithm.SHA256).sign(content.encode(), key)
    else:
        signature = ECAlgorithm(ECAlgorithm.SHA256).sign(content.encode(), key)
    return f"{content}.{part(signature)}"
