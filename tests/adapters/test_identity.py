"""Whom a token lets in: against keys that a real server publishes on loopback."""

import time
from typing import Any

import pytest

from chatserver.adapters.identity import (
    EMAIL_MAX_CHARACTERS,
    LEEWAY_SECONDS,
    NAME_MAX_CHARACTERS,
    SECRET_LEAST_BYTES,
    DevelopmentIssuer,
    SupabaseIdentity,
)
from chatserver.core.ports import Unavailable
from tests.adapters.sign_in import ASHA, RSA_KEY, SECRET, Supabase, refusal, sealed

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
    await refusal(issuer, sealed({"alg": "none"}, {**claims, "exp": time.time() + 3600}, b""))
    await refusal(issuer, sealed({"alg": "HS256"}, {**claims, "exp": time.time() + 3600}, b"one seed"))
