"""The states in which the figures, the trail and the users are looked at."""

from typing import Any

from playwright.async_api import Route, expect

from tests.browser.admin_states import LONG, person, unfold
from tests.browser.stage import Reach, Stage

ZEROS = {"spending": [], "sessions": [], "jobs": [], "waiting": [], "waiting_count": 0, "runs": []}


async def overview(stage: Stage, view: str, ready: str) -> None:
    await stage.comes("admin", f"/admin/overview?view={view}")
    await stage.sees(ready)
    await unfold(stage, "#main")


async def figures(stage: Stage) -> None:
    run = await stage.told(
        "insert into scraping_logs (source_name, status, jobs_new, detail) values ('kpmg', 'failed', 40, 'It died.')"
        " returning id"
    )
    await stage.told(
        "insert into scraping_boards (run_id, board, status, detail)"
        " values ($1, 'kpmg-with-a-very-long-name-of-a-board', 'blocked', 'The site answers 403.')", run,
    )  # fmt: skip
    await overview(stage, "figures", "plot")


async def no_figures(stage: Stage) -> None:
    async def nothing(route: Route) -> None:
        given: dict[str, Any] = await (await route.fetch()).json()
        days = [{name: value if name == "day" else 0 for name, value in one.items()} for one in given["days"]]
        await route.fulfill(json=given | ZEROS | {"days": days})

    await stage.page.route("**/api/admin/overview?*", nothing)
    await overview(stage, "figures", "plot")


async def figures_fail(stage: Stage) -> None:
    await stage.page.route("**/api/admin/overview?*", lambda route: route.abort())
    await overview(stage, "figures", "figures-problem")


async def trail(stage: Stage) -> None:
    await stage.told(
        "insert into audit_log (actor_id, action, subject_type, subject_id, detail) values"
        """ ($1, 'user_changed', 'user', $1, '{"role": {"from": "seeker", "to": "admin"}}')""",
        await person(stage, LONG),
    )
    await overview(stage, "trail", "trail-rows")


async def users(stage: Stage) -> None:
    await person(stage, LONG)
    await stage.told("update users set deactivated_at = now() where id = $1", await person(stage, "Gone Gita"))
    await overview(stage, "people", "person")
    chosen = stage.page.get_by_label(f"Role of {LONG}")
    await chosen.select_option("admin")
    await expect(stage.page.get_by_role("button", name="Change role")).to_be_visible()


STATES: dict[str, Reach] = {
    "overview: figures": figures,
    "overview: no figures": no_figures,
    "overview: no answer": figures_fail,
    "overview: the trail": trail,
    "overview: users": users,
}
