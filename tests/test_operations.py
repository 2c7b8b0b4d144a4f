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
            posted_seconds=0.0, ingested=ONE, spend=[("answers", 1.0, 0.0)], clock_ahead=0.0,
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


def test_whatever_doctor_and_readyz_name_has_an_entry() -> None:
    table = OPERATIONS.partition("## What doctor and readyz say")[2].partition("\n## ")[0]
    entries = {name for row in re.findall(r"^\| (`.+?) \| (?:both|doctor|readyz)", table, re.MULTILINE) for name in
               re.findall(r"`([\w-]+)`", row)}  # fmt: skip
    root = DOCS.parent / "chatserver"
    said = {
        name
        for file in (root / "doctor").glob("*.py")
        for name in re.findall(r'Finding\(\s*"([\w-]+)"', file.read_text())
    }
    said |= set(re.findall(r'parts\["(\w+)"\]', (root / "adapters/readiness.py").read_text()))
    assert entries == said


MIGRATIONS = sorted((DOCS.parent / "migrations").glob("[0-9]*.sql"))
STRADDLING_SINCE = "009"
"""Those before made the first tables of ours: no older node of ours runs with them."""

BREAKING = (
    (r"\bdrop (table|column|function|type|trigger|view|schema)\b", "takes away what an old node may use"),
    (r"\brename\b", "takes away what an old node may use"),
    (r"\balter column \w+ (set not null|type)\b", "refuses what an old node writes"),
    (r"\badd column (if not exists )?\w+ [^,;]*\bnot null\b(?![^,;]*\bdefault\b)", "refuses the rows of an old node"),
    (r"\badd constraint [^;]*\b(check|unique|foreign)\b(?![^;]*\bnot valid\b)", "refuses what an old node writes"),
)


def broken_rules(sql: str) -> list[str]:
    text = re.sub(r"--[^\n]*", "", sql).lower()
    # What a default follows may stand on either side of `not null`.
    text = re.sub(r"(default [^,;]*?) not null", r"not null \1", text)
    return [why for pattern, why in BREAKING if re.search(pattern, text)]


@pytest.mark.parametrize("file", [file for file in MIGRATIONS if file.name >= STRADDLING_SINCE], ids=lambda f: f.name)
def test_old_nodes_serve_on_after_a_migration(file: Path) -> None:
    assert broken_rules(file.read_text()) == []


@pytest.mark.parametrize(
    "sql",
    [
        "alter table users drop column resume_text;", "drop function public.match_jobs(vector, int);",
        "alter table jobs rename column title to name;", "alter table jobs alter column title type varchar(80);",
        "alter table jobs add column if not exists owner uuid not null;",
        "alter table jobs alter column board set not null;",
        "alter table jobs add constraint titled check (title <> '');",
    ],
)  # fmt: skip
def test_a_migration_that_would_break_old_nodes_is_noticed(sql: str) -> None:
    assert broken_rules(sql)


def test_what_breaks_nobody_is_let_through() -> None:
    assert not broken_rules("alter table spend add column calls integer not null default 0 check (calls >= 0);")
    assert not broken_rules("alter table jobs add constraint titled check (title <> '') not valid; -- drop table")
