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

from tests.benchmarks.servers import empty_servers
from tests.upgrade.straddling import straddles
from tests.upgrade.versions import NoHistory, before_migrations

VERSIONS = 5


async def on_servers_of_its_own(commit: str, folder: Path) -> None:
    async with empty_servers() as given:
        await straddles(commit, folder, given.database_url, given.redis_url)


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
            asyncio.run(on_servers_of_its_own(commit, folder))
            print(f"{commit[:8]} ({why}): goes on beside the present one, {time.monotonic() - began:.0f} s", flush=True)
        except Exception as error:
            broken += 1
            print(f"{commit[:8]} ({why}): BROKEN: {type(error).__name__} {error}\nthe logs are in {folder}", flush=True)
    if not broken:
        shutil.rmtree(folder)
    raise SystemExit(bool(broken))


if __name__ == "__main__":
    main()
