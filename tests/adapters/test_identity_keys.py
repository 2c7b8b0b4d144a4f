"""The published keys: which are believed, how long, and what fetching them costs."""

import asyncio
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from chatserver.adapters.identity import SupabaseIdentity
from chatserver.adapters.published_keys import (
    KEYS_FRESH_SECONDS,
    KEYS_MAX,
    KEYS_MAX_BYTES,
    KEYS_SECONDS,
    REFETCH_SECONDS,
    RETRY_SECONDS,
)
from chatserver.core.errors import Refused
from chatserver.core.ports import Unavailable
from tests.adapters.sign_in import ASHA, CURVE_KEY, RSA_KEY, Clock, Supabase, public_jwk, refusal
from tests.until import until


async def test_keys_that_are_not_for_signing_or_too_weak_are_not_believed(
    supabase: Supabase, identity: SupabaseIdentity
) -> None:
    weak = rsa.generate_private_key(65537, 1024)
    other_curve = ec.generate_private_key(ec.SECP384R1())
    supabase.keys += [
        public_jwk("weak", weak), public_jwk("sealing", CURVE_KEY, use="enc"), public_jwk("other", other_curve),
        public_jwk("renamed", RSA_KEY, alg="RS512"), {"kty": "oct", "k": "c2VjcmV0", "kid": "oct"},
        {"kty": "EC", "crv": "P-256", "kid": "broken", "x": "A", "y": "A"}, {"kty": ["EC"], "kid": ["curve"]},
    ]  # fmt: skip
    assert (await identity.verify(supabase.token())).id == ASHA
    for key, kid, algorithm in (
        (RSA_KEY, "weak", "RS256"), (CURVE_KEY, "sealing", "ES256"), (CURVE_KEY, "other", "ES256"),
        (RSA_KEY, "renamed", "RS256"), (CURVE_KEY, "broken", "ES256"),
    ):  # fmt: skip
        assert "not published" in await refusal(identity, supabase.token(key, kid=kid, algorithm=algorithm))


async def test_no_more_keys_are_taken_than_a_project_has(supabase: Supabase, identity: SupabaseIdentity) -> None:
    supabase.keys = [public_jwk(f"key-{place}", CURVE_KEY) for place in range(KEYS_MAX + 1)]
    assert (await identity.verify(supabase.token(kid=f"key-{KEYS_MAX - 1}"))).id == ASHA
    assert "not published" in await refusal(identity, supabase.token(kid=f"key-{KEYS_MAX}"))


async def test_a_new_key_is_found_and_made_up_ones_cost_one_fetch_in_a_while(
    supabase: Supabase, identity: SupabaseIdentity, clock: Clock
) -> None:
    await identity.verify(supabase.token())
    for _ in range(20):
        assert "not published" in await refusal(identity, supabase.token(kid=str(uuid4())))
    assert supabase.fetches == 1

    newer = ec.generate_private_key(ec.SECP256R1())
    supabase.keys.append(public_jwk("newer", newer))
    clock.now += REFETCH_SECONDS - 1
    assert "not published" in await refusal(identity, supabase.token(newer, kid="newer"))
    assert supabase.fetches == 1
    clock.now += 1
    assert (await identity.verify(supabase.token(newer, kid="newer"))).id == ASHA
    assert supabase.fetches == 2


async def test_a_crowd_at_the_door_is_one_fetch(supabase: Supabase, identity: SupabaseIdentity) -> None:
    found = await asyncio.gather(*(identity.verify(supabase.token()) for _ in range(30)))
    assert {one.id for one in found} == {ASHA}
    assert supabase.fetches == 1


async def test_whoever_asked_first_may_go_away(supabase: Supabase, identity: SupabaseIdentity) -> None:
    supabase.open.clear()
    first, second = (asyncio.create_task(identity.verify(supabase.token())) for _ in range(2))
    await until(lambda: _true(supabase.fetches == 1))
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    supabase.open.set()
    assert (await second).id == ASHA
    assert supabase.fetches == 1


async def test_a_withdrawn_key_is_out_after_the_next_fetch(
    supabase: Supabase, identity: SupabaseIdentity, clock: Clock
) -> None:
    await identity.verify(supabase.token())
    supabase.keys = [public_jwk("rsa", RSA_KEY)]
    clock.now += KEYS_FRESH_SECONDS - 1
    await identity.verify(supabase.token())
    assert supabase.fetches == 1
    clock.now += 1
    # Nobody waits for this fetch: the old keys serve meanwhile.
    supabase.open.clear()
    assert (await identity.verify(supabase.token())).id == ASHA
    supabase.open.set()

    async def is_out() -> bool:
        try:
            await identity.verify(supabase.token())
        except Refused as refused:
            return "not published" in refused.message
        return False

    await until(is_out)
    assert supabase.fetches == 2


async def test_while_the_service_is_away_its_keys_serve_ten_minutes_and_nobody_is_signed_out(
    supabase: Supabase, identity: SupabaseIdentity, clock: Clock
) -> None:
    await identity.verify(supabase.token())
    supabase.status = 503
    clock.now += KEYS_SECONDS - 1
    assert (await identity.verify(supabase.token())).id == ASHA
    clock.now += 1
    with pytest.raises(Unavailable, match="try again"):
        await identity.verify(supabase.token())
    fetches = supabase.fetches
    with pytest.raises(Unavailable):
        await identity.verify(supabase.token())
    assert supabase.fetches == fetches, "a service that is down is not asked by everybody"
    supabase.status = 200
    clock.now += RETRY_SECONDS
    assert (await identity.verify(supabase.token())).id == ASHA


async def test_an_unknown_key_is_not_called_unknown_while_nobody_can_tell(
    supabase: Supabase, identity: SupabaseIdentity, clock: Clock
) -> None:
    await identity.verify(supabase.token())
    supabase.status = 500
    clock.now += REFETCH_SECONDS
    for _ in range(2):
        with pytest.raises(Unavailable):
            await identity.verify(supabase.token(kid="newer"))
    assert (await identity.verify(supabase.token())).id == ASHA


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html>", b"[]", b'{"keys": null}', b'{"keys": [1]}', b'{"keys": {"a": 1}}', b"\xff", b"[" * 5_000,
        b'{"keys": [], "more": "' + b"a" * KEYS_MAX_BYTES + b'"}',
    ],
    ids=range(9),
)  # fmt: skip
async def test_what_is_no_list_of_keys(supabase: Supabase, identity: SupabaseIdentity, body: bytes) -> None:
    supabase.body = body
    with pytest.raises(Unavailable):
        await identity.verify(supabase.token())


async def test_the_keys_are_not_looked_for_elsewhere(supabase: Supabase, identity: SupabaseIdentity) -> None:
    supabase.status = 302
    with pytest.raises(Unavailable):
        await identity.verify(supabase.token())


async def test_nothing_is_left_running(supabase: Supabase, clock: Clock) -> None:
    identity = SupabaseIdentity(supabase.url, clock=clock)
    supabase.open.clear()
    asking = asyncio.create_task(identity.verify(supabase.token()))
    await until(lambda: _true(supabase.fetches == 1))
    asking.cancel()
    await identity.aclose()
    supabase.open.set()
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "fetch of the keys"]


async def _true(value: bool) -> bool:
    return value
