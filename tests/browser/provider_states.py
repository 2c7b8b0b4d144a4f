"""The states in which the provider's page is looked at."""

from playwright.async_api import expect

from tests.browser.admin_states import person
from tests.browser.stage import Reach, Stage
from tests.browser.vocabulary import PATIENCE_MS


async def provider(stage: Stage) -> None:
    await stage.comes("provider")
    await stage.sees("job-form")
    await expect(stage.page.get_by_test_id("job").first).to_be_visible(timeout=PATIENCE_MS)


async def no_jobs(stage: Stage) -> None:
    await person(stage, "Poonam Newcomer", "provider")
    await stage.page.goto(f"{stage.house.url}/provider#token={stage.token('Poonam Newcomer')}")
    await expect(stage.page.get_by_text("None yet. Post the first one.")).to_be_visible(timeout=PATIENCE_MS)


async def wrong_form(stage: Stage) -> None:
    await provider(stage)
    await stage.page.get_by_label("Title").fill("An <b>accountant</b>")
    await stage.page.get_by_label("Description").fill("What one does there.")
    await stage.page.get_by_label("Link to apply").fill("javascript:alert(1)")
    await stage.page.get_by_role("button", name="Post this job").click()
    await expect(stage.page.get_by_test_id("job-problem")).to_contain_text("Link to apply is not", timeout=PATIENCE_MS)


async def job(stage: Stage, title: str, status: str, failure: str | None = None) -> None:
    """A job of the demo's provider, in a status in which it stays."""
    await stage.told(
        "insert into jobs (provider_id, title, description_raw, status, failure, pending) select id, $1,"
        " 'What one does there.', $2, $3, jsonb_build_object('failed', true) from users where full_name = 'Kavin Raj'",
        title, status, failure,
    )  # fmt: skip
    await provider(stage)
    await stage.page.get_by_test_id("job").filter(has_text=title).first.click()
    await expect(stage.page.get_by_test_id("job-page")).to_have_attribute("data-status", status)
    await expect(stage.page.get_by_test_id("matched")).not_to_be_empty(timeout=PATIENCE_MS)


async def active(stage: Stage) -> None:
    await provider(stage)
    await stage.page.get_by_test_id("job").filter(has_text="Ledger Platform").click()
    await stage.sees("tips")


async def edit(stage: Stage) -> None:
    await active(stage)
    await stage.page.get_by_role("button", name="Edit").click()
    await stage.sees("job-form")


STATES: dict[str, Reach] = {
    "provider: a new job": provider,
    "provider: no job yet": no_jobs,
    "provider: a form that is wrong": wrong_form,
    "provider: a job that is prepared": lambda stage: job(stage, "Prepared", "processing"),
    "provider: a job that failed": lambda stage: job(stage, "Failed", "failed", "The model declined."),
    "provider: a job that is open": active,
    "provider: a job that is edited": edit,
    "provider: a job that is closed": lambda stage: job(stage, "Closed", "closed"),
}
