"""What a person does too often is refused with when it may go on, on every node, and changes nothing."""

import re
from typing import Any
from uuid import uuid4

import pytest

from chatserver.adapters.limits import RedisRate
from chatserver.allowances import Allowances
from chatserver.core.limits import Allowance, Deed, Limits
from tests.nodes import Device
from tests.test_leases import a_seeker
from tests.town import Town


def once(town: Town, deed: Deed) -> Allowances:
    """Everything is free but this deed, which may be done once in a minute."""
    table = Limits().allowances()
    free = {name: Allowance(0, 60.0, one.refusal) for name, one in table.items()}
    return Allowances(RedisRate(town.redis), {**free, deed: Allowance(1, 60.0, table[deed].refusal)})


@pytest.mark.parametrize(
    ("deed", "frame", "role"),
    [
        ("posts", "post", "seeker"),
        ("posts", "ask_human", "seeker"),
        ("answers", "retry", "seeker"),
        ("answers", "draft", "admin"),
        ("conversations", "join", "seeker"),
        ("conversations", "close", "seeker"),
    ],
    ids=lambda value: str(value),
)
async def test_the_second_in_a_minute_is_refused_on_every_node(town: Town, deed: Deed, frame: str, role: Any) -> None:
    one, two = await town.node(), await town.node()
    for node in (one, two):
        node.dispatcher.allowances = once(town, deed)
    asha, session = await a_seeker(town, one, "Asha")
    who = town.device(asha.user if role == "seeker" else await town.person("admin", "Ben"), one)
    fields: dict[str, dict[str, object]] = {
        "post": {"id": str(uuid4()), "content": "Hello?"}, "retry": {"turn": 9}, "join": {"new": str(uuid4())},
    }  # fmt: skip
    named = {} if frame == "join" else {"session": str(session)}
    # It counts whatever becomes of it: who asks for what cannot be asks all the same.
    await who.sends(frame, **named, **fields.get(frame, {}))
    elsewhere = Device(two, who.user, who.screen)
    before = await town.log(session)
    try:
        refused = await elsewhere.sends(frame, **named, **fields.get(frame, {}))
        assert refused.get("code") == "rate_limited"
        assert re.search(r"; come back in \d+ seconds\.$", refused["message"])
        assert await town.log(session) == before
    finally:
        await elsewhere.leaves()
