"""A deploy in the middle: an old version serves, the present one migrates under it and starts beside it, and back."""

from pathlib import Path

import asyncpg

from tests.upgrade.story import Story
from tests.upgrade.versions import ROOT, Version, unpacked


async def straddles(commit: str, folder: Path, database_url: str, redis_url: str) -> None:
    """On an empty database. Raises what broke."""
    logs = folder / f"logs-{commit[:8]}"
    logs.mkdir()
    before = Version(unpacked(commit, folder), database_url, redis_url, logs)
    after = Version(ROOT, database_url, redis_url, logs)
    await before.migrates()
    database = await asyncpg.connect(database_url)
    story = Story(database, database_url)
    people = {"Asha": "seeker", "Ben": "seeker", "Esha": "admin", "Provider": "provider"}
    for name, role in people.items():
        await story.person(role, name)
    async with before.node() as old, story.device(old, "Asha", "old") as seeker:
        await seeker.joins()
        await seeker.says("Is anybody there?")
        await after.migrates()
        async with after.node() as new:
            await story.conversation(old, new, seeker)
            await story.work(old, new, before, after)
            await seeker.ends()
            await story.dies_and_goes_on(old, new)
            complaints = [*old.complaints, *new.complaints]
    # Rolled back: the old one alone, in the newer schema.
    async with before.node() as old, story.device(old, "Asha", "old") as seeker:
        await seeker.joins()
        await seeker.says("And now?")
        complaints += old.complaints
    await database.close()
    assert not complaints, f"the logs complain: {complaints[:3]}"
