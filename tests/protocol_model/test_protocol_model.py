"""Every state that the session protocol can reach, in configurations small enough to see them all."""

import pytest

from tests.protocol_model.configuration import Configuration
from tests.protocol_model.configurations import LARGE, POST, RETRY_TWICE, SMALL, STOP, TAKE_OVER
from tests.protocol_model.explore import explore
from tests.protocol_model.rules import without


@pytest.mark.parametrize("config", SMALL, ids=lambda config: config.name)
def test_whatever_happens_in_whatever_order_the_promises_hold(config: Configuration) -> None:
    verdict = explore(config)
    assert not verdict.broken, str(verdict)
    assert verdict.complete


def test_each_configuration_has_its_own_name() -> None:
    names = [config.name for config in (*SMALL, *LARGE)]
    assert len(names) == len(set(names))


def test_what_is_found_is_told_step_by_step() -> None:
    verdict = explore(Configuration("a story", (POST, TAKE_OVER), rules=without("take_over_raises_the_turn")))
    assert verdict.broken == "P2: text after a takeover"
    assert verdict.trace[0] == "post 1@0"
    assert verdict.trace[-1] == "read the pad"
    assert str(verdict).splitlines()[1] == "  1. post 1@0"


def test_a_look_that_is_cut_short_does_not_pass_for_a_proof() -> None:
    verdict = explore(Configuration("too much", (POST, STOP, RETRY_TWICE)), most=100)
    assert not verdict.complete
    assert str(verdict) == "clean as far as seen"
