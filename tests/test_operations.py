"""docs/operations.md and the alert rules speak of the metrics that there are, all of them and no others."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from chatserver.adapters.levels import Levels, Queued, Stored
from chatserver.adapters.metrics import Live, Metrics

DOCS = Path(__file__).parent.parent / "docs"
OPERATIONS = (DOCS / "operations.md").read_text()
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((DOCS / "alerts.yml").read_text())["groups"] for rule in group["rules"]
]
OURS = re.compile(r"\bottobon_\w+")
_SUFFIXES = ("_bucket", "_count", "_sum")

ONE = {"one": 1.0}


class Full:
    """Every figure that may be missing is there."""

    async def read(self) -> Levels:
        stored = Stored(
            sessions=ONE, waiting=0, waiting_seconds=0.0, answers=0, abandoned=0, logs_behind=0, jobs=ONE,
            posted_seconds=0.0, ingested=ONE, spend=[("answers", 1.0, 0.0)],
        )  # fmt: skip
        return Levels(stored, Queued(ONE, ONE, ONE), ONE)


async def families() -> list[Metric]:
    metrics = Metrics(Full())
    metrics.watch(Live(
        connections=lambda: 0, sessions_open=lambda: 0, answers_running=lambda: 0, sent_bytes=lambda: 0,
        wire_is_up=lambda: True, wire_dropped=lambda: 0, budget_refusals=lambda: 0, is_draining=lambda: False,
    ))  # fmt: skip
    metrics.answer_showed(0.1)
    metrics.answer_ended("done", 0.1)
    metrics.answer_cost({"input": 1}, 0.1)
    metrics.was_taken_over(1.0)
    metrics.was_behind()
    metrics.wire_carried(0.1)
    metrics.wire_lost()
    metrics.request_ended("GET", "/", 200, 0.1)
    metrics.socket_ended(1012)
    metrics.frame_came("post")
    metrics.refused("conflict")
    return list(text_string_to_metric_families((await metrics.exposition()).decode()))


async def test_every_metric_is_described_with_its_labels_and_no_other() -> None:
    found = set()
    for family in await families():
        if not OURS.match(family.name):
            continue
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = sorted({label for sample in family.samples for label in sample.labels} - {"le"})
        kind = {"gauge": "gauge", "counter": "counter", "histogram": "histogram"}[family.type]
        found.add((name, kind, ", ".join(f"`{label}`" for label in labels) or "–"))
        assert family.documentation.endswith("."), f"{name} has no sentence"
    described = set(re.findall(r"^\| `(ottobon_\w+)` \| (\w+) \| ([^|]+?) \|", OPERATIONS, re.MULTILINE))
    assert described == found


async def test_every_rule_asks_for_what_there_is_and_says_what_to_do() -> None:
    samples = {sample.name: set(sample.labels) | {"le"} for family in await families() for sample in family.samples} | {
        "process_resident_memory_bytes": set()
    }
    for rule in RULES:
        asked = set(re.findall(r"\b((?:ottobon|process)_\w+)", rule["expr"]))
        assert asked, rule
        assert asked <= samples.keys(), f"{rule['alert']} asks for {asked - samples.keys()}"
        for name, selector in re.findall(r"(ottobon_\w+)\{([^}]*)\}", rule["expr"]):
            assert set(re.findall(r"(\w+)=", selector)) <= samples[name]
        assert re.search(rf"^\| {rule['alert']} \| ", OPERATIONS, re.MULTILINE), f"{rule['alert']} has no entry"
    entries = re.findall(r"^\| ([A-Z][a-z]+[A-Z]\w+) \| ", OPERATIONS, re.MULTILINE)
    assert entries == [rule["alert"] for rule in RULES]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_a_rule_is_whole(rule: dict[str, Any]) -> None:
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"].endswith(".")
    assert rule["expr"].count("(") == rule["expr"].count(")")
    assert re.fullmatch(r"\d+m", rule.get("for", "1m"))
