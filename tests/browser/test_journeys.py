"""Seven of the ten journeys, each from its beginning to its end: what seekers come for, and what may come between.

The three with an admin are in `test_journeys_with_admins.py`.
"""

import json
import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from chatserver.demo import texts
from tests.adapters.resume_files import pdf_with_password
from tests.browser.conftest import Complaints, House
from tests.browser.front_door import front_door
from tests.browser.vocabulary import PATIENCE_MS, answers, posts_a_job, seeker

pytestmark = pytest.mark.asyncio(loop_scope="session")

RESUME = Path(texts.__file__).parent / "resumes" / "farah-siddiqui.pdf"

PAYROLL = (
    "You will run the payroll of four hundred people of a spinning mill in Salem, in Excel and Tally, and answer for "
    "every rupee. We ask for two years in payroll or accounting, firm knowledge of PF, ESI and GST, and patience to "
    "explain a payslip twice. You will work with the auditors each quarter and close the books with the finance team."
)


async def test_first_visit_to_cited_answer(browser: Browser, house: House) -> None:
    async with seeker(browser, house.url) as asha:
        page = asha.page
        await asha.signs_in("first.visit@example.com")
        start = page.get_by_test_id("start")
        await expect(start).to_contain_text("Your resume is read, and open jobs are held against it.")
        await expect(start.get_by_role("button", name="Upload your resume")).to_be_visible()
        await asha.uploads(RESUME)
        await asha.sees_what_was_read(RESUME.name)
        await expect(page.get_by_test_id("resume-read")).to_have_text(re.compile(r"was read: 1 page, \d\d skills\.$"))
        await asha.sees_matches()
        card = page.get_by_test_id("match").first
        await expect(card).to_contain_text("You bring")
        await expect(page.get_by_test_id("matches")).to_contain_text("Not in your resume")
        await expect(card.get_by_role("link", name="Apply")).to_have_attribute("href", re.compile("^https://"))

        await start.get_by_role("button", name="Which jobs fit me best, and why?").click()
        await asha.sees_messages_of("assistant", 2)
        await asha.sees_no_answer_grow()
        await expect(start).to_be_hidden()
        answer = asha.messages_of("assistant").last
        assert await answer.locator(".kind").inner_text() == "no AI model, composed from the job data"
        chip = answer.locator(".chip").first
        await chip.click()
        dialog = page.get_by_test_id("job-dialog")
        await expect(dialog).to_contain_text("Description", timeout=PATIENCE_MS)
        await expect(dialog.get_by_test_id("tips")).to_contain_text("5 tips for your resume")
        await expect(dialog.get_by_test_id("questions")).to_contain_text("5 interview questions")
        await expect(dialog).to_contain_text("You bring")
        await page.keyboard.press("Escape")
        await expect(dialog).to_be_hidden()
        await expect(chip).to_be_focused()

        await chip.click()
        await dialog.get_by_role("button", name="Ask about this job").click(timeout=PATIENCE_MS)
        panel = page.get_by_test_id("job-panel")
        await panel.locator("summary").first.click(timeout=PATIENCE_MS)
        await panel.get_by_text("5 interview questions").click()
        await panel.get_by_role("button", name="Practise").first.click()
        written = page.get_by_test_id("composer").get_by_role("textbox")
        assert "Practise this interview question with me" in await written.input_value()


async def test_bad_file_to_good_file(browser: Browser, house: House, complaints: Complaints, tmp_path: Path) -> None:
    complaints.expect("status of 400")
    locked = tmp_path / "my resume.pdf"
    locked.write_bytes(pdf_with_password(to_open="s"))
    async with seeker(browser, house.url) as dev:
        await dev.signs_in("dev.with.a.locked.file@example.com")
        await dev.uploads(locked)
        assert "password" in await dev.sees_why_not()
        status = dev.page.get_by_test_id("resume-status")
        await expect(status).to_contain_text("Try another file, or paste the text.")
        await dev.uploads(RESUME)
        await dev.sees_what_was_read(RESUME.name)
        await expect(dev.page.get_by_test_id("resume-problem")).to_have_count(0)
        await expect(dev.page.get_by_role("heading", name="Jobs that fit")).to_be_visible()
        await dev.sees_matches()

        # A bad one after it takes nothing away.
        await dev.uploads(locked)
        await dev.sees_why_not()
        await expect(status).to_contain_text("The resume that was there stays.")
        await dev.page.reload()
        await dev.sees_what_was_read(RESUME.name)


async def test_nobody_there(browser: Browser, house: House, node_at_night: str) -> None:
    """Outside business hours: it is said, with the hour of opening; nobody waits in silence, and may go back."""
    async with seeker(browser, node_at_night) as noor:
        await noor.signs_in("noor.at.night@example.com")
        await noor.asks_for_a_person()
        queue = noor.page.get_by_test_id("queue")
        await expect(queue).to_contain_text("We are closed now; people are back", timeout=PATIENCE_MS)
        await expect(queue).to_contain_text(re.compile(r"(tomorrow|today|on \w+day) at \d"))
        await expect(queue).to_contain_text(re.compile(r"You are (next|number \d+ in the queue)\."))
        await expect(queue).to_contain_text("The assistant goes on until somebody joins")
        await noor.sees("You asked for a person.")

        await noor.says("Which jobs in audit are there meanwhile?")
        await noor.sees_messages_of("assistant", 2)
        await noor.sees_no_answer_grow()
        await noor.comes_back()
        await noor.sees_standing("waiting for a person")
        await expect(queue).to_contain_text("We are closed now", timeout=PATIENCE_MS)
        await queue.get_by_role("button", name="Cancel waiting").click()
        await expect(queue).to_be_hidden(timeout=PATIENCE_MS)
        await noor.sees_standing("with the assistant")


async def test_line_lost_and_back_on_annode_at_night(
    browser: Browser, house: House, node_at_night: str, complaints: Complaints
) -> None:
    complaints.expect("WebSocket connection|ERR_")
    async with front_door(house.url) as door, seeker(browser, door.url) as tara:
        await tara.signs_in("tara.travels@example.com")
        await tara.says("Which jobs are there for a data engineer?")
        await tara.sees_an_answer_grow()
        door.leads_to(node_at_night)
        await tara.says("And which are in Pune?")
        await tara.sees_messages_of("user", 2)
        await tara.sees_no_answer_grow()
        await expect(tara.page.get_by_test_id("unsent")).to_have_count(0, timeout=PATIENCE_MS)
        await expect(tara.page.get_by_test_id("banner")).to_be_hidden(timeout=PATIENCE_MS)
        followed = await tara.shown()
        await tara.comes_back()
        assert await tara.shown() == followed, "who followed sees what somebody sees who comes only now"
        assert [words for role, words in followed if role == "user"] == [
            "Whichjobsarethereforadataengineer?", "AndwhichareinPune?",
        ]  # fmt: skip


async def test_two_devices(browser: Browser, house: House) -> None:
    """What is said, answered, stopped and asked for on one is seen on the other; what is being written is not."""
    async with seeker(browser, house.url) as phone, seeker(browser, house.url) as desk:
        await phone.signs_in("tara.with.two@example.com")
        await desk.signs_in("tara.with.two@example.com")
        assert await phone.session() == await desk.session()
        await desk.page.get_by_test_id("composer").get_by_role("textbox").fill("Half a thought")
        await phone.says("Which jobs are there for an auditor?")
        await desk.sees("Which jobs are there for an auditor?")
        await desk.sees_an_answer_grow()
        await desk.stops_the_answer()
        await phone.sees("You stopped the answer.")
        await phone.tries_again()
        await desk.sees_messages_of("assistant", 3)
        await desk.sees_no_answer_grow()
        await phone.sees_messages_of("assistant", 3)
        await phone.sees_no_answer_grow()
        await phone.asks_for_a_person()
        await desk.sees_standing("waiting for a person")
        assert await phone.shown() == await desk.shown()
        await expect(desk.page.get_by_test_id("composer").get_by_role("textbox")).to_have_value("Half a thought")


async def test_providers_job_to_a_seekers_match(browser: Browser, house: House) -> None:
    async with seeker(browser, house.url) as sana:
        await sana.signs_in("sana.does.payroll@example.com")
        await sana.page.get_by_role("button", name="Paste text").click()
        await sana.page.get_by_label("Text of your resume").fill(
            "Payroll Accountant in Salem. Four years of payroll for a spinning mill: Tally, PF, ESI, GST, Excel."
        )
        await sana.page.get_by_role("button", name="Read this text").click()
        await sana.sees_what_was_read("The pasted text")
        posted = sana.page.get_by_test_id("match").filter(has_text="Payroll Accountant for a spinning mill")
        await sana.sees_matches()
        await expect(posted).to_have_count(0)

        provider = await (await browser.new_context()).new_page()
        await provider.goto(house.links["provider"])
        page = await posts_a_job(
            provider, "Payroll Accountant for a spinning mill", "Salem, Tamil Nadu, India", PAYROLL
        )
        await expect(page.get_by_test_id("tips").get_by_role("listitem")).to_have_count(5)
        await expect(page.get_by_test_id("questions").get_by_role("listitem")).to_have_count(5)

        await sana.comes_back()
        await expect(posted).to_be_visible(timeout=PATIENCE_MS)
        await expect(posted.get_by_label("You bring")).to_contain_text("Tally")
        await posted.get_by_role("button", name="Ask about this job").click()
        await expect(sana.page.get_by_test_id("job-panel")).to_be_visible(timeout=PATIENCE_MS)
        await sana.says("How well does my resume fit this job?")
        await sana.sees_messages_of("assistant", 2)
        await sana.sees_no_answer_grow()
        await expect(sana.messages_of("assistant").last).to_contain_text("Payroll Accountant for a spinning mill")

        await page.get_by_role("button", name="Close this job").click()
        await answers(provider, "Close it")
        await expect(page).to_have_attribute("data-status", "closed", timeout=PATIENCE_MS)
        await sana.messages_of("assistant").last.locator(".chip").first.click()
        closed = sana.page.get_by_test_id("job-closed")
        await expect(closed).to_have_text("Closed: nobody can apply any more", timeout=PATIENCE_MS)


async def test_delete_my_data(browser: Browser, house: House) -> None:
    async with seeker(browser, house.url) as dora:
        await dora.signs_in("dora.pinto@example.com")
        await dora.uploads(RESUME)
        await dora.sees_what_was_read(RESUME.name)
        await dora.says("Which jobs fit <b>me</b>?")
        await dora.sees_messages_of("assistant", 2)

        async with dora.page.expect_download(timeout=PATIENCE_MS) as downloading:
            await dora.page.get_by_role("button", name="Download a copy").click()
        copy = json.loads(Path(await (await downloading.value).path()).read_text())
        assert copy["profile"]["email"] == "dora.pinto@example.com"
        assert "Which jobs fit <b>me</b>?" in json.dumps(copy["sessions"])

        said = await dora.deletes_everything()
        assert "1 conversation with 3 messages, your resume and its file" in said
        assert "What remains elsewhere" in said
        await dora.page.get_by_role("button", name="Done").click()
        await expect(dora.page.get_by_label("E-mail")).to_be_visible(timeout=PATIENCE_MS)
        await dora.signs_in("dora.pinto@example.com")
        await dora.sees_messages_of("user", 0)
