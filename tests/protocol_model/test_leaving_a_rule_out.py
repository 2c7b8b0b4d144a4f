"""Each rule of the session protocol is there for a promise, which breaks without it."""

from dataclasses import fields

import pytest

from tests.protocol_model.ablations import NEEDED, ONLY_QUICKER, Ablation
from tests.protocol_model.explore import explore
from tests.protocol_model.rules import Rules


@pytest.mark.parametrize("ablation", NEEDED, ids=lambda ablation: ablation.rules)
def test_without_the_rule_a_promise_breaks(ablation: Ablation) -> None:
    verdict = explore(ablation.configuration, most=100_000)
    assert verdict.broken.startswith(ablation.promise), str(verdict)
    assert len(verdict.trace) <= ablation.steps, str(verdict)


@pytest.mark.parametrize("ablation", ONLY_QUICKER, ids=lambda ablation: ablation.rules)
def test_without_a_rule_that_only_makes_it_quicker_all_promises_hold(ablation: Ablation) -> None:
    verdict = explore(ablation.configuration)
    assert not verdict.broken, str(verdict)
    assert verdict.complete


def test_every_rule_is_left_out_somewhere() -> None:
    left_out = {name for ablation in (*NEEDED, *ONLY_QUICKER) for name in ablation.rules.split()}
    assert left_out == {rule.name for rule in fields(Rules)}
