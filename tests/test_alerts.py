"""The alert rules, evaluated by Prometheus' own promtool: each fires for what it is there for, and no other does."""

import asyncio
import json
import re
from dataclasses import dataclass
from pathlib import Path

from tests.installed import program
from tests.test_operations import DOCS, RULES, families

ALERTS = DOCS / "alerts.yml"
MINUTES = 60
CHECK_SECONDS = 60.0
DAY = 86_400

Series = dict[str, str]
"""A series by minutes, as promtool writes them: `0+6x60` grows by six a minute for an hour."""


def steady(value: float) -> str:
    return f"{value}+0x{MINUTES}"


def grows(a_minute: float) -> str:
    return f"0+{a_minute}x{MINUTES}"


def quickly(name: str, a_minute: float, within: str) -> Series:
    """A histogram whose every observation is in the bucket up to `within`."""
    bounds = [bound for bound in BOUNDS[name] if float(bound) >= float(within)]
    return {f'{name}_bucket{{node="a",le="{bound}"}}': grows(a_minute) for bound in [*bounds, "+Inf"]}


BOUNDS = {
    "ottobon_wire_lag_seconds": ["0.005", "0.25", "0.5", "1.0", "2.5"],
    "ottobon_answer_first_text_seconds": ["2.0", "10.0", "20.0", "180.0"],
}

CALM: Series = {
    **{
        f'{name}{{node="{node}"}}': steady(value)
        for node in "ab"
        for name, value in {
            "ottobon_connections": 200, "ottobon_database_up": 1, "ottobon_redis_up": 1, "ottobon_wire_up": 1,
            "ottobon_wire_probes_lost_total": 3, "ottobon_wire_dropped_total": 0, "ottobon_behind_total": 5,
            "ottobon_waiting_oldest_seconds": 90, "ottobon_answers_abandoned": 0, "ottobon_logs_behind": 0,
            "ottobon_posted_job_oldest_seconds": 40, "ottobon_budget_refusals_total": 0,
            "process_resident_memory_bytes": 390e6, "ottobon_clock_ahead_seconds": 0.2,
        }.items()
    },
    **quickly("ottobon_wire_lag_seconds", 12, within="0.005"),
    **quickly("ottobon_answer_first_text_seconds", 30, within="2.0"),
    'ottobon_answers_total{node="a",outcome="done",code=""}': grows(30),
    'ottobon_answers_total{node="a",outcome="cut",code=""}': grows(30),
    'ottobon_http_requests_total{node="a",method="GET",route="/api/jobs",status="200"}': grows(300),
    'ottobon_refusals_total{node="a",code="rate_limited"}': grows(60),
    'ottobon_socket_closes_total{node="a",code="1001"}': grows(60),
    'ottobon_worker_up{node="a",queue="waited_for"}': steady(1),
    'ottobon_worker_up{node="a",queue="bulk"}': steady(1),
    'ottobon_queue_due_oldest_seconds{node="a",queue="waited_for"}': steady(2),
    'ottobon_queue_due_oldest_seconds{node="a",queue="bulk"}': steady(4_000),
    'ottobon_ingestion_last_good_timestamp_seconds{node="a",source="ey"}': steady(0),
    'ottobon_budget_today_usd{node="a",purpose="answers"}': steady(20),
    'ottobon_budget_today_usd{node="a",purpose="enrichment"}': steady(10),
    'ottobon_spend_today_usd{node="a",purpose="answers",state="settled"}': steady(9),
    'ottobon_spend_today_usd{node="b",purpose="answers",state="settled"}': steady(9),
    'ottobon_spend_today_usd{node="a",purpose="answers",state="reserved"}': steady(1),
}  # fmt: skip
"""Two nodes on an ordinary day; times are in seconds since the first sample."""


@dataclass(frozen=True)
class Scene:
    """What is otherwise than on a calm day, and which alerts that has set off at which minute."""

    told: str
    differs: Series
    fires: dict[int, set[str]]
    calm: bool = True
    missing: tuple[str, ...] = ()


SCENES = [
    Scene("a calm day", {}, {5: set(), 30: set(), MINUTES: set()}),
    Scene("nobody answers a scrape", {}, {1: set(), 3: {"NoNode"}}, calm=False),
    Scene(
        "one node of two is gone", {}, {10: set()},
        missing=tuple(name for name in CALM if 'node="b"' in name),
    ),
    Scene(
        "Postgres is away for one of two nodes", {'ottobon_database_up{node="b"}': steady(0)},
        {0: set(), 2: {"DatabaseDown"}},
    ),
    Scene(
        "Postgres was away for a moment", {'ottobon_database_up{node="b"}': "1 1 0 1+0x20"},
        {2: set(), 3: set(), 9: set()},
    ),
    Scene(
        "the disk of Postgres is full: some frames are refused", {
            'ottobon_refusals_total{node="a",code="unavailable"}': grows(4),
        }, {4: set(), 15: {"DatabaseRefuses"}},
    ),
    Scene(
        "the disk of the files is full: no upload is taken",
        {'ottobon_http_requests_total{node="b",method="PUT",route="/api/me/resume",status="503"}': grows(4)},
        {4: set(), 15: {"DatabaseRefuses"}},
    ),
    Scene(
        "a node leaves, and a router asks it for long",
        {'ottobon_http_requests_total{node="b",method="GET",route="/readyz",status="503"}': grows(12)}, {15: set()},
    ),
    Scene("a clock is late", {'ottobon_clock_ahead_seconds{node="b"}': steady(-45)}, {4: set(), 6: {"ClockOff"}}),
    Scene("a clock is ahead", {'ottobon_clock_ahead_seconds{node="a"}': steady(45)}, {4: set(), 6: {"ClockOff"}}),
    Scene(
        "Redis is away, and with it the probes and the queues",
        {
            **{f'ottobon_{name}{{node="{node}"}}': steady(0) for name in ("redis_up", "wire_up") for node in "ab"},
            'ottobon_wire_probes_lost_total{node="a"}': grows(12),
        },
        {1: set(), 3: {"WireDown"}, 15: {"WireDown", "WireLoses"}},
        missing=tuple(name for name in CALM if "worker_up" in name or "queue_due" in name or "wire_lag" in name),
    ),
    Scene("one node does not hear Redis", {'ottobon_wire_up{node="b"}': steady(0)}, {3: {"WireDown"}}),
    Scene(
        "the wire is slow", quickly("ottobon_wire_lag_seconds", 12, within="0.5"), {15: {"WireSlow"}},
        missing=tuple(f'ottobon_wire_lag_seconds_bucket{{node="a",le="{le}"}}' for le in ("0.005", "0.25")),
    ),
    Scene("the wire drops entries", {'ottobon_wire_dropped_total{node="a"}': grows(120)}, {15: {"WireLoses"}}),
    Scene("many are behind", {'ottobon_behind_total{node="a"}': grows(120)}, {8: set(), 20: {"ConnectionsBehind"}}),
    Scene(
        "a seeker waits for a person", {f'ottobon_waiting_oldest_seconds{{node="{node}"}}': grows(60) for node in "ab"},
        {10: set(), 11: {"SeekerWaits"}},
    ),
    Scene(
        "a key is wrong from the first answer on",
        {'ottobon_answers_total{node="a",outcome="failed",code="bad_key"}': grows(30)},
        {20: {"AnswersFail"}}, missing=('ottobon_answers_total{node="a",outcome="done",code=""}',),
    ),
    Scene(
        "a few answers of many fail", {'ottobon_answers_total{node="a",outcome="failed",code="overloaded"}': grows(2)},
        {20: set()},
    ),
    Scene("nobody asks anything", {'ottobon_answers_total{node="a",outcome="done",code=""}': steady(500)}, {60: set()}),
    Scene(
        "first words come late", quickly("ottobon_answer_first_text_seconds", 30, within="20.0"),
        {10: set(), 25: {"AnswersSlow"}},
        missing=tuple(f'ottobon_answer_first_text_seconds_bucket{{node="a",le="{le}"}}' for le in ("2.0", "10.0")),
    ),
    Scene(
        "answers are taken up by nobody", {'ottobon_answers_abandoned{node="b"}': steady(1)},
        {0: set(), 2: {"AnswersAbandoned"}},
    ),
    Scene("logs stay behind", {'ottobon_logs_behind{node="a"}': steady(3)}, {14: set(), 16: {"LogsBehind"}}),
    Scene(
        "requests fail, and no frame ever did",
        {'ottobon_http_requests_total{node="a",method="GET",route="/api/jobs",status="500"}': grows(3)},
        {15: {"ServerErrors"}},
    ),
    Scene(
        "frames fail, and no request ever did", {'ottobon_refusals_total{node="a",code="internal"}': grows(3)},
        {15: {"ServerErrors"}},
    ),
    Scene(
        "both fail a little", {
            'ottobon_refusals_total{node="a",code="internal"}': grows(0.8),
            'ottobon_http_requests_total{node="b",method="PUT",route="/api/me",status="500"}': grows(0.8),
        }, {15: {"ServerErrors"}},
    ),
    Scene(
        "an error now and then", {'ottobon_refusals_total{node="a",code="internal"}': "0+0x20 1+0x20 2+0x200"},
        {25: set(), 45: set()},
    ),
    Scene(
        "clients do not read", {'ottobon_socket_closes_total{node="a",code="4408"}': grows(60)},
        {5: set(), 25: {"ClientsCutOff"}},
    ),
    Scene(
        "one worker of two kinds is gone", {'ottobon_worker_up{node="a",queue="bulk"}': steady(0)},
        {1: set(), 3: {"WorkerGone"}},
    ),
    Scene(
        "a job waits for its worker",
        {'ottobon_queue_due_oldest_seconds{node="a",queue="waited_for"}': grows(60)}, {5: set(), 9: {"QueueStuck"}},
    ),
    Scene(
        "a posted job is never ready", {'ottobon_posted_job_oldest_seconds{node="b"}': grows(60)},
        {15: set(), 22: {"QueueStuck"}},
    ),
    Scene(
        "a source was not read for days",
        {'ottobon_ingestion_last_good_timestamp_seconds{node="a",source="pwc"}': steady(-1.5 * DAY + 600)},
        {9: set(), 11: {"IngestionStale"}},
    ),
    Scene(
        "the budget goes to its end",
        {f'ottobon_spend_today_usd{{node="{node}",purpose="answers",state="settled"}}': grows(1) for node in "ab"},
        {14: set(), 17: {"BudgetNearlySpent"}},
    ),
    Scene(
        "what is reserved counts", {'ottobon_spend_today_usd{node="a",purpose="answers",state="reserved"}': steady(8)},
        {1: {"BudgetNearlySpent"}},
    ),
    Scene(
        "the one budget is no other's",
        {'ottobon_spend_today_usd{node="a",purpose="enrichment",state="settled"}': steady(9)},
        {1: {"BudgetNearlySpent"}},
    ),
    Scene(
        "a budget is used up", {'ottobon_budget_refusals_total{node="a"}': "0+0x20 1+0x200"},
        {19: set(), 22: {"BudgetRefuses"}, 60: set()},
    ),
    Scene(
        "memory runs out", {'process_resident_memory_bytes{node="b"}': steady(480e6)},
        {9: set(), 11: {"MemoryNearItsEnd"}},
    ),
]  # fmt: skip


def as_promtool_wants(scene: Scene) -> dict[str, object]:
    series = {**(CALM if scene.calm else {}), **scene.differs}
    return {
        "name": scene.told,
        "interval": "1m",
        "input_series": [
            {"series": name, "values": values} for name, values in series.items() if name not in scene.missing
        ],
        "promql_expr_test": [
            {
                "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                "eval_time": f"{minute}m",
                "exp_samples": [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in sorted(alerts)],
            }
            for minute, alerts in scene.fires.items()
        ],
    }


async def promtool(*arguments: str) -> str:
    """What it says; it has to be content."""
    what = "There is no promtool here; it is part of Prometheus, and of your system's `prometheus` package."
    process = await asyncio.create_subprocess_exec(
        program("promtool", what=what), *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(CHECK_SECONDS):
        said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return said.decode()


async def test_prometheus_understands_the_rules() -> None:
    assert f"{len(RULES)} rules found" in await promtool("check", "rules", str(ALERTS))


async def test_each_alert_fires_for_what_it_is_there_for_and_nothing_else_does(tmp_path: Path) -> None:
    file = tmp_path / "scenes.yml"
    file.write_text(json.dumps({
        "rule_files": [str(ALERTS)], "evaluation_interval": "1m",
        "tests": [as_promtool_wants(scene) for scene in SCENES],
    }))  # fmt: skip
    await promtool("test", "rules", str(file))


async def test_the_scenes_are_made_of_what_a_node_tells() -> None:
    samples = [sample for family in await families() for sample in family.samples]
    labels_of: dict[str, set[str]] = {"process_resident_memory_bytes": set()}
    labels_of |= {sample.name: set(sample.labels) for sample in samples}
    bounds = {(sample.name, sample.labels["le"]) for sample in samples if "le" in sample.labels}
    for series in {name for scene in SCENES for name in (*CALM, *scene.differs)}:
        name, _, selector = series.partition("{")
        labels = dict(re.findall(r'(\w+)="([^"]*)"', selector))
        assert set(labels) - {"node"} == labels_of[name], series
        assert "le" not in labels or (name, labels["le"]) in bounds, series
    assert all(name in {**CALM, **scene.differs} for scene in SCENES for name in scene.missing)


def test_every_alert_is_seen_to_fire_and_not_to() -> None:
    fired = set().union(*(alerts for scene in SCENES for alerts in scene.fires.values()))
    assert fired == {rule["alert"] for rule in RULES}
