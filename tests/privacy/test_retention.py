"""What is older than it may get goes, a batch at a time, and what is used stays."""

import asyncio
from pathlib import Path
from time import monotonic
from uuid import UUID, uuid4

import asyncpg
import pytest

from chatserver import retention
from chatserver.adapters.cron_locks import CronLocks
from chatserver.adapters.retention import PostgresAged
from chatserver.adapters.storage import FolderStorage
from chatserver.adapters.users import UserStore
from chatserver.core.access import User
from chatserver.core.ports import Unavailable
from chatserver.retention import BATCH, SWEEP_SECONDS, Retention, Swept
from tests.adapters.people import person
from tests.town import Town
from tests.until import until
from workers.retention import Retaining, retain

DAYS = 30


async def ages(database: asyncpg.Pool, days: int = DAYS + 1) -> None:
    """Everything that is there now happened so many days earlier."""
    for table, column in (
        ("users", "seen_at"), ("users", "created_at"), ("chat_sessions", "updated_at"), ("chat_sessions", "created_at"),
        ("chat_sessions", "admin_lease_until"),
        ("chat_messages", "created_at"), ("chat_answers", "created_at"), ("audit_log", "created_at"),
    ):  # fmt: skip
        await database.execute(f"update {table} set {column} = {column} - make_interval(days => $1)", days)
    await database.execute(
        "update chat_sessions set admin_lease_until = admin_lease_until - make_interval(days => $1)", days
    )


async def conversation(database: asyncpg.Pool, user: User, *contents: str) -> UUID:
    session = uuid4()
    await database.execute("insert into chat_sessions (id, user_id) values ($1, $2)", session, user.id)
    for content in contents:
        await says(database, session, content)
    return session


async def says(database: asyncpg.Pool, session: UUID, content: str) -> None:
    await database.execute(
        "with s as (update chat_sessions set seq = seq + 1, updated_at = clock_timestamp() where id = $1 returning seq)"
        " insert into chat_messages (session_id, seq, id, turn, kind, role, content)"
        " select $1, seq, gen_random_uuid(), 0, 'message', 'user', $2 from s", session, content,
    )  # fmt: skip
    await database.execute("select chat_flush(array[$1]::uuid[])", session)


async def left(database: asyncpg.Pool, session: UUID) -> tuple[list[str], list[str]]:
    """The contents of the log, and those of the array that other readers see."""
    rows = await database.fetch("select content from chat_messages where session_id = $1 order by seq", session)
    array = await database.fetchval("select conversation_log from chat_sessions where id = $1", session)
    return [row["content"] for row in rows], [entry["content"] for entry in array]


def sweeper(database: asyncpg.Pool, folder: Path) -> Retention:
    return Retention(PostgresAged(database), FolderStorage(folder), DAYS, monotonic)


async def test_idle_conversations_go_and_used_ones_keep_what_is_recent(database: asyncpg.Pool, tmp_path: Path) -> None:
    asha = await person(database)
    idle = await conversation(database, asha, "long ago")
    used = await conversation(database, asha, "long ago", "also long ago")
    await ages(database)
    await says(database, used, "today")
    young = await conversation(database, asha, "today")
    await UserStore(database).see(asha.id, asha.email, None)
    swept = await sweeper(database, tmp_path).sweep()
    assert swept == Swept(sessions=1, trimmed=1)
    assert await database.fetchval("select count(*) from chat_sessions where id = $1", idle) == 0
    assert await left(database, used) == (["today"], ["today"])
    assert await left(database, young) == (["today"], ["today"])
    # The log goes on where it stood, and nobody takes the shortened array for another writer's.
    await says(database, used, "tomorrow")
    assert await left(database, used) == (["today", "tomorrow"], ["today", "tomorrow"])
    assert await sweeper(database, tmp_path).sweep() == Swept()


async def test_what_another_writer_left_is_as_old_as_it_says(database: asyncpg.Pool, tmp_path: Path) -> None:
    asha = await person(database)
    used = await conversation(database, asha, "mine")
    await database.execute("update chat_sessions set created_at = now() - interval '90 days' where id = $1", used)
    await database.execute(
        "update chat_sessions set conversation_log = $2::jsonb || conversation_log where id = $1", used,
        [{"role": "user", "content": "theirs, old", "timestamp": "2020-01-01T00:00:00Z", "x": 1}],
    )  # fmt: skip
    await database.execute("select chat_flush(array[$1]::uuid[])", used)
    await sweeper(database, tmp_path).sweep()
    assert await left(database, used) == (["mine"], ["mine"])


async def test_a_conversation_that_somebody_holds_or_answers_stays(town: Town, tmp_path: Path) -> None:
    node = await town.node()
    held, answered = [town.device(await town.person("seeker", name), node) for name in ("Asha", "Ben")]
    esha = town.device(await town.person("admin", "Esha"), node)
    sessions = [await held.joins(), await answered.joins()]
    await esha.joins(sessions[0])
    await esha.sends("take_over", session=str(sessions[0]))
    node.assistant.free.clear()
    await answered.sends("post", session=str(sessions[1]), id=str(uuid4()), content="Which?")
    await town.database.execute("update chat_sessions set updated_at = now() - interval '90 days'")
    assert (await sweeper(town.database, tmp_path).sweep()).sessions == 0
    node.assistant.free.set()
    await town.settles(sessions[1])
    await ages(town.database)
    assert (await sweeper(town.database, tmp_path).sweep()).sessions == 2


async def test_who_does_not_come_back_is_forgotten_with_their_file(database: asyncpg.Pool, tmp_path: Path) -> None:
    files = FolderStorage(tmp_path)
    gone, back, provider, out = [await person(database, role) for role in ("seeker", "seeker", "provider", "seeker")]
    for user in (gone, back, out):
        path = await files.put(user.id, b"resume")
        await database.execute(
            "update users set resume_text = 'resume', resume_file_url = $2 where id = $1", user.id, path
        )
    await database.execute("update users set deactivated_at = now() where id = $1", out.id)
    await conversation(database, gone, "hello")
    await ages(database)
    await UserStore(database).see(back.id, back.email, None)
    swept = await sweeper(database, tmp_path).sweep()
    assert (swept.resumes, swept.sessions, swept.accounts) == (2, 1, 1)
    rows = await database.fetch(
        "select id, resume_text from users where id = any ($1)", [gone.id, back.id, provider.id, out.id]
    )
    assert {row["id"]: row["resume_text"] for row in rows} == {back.id: "resume", provider.id: None, out.id: None}
    assert [path.parent.name for path in tmp_path.rglob("*") if path.is_file()] == [str(back.id)]
    entry = await database.fetchrow("select * from audit_log where subject_id = $1", gone.id)
    assert (entry["action"], entry["actor_id"], entry["detail"]) == ("user_erased", None, {"reason": "retention"})


async def test_a_file_that_cannot_be_deleted_holds_up_nobody_else(database: asyncpg.Pool, tmp_path: Path) -> None:
    class Stubborn(FolderStorage):
        async def delete(self, path: str) -> None:
            if path == "stuck":
                raise Unavailable("The folder cannot be written.")

    users = [await person(database) for _ in range(3)]
    for user, path in zip(sorted(users, key=lambda one: one.id), ("stuck", "free", "free too"), strict=True):
        await database.execute(
            "update users set resume_text = 'resume', resume_file_url = $2 where id = $1", user.id, path
        )
    await ages(database)
    swept = await Retention(PostgresAged(database), Stubborn(tmp_path), DAYS, monotonic).sweep()
    assert (swept.resumes, swept.accounts) == (2, 2)
    assert await database.fetchval("select count(*) from users where resume_file_url = 'stuck'") == 1


async def test_money_is_kept_as_a_sum_and_the_trail_for_a_year_at_least(database: asyncpg.Pool, tmp_path: Path) -> None:
    for user, usd in ((uuid4(), 1), (uuid4(), 2), (None, 4)):
        await database.execute(
            "insert into spend (day, user_id, purpose, settled_usd, calls)"
            " values (current_date - 60, $1, 'answers', $2, 1)", user, usd,
        )  # fmt: skip
    await database.execute("insert into spend (day, user_id, purpose) values (current_date, $1, 'answers')", uuid4())
    await database.execute(
        "insert into audit_log (created_at, action) values (now() - interval '360 days', 'resume_read'),"
        " (now() - interval '370 days', 'resume_read')"
    )
    swept = await sweeper(database, tmp_path).sweep()
    assert (swept.spend, swept.trail) == (2, 1)
    rows = await database.fetch("select user_id, settled_usd, calls from spend order by day")
    assert (rows[0]["user_id"], int(rows[0]["settled_usd"]), rows[0]["calls"]) == (None, 7, 3)
    assert len(rows) == 2


async def filled(database: asyncpg.Pool, many: int) -> None:
    asha = await person(database)
    await database.execute("insert into chat_sessions (user_id) select $1 from generate_series(1, $2)", asha.id, many)
    await ages(database)


class Interrupted(PostgresAged):
    """A worker that is killed after its first batch."""

    async def trim_used_sessions(self, days: int, most: int) -> int:
        raise AssertionError("the second batch came first")

    async def erase_idle_sessions(self, days: int, most: int) -> int:
        if await self._pool.fetchval("select count(*) from chat_sessions") <= 2 * BATCH:
            raise asyncio.CancelledError
        return await super().erase_idle_sessions(days, most)


async def test_a_sweep_that_was_killed_is_gone_on_with(database: asyncpg.Pool, tmp_path: Path) -> None:
    await filled(database, 2 * BATCH + 5)
    with pytest.raises(asyncio.CancelledError):
        await Retention(Interrupted(database), FolderStorage(tmp_path), DAYS, monotonic).sweep()
    assert await database.fetchval("select count(*) from chat_sessions") == BATCH + 5
    swept = await sweeper(database, tmp_path).sweep()
    assert (swept.sessions, swept.accounts) == (BATCH + 5, 1)


async def test_two_workers_at_once_do_it_once(
    database: asyncpg.Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(database, 3 * BATCH)
    done: list[Swept] = []
    workers: list[asyncio.Task[None]] = []
    sweep = Retention.sweep

    async def slowly(self: Retention) -> Swept:
        await until(lambda: any(worker.done() for worker in workers))
        done.append(await sweep(self))
        return done[-1]

    monkeypatch.setattr(Retention, "sweep", slowly)
    for n in range(2):
        retaining = Retaining(CronLocks(database, f"worker {n}"), sweeper(database, tmp_path))
        workers.append(asyncio.create_task(retain({"retaining": retaining})))
    await asyncio.gather(*workers)
    assert [one.sessions for one in done] == [3 * BATCH], "the other saw that somebody is at it"
    # And without the lock none takes what the other has.
    await filled(database, 3 * BATCH)
    both = await asyncio.gather(*(sweep(sweeper(database, tmp_path)) for _ in range(2)))
    assert sum(one.sessions for one in both) == 3 * BATCH


async def test_a_sweep_ends_in_time_and_leaves_the_rest(database: asyncpg.Pool, tmp_path: Path) -> None:
    await filled(database, 2 * BATCH)
    now = iter(float(n) * SWEEP_SECONDS / 2.5 for n in range(99))
    swept = await Retention(PostgresAged(database), FolderStorage(tmp_path), DAYS, lambda: next(now)).sweep()
    assert swept.sessions == BATCH
    assert retention.SWEEP_SECONDS < 120, "shorter than a worker's job may take"
