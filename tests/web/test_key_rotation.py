"""A project changes its keys while people are signed in: over sockets and REST, of a whole node, without a restart."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import uuid4

import httpx2
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import ec

from chatserver import node as own_node
from chatserver.adapters import published_keys
from chatserver.adapters.identity import LAST_INSTANT, SupabaseIdentity
from chatserver.adapters.published_keys import (
    FETCH_SECONDS,
    KEYS_FRESH_SECONDS,
    KEYS_MAX_BYTES,
    KEYS_SECONDS,
    REFETCH_SECONDS,
    RETRY_SECONDS,
)
from chatserver.core.gazetteer import Gazetteer
from chatserver.core.protocol import HEARTBEAT_SECONDS
from tests.adapters.sign_in import CURVE_KEY, Clock, Supabase, a_sign_in_service, public_jwk
from tests.load.house import WITHIN_SECONDS, Client, a_client
from tests.load.town import Served, a_node
from tests.until import until

NEWER = ec.generate_private_key(ec.SECP256R1())
BEAT_SECONDS = 0.05


@dataclass
class Rotating:
    served: Served
    project: Supabase
    clock: Clock

    @property
    def url(self) -> str:
        return self.served.url

    def token(self, kid: str = "curve", **changes: Any) -> str:
        """Of somebody new; a name that is no key's is signed by one that is not published."""
        sub = str(uuid4())
        changes = {"sub": sub, "email": f"{sub}@example.com", **changes}
        return self.project.token(CURVE_KEY if kid == "curve" else NEWER, kid=kid, **changes)

    async def turned_away(self, token: str) -> tuple[str, int]:
        """With which error, and which close code."""
        async with a_client(self.url) as client:
            await client.says("hello", token=token)
            code = (await client.hears_of("error"))["code"]
            return code, await client.ended()

    async def asks(self, token: str) -> int:
        """The status over REST."""
        async with httpx2.AsyncClient(trust_env=False) as client:
            headers = {"Authorization": f"Bearer {token}"}
            return (await client.get(f"http://127.0.0.1:{self.served.port}/api/me", headers=headers)).status_code


@pytest_asyncio.fixture
async def rotating(
    database_url: str, redis_url: str, gazetteer: Gazetteer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Rotating]:
    clock = Clock()
    monkeypatch.setattr(own_node, "SupabaseIdentity", partial(SupabaseIdentity, clock=clock))
    monkeypatch.setattr(own_node, "load_gazetteer", lambda: gazetteer)
    monkeypatch.setattr(own_node, "HEARTBEAT_SECONDS", BEAT_SECONDS)
    async with (
        a_sign_in_service() as project,
        a_node(database_url, redis_url, SUPABASE_URL=project.url, OPENAI_API_KEY="sk-made-up") as served,
    ):
        yield Rotating(served, project, clock)


async def still_here(client: Client) -> None:
    await client.says("unwatch", ref="here")
    assert (await client.hears_back("here"))["type"] == "ok"


async def test_a_new_key_lets_in_and_a_withdrawn_one_ends_what_it_let_in(rotating: Rotating) -> None:
    # Whoever has a key writes tokens without an end.
    endless, her = rotating.token(exp=LAST_INSTANT), str(uuid4())
    async with a_client(rotating.url, endless) as forged, a_client(rotating.url, rotating.token(sub=her)) as asha:
        newer = rotating.token("newer")
        assert await rotating.turned_away(newer) == ("unauthorized", 4401)
        rotating.project.keys.append(public_jwk("newer", NEWER))
        rotating.clock.now += REFETCH_SECONDS
        async with a_client(rotating.url, newer) as ben:
            assert await rotating.asks(newer) == 200
            assert await rotating.asks(endless) == 200
            await still_here(forged)
            # She renews in time; her connection hangs by the newer key from then on.
            await asha.says("auth", token=rotating.token("newer", sub=her), ref="auth")
            assert (await asha.hears_back("auth"))["type"] == "ok"

            rotating.project.keys = [public_jwk("newer", NEWER)]
            rotating.clock.now += KEYS_FRESH_SECONDS
            async with asyncio.timeout(WITHIN_SECONDS):
                assert await forged.ended() == 4401
            assert await rotating.turned_away(endless) == ("unauthorized", 4401)
            assert await rotating.asks(endless) == 401
            await still_here(asha)
            await still_here(ben)
            assert await rotating.asks(newer) == 200
    assert HEARTBEAT_SECONDS + KEYS_FRESH_SECONDS < KEYS_SECONDS, "the beat of a real node finds it in time"


@pytest.mark.parametrize(
    "trouble",
    [
        {"status": 503}, {"body": b"<html>"}, {"endless": b" " * KEYS_MAX_BYTES}, {"slow": True},
    ],
    ids=["down", "a page", "without end", "slow"],
)  # fmt: skip
async def test_a_service_in_trouble_lets_nobody_down_for_ten_minutes_and_nobody_in_after(
    rotating: Rotating, trouble: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    token, project = rotating.token(), rotating.project
    async with a_client(rotating.url, token) as asha:
        known = project.fetches
        # In trouble alone: a machine may be slow by itself.
        monkeypatch.setattr(published_keys, "FETCH_SECONDS", 0.1)
        if trouble.get("slow"):
            project.open.clear()
        for name, value in trouble.items():
            setattr(project, name, value)
        rotating.clock.now += KEYS_FRESH_SECONDS
        assert await rotating.asks(token) == 200
        rotating.clock.now += KEYS_SECONDS - KEYS_FRESH_SECONDS - 1
        async with a_client(rotating.url, rotating.token()):
            pass
        await until(lambda: project.fetches > known)

        rotating.clock.now += 1
        assert await rotating.turned_away(token) == ("unavailable", 1012)
        assert await rotating.asks(token) == 503
        # Who is here stays, as long as their token does: nobody said that its key is withdrawn.
        await asha.hears_of("heartbeat")
        await still_here(asha)
        assert project.fetches <= known + 3, "each is after a pause, whoever asks"

        for name, value in {"status": 200, "body": None, "endless": None}.items():
            setattr(project, name, value)
        project.open.set()
        monkeypatch.setattr(published_keys, "FETCH_SECONDS", FETCH_SECONDS)
        rotating.clock.now += RETRY_SECONDS
        assert await rotating.asks(token) == 200


async def test_a_flood_of_made_up_keys_costs_one_fetch_and_holds_up_nobody(rotating: Rotating) -> None:
    async with a_client(rotating.url, rotating.token()):
        known = rotating.project.fetches
        rotating.clock.now += REFETCH_SECONDS
        rotating.project.open.clear()
        flood = [asyncio.create_task(rotating.turned_away(rotating.token(f"made up {n}"))) for n in range(40)]
        flood_over_rest = [asyncio.create_task(rotating.asks(rotating.token(f"made up too {n}"))) for n in range(20)]
        await until(lambda: rotating.project.fetches > known)
        async with a_client(rotating.url, rotating.token()) as asha:
            await still_here(asha)
        rotating.project.open.set()
        assert set(await asyncio.gather(*flood)) == {("unauthorized", 4401)}
        assert set(await asyncio.gather(*flood_over_rest)) == {401}
        assert rotating.project.fetches == known + 1
