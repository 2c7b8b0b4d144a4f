"""Made-up people for tests that need rows in `users`."""

from uuid import uuid4

import asyncpg

from chatserver.core.access import Role, User


async def person(database: asyncpg.Pool, role: Role = "seeker", name: str = "Asha Rao") -> User:
    user = User(uuid4(), f"{uuid4().hex[:10]}@example.com", role, name)
    await database.execute(
        "insert into public.users (id, email, role, full_name) values ($1, $2, $3, $4)",
        user.id, user.email, user.role, user.full_name,
    )  # fmt: skip
    return user
