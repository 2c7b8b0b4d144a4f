"""Who may do what; the only place that says so."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

Role = Literal["seeker", "provider", "admin"]


@dataclass(frozen=True, slots=True)
class User:
    """A row of `users` as far as authority goes; the role comes from here, never from a token."""

    id: UUID
    email: str
    role: Role
    full_name: str | None = None
    deactivated: bool = False

    @property
    def name(self) -> str:
        """What others see: the full name, or the part of the address before the @."""
        return self.full_name or self.email.partition("@")[0]


def may_see_session(user: User, owner: UUID | None) -> bool:
    return user.role == "admin" or (user.role == "seeker" and user.id == owner)


def may_manage_job(user: User, provider: UUID | None) -> bool:
    return user.role == "admin" or (user.role == "provider" and user.id == provider)


def may_publish_jobs(user: User) -> bool:
    return user.role in ("provider", "admin")
