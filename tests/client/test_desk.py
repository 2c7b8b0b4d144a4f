"""What the admin's desk decides without a page: who stands where, who makes room, when silence is too long."""

from typing import Any

import pytest
from playwright.async_api import Page

pytestmark = pytest.mark.asyncio(loop_scope="session")

STORAGE = (
    "{ kept: {}, getItem(key) { return this.kept[key] ?? null; }, setItem(key, value) { this.kept[key] = value; } }"
)


async def test_the_order_on_the_screen_is_kept_and_what_is_new_comes_after_it(page: Page) -> None:
    found = await page.evaluate("""async () => {
      const { steady } = await import("/lobby.js");
      const sessions = ["waits", "first", "second", "new"].map((id) => ({ id }));
      return [null, ["first", "gone", "second", "waits"]].map((order) => steady(sessions, order).map((one) => one.id));
    }""")
    assert found == [["waits", "first", "second", "new"], ["first", "second", "waits", "new"]]


async def test_whoever_is_not_held_makes_room_and_all_are_remembered(page: Page) -> None:
    found = await page.evaluate(f"""async () => {{
      const {{ Desk, OPEN_MAX }} = await import("/desk.js");
      const storage = {STORAGE};
      const desk = new Desk(storage, "me");
      const opens = (id, admin) => {{
        const crowded = desk.turnTo(id);
        const session = {{ id, status: admin ? "active_human" : "active_ai", user: {{ id: "u", name: "U" }}, admin }};
        desk.hear({{ type: "joined", session, seq: 0, turn: 0, events: [] }});
        return crowded;
      }};
      opens("held", {{ id: "me" }});
      opens("anothers", {{ id: "other" }});
      for (let more = desk.open.size; more < OPEN_MAX; more += 1) opens(`mine${{more}}`, {{ id: "me" }});
      const crowded = [opens("ninth"), opens("tenth", {{ id: "me" }}), opens("eleventh", {{ id: "me" }})];
      desk.remember();
      const kept = ["me", "you"].map((who) => new Desk(storage, who).remembered().length);
      return [crowded, desk.held().length, kept];
    }}""")
    assert found == [["anothers", "ninth", "held"], 8, [8, 0]]


async def test_silence_is_warned_of_in_words_that_stay_while_the_seconds_run(page: Page) -> None:
    warnings: list[dict[str, Any] | None] = await page.evaluate("""async () => {
      const { Leases } = await import("/lease.js");
      const leases = new Leases(300);
      leases.acts("s", 0);
      const told = [239_000, 240_000, 299_500, 300_000, 900_000].map((now) => leases.warning("s", now));
      leases.acts("s", 900_000);
      return [...told, leases.warning("s", 900_001)];
    }""")
    early, *running, over, long_over, again = warnings
    assert early is None
    assert [one and one["left"] for one in running] == [60, 1]
    assert len({one and one["words"] for one in running}) == 1
    assert over is not None
    assert (over["left"], over["words"]) != (1, running[0] and running[0]["words"])
    assert long_over == over
    assert again is None


async def test_a_brief_says_what_was_tried_and_what_a_person_promised(page: Page) -> None:
    facts: list[list[str]] = await page.evaluate("""async () => {
      const { brief } = await import("/views/brief.js");
      const { empty, reduce } = await import("/state.js");
      const session = { id: "s", status: "active_ai", user: { id: "u", name: "U" } };
      let seq = 0;
      const next = (type, more) => ({ type, session: "s", seq: (seq += 1), turn: seq, ...more });
      const said = (role, content, more = {}) => next("message", { role, content, ...more });
      const source = (ref) => ({ ref, job: ref, title: "T", company: "C", status: "active" });
      const events = [
        said("user", "First?"),
        said("assistant", "See **[J1]**", { sources: [source("J1"), source("J2")], rating: -1, comment: "Wrong" }),
        said("admin", "I call you at noon.", { author: { name: "Meera", kind: "admin" } }), said("user", "Second?"),
        next("status", { status: "active_ai", reason: "answer_failed:down", of_turn: 4 }),
        next("note", { content: "Be kind", author: { name: "Devi" } }),
      ];
      return brief(reduce(empty(), { type: "joined", session, seq, turn: seq, events }), "A visa");
    }""")
    told = dict(facts)
    assert told["Reason"] == "A visa"
    assert told["Last question"] == "Second?"
    assert told["Tried"] == (
        "one answer of the assistant; 2 jobs named (J1, J2); 1 that failed; 1 found unhelpful: “Wrong”"
    )
    assert told["Last answer"] == "See J1"
    assert told["Promised"].startswith("Meera was here before and said last: “I call you at noon.” They were told")
    assert told["Last note"] == "Devi: Be kind"
