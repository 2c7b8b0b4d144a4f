"""The version before the newest migration beside this one. `make upgrade` does the same with more of them."""

from pathlib import Path

import pytest

from tests.upgrade.straddling import straddles
from tests.upgrade.versions import NoHistory, before_migrations


async def test_the_version_before_the_newest_migration_goes_on_beside_this_one(
    empty_database_url: str, redis_url: str, tmp_path: Path
) -> None:
    try:
        ((commit, _),) = before_migrations(1)
    except NoHistory as missing:
        pytest.skip(f"This clone has no version before the newest migration ({missing}); fetch its whole history.")
    await straddles(commit, tmp_path, empty_database_url, redis_url)
