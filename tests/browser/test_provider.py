"""A provider posts a job and watches it become one with skills, tips and questions."""

import asyncpg
import pytest
from playwright.async_api import Browser, expect

from tests.browser.conftest import Complaints, House
from tests.browser.vocabulary import PATIENCE_MS, answers, posts_a_job

pytestmark = pytest.mark.asyncio(loop_scope="session")

DESCRIPTION = (
    "You will run the payroll of four hundred people in three states, in Excel and Tally, and answer for every rupee. "
    "We ask for two years in payroll or accounting, firm knowledge of PF, ESI and GST, and the patience to explain a "
    "payslip twice. You will work with the auditors each quarter and close the books with the finance team."
)


async def test_a_posted_job_becomes_active_and_is_closed(browser: Browser, house: House) -> None:
    context = await browser.new_context()
    try:
        page = await context.new_page()
        await page.goto(house.links["provider"])
        posted = await posts_a_job(page, "Payroll Accountant", "Mysuru, Karnataka, India", DESCRIPTION)
        await expect(posted.get_by_test_id("tips").get_by_role("listitem")).to_have_count(5)
        await expect(posted.get_by_test_id("questions").get_by_role("listitem")).to_have_count(5)
        await expect(posted.get_by_test_id("skills").get_by_text("Tally", exact=True)).to_be_visible()
        await expect(posted.get_by_test_id("matched")).to_contain_text("fewer than 5 seekers so far")
        await posted.get_by_role("button", name="Edit").click()
        assert await page.get_by_label("Place").input_value() == "Mysuru, Karnataka, India"
        await page.get_by_label("Place").fill("Chennai, Tamil Nadu, India")
        await page.get_by_role("button", name="Keep the changes").click()
        await expect(posted.get_by_test_id("job-standing")).to_contain_text("Your changes are being prepared")
        await expect(posted).to_contain_text("Chennai", timeout=PATIENCE_MS)
        await expect(posted.get_by_test_id("job-standing")).to_contain_text("It is open")
        await posted.get_by_role("button", name="Close this job").click()
        await answers(page, "Close it")
        await expect(posted).to_have_attribute("data-status", "closed", timeout=PATIENCE_MS)
    finally:
        await context.close()


async def test_what_was_typed_is_kept_and_a_wrong_field_is_named(
    browser: Browser, house: House, complaints: Complaints
) -> None:
    complaints.expect("status of 400")
    context = await browser.new_context()
    try:
        page = await context.new_page()
        await page.goto(house.links["provider"])
        await page.get_by_label("Title").fill("Half an <b>accountant</b>")
        await page.get_by_label("Description").fill("What was written so far.")
        await page.get_by_test_id("job").filter(has_text="Ledger Platform").click()
        await expect(page.get_by_test_id("job-page")).to_be_visible()
        await page.get_by_role("button", name="Post a job").click()
        await expect(page.get_by_label("Title")).to_have_value("Half an <b>accountant</b>")
        await page.reload()
        await expect(page.get_by_test_id("job-unsaved")).to_contain_text("here again", timeout=PATIENCE_MS)
        await expect(page.get_by_label("Description")).to_have_value("What was written so far.")

        link = page.get_by_label("Link to apply")
        await link.fill("javascript:alert(1)")
        await page.get_by_role("button", name="Post this job").click()
        await expect(page.get_by_test_id("job-problem")).to_contain_text("Link to apply is not a web address")
        await expect(link).to_be_focused()
        await expect(link).to_have_attribute("aria-invalid", "true")
        await link.fill("")
        await page.get_by_role("button", name="Post this job").click()
        posted = page.get_by_test_id("job-page")
        await expect(posted.get_by_role("heading", level=1)).to_have_text("Half an <b>accountant</b>")
        await page.get_by_role("button", name="Post a job").click()
        await expect(page.get_by_label("Title")).to_have_value("")
    finally:
        await context.close()


async def test_a_job_that_failed_says_why_and_is_prepared_again(browser: Browser, house: House) -> None:
    connection = await asyncpg.connect(house.database_url)
    try:
        await connection.execute(
            "insert into jobs (provider_id, title, description_raw, status, failure, pending) select id, 'Stuck clerk',"
            " $1, 'failed', 'The model declined.', '{\"failed\": true}' from users where full_name = 'Kavin Raj'",
            DESCRIPTION,
        )  # fmt: skip
    finally:
        await connection.close()
    context = await browser.new_context()
    try:
        page = await context.new_page()
        await page.goto(house.links["provider"])
        await page.get_by_test_id("job").filter(has_text="Stuck clerk").click()
        posted = page.get_by_test_id("job-page")
        standing = posted.get_by_test_id("job-standing")
        await expect(standing).to_contain_text("The preparation failed: The model declined. Nobody is shown the job.")
        await expect(posted.get_by_role("button", name="Edit")).to_be_visible()
        await posted.get_by_role("button", name="Prepare again").click()
        await expect(posted).to_have_attribute("data-status", "active", timeout=PATIENCE_MS)
        await expect(standing).to_have_text("It is open, and shown to seekers whom it fits.")
        await expect(posted.get_by_test_id("made-by")).to_contain_text("no AI model")
        await expect(posted.get_by_test_id("tips").get_by_role("listitem")).to_have_count(5)
    finally:
        await context.close()
