"""The states in which the seeker's conversation is looked at."""

from datetime import UTC, datetime
from typing import Any

from playwright.async_api import expect

from tests.browser.seeker_states import LONG_NAME, at_home
from tests.browser.stage import Reach, Stage
from tests.browser.vocabulary import PATIENCE_MS

MARKDOWN = """### What the postings ask for

You have **most of it**; *two skills* are missing, and `dbt` is named once.

| Skill | You | Asked by | What to do about it |
|---|:-:|---|---|
| Apache Spark | yes | three postings | Say how large the data was |
| Terraform | no | two postings | A weekend with the `aws` provider is enough for a start |

1. First, rewrite the summary:
   - one line on what you built
   - one line on what it saved
2. Then the skills, in this order.

```sql
select city, count(*) as jobs, round(avg(salary_inr) / 100000.0, 1) as lakh from postings group by city
```
Good luck with it."""
TONGUES = (
    ("user", "நான் ஒரு தரவு பொறியாளர். பெங்களூரில் வேலை இருக்கிறதா?"),
    ("assistant", "हाँ, **तीन** नौकरियाँ खुली हैं:\n\n- पहली बेंगलुरु में है\n- दूसरी पुणे में, और `SQL` चाहिए"),
    ("user", "هل توجد وظائف عن بعد؟ I can also work in English."),
    (
        "assistant",
        "نعم، هناك **وظيفتان**:\n\n1. مهندس بيانات\n2. محلل مالي\n\n| المهارة | لديك |\n|---|---|\n| SQL | نعم |",
    ),
    ("user", "👩🏽‍💻👨‍👩‍👧‍👦🎉 " + "Donaudampfschifffahrtsgesellschaftskapitän" * 4),
)


async def whole_markdown(stage: Stage) -> None:
    user = await stage.known("Mala Markdown")
    await stage.conversation(user, ("user", "What do they ask for?"), ("assistant", MARKDOWN))
    await stage.seeker("Mala Markdown")


async def tongues(stage: Stage) -> None:
    await stage.conversation(await stage.known(LONG_NAME), *TONGUES)
    await stage.seeker(LONG_NAME)


async def full_length(stage: Stage) -> None:
    user = await stage.known("Lakshmi Long")
    words = ("I worked with ledgers, audits and people. " * 200)[:8_000]
    await stage.conversation(user, ("user", words), ("assistant", "That is a lot; which part matters most to you?"))
    await stage.seeker("Lakshmi Long")
    await stage.page.get_by_test_id("composer").get_by_role("textbox").fill("x" * 8_001)
    await expect(stage.page.get_by_text("too many")).to_be_visible()


async def growing(stage: Stage) -> None:
    """An answer that stands still in the middle of a word."""
    text = ""

    def stop_after_a_line(frame: dict[str, Any]) -> dict[str, Any] | None:
        nonlocal text
        if frame["type"] == "delta":
            if len(text) > 150:
                return None
            text += frame["content"]
        return None if frame.get("of_turn") else frame

    await stage.hears(stop_after_a_line)
    await stage.seeker("Gita Growing")
    await stage.page.get_by_test_id("suggestion").first.click()
    await stage.sees("partial")
    await expect(stage.page.get_by_test_id("stop")).to_be_visible()


async def searching(stage: Stage) -> None:
    """Before the first word."""
    await stage.hears(lambda frame: None if frame["type"] == "delta" or frame.get("of_turn") else frame)
    await stage.seeker("Sita Searching")
    await stage.page.get_by_test_id("suggestion").first.click()
    await expect(stage.page.get_by_test_id("stop")).to_be_visible(timeout=PATIENCE_MS)


async def failed(stage: Stage) -> None:
    user = await stage.known("Fatima Failed")
    await stage.conversation(user, ("user", "Which jobs fit me?"), ("status", "answer_failed:down"))
    await stage.page.goto(f"{stage.house.url}/#token={stage.token('Fatima Failed')}")
    await expect(stage.page.get_by_role("button", name="Try again")).to_be_visible(timeout=PATIENCE_MS)


async def waiting(stage: Stage) -> None:
    await stage.seeker("Vera Waiting")
    await stage.page.get_by_role("button", name="Talk to a person").click()
    await stage.sees("queue")
    await expect(stage.page.get_by_test_id("queue")).to_contain_text("The assistant goes on", timeout=PATIENCE_MS)


async def closed_hours(stage: Stage) -> None:
    def closed(frame: dict[str, Any]) -> dict[str, Any]:
        if "position" not in frame:
            return frame
        return {**frame, "open": False, "opens_at": "2031-01-06T03:30:00Z", "admins": 0, "position": 12}

    await stage.hears(closed)
    await stage.seeker("Nina Night")
    await stage.page.get_by_role("button", name="Talk to a person").click()
    await expect(stage.page.get_by_test_id("queue")).to_contain_text("closed", timeout=PATIENCE_MS)


async def with_a_person(stage: Stage) -> None:
    user = await stage.known("Pia Person")
    meera = await stage.told("select id from users where role = 'admin' order by created_at limit 1")
    await stage.conversation(
        user, ("user", "May a person look at this?"), ("status", "taken_over"),
        ("admin", "Good morning! This is Meera. Shall we go through it together?"), ("user", "Yes, please."),
        status="active_human", admin_id=meera, admin_lease_until=datetime(2031, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    await stage.seeker("Pia Person")


async def closed(stage: Stage) -> None:
    user = await stage.known("Clara Closed")
    await stage.conversation(user, ("user", "Thank you, that was all."), ("status", "closed"), status="closed")
    await stage.seeker("Clara Closed")
    await stage.page.get_by_test_id("past").get_by_text("Thank you, that was all.").first.click(timeout=PATIENCE_MS)
    await expect(stage.page.get_by_test_id("standing")).to_contain_text("closed", timeout=PATIENCE_MS)


async def job(stage: Stage) -> None:
    await at_home(stage)
    await stage.page.get_by_test_id("source").first.click()
    await expect(stage.page.get_by_test_id("job-dialog")).to_contain_text("Description", timeout=PATIENCE_MS)


async def closed_job(stage: Stage) -> None:
    await stage.answers(
        r"/api/jobs/[^/]*", id="x", title="Consultant – " + "Extraordinary Long Titled Role " * 3, status="closed",
        company_name="Deloitte", location="Bengaluru, Karnataka, India; Pune; Hyderabad; Remote",
        source_name="deloitte", posted_at="2026-10-01T00:00:00Z", description_raw="It was a good job.\n\nIt is gone.",
        external_apply_url="https://careers.example.com/1", resume_guide_generated=[], prep_guide_generated=[],
    )  # fmt: skip
    await at_home(stage)
    await stage.page.get_by_test_id("source").first.click()
    await stage.sees("job-closed")


async def unread_job(stage: Stage) -> None:
    await stage.answers(r"/api/jobs/[^/]*", 503, code="unavailable", detail="The database does not answer.")
    await at_home(stage)
    await stage.page.get_by_test_id("source").first.click()
    await expect(stage.page.get_by_test_id("job-dialog")).to_contain_text("does not answer", timeout=PATIENCE_MS)


async def about_a_job(stage: Stage) -> None:
    await stage.seeker("Janaki Job")
    await stage.page.get_by_test_id("match").first.get_by_role("button", name="Ask about this job").click()
    panel = stage.page.get_by_test_id("job-panel")
    await panel.locator("summary").first.click(timeout=PATIENCE_MS)
    await panel.get_by_text("interview questions").last.click()


async def small_things(stage: Stage) -> None:
    """The menu is open, and a reason is asked for."""
    await at_home(stage)
    await stage.page.get_by_test_id("verdict").last.get_by_role("button", name="Not helpful").click()
    await expect(stage.page.get_by_label("What was wrong?")).to_be_visible(timeout=PATIENCE_MS)
    await stage.page.get_by_test_id("menu").get_by_text("More").click()


async def too_much(stage: Stage) -> None:
    """One message waits for its minute, and one was refused for good."""

    def refuse(frame: dict[str, Any]) -> dict[str, Any] | None:
        if frame["type"] != "ok" or "seq" not in frame:
            return None if frame["type"] == "message" and frame["role"] == "user" else frame
        error = {"type": "error", "ref": frame["ref"]}
        if not refused:
            refused.append(frame["ref"])
            return {**error, "code": "bad_content", "message": "The message holds a character that cannot be stored."}
        return {**error, "code": "rate_limited", "message": "That is a lot at once; wait a moment.", "retry_after": 40}

    refused: list[str] = []
    await stage.hears(refuse)
    await stage.seeker("Tarun Toomuch")
    field = stage.page.get_by_test_id("composer").get_by_role("textbox")
    for words, shown in (("One", "not sent"), ("And another one", "It is sent by itself")):
        await field.fill(words)
        await field.press("Enter")
        await expect(stage.page.get_by_test_id("unsent").last).to_contain_text(shown, timeout=PATIENCE_MS)


STATES: dict[str, Reach] = {
    "conversation: all of Markdown": whole_markdown,
    "conversation: many tongues": tongues,
    "conversation: messages of full length": full_length,
    "conversation: an answer grows": growing,
    "conversation: before the first word": searching,
    "conversation: an answer failed": failed,
    "conversation: waiting for a person": waiting,
    "conversation: waiting outside business hours": closed_hours,
    "conversation: with a person": with_a_person,
    "conversation: closed": closed,
    "conversation: a job in front": job,
    "conversation: a closed job in front": closed_job,
    "conversation: a job that cannot be read": unread_job,
    "conversation: about one job": about_a_job,
    "conversation: a reason is asked for": small_things,
    "conversation: messages that are not sent": too_much,
}
