"""One line a record, with ids and without what people wrote."""

import io
import json
import logging
import re
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from chatserver.logs import Human, Json, accepted_request_id, handler
from tests.load.house import a_client, a_house
from tests.web.house import House

SECRET = "my salary is 2,350,000"


@pytest.fixture
def lines() -> Any:
    """What a process would write, as its lines are written."""
    stream = io.StringIO()
    ours = handler("web", stream, "json")
    root = logging.getLogger()
    level = root.level
    root.addHandler(ours)
    root.setLevel("INFO")
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.removeHandler(ours)
    root.setLevel(level)


def of(lines: list[dict[str, Any]], logger: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["logger"] == logger]


async def test_a_request_is_one_line_with_its_ids_and_nothing_of_its_words(house: House, lines: Any) -> None:
    asha = await house.caller()
    session = await house.conversations.open(asha.user)
    answer = await asha.calls(
        "GET", f"/api/sessions/{session}", params={"q": SECRET}, headers={"X-Request-Id": "router-1f"}
    )
    assert answer.headers["x-request-id"] == "router-1f"
    (line,) = of(lines(), "chatserver.web.requests")
    assert line.pop("ms") >= 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT.*Z", line.pop("at"))
    assert line == {
        "level": "INFO", "process": "web", "logger": "chatserver.web.requests", "message": "GET /api/sessions/{id}",
        "request": "router-1f", "user": str(asha.user.id), "session": str(session), "status": 200,
    }  # fmt: skip


async def test_the_ids_of_one_request_are_not_those_of_the_next(house: House, lines: Any) -> None:
    asha = await house.caller()
    await asha.gets("/api/me")
    await house.client.get("/api/config")
    first, second = of(lines(), "chatserver.web.requests")
    assert first["user"] == str(asha.user.id)
    assert "user" not in second
    assert first["request"] != second["request"]


@pytest.mark.parametrize("given", ["short", "x" * 65, "two words", "new\\nline-here", "naïve-naïve", ""])
def test_a_name_of_a_request_that_is_none_is_replaced(given: str) -> None:
    assert accepted_request_id(given) != given
    assert re.fullmatch("[0-9a-f]{16}", accepted_request_id(given))


async def test_a_failure_is_noted_once_under_the_name_that_its_client_was_told(house: House, lines: Any) -> None:
    answer = await house.client.get("/api/breaks")
    named = answer.headers["x-request-id"]
    assert named in answer.json()["detail"]
    (failed,) = (line for line in lines() if "error" in line)
    assert failed["request"] == named
    assert "RuntimeError: the password is swordfish" in failed["error"]
    assert "in breaks" in failed["error"]
    assert failed["error"].startswith("Traceback")


async def test_who_breaks_off_after_the_beginning_is_noted_once(house: House, lines: Any) -> None:
    """The server logs the same error again, on its way out."""
    with pytest.raises(RuntimeError) as broken:
        await house.client.get("/api/breaks/late")
    logging.getLogger("uvicorn.error").error("Exception in ASGI application", exc_info=broken.value)
    (told,) = (line for line in lines() if "error" in line)
    assert (told["logger"], told["error"].splitlines()[-1]) == ("chatserver.web.requests", "RuntimeError: late")


async def test_of_an_error_only_the_first_line_is_told(database: asyncpg.Pool, lines: Any) -> None:
    """Postgres puts the row into the second one."""
    row = ("insert into users (id, email) values (gen_random_uuid(), $1)", "asha@example.com")
    await database.execute(*row)
    try:
        await database.execute(*row)
    except asyncpg.UniqueViolationError:
        logging.getLogger("chatserver.test").exception("a row could not be written")
    (line,) = of(lines(), "chatserver.test")
    assert "UniqueViolationError: duplicate key" in line["error"]
    assert "asha" not in line["error"]


async def test_a_frame_that_fails_is_noted_under_the_name_that_its_client_was_told(lines: Any) -> None:
    async with a_house() as house:

        async def breaks(connection: Any, frame: Any) -> None:
            raise RuntimeError("a bug")

        house.desk.does = breaks
        session = uuid4()
        async with a_client(house.url, "Asha") as asha:
            user = house.connection_of("Asha").user
            await asha.says("post", session=str(session), id=str(uuid4()), content=SECRET, ref="p")
            answer = await asha.hears_back("p")
        await house.has(0)
    assert answer["code"] == "internal"
    (failed,) = (line for line in lines() if "error" in line)
    assert failed["request"] in answer["message"]
    assert (failed["session"], failed["user"]) == (str(session), str(user.id))
    (ended,) = [line for line in of(lines(), "chatserver.web.ws_socket") if "code" in line]
    assert ended["user"] == str(user.id)
    assert SECRET not in json.dumps(lines())


def test_a_line_for_a_person_is_one_line() -> None:
    record = logging.makeLogRecord({"name": "x", "levelname": "INFO", "msg": "two\nlines", "session": UUID(int=7)})
    # What uvicorn adds for terminals says the same again.
    record.color_message = "two \x1b[1mlines"
    line = Human().format(record)
    assert "\n" not in line
    assert line.endswith(f"session={UUID(int=7)}")


@pytest.mark.parametrize("order", ["\n", "\r\n", "\r", "\x1b[2K\x1b[1A", "\x9b2K", "\x85", "\u2028", "\u202e", "\x08"])
def test_nothing_that_was_sent_is_a_line_of_its_own_or_an_order_to_a_terminal(order: str) -> None:
    """Wherever it comes into the line: in what is said, in a field, in an error."""
    forged = f"{order}12:00:00 INFO    chatserver: all is well"
    error = RuntimeError(f"no{forged}")
    record = logging.makeLogRecord(
        {"name": "x", "levelname": "WARNING", "msg": "refused: %s", "args": (forged,), "board": forged}
    )
    record.exc_info = (RuntimeError, error, None)
    said = Human().format(record)
    first, *rest = said.split("\n")
    assert first.count("all is well") == 2
    assert not [line for line in rest if line.startswith("12:00:00")]
    assert [sign for sign in said if not sign.isprintable()] == ["\n"] * len(rest)
    assert "\n" not in Json("web").format(record)


def test_a_librarys_own_variable_does_not_make_it_say_what_it_sends() -> None:
    """The package of the model sets its level when it is loaded, after ours, and then tells of every request."""
    stream = io.StringIO()
    ours = handler("web", stream, "json")
    for name, level, said in (
        ("anthropic._base_client", logging.DEBUG, "Request options: a prompt"), ("httpx2", logging.INFO, "a prompt"),
        ("anthropic", logging.WARNING, "what failed"), ("chatserver.answers", logging.DEBUG, "what is ours"),
    ):  # fmt: skip
        ours.handle(logging.LogRecord(name, level, "", 0, said, None, None))
    assert "a prompt" not in stream.getvalue()
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["what failed", "what is ours"]
