"""Who may open a socket from where, and how long: to the end of the token, of the account, of the role."""

import time
from dataclasses import replace
from uuid import UUID

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from chatserver.core.codec import encode
from chatserver.core.server_frames import Delta
from tests.load.house import HOUR, a_client, a_house

PAGE = "https://jobs.example.com"


async def opens(url: str, *origins: str) -> bool:
    try:
        async with connect(url, additional_headers=[("Origin", one) for one in origins], proxy=None):
            return True
    except InvalidStatus as refused:
        if refused.response.status_code not in (400, 403):
            raise
        return False


@pytest.mark.parametrize(
    "origin",
    [
        "null", "", "*", "https://JOBS.example.com", "https://jobs.example.com/", "https://jobs.example.com.",
        "https://jobs.example.com:443", "https://jobs.example.com:8443", "http://jobs.example.com",
        "https://jobs.example.com.evil.example", "https://evil.example/https://jobs.example.com", "https://example.com",
        "https://a.jobs.example.com", "https://jobs.example.com@evil.example", "https://xn--jobs-example.com", "file://",
        "https://jobs.example.com https://evil.example", "wss://jobs.example.com", "https://jobs\u00b7example.com",
    ],
)  # fmt: skip
async def test_a_page_of_elsewhere_opens_no_socket(origin: str) -> None:
    async with a_house() as house:
        house.sockets._origins = frozenset({PAGE})
        assert not await opens(house.url, origin)
        assert await opens(house.url, PAGE)


async def test_of_two_origins_none_is_chosen() -> None:
    async with a_house() as house:
        house.sockets._origins = frozenset({PAGE})
        assert not await opens(house.url, PAGE, "https://evil.example")
        # The server's own name is no way in where the origins are named.
        assert not await opens(house.url, f"http://127.0.0.1:{house.port}")
        assert await opens(house.url)


async def test_a_connection_ends_with_its_token_also_while_an_answer_comes() -> None:
    async with a_house() as house, a_client(house.url, "Asha") as asha:
        connection = house.connection_of("Asha")
        connection.send(encode(Delta(session=UUID(int=1), turn=1, at=0, content="The best ")))
        house.sockets.now = lambda: time.time() + 2 * HOUR
        await house.sockets.beat()
        assert await asha.ended() == 4401
        await house.has(0)


async def test_a_frame_after_the_end_of_the_token_is_not_carried_out() -> None:
    async with a_house() as house, a_client(house.url, "Asha") as asha:
        house.sockets.now = lambda: time.time() + 2 * HOUR
        await asha.says("watch", ref="w")
        assert await asha.ended() == 4401
        assert (asha.frames[-1]["code"], asha.frames[-1]["ref"]) == ("unauthorized", "w")
        assert not house.desk.handled


async def test_a_new_token_of_the_same_person_prolongs_and_another_persons_changes_nothing() -> None:
    async with a_house() as house, a_client(house.url, "Asha") as asha:
        connection = house.connection_of("Asha")
        connection.expires_at = time.time() - 1
        for token, answer in (("Ben", "forbidden"), ("nobody", "unauthorized")):
            await asha.says("auth", token=token, ref="a")
            assert (await asha.hears_back("a"))["code"] == answer
            assert connection.expires_at < time.time()
        await asha.says("auth", token="Asha", ref="a")
        assert (await asha.hears_back("a"))["type"] == "ok"
        await house.sockets.beat()
        await asha.says("watch", ref="w")
        assert (await asha.hears_back("w"))["type"] == "ok"
        assert connection.user.full_name == "Asha"


@pytest.mark.parametrize("change", [{"deactivated": True}, {"role": "provider"}, None])
async def test_who_is_deactivated_demoted_or_erased_is_out_in_a_heartbeat(
    change: dict[str, object] | None,
) -> None:
    async with a_house() as house, a_client(house.url, "Asha") as asha, a_client(house.url, "Asha") as other:
        user = house.connection_of("Asha").user
        async with a_client(house.url, "Ben") as ben:
            if change is None:

                async def some(ids: object) -> list[object]:
                    return [one for one in house.people.known.values() if one.id != user.id]

                house.people.some = some  # type: ignore[method-assign,assignment]
            else:
                house.people.known[user.id] = replace(user, **change)  # type: ignore[arg-type]
            await house.sockets.beat()
            assert (await asha.ended(), await other.ended()) == (4403, 4403)
            await ben.says("watch", ref="w")
            assert (await ben.hears_back("w"))["type"] == "ok"
