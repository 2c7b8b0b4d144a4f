"""A seeker's resume in its row of `users`."""

from uuid import UUID

import asyncpg

from chatserver.adapters.pinned import keep_pinned
from chatserver.adapters.postgres import acquired, answering
from chatserver.core.errors import account_gone
from chatserver.core.ports import StoredResume, Vector


class PostgresResumes:
    """Raises `Unavailable` while the database does not answer."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def get(self, user: UUID) -> StoredResume | None:
        async with answering():
            row = await self._pool.fetchrow(
                """
                select resume_text, resume_file_name, resume_file_url, embedding_model
                from public.users where id = $1
                """,
                user,
            )
        if row is None or not row["resume_text"]:
            return None
        return StoredResume(row["resume_text"], row["resume_file_name"], row["resume_file_url"], row["embedding_model"])

    async def put(self, user: UUID, resume: StoredResume, embedding: Vector | None) -> str | None:
        """Replaces the resume in one transaction; returns the path of the file that was there before.

        Raises `Refused` (`not_found`) where the user is gone (nobody would ever delete the file), and `Repinned`.
        """
        return await self._replace(
            user, resume.text, resume.file_name, resume.file, embedding, resume.embedding_model
        )  # fmt: skip

    async def embed(self, user: UUID, text: str, model: str, embedding: Vector) -> None:
        """Gives the resume a vector where it still is this text and has none. Raises `Repinned`."""
        async with answering(), self._pool.acquire() as connection, connection.transaction():
            done = await connection.execute(
                "update public.users set resume_embedding = $4, embedding_model = $3"
                " where id = $1 and resume_text = $2 and embedding_model is null", user, text, model, embedding,
            )  # fmt: skip
            if done != "UPDATE 0":
                await keep_pinned(connection, model)

    async def drop_file(self, user: UUID, path: str) -> None:
        """Forgets where the file was, unless it is another one by now."""
        async with answering():
            await self._pool.execute(
                "update public.users set resume_file_url = null where id = $1 and resume_file_url = $2", user, path
            )

    async def delete(self, user: UUID) -> str | None:
        """Takes all of the resume out of the row; returns the path of its file."""
        return await self._replace(user, None, None, None, None, None)

    async def _replace(self, user: UUID, *values: object) -> str | None:
        async with acquired(self._pool) as connection, connection.transaction():
            row = await connection.fetchrow(
                """
                with old as (select id, resume_file_url from public.users where id = $1 for update),
                gone as (delete from public.next_embeddings where user_id = $1)
                update public.users u set resume_text = $2, resume_file_name = $3, resume_file_url = $4,
                  resume_embedding = $5, embedding_model = $6
                from old where u.id = old.id returning old.resume_file_url
                """,
                user, *values,
            )  # fmt: skip
            if row is not None and values[-1] is not None:
                await keep_pinned(connection, str(values[-1]))
        if row is None:
            raise account_gone()
        before: str | None = row["resume_file_url"]
        return before
