"""Every metric is seen to move by what it is there for: real faults, and real work. `MOVES` says what shows which."""

import asyncio
import re
import time
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest

from chatserver import answers, hub, wire_probe
from chatserver import node as own_node
from chatserver.adapters import levels
from chatserver.core.gazetteer import Gazetteer
from tests.model_server import ErrorsMidway, ModelServer, Says, Stalls
from tests.town import Town
from tests.until import until
from tests.web.watched import asks, watched

MOVES = {
    "test_a_wire_that_falls_silent_is_counted": {
        "behind_total", "wire_probes_lost_total", "wire_dropped_total",
    },
    "test_what_nobody_goes_on_with_is_counted_until_somebody_can": {
        "answers_abandoned", "answers_claimed", "logs_behind",
    },
    "test_an_answer_is_counted_with_its_end_and_its_price": {
        "answers_running", "answers_total", "answer_seconds", "answer_first_text_seconds", "tokens_total",
        "answer_cost_usd_total", "spend_today_usd", "budget_refusals_total", "budget_today_usd",
    },
    "test_work_that_waits_for_a_worker_is_counted": {
        "queue_depth", "queue_due_oldest_seconds", "jobs_unfinished", "posted_job_oldest_seconds",
        "ingestion_last_good_timestamp_seconds", "waiting", "waiting_oldest_seconds", "draining", "clock_ahead_seconds",
    },
    "test_a_conversation_is_counted_and_nobody_is_named": {
        "connections", "sessions_open", "socket_closes_total", "frames_received_total", "sent_bytes_total",
        "refusals_total", "http_requests_total", "http_request_seconds", "takeovers_total", "person_wait_seconds",
        "wire_lag_seconds", "sessions",
    },
    "test_an_operator_is_told_what_is_away_and_waits_for_nothing": {"wire_up", "database_up", "redis_up"},
    "test_a_whole_day_behind_a_pooler": {"worker_up"},
}  # fmt: skip


class Ahead:
    """The time of a machine whose clock is an hour before everybody else's."""

    monotonic = staticmethod(time.monotonic)

    @staticmethod
    def time() -> float:
        return time.time() + 3_600


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch, gazetteer: Gazetteer) -> None:
    monkeypatch.setattr(own_node, "load_gazetteer", lambda: gazetteer)
    monkeypatch.setattr(levels, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(hub, "POSITION_SECONDS", 0.05)
    monkeypatch.setattr(hub, "POSITION_SECONDS_WITHOUT_WIRE", 0.05)
    monkeypatch.setattr(wire_probe, "PROBE_SECONDS", 0.05)


async def test_a_wire_that_falls_silent_is_counted(
    database_url: str, redis_url: str, as_shipped: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watched(database_url, redis_url) as operator, operator.person("seeker") as seeker:
        joined = await asks(seeker, "join")
        before = await operator.scrape()
        names = ("behind_total", "wire_probes_lost_total", "wire_dropped_total")
        assert [before[f"ottobon_{name}"] for name in names] == [0, 0, 0]
        # Nothing is cut: the network takes what is published, and brings it nowhere.
        operator.redis.open.clear()
        monkeypatch.setattr(wire_probe, "LOST_SECONDS", 0.05)
        await asks(seeker, "post", session=joined["session"]["id"], id=str(uuid4()), content="Am I heard?")
        await operator.shows(behind_total=1, wire_probes_lost_total=1)
        operator.redis.cut()
        await operator.shows(wire_dropped_total=1)


async def test_what_nobody_goes_on_with_is_counted_until_somebody_can(
    database: asyncpg.Pool, database_url: str, redis_url: str, town: Town
) -> None:
    """The node that wrote is dead; the session's row is held by somebody who hangs, and its log cannot be written."""
    writer = await town.node()
    writer.assistant.holds_after = 3
    asha = town.device(await town.person("seeker", "Asha"), writer)
    session = await asha.joins()
    await database.execute(
        "create function pg_temp_refuses() returns trigger language plpgsql as $$ begin raise 'no'; end $$"
    )
    await database.execute(
        "create trigger refuses before update of logged_seq on chat_sessions for each row"
        " when (new.logged_seq > old.logged_seq) execute function pg_temp_refuses()"
    )
    await asha.sends("post", session=str(session), id=str(uuid4()), content="Which one?")
    await until(lambda: asha.screen.partial is not None)
    await writer.dies()
    # However long it takes from here to the first look.
    await database.execute("update chat_sessions set updated_at = now() + interval '1 hour'")
    async with database.acquire() as hanging, hanging.transaction():
        await hanging.execute("select from chat_sessions where id = $1 for update", session)
        async with watched(database_url, redis_url) as operator:
            found = await operator.shows(answers_claimed=1)
            assert (found["ottobon_answers_abandoned"], found["ottobon_logs_behind"]) == (0, 0), "not yet"
            # In place of ten seconds: the database's clock decides, so its rows are set back.
            await database.execute("update chat_answers set lease_until = now() - interval '11 seconds'")
            await hanging.execute(
                "update chat_sessions set updated_at = now() - interval '11 seconds' where id = $1", session
            )
            await operator.shows(answers_abandoned=1)
    async with watched(database_url, redis_url) as operator:
        await operator.shows(logs_behind=1)
        await database.execute("drop trigger refuses on chat_sessions")

        async def is_well() -> bool:
            found = await operator.scrape()
            return found["ottobon_answers_abandoned"] == found["ottobon_logs_behind"] == 0

        await until(is_well)


async def test_an_answer_is_counted_with_its_end_and_its_price(database_url: str, redis_url: str) -> None:
    async with (
        ModelServer() as model,
        watched(
            database_url, redis_url, ANTHROPIC_API_KEY="k", ANTHROPIC_BASE_URL=model.url) as operator,
        operator.person("seeker") as seeker,
    ):  # fmt: skip
        session = (await asks(seeker, "join"))["session"]["id"]
        usage = {"input_tokens": 1_000, "output_tokens": 100}
        held = Says(text="one two three four", hold_after=2, usage=usage)
        model.plays(held, ErrorsMidway(text="one two"), Stalls(text="five six "))

        async def is_over() -> bool:
            return (await operator.scrape())["ottobon_answers_running"] == 0

        for kind in ("done", "failed", "cut"):
            await asks(seeker, "post", session=session, id=str(uuid4()), content="Which one?")
            if kind != "failed":
                await seeker.sees_text()
                await operator.shows(answers_running=1, answers_claimed=1)
            if kind == "done":
                model.release()
            if kind == "cut":
                turn = seeker.frames[-1]["turn"]
                await asks(seeker, "stop", session=session, turn=turn)
            await until(is_over)
        found = await operator.scrape()
        ended = {name: value for name, value in found.items() if name.startswith("ottobon_answers_total{") and value}
        assert ended == {
            'ottobon_answers_total{code="",outcome="done"}': 1,
            'ottobon_answers_total{code="overloaded",outcome="failed"}': 1,
            'ottobon_answers_total{code="",outcome="cut"}': 1,
        }  # fmt: skip
        assert found['ottobon_answer_seconds_count{outcome="failed"}'] == 1
        assert found["ottobon_answer_first_text_seconds_count"] == 3
        assert found['ottobon_tokens_total{kind="output"}'] >= 100
        assert found["ottobon_answer_cost_usd_total"] > 0
        assert found['ottobon_spend_today_usd{purpose="answers",state="settled"}'] > 0
        assert found["ottobon_budget_refusals_total"] == 0
        assert found['ottobon_budget_today_usd{purpose="answers"}'] == 20
        # One answer that costs more than a seeker may in a day: the next is the offline assistant's.
        model.plays(Says(text="five six", usage={"input_tokens": 1_000, "output_tokens": 200_000}))
        await asks(seeker, "post", session=session, id=str(uuid4()), content="And this one?")
        await until(is_over)
        await asks(seeker, "post", session=session, id=str(uuid4()), content="And that one?")
        await operator.shows(budget_refusals_total=1)


async def test_an_answer_whose_turn_was_over_unheard_is_void_and_is_counted(
    database: asyncpg.Pool, database_url: str, redis_url: str, town: Town, as_shipped: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """An admin took over on another node, and nothing told the one that writes: neither the wire nor its lease."""
    monkeypatch.setattr(answers, "LEASE_RENEW_SECONDS", 60.0)
    async with (
        ModelServer() as model,
        watched(database_url, redis_url, ANTHROPIC_API_KEY="k", ANTHROPIC_BASE_URL=model.url) as operator,
        operator.person("seeker") as seeker,
    ):
        dora = town.device(await town.person("admin", "Dora"), await town.node())
        session = (await asks(seeker, "join"))["session"]["id"]
        model.plays(Says(text="one two three four", hold_after=2))
        await asks(seeker, "post", session=session, id=str(uuid4()), content="Which one?")
        await seeker.hears_of("delta")
        operator.redis.open.clear()
        await dora.sends("take_over", session=session)
        model.release()
        found = await operator.shows(**{'answers_total{code="",outcome="void"}': 1})
        ended = {name: value for name, value in found.items() if name.startswith("ottobon_answers_total{") and value}
        assert ended == {'ottobon_answers_total{code="",outcome="void"}': 1}
        assert found['ottobon_answer_seconds_count{outcome="void"}'] == 1
        assert found["ottobon_answer_cost_usd_total"] > 0, "it was paid for all the same"
        whole = await database.fetchval(
            "select count(*) from chat_messages where session_id = $1 and content like '%four'", UUID(session)
        )
        assert whole == 0


async def test_work_that_waits_for_a_worker_is_counted(
    database: asyncpg.Pool, database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watched(database_url, redis_url) as operator, operator.person("seeker") as seeker:
        provider = {"Authorization": f"Bearer {await operator.token('provider')}"}
        job = {"title": "Analyst", "description_raw": "Reads figures and writes about them. " * 10}
        assert (await operator.client.post("/api/jobs", json=job, headers=provider)).status_code == 201
        session = (await asks(seeker, "join"))["session"]["id"]
        await asks(seeker, "ask_human", session=session)
        await database.execute(
            "insert into scraping_logs (source_name, status, started_at, completed_at)"
            " values ('ey', 'completed', now(), now()), ('pwc', 'failed', now(), now())"
        )
        found = await operator.scrape()
        assert abs(found["ottobon_clock_ahead_seconds"]) < 60
        monkeypatch.setattr(levels, "time", Ahead)
        assert 3_540 < (await operator.scrape())["ottobon_clock_ahead_seconds"] < 3_660
        assert found['ottobon_queue_depth{queue="waited_for"}'] == 1
        assert found['ottobon_queue_depth{queue="bulk"}'] == 0
        assert found['ottobon_jobs_unfinished{status="processing"}'] == 1
        assert found["ottobon_waiting"] == 1
        ages = ('queue_due_oldest_seconds{queue="waited_for"}', "posted_job_oldest_seconds", "waiting_oldest_seconds")
        for name in ages:
            assert 0 < found[f"ottobon_{name}"] < 60
        assert [name for name in found if "ingestion" in name] == [
            'ottobon_ingestion_last_good_timestamp_seconds{source="ey"}'
        ], "a run that failed is none that was good"
        assert found["ottobon_draining"] == 0
        leaving = asyncio.create_task(operator.node.leave())
        await operator.shows(draining=1)
        await leaving


def test_each_metric_is_seen_to_move_by_a_test_that_names_it() -> None:
    root = Path(__file__).parent.parent
    described = re.findall(r"^\| `ottobon_(\w+)` \|", (root.parent / "docs/operations.md").read_text(), re.MULTILINE)
    shown = [name for names in MOVES.values() for name in names]
    assert sorted(shown) == sorted(described)
    tests = [path.read_text() for path in (*root.glob("test_*.py"), *root.glob("web/test_*.py"))]
    for test, names in MOVES.items():
        (file,) = [text for text in tests if f"def {test}(" in text]
        for name in names:
            assert name.removesuffix("_total") in file, f"where {test} is, nothing speaks of {name}"
