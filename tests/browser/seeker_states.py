"""The states in which the seeker's page is looked at."""

from tests.browser.stage import Reach, Stage


async def sign_in(stage: Stage) -> None:
    await stage.page.goto(stage.house.url)
    await stage.sees("sign-in")


async def newcomer(stage: Stage) -> None:
    await stage.seeker("Nila Newcomer")
    await stage.sees("start")
    await stage.sees("match")


async def at_home(stage: Stage) -> None:
    await stage.comes("seeker")
    await stage.sees("source")
    await stage.sees("match")


STATES: dict[str, Reach] = {
    "seeker: sign in": sign_in,
    "seeker: nothing has happened yet": newcomer,
    "seeker: an answer with its jobs": at_home,
}
