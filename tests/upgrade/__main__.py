"""`python -m tests.upgrade [COMMIT …]`: old versions of this repository beside the present one, as in a deploy.

Each old version makes its database and serves from it; then the present one migrates under it, starts beside it, and a
story is played across both; at last the old one is started again, as in a roll-back. Without a commit: the last ones
before each of the newest migrations. Ends with 1 where something broke.
"""

import argparse
import asyncio
import shutil
import tempfile
import time
from pathlib import Path

import asyncpg

from tests.benchmarks.servers import empty_servers
from tests.upgrade.story import Story
from tests.upgrade.versions import ROOT, NoHistory, Version, before_migrations, unpacked

VERSIONS = 5


async def straddles(commit: str, folder: Path) -> None:
    """Raises what broke."""
    logs = folder / f"logs-{commit[:8]}"
    logs.mkdir()
    async with empty_servers() as given:
        before = Version(unpacked(commit, folder), given.database_url, given.redis_url, logs)
        after = Version(ROOT, given.database_url, given.redis_url, logs)
        await before.migrates()
        database = await asyncpg.connect(given.database_url)
        story = Story(database, given.database_url)
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


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("commits", nargs="*")
    given = arguments.parse_args().commits
    try:
        commits = [(one, "as asked for") for one in given] or [
            (commit, f"before {name}") for commit, name in before_migrations(VERSIONS)
        ]
    except NoHistory as missing:
        raise SystemExit(f"The history of this clone is not to be had ({missing}); fetch it whole.") from None
    folder = Path(tempfile.mkdtemp(prefix="ottobon-upgrade-"))
    broken = 0
    for commit, why in commits:
        began = time.monotonic()
        try:
            asyncio.run(straddles(commit, folder))
            print(f"{commit[:8]} ({why}): goes on beside the present one, {time.monotonic() - began:.0f} s", flush=True)
        except Exception as error:
            broken += 1
            print(f"{commit[:8]} ({why}): BROKEN: {type(error).__name__} {error}\nthe logs are in {folder}", flush=True)
    if not broken:
        shutil.rmtree(folder)
    raise SystemExit(bool(broken))


if __name__ == "__main__":
    main()
