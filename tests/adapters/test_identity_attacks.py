"""The ways of the literature to come in with a token that is nobody's, each tried at the door."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from jwt.algorithms import OKPAlgorithm

from chatserver.adapters.identity import LAST_INSTANT, LEEWAY_SECONDS, TOKEN_MAX_CHARACTERS, SupabaseIdentity
from tests.adapters.sign_in import (
    ASHA,
    CURVE_KEY,
    RSA_KEY,
    SECRET,
    PrivateKey,
    Supabase,
    part,
    public_jwk,
    refusal,
    sealed,
    signed,
)

NOW = int(time.time())
STRANGER = ec.generate_private_key(ec.SECP256R1())
EDWARDS = ed25519.Ed25519PrivateKey.generate()
HONEST = {"alg": "ES256", "typ": "JWT", "kid": "curve"}
DEEP = "[" * 5_000 + "]" * 5_000

NO_TOKEN = "This is no token"
INVALID = "not valid here"
UNPUBLISHED = "not published"

Forgery = Callable[[Supabase], str]


def unsigned(algorithm: Any) -> Forgery:
    return lambda at: (
        f"{part(json.dumps({**HONEST, 'alg': algorithm}).encode())}.{signed({}, at.claims()).split('.')[1]}."
    )


def unsigned_with_junk(algorithm: Any) -> Forgery:
    return lambda at: f"{unsigned(algorithm)(at)}{part(b'signed, I swear')}"


def claiming(**changes: Any) -> Forgery:
    return lambda at: signed(HONEST, at.claims(**changes))


def headed(key: PrivateKey = CURVE_KEY, **changes: Any) -> Forgery:
    return lambda at: signed({**HONEST, **changes}, at.claims(), key)


def written(header: str, more: str = "") -> Forgery:
    """With a header of this text, and this text before the end of the claims."""
    return lambda at: signed(header, json.dumps(at.claims())[:-1] + more + "}")


def secret_is(key: bytes, **header: Any) -> Forgery:
    return lambda at: sealed({"alg": "HS256", **header}, at.claims(), key)


def with_signature(raw: bytes) -> Forgery:
    return lambda at: f"{signed(HONEST, at.claims()).rpartition('.')[0]}.{part(raw)}"


def changed(change: Callable[[str], str]) -> Forgery:
    return lambda at: change(signed(HONEST, at.claims()))


def promoted(token: str) -> str:
    """The signature of one content under another one."""
    header, _, signature = token.split(".")
    other = part(json.dumps({"sub": str(ASHA), "role": "service_role", "exp": NOW + 60}).encode())
    return f"{header}.{other}.{signature}"


def pem(key: PrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def der(key: PrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def by_edwards(at: Supabase) -> str:
    content = signed({**HONEST, "alg": "EdDSA", "kid": "edwards"}, at.claims()).rpartition(".")[0]
    return f"{content}.{part(EDWARDS.sign(content.encode()))}"


ATTACKS: dict[str, tuple[Forgery, str]] = {
    # No signature, or none that proves anything.
    "algorithm none": (unsigned("none"), NO_TOKEN),
    "algorithm None": (unsigned("None"), NO_TOKEN),
    "algorithm nOnE": (unsigned("nOnE"), NO_TOKEN),
    "algorithm none and a signature all the same": (unsigned_with_junk("none"), INVALID),
    "algorithm nOnE and a signature all the same": (unsigned_with_junk("nOnE"), INVALID),
    "algorithm null": (unsigned_with_junk(None), INVALID),
    "an empty algorithm": (unsigned_with_junk(""), INVALID),
    "a list of algorithms": (unsigned_with_junk(["ES256", "none"]), INVALID),
    "a good algorithm and no signature": (changed(lambda token: token.rpartition(".")[0] + "."), NO_TOKEN),
    "a signature of nothing but zeros": (with_signature(bytes(64)), INVALID),
    "half a signature": (with_signature(bytes(32)), INVALID),
    "another content under the same signature": (changed(promoted), INVALID),
    # Another key than the one it says.
    "a public key's PEM as the secret": (secret_is(pem(CURVE_KEY), kid="curve"), INVALID),
    "a public RSA key's PEM as the secret": (secret_is(pem(RSA_KEY), kid="rsa"), INVALID),
    "a public key's bytes as the secret": (secret_is(der(RSA_KEY), kid="rsa"), INVALID),
    "a published key's JSON as the secret": (secret_is(json.dumps(public_jwk("rsa", RSA_KEY)).encode()), INVALID),
    "an empty secret": (secret_is(b""), INVALID),
    "the secret with another digest": (
        lambda at: sealed({"alg": "HS512"}, at.claims(), SECRET.encode(), "sha512"), INVALID,
    ),
    "a stranger's key under a known name": (headed(STRANGER), INVALID),
    "a curve's name for an RSA key": (lambda at: signed({**HONEST, "alg": "RS256"}, at.claims(), RSA_KEY), INVALID),
    "an RSA key's name for a curve": (headed(kid="rsa"), INVALID),
    "an RSA key with another padding": (headed(RSA_KEY, alg="PS256", kid="rsa"), INVALID),
    "an Edwards curve's key, published though": (by_edwards, INVALID),
    # A header that brings a key, or says where to find one.
    "its own key in jwk": (headed(STRANGER, jwk=public_jwk("curve", STRANGER)), INVALID),
    "its own key in jwk and no other name": (headed(STRANGER, kid="own", jwk=public_jwk("own", STRANGER)), UNPUBLISHED),
    "its own address of keys in jku": (
        lambda at: signed({**HONEST, "kid": "own", "jku": f"{at.url}/elsewhere"}, at.claims(), STRANGER), UNPUBLISHED,
    ),
    "its own certificate in x5u": (
        lambda at: signed({**HONEST, "x5u": f"{at.url}/elsewhere"}, at.claims(), STRANGER), INVALID,
    ),
    "its own certificate in x5c": (headed(STRANGER, x5c=["MIIB"]), INVALID),
    "an extension that must be understood": (headed(crit=["quota"], quota=1), NO_TOKEN),
    "an extension that a library understands": (headed(crit=["b64"], b64=True), INVALID),
    "content outside the token": (headed(crit=["b64"], b64=False), NO_TOKEN),
    # A key's name that is something else.
    "no name of a key": (lambda at: signed({"alg": "ES256"}, at.claims()), "names no key"),
    "a name that is null": (headed(kid=None), NO_TOKEN),
    "a name that is a list": (headed(kid=["curve"]), NO_TOKEN),
    "a name that is a path": (headed(STRANGER, kid="../../../../dev/null"), UNPUBLISHED),
    "a name that is an address": (headed(STRANGER, kid="http://127.0.0.1/elsewhere"), UNPUBLISHED),
    "a name that is SQL": (headed(STRANGER, kid="curve' union select 'key' --"), UNPUBLISHED),
    "a name that is a command": (headed(STRANGER, kid="curve|touch /tmp/was-here"), UNPUBLISHED),
    "a name with an end of its own": (headed(kid="curve\x00.pem"), UNPUBLISHED),
    "a name of ten thousand characters": (headed(kid="curve" * 2_000), UNPUBLISHED),
    # Claims of somebody else, somewhere else or another time.
    "another issuer": (claiming(iss="https://elsewhere.example/auth/v1"), INVALID),
    "the issuer with a slash more": (lambda at: signed(HONEST, at.claims(iss=f"{at.url}/auth/v1/")), INVALID),
    "the issuer among others": (lambda at: signed(HONEST, at.claims(iss=[f"{at.url}/auth/v1"])), INVALID),
    "no issuer": (claiming(iss=...), INVALID),
    "another audience": (claiming(aud="anon"), INVALID),
    "the audience among others": (claiming(aud=["authenticated", "other"]), INVALID),
    "the audience in a list": (claiming(aud=["authenticated"]), INVALID),
    "no audience": (claiming(aud=...), INVALID),
    "expired": (claiming(exp=NOW - LEEWAY_SECONDS - 5), "expired"),
    "no expiry": (claiming(exp=...), INVALID),
    "an expiry that is null": (claiming(exp=None), INVALID),
    "an expiry that is text": (claiming(exp=str(NOW + 3600)), INVALID),
    "an expiry that is no number": (claiming(exp=float("nan")), INVALID),
    "an expiry that is infinite": (claiming(exp=float("inf")), INVALID),
    "an expiry after the last date": (claiming(exp=LAST_INSTANT + 1), INVALID),
    "an expiry too large for the machine": (claiming(exp=10**400), INVALID),
    "not valid yet": (claiming(nbf=NOW + 3600), "not valid yet"),
    "issued in the future": (claiming(iat=NOW + 3600), "not valid yet"),
    "issued at no time": (claiming(iat="yesterday"), INVALID),
    "no subject": (claiming(sub=...), INVALID),
    "a subject that is null": (claiming(sub=None), INVALID),
    "a subject that is a number": (claiming(sub=7), INVALID),
    "a subject that is a name": (claiming(sub="asha"), "names nobody"),
    "a subject that is SQL": (claiming(sub=f"{ASHA}'; drop table users; --"), "names nobody"),
    "a subject with an end of its own": (claiming(sub=f"{ASHA}\x00"), "names nobody"),
    "a subject in braces": (claiming(sub=f"{{{ASHA}}}"), "names nobody"),
    "a subject as a URN": (claiming(sub=f"urn:uuid:{ASHA}"), "names nobody"),
    "a subject without hyphens": (claiming(sub=ASHA.hex), "names nobody"),
    "an anonymous person": (claiming(is_anonymous=True), "Anonymous"),
    "an anonymous person in words": (claiming(is_anonymous="true"), "Anonymous"),
    "a service role": (claiming(role="service_role"), "not a signed-in person's"),
    "the role of nobody": (claiming(role="anon"), "not a signed-in person's"),
    "no role": (claiming(role=...), "not a signed-in person's"),
    "an older project's service key": (
        lambda at: sealed(
            {"alg": "HS256"}, {"iss": "supabase", "role": "service_role", "exp": NOW + 60}, SECRET.encode()
        ),
        INVALID,
    ),
    # Texts that two readers read differently, or that are too much.
    "two algorithms": (written('{"alg": "none", "alg": "ES256", "kid": "curve"}'), NO_TOKEN),
    "two names of keys": (written('{"alg": "ES256", "kid": "own", "kid": "curve"}'), NO_TOKEN),
    "two subjects": (written(json.dumps(HONEST), f', "sub": "{ASHA}"'), INVALID),
    "two roles": (written(json.dumps(HONEST), ', "role": "authenticated"'), INVALID),
    "claims that are a list": (lambda at: signed(HONEST, "[]"), INVALID),
    "claims that are no JSON": (lambda at: signed(HONEST, "{"), INVALID),
    "claims too deep to read": (lambda at: signed(HONEST, f'{{"user_metadata": {DEEP}}}'), INVALID),
    "a header too deep to read": (lambda at: signed(f'{{"alg": {DEEP}}}', "{}"), NO_TOKEN),
    "a number too long to read": (written(json.dumps(HONEST), f', "x": {"9" * 5_000}'), INVALID),
    "an end in the middle": (changed(lambda token: f"{token[:-9]}\x00{token[-9:]}"), NO_TOKEN),
    "an end at the end": (changed(lambda token: f"{token}\x00"), NO_TOKEN),
    "spaces in the signature": (changed(lambda token: f"{token[:-9]} {token[-9:]}"), NO_TOKEN),
    "a line end after it": (changed(lambda token: f"{token}\n"), NO_TOKEN),
    "padding after it": (changed(lambda token: f"{token}=="), NO_TOKEN),
    "a part more": (changed(lambda token: f"{token}.{part(b'{}')}"), NO_TOKEN),
    "a sealed token of five parts": (lambda at: part(b'{"alg": "dir", "enc": "A256GCM"}') + 4 * ".AAAA", NO_TOKEN),
    "a token as JSON": (lambda at: '{"payload": "e30", "signatures": []}', NO_TOKEN),
    "nothing": (lambda at: "", NO_TOKEN),
    "words": (lambda at: "let me in", NO_TOKEN),
    "three letters": (lambda at: "a.b.c", NO_TOKEN),
    "half a character": (lambda at: "\ud800.e30.AA", NO_TOKEN),
    "letters of another alphabet": (lambda at: "é.e30.AA", NO_TOKEN),
    "a header that is empty": (lambda at: "e30.e30.AA", INVALID),
    "a header that is a list": (lambda at: "W10.e30.AA", NO_TOKEN),
    "a header that is text": (lambda at: "IngI.e30.AA", NO_TOKEN),
    "a token too long to be one": (lambda at: "A" * (TOKEN_MAX_CHARACTERS + 1), "too long"),
    "an honest token too long to be one": (claiming(user_metadata={"name": "A" * TOKEN_MAX_CHARACTERS}), "too long"),
}  # fmt: skip


@pytest.mark.parametrize("story", ATTACKS)
async def test_nobody_comes_in_with(
    supabase: Supabase, identity: SupabaseIdentity, with_secret: SupabaseIdentity, story: str
) -> None:
    supabase.keys.append({**json.loads(OKPAlgorithm.to_jwk(EDWARDS.public_key())), "kid": "edwards", "use": "sig"})
    forged, says = ATTACKS[story]
    token = forged(supabase)
    assert says in await refusal(with_secret, token)
    await refusal(identity, token)
    assert supabase.fetches <= 2, "one for each of the two doors, however often it is knocked at"
    assert supabase.fetches_elsewhere == 0


@pytest.mark.parametrize(
    "story",
    [
        "algorithm none and a signature all the same", "a list of algorithms", "the secret with another digest",
        "an Edwards curve's key, published though", "no name of a key", "a token too long to be one",
        "padding after it", "an extension that must be understood", "two algorithms",
    ],
)  # fmt: skip
async def test_no_key_is_asked_for_because_of(supabase: Supabase, with_secret: SupabaseIdentity, story: str) -> None:
    await refusal(with_secret, ATTACKS[story][0](supabase))
    assert supabase.fetches == 0


async def test_the_same_hands_make_a_token_that_is_let_in(supabase: Supabase, with_secret: SupabaseIdentity) -> None:
    """So that each of the above is refused for what its name says."""
    honest = [
        signed(HONEST, supabase.claims()),
        signed({**HONEST, "alg": "RS256", "kid": "rsa"}, supabase.claims(), RSA_KEY),
        sealed({"alg": "HS256"}, supabase.claims(), SECRET.encode()),
        signed(HONEST, supabase.claims(exp=LAST_INSTANT, iat=NOW, nbf=NOW, sub=str(ASHA).upper())),
        written(json.dumps(HONEST), ', "more": {}')(supabase),
    ]
    for token in honest:
        assert (await with_secret.verify(token)).id == ASHA


async def test_half_a_character_in_a_name_or_an_address_reaches_nobody(
    supabase: Supabase, identity: SupabaseIdentity
) -> None:
    known = await identity.verify(
        signed(HONEST, supabase.claims(email="a\ud800@example.com", user_metadata={"name": "As\ud800ha"}))
    )
    assert (known.email, known.name) == (None, "Asha")
