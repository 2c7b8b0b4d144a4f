"""The published keys: which are believed, how long, and what fetching them costs."""

import asyncio
import gzip
import json
import socket
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from chatserver.adapters import published_keys
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
        public_jwk("only signs", CURVE_KEY, key_ops=["sign"]), public_jwk("unclear", CURVE_KEY, key_ops=7),
        # What the whole world has read signs for nobody.
        {**json.loads(ECAlgorithm.to_jwk(CURVE_KEY)), "kid": "private"},
        {**json.loads(RSAAlgorithm.to_jwk(RSA_KEY)), "kid": "private rsa"},
    ]  # fmt: skip
    assert (await identity.verify(supabase.token())).id == ASHA
    for key, kid, algorithm in (
        (RSA_KEY, "weak", "RS256"), (CURVE_KEY, "sealing", "ES256"), (CURVE_KEY, "other", "ES256"),
        (RSA_KEY, "renamed", "RS256"), (CURVE_KEY, "broken", "ES256"), (CURVE_KEY, "only signs", "ES256"),
        (CURVE_KEY, "unclear", "ES256"), (CURVE_KEY, "private", "ES256"), (RSA_KEY, "private rsa", "RS256"),
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
    assert supabase.fetches_elsewhere == 0


async def test_nobody_answers_at_the_address(supabase: Supabase) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        identity = SupabaseIdentity(f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(Unavailable):
            await identity.verify(supabase.token())
        await identity.aclose()


@pytest.mark.parametrize("drip", [b"", b" "], ids=["silent", "a byte at a time"])
async def test_keys_that_never_end_are_not_waited_for(
    supabase: Supabase, identity: SupabaseIdentity, drip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published_keys, "FETCH_SECONDS", 0.2)
    supabase.endless = drip
    with pytest.raises(Unavailable):
        await identity.verify(supabase.token())
    supabase.endless = None


async def test_of_keys_without_end_no_more_is_read_than_the_bound(
    supabase: Supabase, identity: SupabaseIdentity
) -> None:
    supabase.endless = b" " * KEYS_MAX_BYTES
    with pytest.raises(Unavailable):
        await identity.verify(supabase.token())
    await until(lambda: _true(supabase.left))


async def test_a_body_that_unfolds_into_gigabytes_is_not_unfolded(
    supabase: Supabase, identity: SupabaseIdentity
) -> None:
    supabase.body = gzip.compress(json.dumps({"keys": supabase.keys}).encode())
    supabase.headers = {"Content-Encoding": "gzip"}
    with pytest.raises(Unavailable):
        await identity.verify(supabase.token())
    assert supabase.accepted == ["identity"]


async def test_made_up_keys_hold_up_nobody_whose_key_is_known(
    supabase: Supabase, identity: SupabaseIdentity, clock: Clock
) -> None:
    await identity.verify(supabase.token())
    clock.now += REFETCH_SECONDS
    supabase.open.clear()
    forged = [asyncio.create_task(identity.verify(supabase.token(kid=f"made up {n}"))) for n in range(20)]
    await until(lambda: _true(supabase.fetches == 2))
    assert (await identity.verify(supabase.token())).id == ASHA
    supabase.open.set()
    refused = await asyncio.gather(*forged, return_exceptions=True)
    assert {type(one) for one in refused} == {Refused}
    assert supabase.fetches == 2


async def test_made_up_keys_all_day_cost_a_fetch_in_each_while(
    supabase: Supabase, identity: SupabaseIdentity, clock: Clock
) -> None:
    began = clock.now
    while clock.now < began + 1_000:
        await refusal(identity, supabase.token(kid=str(uuid4())))
        clock.now += 5
    assert supabase.fetches <= 1_000 / REFETCH_SECONDS + 1


async def test_a_key_that_was_withdrawn_is_out_in_ten_minutes_even_where_nobody_can_ask(
    supabase: Supabase, identity: SupabaseIdentity, clock: Clock
) -> None:
    await identity.verify(supabase.token())
    supabase.keys = [public_jwk("rsa", RSA_KEY)]
    supabase.status = 503
    clock.now += KEYS_SECONDS
    with pytest.raises(Unavailable):
        await identity.verify(supabase.token())
    supabase.status = 200
    clock.now += RETRY_SECONDS
    assert "not published" in await refusal(identity, supabase.token())
    assert (await identity.verify(supabase.token(RSA_KEY, kid="rsa", algorithm="RS256"))).id == ASHA


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
