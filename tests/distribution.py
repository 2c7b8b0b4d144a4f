"""Which tests go together and which begin first where several processes share them: `pytest -n auto`."""

import os
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

STATES = "tests/browser/test_accessibility.py"
BROWSER = "tests/browser/"
CLIENT = "tests/client/"
# What takes longest begins first, or in the end one core is at it alone.
FIRST = (
    STATES, BROWSER, "tests/chaos/", "tests/test_histories.py", "tests/fuzz/", "tests/test_up.py", "tests/test_demo.py",
    "tests/test_quality.py", "tests/load/", "tests/protocol_model/", "tests/attacks/", "tests/test_reembed_command.py",
    "tests/upgrade/", "tests/workers/test_main.py", "tests/workers/test_ingestion_faults.py", CLIENT, "tests/privacy/",
)  # fmt: skip


def place_of(file: str) -> int:
    return next((place for place, begins in enumerate(FIRST) if file.startswith(begins)), len(FIRST))


def scope_of(nodeid: str) -> str:
    """A file has servers of its own; what goes through a browser shares it, and a house that takes long to build."""
    file = nodeid.partition("::")[0]
    return next((shared for shared in (BROWSER, CLIENT) if file.startswith(shared) and file != STATES), file)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: place_of(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: most tests wait for servers and browsers now and then."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: Any, log: Any) -> Any:
    scheduler = LoadFileScheduling(config, log)
    scheduler._split_scope = scope_of
    return scheduler
