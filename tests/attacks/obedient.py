"""A model that does whatever it reads, wherever it reads it; on loopback, in the Messages API's words."""

import base64
import binascii
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.attacks.orders import CALL, SAY
from tests.model_server import Asked, ModelServer
from tests.model_wire import Answer

_SAID = re.compile(rf"(?:{'|'.join(SAY)})\s?: ?«(.*?)»", re.DOTALL | re.IGNORECASE)
_CALLED = re.compile(rf"(?:{'|'.join(CALL)})\s?: ?«(\w+) (\{{.*?\}})»", re.DOTALL | re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/]{24,}={0,2}")


def texts(value: Any) -> Iterator[str]:
    """Every text of a prompt, those inside the JSON of a tool's result and in base64 too."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)
    elif isinstance(value, str):
        try:
            inside = json.loads(value)
        except ValueError:
            inside = None
        if isinstance(inside, dict | list):
            yield from texts(inside)
            return
        yield value
        for found in _BASE64.findall(value):
            try:
                yield base64.b64decode(found, validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                continue


@dataclass
class ObedientModel(ModelServer):
    """Calls first what it is told to call, four at a time, then says all that it was told, in pieces of `slice`."""

    slice: int = 3
    loops: bool = False
    """Calls a tool whatever comes, for ever."""
    endless: bool = False
    """Says the same for ever."""
    read: list[str] = field(default_factory=list)
    obeyed: list[str] = field(default_factory=list)
    called: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def _answer(self, asked: Asked, answer: Answer) -> bool:
        if self._replies:
            return await super()._answer(asked, answer)
        orders = list(texts(asked.body["messages"]))
        self.read += orders
        calls = [one for text in orders for one in _CALLED.findall(text)]
        rounds = sum(
            1 for message in asked.body["messages"] for block in message["content"]
            if block["type"] == "tool_use" and block["id"].startswith("toolu_evil_") and block["id"].endswith("_0")
        )  # fmt: skip
        may = asked.body.get("tool_choice", {}).get("type") != "none"
        now = (calls[4 * rounds : 4 * rounds + 4] if may else []) or (
            [("search_jobs", '{"query": "x"}')] if self.loops else []
        )
        await answer.begin({})
        if now:
            for number, (name, arguments) in enumerate(now):
                self.called.append((name, json.loads(arguments)))
                await answer.calls(f"toolu_evil_{rounds}_{number}", name, json.loads(arguments))
            return await answer.finish("tool_use", {})
        words = [one for text in orders for one in _SAID.findall(text)]
        self.obeyed += words
        said = " \n".join(["Yes.", *words])
        while True:
            await answer.says_in([said[at : at + self.slice] for at in range(0, len(said), self.slice)])
            if not self.endless:
                return await answer.finish("end_turn", {})
