"""A backup as docs/operations.md says to make one, restored into another database: equal, and of use."""

import asyncio
import os
import re
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg

from chatserver.adapters.embedded import binaries
from chatserver.adapters.migrate import check
from tests.conftest import MIGRATIONS
from tests.load.house import a_client
from tests.load.town import a_node

OPERATIONS = (Path(__file__).parent.parent / "docs" / "operations.md").read_text()
JOBS = 300

_TABLES = """
select format('%I.%I', schemaname, tablename) from pg_tables where schemaname in ('public', 'private') order by 1
"""
_FILL = f"""
insert into embedding_models (model) values ('all-MiniLM-L6-v2');
insert into jobs (id, title, description_raw, status, embedding, embedding_model)
select gen_random_uuid(), 'Analyst ' || n, 'Ledgers, “quotes”, \\ and 日本 ' || n, 'active',
       (select array_agg(sin(n * 7 + d) / 14)::vector(384) from generate_series(1, 384) d), 'all-MiniLM-L6-v2'
  from generate_series(1, {JOBS}) n;
"""


def told(command: str) -> list[str]:
    """The command as the page has it."""
    line = re.search(rf"^    ({command} .*)$", OPERATIONS, re.MULTILINE)
    assert line is not None, f"docs/operations.md has no {command}"
    return line.group(1).split()


async def run(words: list[str], **values: str) -> None:
    program, *arguments = [re.sub(r"\$(\w+)", lambda name: values[name.group(1)], word) for word in words]
    process = await asyncio.create_subprocess_exec(
        str(binaries() / program), *arguments, env={"PATH": os.environ["PATH"]},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()


async def everything(pool: asyncpg.Pool) -> dict[str, tuple[int, str]]:
    found = {}
    for (table,) in await pool.fetch(_TABLES):
        found[table] = tuple(await pool.fetchrow(
            f"select count(*), coalesce(md5(string_agg(t::text, E'\\n' order by t::text)), '') from {table} t"
        ))  # fmt: skip
    return found


async def nearest(pool: asyncpg.Pool) -> list[tuple[str, float]]:
    rows = await pool.fetch(
        "select j.title, m.similarity from jobs o, match_jobs(o.embedding, 5) m join jobs j on j.id = m.id"
        " where o.title = 'Analyst 7' order by m.similarity desc, j.title"
    )
    return [(row["title"], row["similarity"]) for row in rows]


async def test_what_was_backed_up_is_restored(
    database: asyncpg.Pool, database_url: str, empty_database_url: str, redis_url: str, tmp_path: Path
) -> None:
    await database.execute(_FILL)
    async with a_node(database_url, redis_url) as served:
        assert served.node.issuer is not None
        asha = await served.node.users.by_email("asha@example.com", uuid4())
        async with a_client(served.url) as phone:
            await phone.says("hello", token=served.node.issuer.issue(asha.email, asha.id), ref="h")
            await phone.says("join", ref="j")
            session = (await phone.hears_back("j"))["session"]["id"]
            for _ in range(2):
                await phone.says("post", session=session, id=str(uuid4()), content="Which ledger is it?", ref="p")
                await phone.hears_back("p")
                while (await phone.hears_of("message"))["role"] != "assistant":
                    pass
    before = await everything(database)
    assert before["public.jobs"][0] == JOBS
    assert before["public.chat_messages"][0] >= 5

    backup = tmp_path / "backup"
    backup.mkdir()
    await run(told("pg_dump"), DATABASE_URL=database_url, BACKUP=str(backup / "all"))
    await run(told("pg_restore"), RESTORED_URL=empty_database_url, BACKUP=str(backup / "all"))

    restored = await asyncpg.create_pool(empty_database_url, min_size=1, max_size=2)
    assert await everything(restored) == before, "every row of every table"
    assert await nearest(restored) == await nearest(database)
    assert await check(empty_database_url, MIGRATIONS) == [], "indexes, policies, grants and functions too"
    assert urlsplit(empty_database_url).path != urlsplit(database_url).path

    async with a_node(empty_database_url, redis_url) as served:
        assert served.node.issuer is not None
        async with a_client(served.url) as phone:
            await phone.says("hello", token=served.node.issuer.issue(asha.email, asha.id), ref="h")
            await phone.says("join", session=session, ref="j")
            joined = await phone.hears_back("j")
            assert len(joined["events"]) == joined["seq"] == before["public.chat_messages"][0]
            await phone.says("post", session=session, id=str(uuid4()), content="And now?", ref="p")
            assert (await phone.hears_back("p"))["seq"] == joined["seq"] + 1
            while (await phone.hears_of("message"))["role"] != "assistant":
                pass
    log = "select jsonb_array_length(conversation_log) from chat_sessions where id = $1"
    assert await restored.fetchval(log, session) == before["public.chat_messages"][0] + 2
    await restored.close()
