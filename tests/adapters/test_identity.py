"""Whom a token lets in: against keys that a real server publishes on loopback."""

import base64
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from chatserver.adapters.identity import (
    EMAIL_MAX_CHARACTERS,
    LEEWAY_SECONDS,
    NAME_MAX_CHARACTERS,
    SECRET_LEAST_BYTES,
    TOKEN_MAX_CHARACTERS,
    DevelopmentIssuer,
    SupabaseIdentity,
)
from chatserver.core.errors import Refused
from chatserver.core.ports import Unavailable
from tests.adapters.sign_in import ASHA, CURVE_KEY, RSA_KEY, SECRET, Supabase, refusal, sealed

# Who is let in


async def test_both_kinds_of_published_keys_let_people_in(supabase: Supabase, identity: SupabaseIdentity) -> None:
    expires = int(time.time()) + 900
    by_curve = await identity.verify(supabase.token(exp=expires))
    assert (by_curve.id, by_curve.email, by_curve.name) == (ASHA, "asha@example.com", "Asha Rao")
    assert by_curve.expires_at == expires
    by_rsa = await identity.verify(supabase.token(RSA_KEY, kid="rsa", algorithm="RS256"))
    assert by_rsa.id == ASHA
    assert supabase.fetches == 1


async def test_a_secret_is_believed_only_where_it_was_given(
    supabase: Supabase, identity: SupabaseIdentity, with_secret: SupabaseIdentity
) -> None:
    token = supabase.token(SECRET, kid=None, algorithm="HS256")
    assert (await with_secret.verify(token)).id == ASHA
    assert "secret" in await refusal(identity, token)
    assert supabase.fetches == 0


def test_a_secret_that_is_too_short_is_refused_at_the_start() -> None:
    with pytest.raises(Unavailable, match="SUPABASE_JWT_SECRET"):
        SupabaseIdentity("http://127.0.0.1:1", secret="s" * (SECRET_LEAST_BYTES - 1))


async def test_a_person_without_an_address_or_a_usable_name_comes_in_without(
    supabase: Supabase, identity: SupabaseIdentity
) -> None:
    emails: list[Any] = [..., "", "  ", 7, "a" * EMAIL_MAX_CHARACTERS + "@example.com"]
    for email in emails:
        assert (await identity.verify(supabase.token(email=email))).email is None
    unusable: list[Any] = [..., None, [], {}, {"full_name": 7}, {"full_name": " \n\x00 "}]
    for metadata in unusable:
        assert (await identity.verify(supabase.token(user_metadata=metadata))).name is None


async def test_a_name_is_one_line_without_what_nobody_sees(supabase: Supabase, identity: SupabaseIdentity) -> None:
    odd = supabase.token(user_metadata={"name": "Asha\n# Admin\u202e\x00"})
    assert (await identity.verify(odd)).name == "Asha # Admin"
    long = supabase.token(user_metadata={"full_name": "A" * 500})
    assert (await identity.verify(long)).name == "A" * NAME_MAX_CHARACTERS


# Who is not

NOW = int(time.time())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"iss": "https://elsewhere.example/auth/v1"}, "not valid here"),
        ({"iss": ...}, "not valid here"),
        ({"aud": "anon"}, "not valid here"),
        ({"aud": ["authenticated", "other"]}, "not valid here"),
        ({"aud": ...}, "not valid here"),
        pytest.param({"exp": NOW - LEEWAY_SECONDS - 5}, "expired", id="exp is past"),
        ({"exp": ...}, "not valid here"),
        ({"exp": 1e400}, "not valid here"),
        pytest.param({"nbf": NOW + 3600}, "not valid yet", id="nbf is to come"),
        ({"role": "service_role"}, "not a signed-in person's"),
        ({"role": "anon"}, "not a signed-in person's"),
        ({"role": ...}, "not a signed-in person's"),
        ({"is_anonymous": True}, "Anonymous"),
        ({"is_anonymous": "true"}, "Anonymous"),
        ({"sub": "asha"}, "names nobody"),
        ({"sub": ...}, "not valid here"),
    ],
    ids=str,
)
async def test_a_token_of_somebody_else_somewhere_else_or_another_time(
    supabase: Supabase, identity: SupabaseIdentity, changes: dict[str, Any], says: str
) -> None:
    assert says in await refusal(identity, supabase.token(**changes))


async def test_a_service_key_is_nobody(supabase: Supabase, with_secret: SupabaseIdentity) -> None:
    claims = {"iss": "supabase", "ref": "madeup", "role": "service_role", "exp": NOW + 3600}
    await refusal(with_secret, jwt.encode(claims, SECRET, algorithm="HS256"))


async def test_another_key_under_a_known_name(supabase: Supabase, identity: SupabaseIdentity) -> None:
    stranger = ec.generate_private_key(ec.SECP256R1())
    assert "not valid here" in await refusal(identity, supabase.token(stranger))


async def test_no_algorithm_at_all(supabase: Supabase, with_secret: SupabaseIdentity) -> None:
    names: list[Any] = ["none", "None", "NONE", "", None, ["ES256"], {}]
    for name in names:
        header = {"alg": name, "typ": "JWT", "kid": "curve"}
        unsigned = sealed(header, supabase.claims(), b"").rpartition(".")[0] + "."
        await refusal(with_secret, unsigned)
    assert supabase.fetches == 0, "what nobody may sign with is no reason to ask for keys"


async def test_a_public_key_is_no_secret(
    supabase: Supabase, identity: SupabaseIdentity, with_secret: SupabaseIdentity
) -> None:
    for key, kid in ((CURVE_KEY, "curve"), (RSA_KEY, "rsa")):
        pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        forged = sealed({"alg": "HS256", "kid": kid}, supabase.claims(), pem)
        for one in (identity, with_secret):
            await refusal(one, forged)


async def test_a_key_serves_its_own_algorithm_alone(supabase: Supabase, identity: SupabaseIdentity) -> None:
    assert "not valid here" in await refusal(identity, supabase.token(RSA_KEY, kid="curve", algorithm="RS256"))
    assert "not valid here" in await refusal(identity, supabase.token(CURVE_KEY, kid="rsa"))
    assert "not valid here" in await refusal(identity, supabase.token(RSA_KEY, kid="rsa", algorithm="RS512"))


@pytest.mark.parametrize(
    "token",
    [
        "", "no token", "a.b.c", "\ud800.e30.AA", "é.e30.AA", "e30.e30.AA", "W10.e30.AA", "IngI.e30.AA",
        base64.urlsafe_b64encode(b'{"alg":' + b"[" * 9_000).decode().rstrip("=") + ".e30.AA",
        "A" * (TOKEN_MAX_CHARACTERS + 1),
    ],
    ids=range(10),
)  # fmt: skip
async def test_what_is_no_token(supabase: Supabase, identity: SupabaseIdentity, token: str) -> None:
    with pytest.raises(Refused) as told:
        await identity.verify(token)
    assert told.value.code == "unauthorized"
    assert supabase.fetches == 0


async def test_a_token_that_names_no_key(supabase: Supabase, identity: SupabaseIdentity) -> None:
    assert "names no key" in await refusal(identity, supabase.token(kid=None))


# The development issuer


async def test_every_process_with_the_same_seed_knows_the_token() -> None:
    token = DevelopmentIssuer("one seed").issue("asha@example.com", ASHA, name="Asha Rao")
    known = await DevelopmentIssuer("one seed").verify(token)
    assert (known.id, known.email, known.name) == (ASHA, "asha@example.com", "Asha Rao")
    assert known.expires_at > time.time()
    assert "not valid here" in await refusal(DevelopmentIssuer("another seed"), token)


async def test_the_development_issuer_and_supabase_do_not_know_each_other(
    supabase: Supabase, with_secret: SupabaseIdentity
) -> None:
    await refusal(with_secret, DevelopmentIssuer(SECRET).issue("asha@example.com", ASHA))
    for token in (supabase.token(), supabase.token(SECRET, kid=None, algorithm="HS256")):
        await refusal(DevelopmentIssuer(SECRET), token)


async def test_a_development_token_ends_and_cannot_be_made_up() -> None:
    issuer = DevelopmentIssuer("one seed")
    assert "expired" in await refusal(issuer, issuer.issue("asha@example.com", ASHA, seconds=-LEEWAY_SECONDS - 5))
    claims = {"sub": str(ASHA), "aud": "authenticated", "role": "authenticated", "iss": "ottobon-development"}
    await refusal(issuer, sealed({"alg": "none"}, {**claims, "exp": NOW + 3600}, b""))
    await refusal(issuer, sealed({"alg": "HS256"}, {**claims, "exp": NOW + 3600}, b"one seed"))
