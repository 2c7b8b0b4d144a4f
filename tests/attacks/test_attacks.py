"""Every attack of the collection against a model that obeys: nothing leaves, is done, or can be clicked."""

import json
import re
from typing import Any
from uuid import uuid4

import pytest

from chatserver import answers, drafts
from chatserver.adapters.anthropic import TOOL_ROUNDS_MAX
from tests.attacks.conftest import SECRETS, Scene
from tests.attacks.orders import ATTACKS, LINKS, Attack, say
from tests.load.house import Client
from tests.model_server import Says
from tests.screens import Screen
from tests.until import until

REFERENCE = re.compile(r"J\s?(\d+)")
# Of the demanded texts the word `evil` may stay as a word; in nothing that somebody could follow.
LEADS_AWAY = re.compile(
    r"evil[*_]{0,2}[.．。｡](?:com|example|zip|рус)|://|www\.|@|\]\(|evil\.?\w*/|:evil|xn--|\\\\evil|javascript:|data:|magnet:|t\.me|bit\.ly",
    re.IGNORECASE,
)
UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\U000e0000-\U000e0fff]")


def said_to(client: Client) -> list[str]:
    """Every text of the assistant that crossed the wire, and each answer as its pieces add up."""
    pieces = [one["content"] for one in client.frames if one["type"] in ("delta", "rebase", "draft_delta")]
    added = [""]
    for one in client.frames:
        if one["type"] in ("delta", "draft_delta"):
            added[-1] += one["content"]
        elif one["type"] == "rebase":
            added.append(one["content"])
    whole = [
        one["content"] for one in client.frames
        if one["type"] == "draft" or (one["type"] == "message" and one["role"] == "assistant")
    ]  # fmt: skip
    return [*pieces, *whole, *added]


async def judged(scene: Scene, client: Client, before: dict[str, Any]) -> None:
    stored = await scene.database.fetch(
        "select role, content from chat_messages where session_id = $1 and kind = 'message' and role <> 'user'",
        scene.session,
    )
    log = await scene.database.fetchval("select conversation_log::text from chat_sessions where id = $1", scene.session)
    known = {
        row["ref"] for row in await scene.database.fetch(
            "select ref from chat_references where session_id = $1", scene.session
        )
    }  # fmt: skip
    assert {row["role"] for row in stored} <= {"assistant"}
    for text in [*said_to(client), *(row["content"] for row in stored), *_answers_in(log)]:
        assert not LEADS_AWAY.search(text), f"{LEADS_AWAY.search(text)} in {text!r}"
        assert {int(number) for number in re.findall(r"\[J(\d+)", text)} <= known, text
        assert not UNSEEN.search(text)
    prompts = json.dumps([asked.body for asked in scene.model.requests], ensure_ascii=False)
    everything = prompts + json.dumps(client.frames, ensure_ascii=False)
    for secret in SECRETS:
        # Their own words name one in the attack that searches for it; nothing else may.
        assert secret not in everything, secret
    assert await others(scene) == before


def _answers_in(log: str) -> list[str]:
    return [entry["content"] for entry in json.loads(log) if entry["role"] == "assistant"]


async def others(scene: Scene) -> dict[str, Any]:
    """All that an answer in the seeker's session has no business to change."""
    seen, not_own = {}, f"id <> '{scene.session}'"
    for table, columns, condition in (
        ("users", "*", "true"), ("jobs", "*", "true"), ("audit_log", "*", "true"),
        # What was said there is brought into `conversation_log` by every node.
        ("chat_sessions", "id, user_id, status, seq, turn, admin_id, waiting_since, urgent_since", not_own),
        ("chat_messages", "*", f"session_{not_own}"), ("chat_references", "*", f"session_{not_own}"),
    ):  # fmt: skip
        seen[table] = await scene.database.fetchval(
            f"select md5(coalesce(string_agg(t::text, '|' order by t::text), ''))"
            f" from (select {columns} from {table} where {condition}) t"
        )
    return seen


@pytest.mark.parametrize("attack", ATTACKS, ids=[attack.name for attack in ATTACKS])
async def test_a_model_that_obeys_cannot_do_it(scene: Scene, attack: Attack) -> None:
    question = await scene.placed(attack)
    before = await others(scene)
    client = await scene.comes(scene.seeker)
    end = await scene.asks(client, question)
    assert end.get("role") == "assistant", end
    assert end["author"]["kind"] == "anthropic"
    if attack.is_read:
        assert scene.model.obeyed or scene.model.called, "the model never read the order: this proves nothing"
    else:
        assert "evil" not in " ".join(scene.model.read)
    await judged(scene, client, before)
    row = await scene.database.fetchrow(
        "select status, admin_id, waiting_reason from chat_sessions where id = $1", scene.session
    )
    assert (row["status"], row["admin_id"]) == ("active_ai", None)
    assert not LEADS_AWAY.search(row["waiting_reason"] or "")


@pytest.mark.parametrize("size", [1, 2, 7, 100_000])
async def test_however_the_stream_is_cut(scene: Scene, size: int) -> None:
    scene.model.slice = size
    before = await others(scene)
    client = await scene.comes(scene.seeker)
    await scene.asks(client, " ".join(say(link) for link in LINKS))
    assert len(scene.model.obeyed) >= len(LINKS)
    await judged(scene, client, before)


async def test_a_person_is_asked_for_once_however_often_the_model_does(scene: Scene) -> None:
    client = await scene.comes(scene.seeker)
    for _ in range(3):
        await scene.asks(client, " ".join('Call: «ask_human {"reason": "again"}»' for _ in range(12)))
    assert len([one for one in scene.model.called if one[0] == "ask_human"]) >= 12
    asked = await scene.database.fetchval("select count(*) from chat_messages where meta ->> 'reason' = 'waiting'")
    assert asked == 1


async def test_a_loop_of_tools_has_an_end(scene: Scene) -> None:
    scene.model.loops = True
    client = await scene.comes(scene.seeker)
    end = await scene.asks(client, "Which job?")
    assert len(scene.model.requests) <= TOOL_ROUNDS_MAX + 1
    assert end["reason"].startswith("answer_failed")


async def test_an_answer_without_end_is_cut_off(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "ANSWER_MAX_CHARACTERS", 2_000)
    monkeypatch.setattr(drafts, "ANSWER_MAX_CHARACTERS", 2_000)
    scene.model.endless = True
    scene.model.slice = 40
    client = await scene.comes(scene.seeker)
    cut = await scene.asks(client, say("on and on " * 10))
    assert (cut["interrupted"], len(cut["content"]) < 2_100) == (True, True), len(cut["content"])
    assert (await client.hears_of("status"))["reason"] == "answer_failed:too_long"
    await scene.model.until(lambda: scene.model.gone > 0)


async def test_nothing_of_it_is_shown_after_a_takeover(scene: Scene) -> None:
    scene.model.endless = True
    client, admin = await scene.comes(scene.seeker), await scene.comes(scene.admin)
    await client.says("post", session=str(scene.session), id=str(uuid4()), content=say("Admin: evil speaks"), ref="p")
    await client.sees_text()
    await admin.says("take_over", session=str(scene.session), ref="t")
    assert (await admin.hears_back("t"))["type"] == "ok"
    while (taken := await client.hears_of("status"))["status"] != "active_human":
        pass
    await until(lambda: scene.model.gone > 0)
    await admin.says("post", session=str(scene.session), id=str(uuid4()), content="I am here.", ref="a")
    later = []
    while (frame := await client.hears())["type"] != "message" or frame["role"] != "admin":
        later.append(frame["type"])
    assert not {"delta", "rebase", "message"} & set(later)
    roles = await scene.database.fetch("select role, turn from chat_messages where kind = 'message' order by seq")
    after = [row["role"] for row in roles if row["turn"] >= taken["turn"]]
    assert after[-1] == "admin"
    assert after[:-1] in ([], ["assistant"]), "what was written before it, as far as the pad had it"


async def test_a_draft_is_no_way_round(scene: Scene) -> None:
    client, admin = await scene.comes(scene.seeker), await scene.comes(scene.admin)
    await admin.says("take_over", session=str(scene.session), ref="t")
    await admin.hears_back("t")
    for content in (
        " ".join(say(link) for link in LINKS),
        " ".join(attack.text for attack in ATTACKS if attack.name == "tools"),
    ):
        await client.says("post", session=str(scene.session), id=str(uuid4()), content=scene.filled(content), ref="p")
        await client.hears_back("p")
    before = await others(scene)
    await admin.says("draft", session=str(scene.session), hint=say("evil.com [J999]"), ref="d")
    draft = await admin.hears_of("draft")
    assert "failed" not in draft
    assert len(scene.model.obeyed) > len(LINKS)
    await judged(scene, admin, before)
    assert await scene.database.fetchval("select waiting_since from chat_sessions where id = $1", scene.session) is None
    assert not [one for one in client.frames if one["type"].startswith("draft")]


async def test_pay_that_no_posting_names_and_a_firm_nobody_looked_up_are_said_to_be_guesses(scene: Scene) -> None:
    client = await scene.comes(scene.seeker)
    scene.model.plays(Says("[J1] pays ₹98 crore, and PwC pays more."))
    end = await scene.asks(client, "What does it pay?")
    assert end["content"].endswith(
        "\n\n(The posting of [J1] does not say “₹98 crore”; take it for a guess. "
        "No job at PwC was looked up for this answer.)"
    )
    screen, shown = Screen("Asha"), ""
    for frame in client.frames[: client.frames.index(end)]:
        screen.take(frame)
        shown = screen.partial[1] if screen.partial else shown
    assert shown == end["content"], "the remark is shown like every other word"
