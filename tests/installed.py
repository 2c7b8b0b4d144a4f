"""Programs that a system has or has not, and that some tests are for."""

import os
import shutil
from typing import NoReturn

import pytest


def program(*names: str, what: str, path: str | None = None) -> str:
    """The first of these there is. Where there is none the test fails in CI, and is left out elsewhere.

    `what` says what is missing, and what to install.
    """
    found = next((place for name in names if (place := shutil.which(name, path=path))), None)
    return found or _missing(what)


def _missing(what: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)
