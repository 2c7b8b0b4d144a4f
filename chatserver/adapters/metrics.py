"""Every metric of a hub node: its name, help, unit and labels. No label bears a person, a session or a word of anybody.

What a process does is counted as it happens; what stands in Postgres and Redis is read for a scrape (`levels.py`).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from chatserver.adapters.levels import Levels
from chatserver.core.observer import AnswerOutcome

# When a counter began is known from the process's start; for each series of its own it would double them all.
disable_created_metrics()  # type: ignore[no-untyped-call]

SHORT_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
WRITING_SECONDS = (0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 40.0, 90.0, 180.0)
WAIT_SECONDS = (5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0)
LAG_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


@dataclass(frozen=True, slots=True)
class Live:
    """What is asked of the running node at each scrape; each must answer at once."""

    connections: Callable[[], int]
    sessions_open: Callable[[], int]
    answers_running: Callable[[], int]
    sent_bytes: Callable[[], int]
    wire_is_up: Callable[[], bool]
    wire_dropped: Callable[[], int]
    budget_refusals: Callable[[], int]
    is_draining: Callable[[], bool]


class Standing(Protocol):
    async def read(self) -> Levels: ...


class Metrics:
    """The `Observer` of a node, and what `/metrics` answers."""

    def __init__(self, standing: Standing) -> None:
        self._standing = standing
        registry = self._registry = CollectorRegistry()
        self._requests = Counter(
            "ottobon_http_requests", "HTTP requests answered.", ["method", "route", "status"], registry=registry
        )
        self._request_seconds = Histogram(
            "ottobon_http_request_seconds", "Time to the end of an HTTP answer.", ["route"],
            buckets=SHORT_SECONDS, registry=registry,
        )  # fmt: skip
        self._closes = Counter(
            "ottobon_socket_closes", "WebSockets ended, by close code; 1006 where the client went without a word.",
            ["code"], registry=registry,
        )  # fmt: skip
        self._frames = Counter(
            "ottobon_frames_received", "Frames of clients that were understood, by type.", ["type"], registry=registry
        )
        self._refusals = Counter(
            "ottobon_refusals", "Frames answered with an error, by its code.", ["code"], registry=registry
        )
        self._first_text = Histogram(
            "ottobon_answer_first_text_seconds", "From the claim of an answer to its first text.",
            buckets=WRITING_SECONDS, registry=registry,
        )  # fmt: skip
        self._answer_seconds = Histogram(
            "ottobon_answer_seconds", "From the claim of an answer to its end.", ["outcome"],
            buckets=WRITING_SECONDS, registry=registry,
        )  # fmt: skip
        self._answers = Counter(
            "ottobon_answers", "Answers ended here: done, failed (with the code), cut, or void.", ["outcome", "code"],
            registry=registry,
        )  # fmt: skip
        self._tokens = Counter("ottobon_tokens", "Tokens that answers used, by kind.", ["kind"], registry=registry)
        self._usd = Counter("ottobon_answer_cost_usd", "What answers cost, in US dollars.", registry=registry)
        self._takeovers = Counter("ottobon_takeovers", "Sessions taken over by a person.", registry=registry)
        self._person_seconds = Histogram(
            "ottobon_person_wait_seconds", "From asking for a person to the takeover.",
            buckets=WAIT_SECONDS, registry=registry,
        )  # fmt: skip
        self._behind = Counter(
            "ottobon_behind", "Position checks that found a connection behind the log.", registry=registry
        )
        self._lag = Histogram(
            "ottobon_wire_lag_seconds", "From publishing to receiving, of this node's own probes.",
            buckets=LAG_SECONDS, registry=registry,
        )  # fmt: skip
        self._lost = Counter("ottobon_wire_probes_lost", "Probes that did not come back.", registry=registry)
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)

    def watch(self, live: Live) -> None:
        """From now on the node's own state is part of an answer."""
        self._registry.register(_OfNode(live))

    async def exposition(self) -> bytes:
        """The text of a scrape. Neither hangs nor fails because Postgres or Redis is away: it says so."""
        levels = await self._standing.read()
        return generate_latest(self._registry) + generate_latest(_Once(_families(levels)))

    # Observer

    def answer_showed(self, seconds: float) -> None:
        self._first_text.observe(seconds)

    def answer_ended(self, outcome: AnswerOutcome, seconds: float, code: str = "") -> None:
        self._answer_seconds.labels(outcome).observe(seconds)
        self._answers.labels(outcome, code).inc()

    def answer_cost(self, tokens: dict[str, int], usd: float) -> None:
        for kind, count in tokens.items():
            self._tokens.labels(kind).inc(count)
        self._usd.inc(usd)

    def was_taken_over(self, waited_seconds: float | None) -> None:
        self._takeovers.inc()
        if waited_seconds is not None:
            self._person_seconds.observe(waited_seconds)

    def was_behind(self) -> None:
        self._behind.inc()

    def wire_carried(self, seconds: float) -> None:
        self._lag.observe(seconds)

    def wire_lost(self) -> None:
        self._lost.inc()

    def request_ended(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, str(status)).inc()
        self._request_seconds.labels(route).observe(seconds)

    def socket_ended(self, code: int) -> None:
        self._closes.labels(str(code)).inc()

    def frame_came(self, type: str) -> None:
        self._frames.labels(type).inc()

    def refused(self, code: str) -> None:
        self._refusals.labels(code).inc()


class _OfNode(Collector):
    def __init__(self, live: Live) -> None:
        self._live = live

    def collect(self) -> Iterator[Metric]:
        live = self._live
        yield _gauge("ottobon_connections", "WebSockets after their hello.", live.connections())
        yield _gauge("ottobon_sessions_open", "Sessions that somebody here looks at.", live.sessions_open())
        yield _gauge("ottobon_answers_running", "Answers that this process writes just now.", live.answers_running())
        yield _gauge("ottobon_wire_up", "Whether this node hears what others publish.", live.wire_is_up())
        yield _gauge("ottobon_draining", "Whether this node is on its way out.", live.is_draining())
        for name, told, value in (
            ("ottobon_sent_bytes", "Bytes written to WebSockets.", live.sent_bytes()),
            ("ottobon_wire_dropped", "Entries for the wire that Redis did not take.", live.wire_dropped()),
            ("ottobon_budget_refusals", "Answers that a budget sent to the offline assistant.", live.budget_refusals()),
        ):
            counter = CounterMetricFamily(name, told)
            counter.add_metric((), value)
            yield counter


class _Once(CollectorRegistry):
    """What was read for one scrape, beside what is counted."""

    def __init__(self, families: list[Metric]) -> None:
        super().__init__()
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families


def _gauge(name: str, told: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, told, value=float(value))


def _labelled(name: str, told: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, told, labels=[label])
    for one, value in values.items():
        family.add_metric((one,), value)
    return family


def _families(levels: Levels) -> list[Metric]:
    """What is not known has no sample: an old figure would lie, and a nought too."""
    stored, queued = levels.stored, levels.queued
    families: list[Metric] = [
        _gauge("ottobon_database_up", "Whether Postgres answered for this scrape.", stored is not None),
        _gauge("ottobon_redis_up", "Whether Redis answered for this scrape.", queued is not None),
    ]
    if stored is not None:
        spend = GaugeMetricFamily(
            "ottobon_spend_today_usd", "Money of this UTC day: settled, or reserved and not settled.",
            labels=["purpose", "state"],
        )  # fmt: skip
        for purpose, settled, reserved in stored.spend:
            spend.add_metric((purpose, "settled"), settled)
            spend.add_metric((purpose, "reserved"), reserved)
        families += [
            _labelled("ottobon_sessions", "Sessions touched within a day, by status.", "status", stored.sessions),
            _gauge("ottobon_waiting", "Seekers who asked for a person and have none yet.", stored.waiting),
            _gauge("ottobon_waiting_oldest_seconds", "How long the first of them waits.", stored.waiting_seconds),
            _gauge("ottobon_answers_claimed", "Running answers of all nodes.", stored.answers),
            _gauge("ottobon_answers_abandoned", "Of them, those that nobody goes on with.", stored.abandoned),
            _gauge("ottobon_logs_behind", "Sessions whose conversation_log is late by 10 s.", stored.logs_behind),
            _labelled("ottobon_jobs_unfinished", "Jobs processing or failed.", "status", stored.jobs),
            _gauge("ottobon_posted_job_oldest_seconds", "Age of the oldest posted job that is still processing.",
                   stored.posted_seconds),
            _labelled("ottobon_ingestion_last_good_timestamp_seconds", "End of the last good run of each source.",
                      "source", stored.ingested),
            spend,
            _gauge("ottobon_clock_ahead_seconds", "This machine's clock before the database's.", stored.clock_ahead),
            _labelled("ottobon_budget_today_usd", "The limits of a day.", "purpose", levels.budgets),
        ]  # fmt: skip
    if queued is not None:
        families += [
            _labelled("ottobon_queue_depth", "Jobs of the workers that wait, by queue.", "queue", queued.depth),
            _labelled("ottobon_queue_due_oldest_seconds", "How long the oldest is due.", "queue", queued.oldest),
            _labelled("ottobon_worker_up", "Whether a worker of the queue said a word in 30 s.", "queue", queued.alive),
        ]
    return families
