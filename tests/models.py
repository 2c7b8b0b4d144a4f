"""The gazetteer and the embedding model, loaded once for a whole run."""

import pytest

from chatserver.adapters.gazetteer import load_gazetteer
from chatserver.adapters.minilm import MiniLM
from chatserver.core.gazetteer import Gazetteer


@pytest.fixture(scope="session")
def gazetteer() -> Gazetteer:
    return load_gazetteer()


@pytest.fixture(scope="session")
def minilm() -> MiniLM:
    # Other tests have the other cores.
    return MiniLM(threads=1)
