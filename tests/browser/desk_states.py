"""The states in which the admin's and the provider's pages are looked at."""

from tests.browser.stage import Reach, Stage


async def lobby(stage: Stage) -> None:
    await stage.comes("admin")
    await stage.sees("lobby-entry")


async def conversation(stage: Stage) -> None:
    await lobby(stage)
    await stage.page.get_by_test_id("lobby-entry").first.click()
    await stage.sees("message")


async def provider(stage: Stage) -> None:
    await stage.comes("provider")
    await stage.sees("job-form")


STATES: dict[str, Reach] = {
    "admin: the lobby": lobby,
    "admin: a conversation": conversation,
    "provider: a new job": provider,
}
